package api_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhichTokensMayGetOrders(t *testing.T) {
	t.Parallel()
	ours, foreign := newIssuer(t, jwkstest.Claims{"scope": nil}), newIssuer(t)
	other := newIssuer(t, jwkstest.WithAudience("api://other"))
	cfg := trusting(ours)
	cfg.Issuers = append(cfg.Issuers, api.Issuer{Name: other.Issuer(), Audiences: []string{"api://other"}})
	w := start(t, cfg)
	type claims = jwkstest.Claims
	says := func(c claims) string { return ours.Token(c) }
	get := claims{"scope": "get"}
	rows := []struct {
		name, token, reason string // no reason: it is let through
	}{
		{"another algorithm", ours.Token(get, jwkstest.WithAlgorithm("PS512")), "unsupported_alg"},
		{"another type", ours.Token(get, jwkstest.Header{"typ": "logout+jwt"}), "unsupported_type"},
		{"scope, short", says(get), ""},
		{"scope, qualified by the audience", says(claims{"scope": audience + "/get"}), ""},
		{"scope, an array", says(claims{"scope": []string{"post", "get"}}), ""},
		{"scp", says(claims{"scp": "post get"}), ""},
		{"scp, an array", says(claims{"scp": []string{"get"}}), ""},
		{"permissions", says(claims{"permissions": []string{"get"}}), ""},
		{"permissions, qualified", says(claims{"permissions": []string{audience + "/get"}}), ""},
		{"roles of an app, by idtyp", says(claims{"idtyp": "app", "roles": []string{"get"}}), ""},
		{"roles of an app, by gty", says(claims{"gty": "client-credentials", "roles": []string{"get"}}), ""},
		{"roles of an app, for it has no scope", says(claims{"roles": []string{audience + "/get"}}), ""},
		{"roles of a user", says(claims{"idtyp": "user", "roles": []string{"get"}}), "insufficient_scope"},
		{"roles beside a delegated scope", says(claims{"scp": "openid", "roles": []string{"get"}}), "insufficient_scope"},
		{"qualified by another resource", says(claims{"scope": "api://somewhere/get"}), "insufficient_scope"},
		{"another level", says(claims{"scope": "post put delete"}), "insufficient_scope"},
		{"in capitals", says(claims{"scope": "GET"}), "insufficient_scope"},
		{"the literal .default", says(claims{"scope": ".default"}), "insufficient_scope"},
		{"no level at all", says(nil), "insufficient_scope"},
		{"an issuer that is not trusted", foreign.Token(), "unknown_issuer"},
		{"a foreign key under our issuer's name", foreign.Token(claims{"iss": ours.Issuer()}, jwkstest.Header{"kid": ours.Key().ID()}), "bad_signature"},
		{"one of our issuers for the audience of the other", ours.Token(jwkstest.WithAudience("api://other")), "wrong_audience"},
		{"the other issuer", other.Token(), ""},
		{"a quarter of a minute late", ours.Token(get, claims{"exp": time.Now().Add(-15 * time.Second)}), ""},
		{"a minute late", ours.Token(get, claims{"exp": time.Now().Add(-time.Minute)}), "expired"},
		{"no token", "", "no_token"},
		{"something that is no JWT", "not.a.token", "malformed"},
		{"longer than 8 KiB", strings.Repeat("a", 9<<10), "too_large"},
	}
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		for _, typ := range []any{"at+jwt", "JWT", nil} {
			rows = append(rows, struct{ name, token, reason string }{
				fmt.Sprint(alg, typ), ours.Token(get, jwkstest.WithAlgorithm(alg), jwkstest.Header{"typ": typ}), "",
			})
		}
	}
	for _, row := range rows {
		before := len(w.reasons())
		a := w.get("/orders", row.token)
		if row.reason == "" {
			assert.Equal(t, http.StatusOK, a.Status, row.name)
			continue
		}
		status, want := http.StatusUnauthorized, `Bearer realm="orders", error="invalid_token"`
		switch row.reason {
		case "insufficient_scope":
			status, want = http.StatusForbidden, `Bearer realm="orders", error="insufficient_scope", scope="get"`
		case "no_token":
			want = `Bearer realm="orders"`
		default:
			assert.NotContains(t, w.log.String(), row.token, row.name)
			assert.Equal(t, want, challenge(w.get("/whoami", row.token)), row.name)
		}
		assert.Equal(t, status, a.Status, row.name)
		assert.Equal(t, want, challenge(a), row.name)
		assert.Equal(t, row.reason, w.reasons()[before], row.name)
	}
	assert.Zero(t, foreign.Fetches()+foreign.DiscoveryFetches(), "a foreign iss causes no fetch")
}

func TestAStartWithoutKeysRecoversAndAnOutageIsNoticed(t *testing.T) {
	t.Parallel()
	const down = "keys cannot be had, still trying"
	issuer := newIssuer(t)
	issuer.SetCacheControl("max-age=3600")
	issuer.Fail(http.StatusServiceUnavailable)
	cfg := trusting(issuer)
	cfg.JWKSRefresh = time.Second
	w := start(t, cfg)
	until := func(status int, token string) {
		t.Helper()
		require.Eventually(t, func() bool { return w.get("/orders", token).Status == status }, testkit.Patience, testkit.Pause)
	}
	first := issuer.Token()
	until(http.StatusServiceUnavailable, first) // the demo checks these answers
	assert.Equal(t, http.StatusUnauthorized, w.get("/orders", "").Status, "no token is no token, whatever the keys")
	record := w.records(down)[0]
	assert.Equal(t, "WARN", record["level"])
	assert.Contains(t, record["error"], "/.well-known/", "which URL")
	assert.Contains(t, record["error"], "503", "why")
	assert.NotEmpty(t, record["next_try_in"])

	issuer.Restore()
	until(http.StatusOK, first)
	assert.Len(t, w.records("keys fetched"), 1)

	issuer.Fail(http.StatusInternalServerError)
	before := len(w.records(down))
	require.Eventually(t, func() bool { return len(w.records(down)) > before }, testkit.Patience, testkit.Pause)
	assert.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).Status, "a new token of a known key")
	state := w.get("/keys", "").Members(t)["issuers"].([]any)[0].(map[string]any)
	assert.Equal(t, issuer.Issuer(), state["issuer"])
	assert.Equal(t, true, state["usable"])
	assert.NotEmpty(t, state["last_error"])
	assert.Positive(t, state["failures"])

	issuer.Restore()
	kid := issuer.Key().ID()
	issuer.Rotate()
	issuer.Remove(kid)
	until(http.StatusUnauthorized, first) // by the refresh, whatever the issuer's max-age
	assert.Contains(t, w.reasons(), "unknown_key")
	assert.NotEmpty(t, w.records("keys rotated"))
}

const (
	slowBegin = `{"item":"slow `
	slowEnd   = `tea"}`
)

// slowRequest is one that the API is reading: its body stops after slowBegin.
// It goes over a bare connection, for a transport of net/http would wait for
// the body's end.
func (w *world) slowRequest(token string) (net.Conn, *bufio.Reader) {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.URL(), "http://"))
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = c.Close() })
	require.NoError(w.t, c.SetDeadline(time.Now().Add(testkit.Patience)))
	_, err = fmt.Fprintf(c, "POST /orders HTTP/1.1\r\nHost: orders\r\nAuthorization: Bearer %s\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", token, len(slowBegin+slowEnd))
	require.NoError(w.t, err)
	answers := bufio.NewReader(c)
	wanted, err := http.ReadResponse(answers, nil) // comes when the handler reads
	require.NoError(w.t, err)
	require.Equal(w.t, http.StatusContinue, wanted.StatusCode)
	require.NoError(w.t, wanted.Body.Close())
	_, err = c.Write([]byte(slowBegin))
	require.NoError(w.t, err)
	return c, answers
}

func TestCloseFinishesRequestsUnderWayAndCutsOffWhatTakesTooLong(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "post"})
	for _, rest := range []string{slowEnd, ""} {
		cfg := trusting(issuer)
		if cfg.DrainTimeout = testkit.Patience; rest == "" {
			cfg.DrainTimeout = 100 * time.Millisecond
		}
		w := start(t, cfg)
		c, answers := w.slowRequest(issuer.Token())
		closed := make(chan error, 1)
		go func() { closed <- w.Close() }()
		require.Eventually(t, func() bool { return !testkit.Listens(w.URL()) }, testkit.Patience, testkit.Pause, "no new connections")
		_, err := c.Write([]byte(rest))
		require.NoError(t, err)
		res, err := http.ReadResponse(answers, nil)
		if rest == "" {
			require.Error(t, err)
			assert.ErrorContains(t, <-closed, "cut off after 100ms")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, http.StatusCreated, res.StatusCode)
		require.NoError(t, res.Body.Close())
		assert.NoError(t, <-closed)
	}
}

func TestAServerThatServesNoMoreSaysSo(t *testing.T) {
	t.Parallel()
	l := testkit.Listener(t)
	cfg := trusting(newIssuer(t))
	cfg.Framework = "nethttp"
	s, err := api.Serve(l, cfg)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, testkit.Get(t, s.URL()+"/", "").Status, "there is no page to try an issuer that is not ours")
	select {
	case <-s.Failed():
		assert.Fail(t, "it serves")
	default:
	}
	require.NoError(t, l.Close()) // behind its back
	select {
	case <-s.Failed():
	case <-time.After(testkit.Patience):
		assert.Fail(t, "it does not say so")
	}
	assert.NoError(t, s.Close())
}

func TestWhatFailsNamesItsFlagAndLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	taken := testkit.Listener(t).Addr().String()
	for _, row := range []struct {
		cfg  api.Config
		says []string
	}{
		{api.Config{Addr: taken}, []string{taken + " is in use: stop the other program or choose another with -addr"}},
		{api.Config{Addr: "8080"}, []string{`-addr "8080" must be host:port`}},
		{api.Config{Addr: "192.0.2.1:80"}, []string{"cannot listen on 192.0.2.1:80, choose another with -addr"}}, // documentation only (RFC 5737): no address of this machine
		{api.Config{Addr: testkit.FreeAddr(t), AuthAddr: "0.0.0.0:0"}, []string{"choose another with -auth-addr"}},
		{api.Config{Addr: testkit.FreeAddr(t), AuthAddr: testkit.FreeAddr(t), Framework: "rails"}, []string{"rails"}},
		{
			api.Config{
				Addr: testkit.FreeAddr(t), Framework: "rails", Issuers: []api.Issuer{{Name: "http://issuer.example", Audiences: []string{"two words"}}},
				JWKSRefresh: time.Millisecond, Leeway: time.Hour,
			}, []string{`framework "rails"`, "nethttp", "http://issuer.example", "two words", "1ms", "Leeway 1h0m0s"},
		},
	} {
		_, err := api.Start(t.Context(), row.cfg)
		for _, says := range row.says {
			assert.ErrorContains(t, err, says)
		}
		assert.Equal(t, row.cfg.Addr == taken, testkit.Listens(row.cfg.Addr), row.says)
		assert.False(t, testkit.Listens(row.cfg.AuthAddr), row.says)
	}
}

func TestWithoutIssuersItBringsAnAuthorizationServerAndThePage(t *testing.T) {
	t.Parallel()
	s, err := api.Start(t.Context(), api.Config{Addr: "127.0.0.1:0", AuthAddr: "127.0.0.1:0", Framework: "nethttp"})
	require.NoError(t, err)
	another, err := s.Another(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.Config.Issuers, 3)
	assert.NotEqual(t, s.URL(), another.URL())
	for _, url := range []string{s.URL() + "/", another.URL() + "/healthz", s.Config.Auth.URL() + "/dev"} {
		assert.Equal(t, http.StatusOK, testkit.Get(t, url, "").Status, url)
	}
	require.NoError(t, another.Close())
	assert.Equal(t, http.StatusOK, testkit.Get(t, s.Config.Auth.URL()+"/dev", "").Status, "the first one's, still there")
	require.NoError(t, s.Close())
	for _, url := range []string{s.URL(), another.URL(), s.Config.Auth.URL()} {
		assert.False(t, testkit.Listens(url), url)
	}
}
