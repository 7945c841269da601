package process_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/process"
)

var child = regexp.MustCompile(`child (\d+)\n`)

func TestAProgramEndsWithItsChildren(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := process.Start(t, dir, []string{"WORD=here"}, "sh", "-c", `echo "$WORD in $(pwd)"; sleep 60 & echo child $!; wait`)
	p.Await(t, "its child", func() bool { return child.MatchString(p.Log()) })
	pid, err := strconv.Atoi(child.FindStringSubmatch(p.Log())[1])
	require.NoError(t, err)
	begun := time.Now()
	p.Stop()
	p.Stop() // a second time is nothing
	assert.Less(t, time.Since(begun), 10*time.Second)
	assert.Contains(t, p.Log(), "here in "+dir)
	assert.Eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }, 5*time.Second, 10*time.Millisecond)
}

func TestWhatAnswersAndWhatListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/here" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	assert.True(t, process.Listens(address))
	assert.True(t, process.Answers(server.URL+"/here"))
	assert.False(t, process.Answers(server.URL+"/elsewhere"))
	assert.False(t, process.Listens("127.0.0.1:1"))
	assert.False(t, process.Answers("http://127.0.0.1:1/here"))
}

func TestAFreeAddressIsOfTheLoopbackInterface(t *testing.T) {
	t.Parallel()
	given := map[string]bool{}
	for range 100 {
		address, err := netip.ParseAddrPort(process.FreeAddr(t))
		require.NoError(t, err)
		assert.True(t, address.Addr().IsLoopback())
		assert.False(t, given[address.String()], "%s a second time", address)
		given[address.String()] = true
	}
}

func TestTheRootHoldsTheModules(t *testing.T) {
	t.Parallel()
	assert.FileExists(t, filepath.Join(process.Root(t), "go.mod"))
	assert.FileExists(t, filepath.Join(process.Root(t), "integration", "go.mod"))
	assert.Equal(t, filepath.Join(process.Root(t), "bin", "integration", "x"), process.Bin(t, "x"))
}
