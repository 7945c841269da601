// Package process runs the programs that the tests need: on the loopback
// interface, until the test ends.
package process

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	patience = 60 * time.Second // for a program to answer
	grace    = 10 * time.Second // for a program to end after SIGTERM
)

// Process is a running program. It is safe for concurrent use. Start makes it;
// the zero value is not usable.
type Process struct {
	cmd   *exec.Cmd
	log   buffer
	ended chan struct{}
	err   error // after ended
}

// Start starts the program name and ends it with the test. Its standard output
// and error are shown if the test fails. It runs in dir, with env added to the
// environment of the test.
func Start(t *testing.T, dir string, env []string, name string, args ...string) *Process {
	t.Helper()
	p := &Process{cmd: exec.CommandContext(context.Background(), name, args...), ended: make(chan struct{})} //nolint:gosec // G204: the tests name the program
	p.cmd.Dir, p.cmd.Env = dir, append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its children end with it
	p.cmd.WaitDelay = time.Second
	require.NoError(t, p.cmd.Start())
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("%s %s wrote:\n%s", filepath.Base(name), strings.Join(args, " "), tail(p.Log()))
		}
	})
	return p
}

// tail returns the last lines of a log.
func tail(log string) string {
	const most = 8 << 10
	if len(log) > most {
		return "[...]" + log[len(log)-most:]
	}
	return log
}

// Stop asks the program to end by SIGTERM, and kills it with its children if it
// does not. Nothing happens where it has ended.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(grace):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// Log returns what the program wrote so far.
func (p *Process) Log() string { return p.log.String() }

// Await waits until ready reports true. It fails the test when the program ends
// before that, or when it takes too long; what names the condition.
func (p *Process) Await(t *testing.T, what string, ready func() bool) {
	t.Helper()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	late := time.After(patience)
	for !ready() {
		select {
		case <-p.ended:
			require.FailNow(t, what+": the program ended", "%v\n%s", p.err, tail(p.Log()))
		case <-late:
			require.FailNow(t, what+": it took too long", "%s", tail(p.Log()))
		case <-every.C:
		}
	}
}

// Answers reports whether a GET of url is answered by status 200.
func Answers(url string) bool {
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	return errors.Join(answer.Body.Close()) == nil && answer.StatusCode == http.StatusOK
}

// Listens reports whether something accepts connections at an address.
func Listens(addr string) bool {
	connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", addr)
	return err == nil && connection.Close() == nil
}

// FreeAddr returns an address of the loopback interface that was free a moment
// ago, another one each time. Its port is below those that the system gives to
// connections, so that it is still free when a server that was stopped starts
// again, and among those of this process: the packages are tested at once.
func FreeAddr(t *testing.T) string {
	t.Helper()
	const lowest, share, shares, attempts = 20000, 500, 24, 200
	first := lowest + os.Getpid()%shares*share
	for range attempts {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+rand.IntN(share))) //nolint:gosec // G404: no secret
		if _, given := givenAddrs.LoadOrStore(address, true); given {
			continue
		}
		if l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address); err == nil {
			require.NoError(t, l.Close())
			return address
		}
	}
	require.FailNow(t, "no port is free")
	return ""
}

var givenAddrs sync.Map // what FreeAddr has returned or found taken

// Root returns the directory of the repository.
func Root(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	require.NoError(t, err)
	return filepath.Dir(filepath.Dir(strings.TrimSpace(string(out))))
}

// Bin returns the path of name in bin/integration of the repository, where
// .ci/integration and the tests put the programs that they build.
func Bin(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(Root(t), "bin", "integration", name)
}

// buffer is a log that is written and read at the same time.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
