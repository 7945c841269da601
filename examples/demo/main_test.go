package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
	var out, errs testkit.Buffer
	begun := time.Now()
	code := run(t.Context(), append(slices.Clone(anywhere), "-once", "-framework", framework), &out, &errs)
	text := out.String()
	assert.Equal(t, exitOK, code, text)
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
		`{"signing":"`, "calls, 0 refused", "Retry-After: ", "later, by itself",
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

// spoiling spoils the API's answers, and leaves the authorization server's.
type spoiling struct {
	http.RoundTripper
	auth  string
	spoil func(*http.Response)
}

func (s spoiling) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if err == nil && "http://"+r.URL.Host != s.auth {
		s.spoil(res)
	}
	return res, err
}

func (s spoiling) CloseIdleConnections() { s.RoundTripper.(*http.Transport).CloseIdleConnections() }

func TestABrokenPromiseIsNoticed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	for name, row := range map[string]struct {
		spoil func(*http.Response)
		says  []string
	}{
		"an API that lets everybody in": {
			func(r *http.Response) {
				if r.StatusCode >= 400 {
					r.StatusCode = http.StatusOK
				}
			},
			[]string{"✗ 200  no token", "status: promised 401, got 200", "status: promised 403, got 200", "status: promised 503, got 200"},
		},
		"an API that refuses one call in a hundred": {
			func(r *http.Response) {
				if calls.Add(1)%100 == 0 {
					r.StatusCode = http.StatusUnauthorized
				}
			},
			[]string{"status: promised 200, got 401"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs testkit.Buffer
			p, err := newPlay(t.Context(), onceAnywhere, &out)
			require.NoError(t, err)
			p.client.Transport = spoiling{p.client.Transport, p.auth.URL(), row.spoil}
			assert.Equal(t, exitFailed, p.perform(t.Context(), &errs))
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
	r := testkit.Run(t, run, anywhere...)
	out := &r.Stdout
	testkit.Until(t, out, "logged below")
	use := regexp.MustCompile(`curl -i -H "Authorization: Bearer \$TOKEN" (\S+/orders)\n`).FindStringSubmatch(out.String())
	require.NotNil(t, use)
	pasted := 0
	for line := range strings.Lines(out.String()) {
		line, ok := strings.CutPrefix(line, "TOKEN=$(")
		if !ok {
			continue
		}
		command, _, _ := strings.Cut(line, " | sed ")
		request, err := curled(t, command, "")[0].Request(t.Context())
		require.NoError(t, err)
		a := testkit.Do(t, request)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		found := regexp.MustCompile(`.*"access_token":"([^"]*)".*`).FindStringSubmatch(a.Body) // as the sed does
		require.NotNil(t, found)
		assert.Equal(t, http.StatusOK, testkit.Get(t, use[1], found[1]).Status)
		pasted++
	}
	assert.Equal(t, 6, pasted)

	assert.Equal(t, http.StatusUnauthorized, testkit.Get(t, use[1], "").Status)
	assert.Regexp(t, `401  GET /orders  log: no_token\n$`, out.String())

	r.AssertEnds(exitOK)
	assert.Empty(t, r.Stderr.String())
}

func TestAnAPIThatServesNoMoreEndsIt(t *testing.T) {
	t.Parallel()
	var out testkit.Buffer
	p, err := newPlay(t.Context(), onceAnywhere, &out)
	require.NoError(t, err)
	failed := make(chan struct{})
	close(failed)
	assert.False(t, p.serve(t.Context(), failed))
	assert.Contains(t, out.String(), "the API serves no more")
	assert.NoError(t, p.api.Close())
}

func TestAnInterruptedPlayEndsSoonAndIsNoSuccess(t *testing.T) {
	t.Parallel()
	r := testkit.Run(t, run, slices.Concat(anywhere, []string{"-once"})...)
	testkit.Until(t, &r.Stdout, "Keys rotate")
	r.AssertEnds(exitFailed)
	assert.Contains(t, r.Stdout.String(), "interrupted")
	assert.NotContains(t, r.Stdout.String(), "✗", "what was cut off is not held against the API")
}

func TestWrongUseIsNamed(t *testing.T) {
	t.Parallel()
	addr := testkit.Listener(t).Addr().String()
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-twice"}, exitUsage, "-twice"},
		{[]string{"once"}, exitUsage, `unexpected argument "once"`},
		{[]string{"-addr", ":8080"}, exitUsage, `-addr ":8080": give a loopback address, such as 127.0.0.1:8080`},
		{[]string{"-addr", "0.0.0.0:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-addr", "[::]:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-addr", "192.0.2.1:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-addr", "example.com:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-framework", "rails"}, exitUsage, `-framework "rails" is not there`},
		{[]string{"-addr", addr}, exitFailed, addr + " is in use: stop the other program or choose another with -addr\n"},
		{[]string{"-addr", "127.0.0.1:0", "-auth-addr", addr}, exitFailed, addr + " is in use: stop the other program or choose another with -auth-addr\n"},
	} {
		var out, errs testkit.Buffer
		assert.Equal(t, row.code, run(t.Context(), row.args, &out, &errs))
		assert.Contains(t, errs.String(), row.want)
		assert.Empty(t, out.String())
	}
	var out, errs testkit.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &errs))
	assert.Contains(t, out.String(), "-once")
}
