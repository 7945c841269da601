package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// output collects what a program writes, and can be searched while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// running is the program in this process.
type running struct {
	t              *testing.T
	stdout, stderr *output
	url            string
	stop           context.CancelFunc
	code           chan int
}

func serve(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := &running{t: t, stdout: &output{}, stderr: &output{}, stop: stop, code: make(chan int, 1)}
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
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	require.NoError(r.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: transport}).Do(req)
	require.NoError(r.t, err)
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, res.Body.Close())
	return res.StatusCode
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
	assert.Equal(t, demo.ExitOK, r.end())
	assert.NotContains(t, r.stderr.String(), found[1], "secrets are for the terminal, not for the log")
}

func TestAnAudienceBelongsToTheIssuersRightBeforeIt(t *testing.T) {
	t.Parallel()
	options := []jwkstest.Option{jwkstest.WithAlgorithm("ES256"), jwkstest.Claims{"scope": "get"}}
	a, b := jwkstest.New(t, options...), jwkstest.New(t, options...)
	for name, row := range map[string]struct {
		args []string
		a, b map[string]int // status by audience
	}{
		"each its own": {
			[]string{"-issuer", a.Issuer(), "-audience", "x", "-audience", "y", "-issuer", b.Issuer(), "-audience", "z"},
			map[string]int{"x": 200, "y": 200, "z": 401},
			map[string]int{"x": 401, "y": 401, "z": 200},
		},
		"a run of issuers shares": {
			[]string{"-issuer", a.Issuer(), "-issuer", b.Issuer(), "-audience", "x", "-audience", "y"},
			map[string]int{"x": 200, "y": 200},
			map[string]int{"x": 200, "y": 200},
		},
		"one that comes first is for all": {
			[]string{"-audience", "x", "-issuer", a.Issuer(), "-issuer", b.Issuer(), "-audience", "y", "-issuer", a.Issuer(), "-audience", "z"},
			map[string]int{"x": 200, "y": 200, "z": 200},
			map[string]int{"x": 200, "y": 200, "z": 401},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := serve(t, row.args...)
			for issuer, wanted := range map[*jwkstest.Issuer]map[string]int{a: row.a, b: row.b} {
				for audience, status := range wanted {
					assert.Equal(t, status, r.get("/orders", issuer.Token(jwkstest.WithAudience(audience))), "%s for %s", issuer.Issuer(), audience)
				}
			}
			assert.Equal(t, demo.ExitOK, r.end())
			assert.Empty(t, r.stdout.String(), "nothing to copy where it brought no issuer")
		})
	}
}

func TestFlagsReachTheAPI(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t, jwkstest.WithName("https://issuer.example/"), jwkstest.WithAlgorithm("ES256"), jwkstest.Claims{"scope": "get"}, jwkstest.WithAudience("x"))
	r := serve(t, "-framework", "nethttp", "-issuer", issuer.Issuer(), "-audience", "x", "-jwks-url", issuer.JWKSURL(), "-jwks-refresh", "1s", "-leeway", "0")
	late := issuer.Token(jwkstest.Claims{"exp": time.Now().Add(-time.Second)})
	assert.Equal(t, http.StatusOK, r.get("/orders", issuer.Token()))
	assert.Equal(t, http.StatusUnauthorized, r.get("/orders", late), "-leeway 0 is none")
	assert.Eventually(t, func() bool { return issuer.Fetches() > 2 }, 10*time.Second, 20*time.Millisecond, "-jwks-refresh 1s")
	assert.Equal(t, demo.ExitOK, r.end())
}

func TestWrongFlagsAreNamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		args string
		want []string
	}{
		{"an unknown flag", "-colour", []string{"-colour", "orders -h lists the flags"}},
		{"a stray word", "-issuer https://a -audience x stray", []string{`unexpected argument "stray"`}},
		{"a framework that is not there", "-framework rails", []string{`-framework "rails" is not there`, "chi, gin, nethttp"}},
		{"no duration", "-leeway half", []string{`"half"`, "-leeway"}},
		{"too much leeway", "-leeway 6m", []string{"-leeway 6m0s must be between 0s and 5m0s"}},
		{"less than no leeway", "-leeway -1s", []string{"-leeway -1s must be between 0s and 5m0s"}},
		{"a refresh that is too short", "-jwks-refresh 10ms", []string{"-jwks-refresh 10ms is too short: use at least 1s"}},
		{"no refresh", "-jwks-refresh 0", []string{"-jwks-refresh 0s is too short"}},
		{"an issuer without an audience", "-issuer https://a", []string{"-issuer https://a has no audience: add -audience after it"}},
		{"an audience without an issuer", "-audience x", []string{"-audience without -issuer"}},
		{"an empty issuer", "-issuer= -audience x", []string{"-issuer", "empty"}},
		{"an empty audience", "-issuer https://a -audience=", []string{"-audience", "empty"}},
		{"a JWKS URL for nobody", "-jwks-url https://a/keys", []string{"-jwks-url goes with exactly one -issuer: there are 0"}},
		{"a JWKS URL for two", "-jwks-url https://a/keys -issuer https://a -issuer https://b -audience x", []string{"-jwks-url goes with exactly one -issuer: there are 2"}},
		{"an authorization server that would not start", "-auth-addr 127.0.0.1:0 -issuer https://a -audience x", []string{"-auth-addr", "leave one out"}},
		{"several at once", "-framework rails -leeway 1h -audience x", []string{"rails", "-leeway", "-audience"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			assert.Equal(t, demo.ExitUsage, run(t.Context(), strings.Fields(row.args), &out, &errs))
			for _, want := range row.want {
				assert.Contains(t, errs.String(), want)
			}
			assert.Empty(t, out.String())
		})
	}
	t.Run("help is no mistake", func(t *testing.T) {
		t.Parallel()
		var out, errs bytes.Buffer
		assert.Equal(t, demo.ExitOK, run(t.Context(), []string{"-h"}, &out, &errs))
		for _, flag := range []string{"-addr", "-auth-addr", "-audience", "-framework", "-issuer", "-jwks-refresh", "-jwks-url", "-leeway"} {
			assert.Contains(t, out.String(), "\n  "+flag+" ")
		}
		assert.Empty(t, errs.String())
	})
}

func TestWhatCannotBeServedIsSaid(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() }) // after the parallel rows
	addr := taken.Addr().String()
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
			assert.Equal(t, demo.ExitFailed, run(t.Context(), row.args, &out, &errs))
			assert.Contains(t, errs.String(), row.want)
			assert.Empty(t, out.String())
		})
	}
}
