package servers

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/process"
)

var programs struct {
	sync.Mutex
	paths map[string]string
	gone  map[string]error
}

// built returns the path of the program in the module integration/NAME, which is
// built at the first call. The error says why its sources cannot be had; where
// they are there and do not build, the test fails.
func built(t *testing.T, name string) (string, error) {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	if programs.paths == nil {
		programs.paths, programs.gone = map[string]string{}, map[string]error{}
	}
	path, done := programs.paths[name]
	if done {
		return path, programs.gone[name]
	}
	path = process.Bin(t, name)
	programs.paths[name] = path
	module := filepath.Join(process.Root(t), "integration", name)
	if out, err := goTool(t, module, "list", "-deps", "."); err != nil {
		require.NotRegexp(t, `go mod tidy|missing go\.sum entry|updates to go\.(mod|sum)|syntax error|is not in std`, out, "ours to repair")
		programs.gone[name] = &missingSources{firstLine(out)}
		return path, programs.gone[name]
	}
	out, err := goTool(t, module, "build", "-o", path, ".")
	require.NoError(t, err, out)
	return path, nil
}

type missingSources struct{ why string }

func (e *missingSources) Error() string { return "its sources cannot be had: " + e.why }

func goTool(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // G204: words of this file
	command.Dir = dir
	var errs strings.Builder
	command.Stderr = &errs
	_, err := command.Output()
	return errs.String(), err
}

// firstLine returns the first line that says something.
func firstLine(text string) string {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "go: downloading ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
