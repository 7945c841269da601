package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output collects what the play prints, and can be searched while it runs.
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

// anywhere are free ports.
var anywhere = []string{"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0"}

func onStage() options {
	return options{addr: "127.0.0.1:0", authAddr: "127.0.0.1:0", framework: "nethttp", once: true}
}

var (
	aToken  = regexp.MustCompile(`eyJ[\w-]{16,}`)
	summary = regexp.MustCompile(`(\d+) answers as promised, (\d+) not`)
)

func TestEveryPromiseIsKept(t *testing.T) {
	t.Parallel()
	for _, framework := range api.Frameworks() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			keepsItsPromises(t, framework)
		})
	}
}

func keepsItsPromises(t *testing.T, framework string) {
	t.Helper()
	var out, errs output
	begun := time.Now()
	code := run(t.Context(), []string{"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0", "-once", "-framework", framework}, &out, &errs)
	text := out.String()
	assert.Equal(t, demo.ExitOK, code, text)
	assert.Empty(t, errs.String())
	assert.Less(t, time.Since(begun), 30*time.Second)

	found := summary.FindStringSubmatch(text)
	require.NotNil(t, found, text)
	assert.Equal(t, "0", found[2])
	assert.Greater(t, len(found[1]), 2, "hundreds of calls: %s", found[1])
	for _, want := range []string{
		"served by " + framework,
		"token \\\n      -d grant_type=client_credentials", "-u orders-all:" + hidden, `"client_secret":"` + hidden + `"`,
		`error="insufficient_scope", scope="delete"`, "log: expired", "log: bad_signature", "log: wrong_audience", "log: no_token",
		"signs with key", "calls, 0 refused", "Retry-After: ", "later, by itself",
	} {
		assert.Contains(t, text, want)
	}
	assert.NotRegexp(t, aToken, text, "tokens are shortened")
	assert.NotContains(t, text, "TOKEN=", "nothing to paste where nothing is served any more")
	assert.NotContains(t, text, "\x1b", "no colours off a terminal")
	assert.NotContains(t, text, "✗")
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len([]rune(line)), 120, line)
	}
}

// sabotaged puts a proxy that spoils answers before the API.
type sabotaged struct {
	demo.API
	proxy *http.Server
	addr  string
	ended chan struct{}
}

func sabotage(spoil func(*http.Response) error) demo.Starter {
	return func(l net.Listener, cfg api.Config) (demo.API, error) {
		behind, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		served, err := demo.Orders(behind, cfg)
		if err != nil {
			return nil, err
		}
		target, err := url.Parse(served.URL())
		if err != nil {
			return nil, err
		}
		transport := &http.Transport{DisableKeepAlives: true}
		proxy := &httputil.ReverseProxy{
			Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
			Transport:      transport,
			ModifyResponse: spoil,
			ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		}
		s := &sabotaged{served, &http.Server{Handler: proxy}, l.Addr().String(), make(chan struct{})}
		go func() {
			defer close(s.ended)
			_ = s.proxy.Serve(l)
		}()
		return s, nil
	}
}

func (s *sabotaged) URL() string { return "http://" + s.addr }

func (s *sabotaged) Close() error {
	_ = s.proxy.Close()
	<-s.ended
	return s.API.Close()
}

func TestABrokenPromiseIsNoticed(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil func(*http.Response) error
		says  []string
	}{
		"an API that lets everybody in": {
			func(r *http.Response) error {
				if r.StatusCode >= 400 {
					r.StatusCode = http.StatusOK
				}
				return nil
			},
			[]string{"✗ 200  no token", "status: promised 401, got 200", "status: promised 403, got 200", "status: promised 503, got 200"},
		},
		"an API that calls a good token bad while keys are away": {
			func(r *http.Response) error {
				if r.StatusCode == http.StatusServiceUnavailable {
					r.StatusCode = http.StatusUnauthorized
				}
				return nil
			},
			[]string{"status: promised 503, got 401"},
		},
		"a 403 that does not say which level is missing": {
			func(r *http.Response) error {
				if r.StatusCode == http.StatusForbidden {
					r.Header.Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
				}
				return nil
			},
			[]string{`scope: promised "delete", got none`},
		},
		"an API that refuses one call in a hundred": {
			func() func(*http.Response) error {
				var mu sync.Mutex
				var calls int
				return func(r *http.Response) error {
					mu.Lock()
					defer mu.Unlock()
					if calls++; calls%100 == 0 {
						r.StatusCode = http.StatusUnauthorized
					}
					return nil
				}
			}(),
			[]string{"status: promised 200, got 401"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs output
			code := perform(t.Context(), onStage(), sabotage(row.spoil), &out, &errs)
			assert.Equal(t, demo.ExitFailed, code)
			found := summary.FindStringSubmatch(out.String())
			require.NotNil(t, found, out.String())
			assert.NotEqual(t, "0", found[2])
			for _, want := range row.says {
				assert.Contains(t, out.String(), want)
			}
			assert.Empty(t, errs.String())
		})
	}
}

func TestAfterThePlayItServesAndSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	var out, errs output
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() { code <- run(ctx, anywhere, &out, &errs) }()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "logged below") }, 60*time.Second, 20*time.Millisecond)

	transport := &http.Transport{DisableKeepAlives: true}
	send := func(r *http.Request, err error) (int, string) {
		t.Helper()
		require.NoError(t, err)
		res, err := (&http.Client{Transport: transport}).Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode, string(body)
	}
	use := regexp.MustCompile(`curl -i -H "Authorization: Bearer \$TOKEN" (\S+/orders)\n`).FindStringSubmatch(out.String())
	require.NotNil(t, use)
	pasted := 0
	for line := range strings.Lines(out.String()) {
		line, ok := strings.CutPrefix(line, "TOKEN=$(")
		if !ok {
			continue
		}
		command, _, _ := strings.Cut(line, " | sed ")
		c, err := readCurl(command)
		require.NoError(t, err)
		status, body := send(c.request(t.Context()))
		require.Equal(t, http.StatusOK, status, body)
		found := regexp.MustCompile(`.*"access_token":"([^"]*)".*`).FindStringSubmatch(body) // as the sed does
		require.NotNil(t, found)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, use[1], nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+found[1])
		status, _ = send(r, nil)
		assert.Equal(t, http.StatusOK, status)
		pasted++
	}
	assert.Equal(t, 6, pasted)

	status, _ := send(http.NewRequestWithContext(t.Context(), http.MethodGet, use[1], nil))
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Regexp(t, `401  GET /orders  log: no_token\n$`, out.String())

	stop()
	select {
	case got := <-code:
		assert.Equal(t, demo.ExitOK, got)
	case <-time.After(5 * time.Second):
		assert.Fail(t, "it did not end")
	}
	assert.Empty(t, errs.String())
}

// failed is an API that serves no more.
type failed struct{ demo.API }

func (failed) Failed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestAnAPIThatServesNoMoreEndsIt(t *testing.T) {
	t.Parallel()
	stage, err := setStage(t.Context(), onStage(), func(l net.Listener, cfg api.Config) (demo.API, error) {
		served, err := demo.Orders(l, cfg)
		return failed{served}, err
	})
	require.NoError(t, err)
	var out output
	assert.False(t, newPlay(stage, &screen{w: &out}).goOn(t.Context()))
	assert.Contains(t, out.String(), "the API serves no more")
	assert.NoError(t, stage.Close())
}

func TestAnInterruptedPlayEndsSoonAndIsNoSuccess(t *testing.T) {
	t.Parallel()
	var out, errs output
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() { code <- run(ctx, slices.Concat(anywhere, []string{"-once"}), &out, &errs) }()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "Keys rotate") }, 60*time.Second, 5*time.Millisecond)
	stop()
	select {
	case got := <-code:
		assert.Equal(t, demo.ExitFailed, got)
	case <-time.After(5 * time.Second):
		assert.Fail(t, "it did not end")
	}
	assert.Contains(t, out.String(), "interrupted")
	assert.NotContains(t, out.String(), "✗", "what was cut off is not held against the API")
}

func TestWrongUseIsNamed(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = taken.Close() })
	addr := taken.Addr().String()
	for _, row := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"an unknown flag", []string{"-twice"}, demo.ExitUsage, "-twice"},
		{"a stray word", []string{"once"}, demo.ExitUsage, `unexpected argument "once"`},
		{"a framework that is not there", []string{"-framework", "rails"}, demo.ExitUsage, `-framework "rails" is not there`},
		{"the API's port is in use", []string{"-addr", addr}, demo.ExitFailed, addr + " is in use: stop the other program or choose another with -addr\n"},
		{"the authorization server's is", []string{"-addr", "127.0.0.1:0", "-auth-addr", addr}, demo.ExitFailed, addr + " is in use: stop the other program or choose another with -auth-addr\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out, errs output
			assert.Equal(t, row.code, run(t.Context(), row.args, &out, &errs))
			assert.Contains(t, errs.String(), row.want)
			assert.Empty(t, out.String())
		})
	}
	var out, errs output
	assert.Equal(t, demo.ExitOK, run(t.Context(), []string{"-h"}, &out, &errs))
	assert.Contains(t, out.String(), "-once")
}
