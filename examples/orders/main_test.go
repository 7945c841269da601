package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asProgram has this test binary be the program instead.
const asProgram = "ORDERS_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

func TestSignalsDrainAndEndTheProgram(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			program := exec.Command(os.Args[0], "-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0")
			program.Env = append(os.Environ(), asProgram+"=1")
			log, err := program.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, program.Start())
			defer program.Process.Kill()

			lines := bufio.NewReader(log)
			url := regexp.MustCompile(`msg="serving orders" url=(\S+)`)
			var found []string
			for len(found) == 0 {
				line, err := lines.ReadString('\n')
				require.NoError(t, err, "the log ended")
				found = url.FindStringSubmatch(line)
			}
			assert.Equal(t, http.StatusOK, testkit.Get(t, found[1]+"/healthz", "").Status)

			begun := time.Now()
			require.NoError(t, program.Process.Signal(signal))
			rest, err := io.ReadAll(lines)
			require.NoError(t, err)
			assert.NoError(t, program.Wait(), "exit status")
			assert.Less(t, time.Since(begun), 5*time.Second)
			assert.Contains(t, string(rest), "ending, requests under way are finished first")
		})
	}
}

// running is the program in this process.
type running struct {
	t              *testing.T
	stdout, stderr *testkit.Buffer
	url            string
	stop           context.CancelFunc
	code           chan int
}

func serve(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, stdout: &testkit.Buffer{}, stderr: &testkit.Buffer{}, stop: stop, code: make(chan int, 1)}
	go func() { r.code <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), r.stdout, r.stderr) }()
	t.Cleanup(func() { stop() })
	url := regexp.MustCompile(`msg="serving orders" url=(\S+)`)
	require.Eventually(t, func() bool {
		found := url.FindStringSubmatch(r.stderr.String())
		if found != nil {
			r.url = found[1]
		}
		return found != nil
	}, 20*time.Second, 5*time.Millisecond, "it does not serve")
	return r
}

// end stops it, and is its exit status.
func (r *running) end() int {
	r.t.Helper()
	r.stop()
	select {
	case code := <-r.code:
		return code
	case <-time.After(5 * time.Second):
		require.FailNow(r.t, "it did not end within 5 s")
		return -1
	}
}

func (r *running) get(path, token string) int {
	r.t.Helper()
	return testkit.Get(r.t, r.url+path, token).Status
}

func TestWithoutAnIssuerItBringsOneAndSaysHowToGetATokenThere(t *testing.T) {
	t.Parallel()
	r := serve(t, "-auth-addr", "127.0.0.1:0")
	secret := regexp.MustCompile(`-u 'orders-all:([^']+)'`)
	require.Eventually(t, func() bool { return strings.Contains(r.stdout.String(), "Then call it") }, 5*time.Second, 5*time.Millisecond)
	text := r.stdout.String()
	assert.Equal(t, 9, strings.Count(text, "\nTOKEN=$(curl -s -X POST "), "one for each client of each scheme")
	assert.Contains(t, text, `curl -i -H "Authorization: Bearer $TOKEN" `+r.url+"/orders")
	found := secret.FindStringSubmatch(text)
	require.NotNil(t, found)
	assert.Equal(t, http.StatusUnauthorized, r.get("/orders", ""))
	assert.Equal(t, http.StatusOK, r.get("/healthz", ""))
	assert.Equal(t, exitOK, r.end())
	assert.NotContains(t, r.stderr.String(), found[1], "secrets are for the terminal, not for the log")
}

func TestWhatCannotBeServedIsSaid(t *testing.T) {
	t.Parallel()
	addr := testkit.Listener(t).Addr().String()
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"the API's port is in use", []string{"-addr", addr}, addr + " is in use: stop the other program or choose another with -addr"},
		{"the authorization server's is", []string{"-addr", "127.0.0.1:0", "-auth-addr", addr}, addr + " is in use: stop the other program or choose another with -auth-addr"},
		{"the authorization server is for this machine only", []string{"-addr", "127.0.0.1:0", "-auth-addr", "0.0.0.0:0"}, "choose another with -auth-addr"},
		{"an issuer in the clear", []string{"-addr", "127.0.0.1:0", "-issuer", "http://issuer.example", "-audience", "x"}, "use https"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			assert.Equal(t, exitFailed, run(t.Context(), row.args, &out, &errs))
			assert.Contains(t, errs.String(), row.want)
			assert.Empty(t, out.String())
		})
	}
}
