package main

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { testkit.Main(m, main) }

var serving = regexp.MustCompile(`msg="serving orders" url=(\S+)`)

func TestSignalsDrainAndEndTheProgram(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		program, log := testkit.Program(t, anywhere...), &testkit.Buffer{}
		program.Stderr = log
		require.NoError(t, program.Start())
		testkit.Until(t, log, "serving orders")
		assert.Equal(t, http.StatusOK, testkit.Get(t, serving.FindStringSubmatch(log.String())[1]+"/healthz", "").Status)
		begun := time.Now()
		require.NoError(t, program.Process.Signal(signal))
		assert.NoError(t, program.Wait(), "exit status")
		assert.Less(t, time.Since(begun), 5*time.Second)
		assert.Contains(t, log.String(), "ending, requests under way are finished first")
	}
}

var anywhere = []string{"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0"}

// running is the program in this process.
type running struct {
	*testkit.Running
	t   *testing.T
	url string
}

func serve(t *testing.T, args ...string) *running {
	t.Helper()
	r := testkit.Run(t, run, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	testkit.Until(t, &r.Stderr, "serving orders")
	return &running{r, t, serving.FindStringSubmatch(r.Stderr.String())[1]}
}

func (r *running) get(path, token string) int {
	r.t.Helper()
	return testkit.Get(r.t, r.url+path, token).Status
}

func TestWithoutAnIssuerItBringsOneAndSaysHowToGetATokenThere(t *testing.T) {
	t.Parallel()
	r := serve(t, "-auth-addr", "127.0.0.1:0")
	testkit.Until(t, &r.Stdout, "Then call it")
	text := r.Stdout.String()
	assert.Equal(t, 9, strings.Count(text, "\nTOKEN=$(curl -s -X POST "), "one for each client of each scheme")
	assert.Contains(t, text, `curl -i -H "Authorization: Bearer $TOKEN" `+r.url+"/orders")
	found := regexp.MustCompile(`-u orders-all:(\S+)`).FindStringSubmatch(text)
	require.NotNil(t, found)
	assert.Equal(t, http.StatusUnauthorized, r.get("/orders", ""))
	assert.Equal(t, http.StatusOK, r.get("/healthz", ""))
	r.AssertEnds(exitOK)
	assert.NotContains(t, r.Stderr.String(), found[1], "secrets are for the terminal, not for the log")
}

func TestWhatCannotBeServedIsSaid(t *testing.T) {
	t.Parallel()
	addr := testkit.Listener(t).Addr().String()
	for want, args := range map[string][]string{
		addr + " is in use: stop the other program or choose another with -addr":      {"-addr", addr},
		addr + " is in use: stop the other program or choose another with -auth-addr": {"-addr", "127.0.0.1:0", "-auth-addr", addr},
		"choose another with -auth-addr":                                              {"-addr", "127.0.0.1:0", "-auth-addr", "0.0.0.0:0"},
		"use https":                                                                   {"-addr", "127.0.0.1:0", "-issuer", "http://issuer.example", "-audience", "x"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitFailed, run(t.Context(), args, &out, &errs))
		assert.Contains(t, errs.String(), want)
		assert.Empty(t, out.String())
	}
}
