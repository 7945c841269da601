// Package api builds and starts the API under test: the program examples/orders or
// examples/mcp, as a user would run it.
package api

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/process"
)

// API is a running program of the examples. It is safe for concurrent use. Start makes
// it; the zero value is not usable.
type API struct {
	*process.Process

	// URL is where it listens, as http://127.0.0.1:PORT.
	URL string
}

var serving = regexp.MustCompile(`msg="serving (?:orders|mcp)" url=(\S+)`)

// Start starts the API on a free port with more flags, such as -issuer,
// -audience and -framework, waits until it listens, and ends it with the test.
// It is built once.
func Start(t *testing.T, flags ...string) *API {
	t.Helper()
	return StartAt(t, "127.0.0.1:0", flags...)
}

// StartAt is Start with the address to listen on.
func StartAt(t *testing.T, addr string, flags ...string) *API {
	t.Helper()
	return start(t, "orders", addr, flags)
}

// StartMCP is Start of examples/mcp.
func StartMCP(t *testing.T, flags ...string) *API {
	t.Helper()
	return start(t, "mcp", "127.0.0.1:0", flags)
}

func start(t *testing.T, name, addr string, flags []string) *API {
	t.Helper()
	program := build(t, name)
	a := &API{Process: process.Start(t, t.TempDir(), nil, program, append([]string{"-addr", addr}, flags...)...)}
	a.Await(t, "the API listens", func() bool {
		found := serving.FindStringSubmatch(a.Log())
		if found != nil {
			a.URL = found[1]
		}
		return found != nil
	})
	return a
}

var built struct {
	sync.Mutex
	paths map[string]string // by the name of the example
}

// build returns the path of the program, which is built at the first call.
func build(t *testing.T, name string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if path := built.paths[name]; path != "" {
		return path
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	path := process.Bin(t, name+"-for-"+filepath.Base(here))                          // each package of tests builds its own: they run at the same time
	command := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./"+name) //nolint:gosec // G204: a path of our own
	command.Dir = filepath.Join(process.Root(t), "examples")
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	if built.paths == nil {
		built.paths = map[string]string{}
	}
	built.paths[name] = path
	return path
}
