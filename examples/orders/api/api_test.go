package api_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
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
		{"something that is no JWT", "opaque", "malformed"},
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
		switch row.reason {
		case "":
			assert.Equal(t, http.StatusOK, a.Status, row.name)
			continue
		case "insufficient_scope":
			assert.Equal(t, http.StatusForbidden, a.Status, row.name)
		default:
			assert.Equal(t, http.StatusUnauthorized, a.Status, row.name)
		}
		assert.True(t, strings.HasPrefix(challenge(a), `Bearer realm="orders"`), challenge(a))
		assert.Equal(t, []string{row.reason}, w.reasons()[before:], row.name)
	}
	assert.Zero(t, foreign.Fetches()+foreign.DiscoveryFetches(), "a foreign iss causes no fetch")
}

func TestAFlawedTokenIsRefusedForItsFlaw(t *testing.T) {
	t.Parallel()
	prod, test := testkit.Auth(t, devauth.Config{}), testkit.Auth(t, devauth.Config{})
	w := start(t, api.Config{Auth: prod})
	for _, scheme := range devauth.Schemes {
		sound := mint(t, prod, scheme, devauth.AllLevels, devauth.Sound)
		assert.Equal(t, http.StatusOK, w.get("/orders", sound).Status)
		for reason, token := range map[string]string{
			"expired":        mint(t, prod, scheme, devauth.AllLevels, devauth.Expired),
			"wrong_audience": mint(t, prod, scheme, devauth.AllLevels, devauth.OtherAudience),
			"bad_signature":  mint(t, prod, scheme, devauth.AllLevels, devauth.Tampered),
			"unknown_issuer": mint(t, test, scheme, devauth.AllLevels, devauth.Sound), // the same client, audience and levels, from TEST
		} {
			before := len(w.reasons())
			for _, path := range []string{"/orders", "/whoami"} {
				a := w.get(path, token)
				assert.Equal(t, http.StatusUnauthorized, a.Status, reason)
				assert.Equal(t, `Bearer realm="orders", error="invalid_token"`, challenge(a), reason)
			}
			assert.Equal(t, []string{reason, reason}, w.reasons()[before:], scheme)
			assert.NotContains(t, w.log.String(), token)
		}
	}
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
		require.Eventually(t, func() bool { return w.get("/orders", token).Status == status }, 15*time.Second, 50*time.Millisecond)
	}
	first := issuer.Token()
	a := w.get("/orders", first)
	assert.Equal(t, http.StatusServiceUnavailable, a.Status)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assert.Empty(t, challenge(a), "the token is not to blame")
	assert.Equal(t, http.StatusOK, w.get("/healthz", "").Status)
	assert.Equal(t, http.StatusUnauthorized, w.get("/orders", "").Status, "no token is no token, whatever the keys")
	assert.Equal(t, []string{"keys_unavailable", "no_token"}, w.reasons())
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
	require.Eventually(t, func() bool { return len(w.records(down)) > before }, 10*time.Second, 50*time.Millisecond)
	assert.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).Status, "a new token of a known key")
	var state struct {
		Issuers []struct {
			Issuer    string
			Usable    bool
			LastError string `json:"last_error"`
			Failures  int
		}
	}
	w.get("/keys", "").Decode(t, &state)
	require.Len(t, state.Issuers, 1)
	assert.Equal(t, issuer.Issuer(), state.Issuers[0].Issuer)
	assert.True(t, state.Issuers[0].Usable)
	assert.NotEmpty(t, state.Issuers[0].LastError)
	assert.Positive(t, state.Issuers[0].Failures)

	issuer.Restore()
	kid := issuer.Key().ID()
	issuer.Rotate()
	issuer.Remove(kid)
	until(http.StatusUnauthorized, first) // by the refresh, whatever the issuer's max-age
	assert.Contains(t, w.reasons(), "unknown_key")
	assert.NotEmpty(t, w.records("keys rotated"))
}

func TestAKeySetThatCannotBeReadIsNamedInTheLog(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	for keys, want := range map[string][]string{
		"": {"http://127.0.0.1:1/keys", "refused"}, "<html>": {"/jwks", "text/html"}, `{"keys":[]}`: {"/jwks", "key"},
	} {
		cfg := trusting(issuer)
		cfg.JWKSURL = "http://127.0.0.1:1/keys" // nothing listens
		if keys != "" {
			spoilt := newIssuer(t)
			spoilt.ServeJWKS(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(keys)) })
			cfg.JWKSURL = spoilt.JWKSURL()
		}
		w := start(t, cfg)
		assert.Equal(t, http.StatusServiceUnavailable, w.get("/orders", issuer.Token()).Status)
		records := w.records("keys cannot be had, still trying")
		require.NotEmpty(t, records)
		for _, want := range want {
			assert.Contains(t, records[0]["error"], want)
		}
	}
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
	require.NoError(w.t, c.SetDeadline(time.Now().Add(20*time.Second)))
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

func TestCloseFinishesRequestsUnderWay(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post"})
	w := start(t, trusting(issuer))
	require.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).Status)
	c, answers := w.slowRequest(issuer.Token())
	closed := make(chan error, 1)
	go func() { closed <- w.Close() }()
	require.Eventually(t, func() bool { return !testkit.Listens(w.URL()) }, 3*time.Second, 10*time.Millisecond, "no new connections")

	_, err := c.Write([]byte(slowEnd))
	require.NoError(t, err)
	res, err := http.ReadResponse(answers, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, res.StatusCode)
	require.NoError(t, res.Body.Close())
	assert.NoError(t, <-closed)
}

func TestCloseCutsOffWhoTakesTooLong(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": "get post"})
	w := start(t, trusting(issuer))
	_, answers := w.slowRequest(issuer.Token())
	begun := time.Now()
	assert.ErrorContains(t, w.Close(), "cut off")
	assert.Less(t, time.Since(begun), 5*time.Second)
	_, err := http.ReadResponse(answers, nil)
	assert.Error(t, err)
}

func TestAServerThatServesNoMoreSaysSo(t *testing.T) {
	t.Parallel()
	l := testkit.Listener(t)
	cfg := trusting(newIssuer(t))
	cfg.Framework = "nethttp"
	s, err := api.Serve(l, cfg)
	require.NoError(t, err)
	select {
	case <-s.Failed():
		assert.Fail(t, "it serves")
	default:
	}
	require.NoError(t, l.Close()) // behind its back
	select {
	case <-s.Failed():
	case <-time.After(20 * time.Second):
		assert.Fail(t, "it does not say so")
	}
	assert.NoError(t, s.Close())
}

func TestMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	l := testkit.Listener(t)
	_, err := api.Serve(l, api.Config{
		Framework: "rails", Issuers: []api.Issuer{{Name: "http://issuer.example", Audiences: []string{"two words"}}},
		JWKSRefresh: time.Millisecond, Leeway: time.Hour,
	})
	for _, want := range []string{`framework "rails"`, "nethttp", "http://issuer.example", "two words", "1ms", "Leeway 1h0m0s"} {
		assert.ErrorContains(t, err, want)
	}
	assert.False(t, testkit.Listens(l.Addr().String()))
}

func TestWhatFailsNamesItsFlagAndLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	taken := testkit.Listener(t).Addr().String()
	for _, row := range []struct{ addr, authAddr, framework, says string }{
		{taken, "", "nethttp", taken + " is in use: stop the other program or choose another with -addr"},
		{"8080", "", "nethttp", `-addr "8080" must be host:port`},
		{"192.0.2.1:80", "", "nethttp", "cannot listen on 192.0.2.1:80, choose another with -addr"}, // documentation only (RFC 5737): no address of this machine
		{testkit.FreeAddr(t), "0.0.0.0:0", "nethttp", "choose another with -auth-addr"},
		{testkit.FreeAddr(t), testkit.FreeAddr(t), "rails", "rails"},
	} {
		_, err := api.Start(t.Context(), api.Config{Addr: row.addr, AuthAddr: row.authAddr, Framework: row.framework})
		assert.ErrorContains(t, err, row.says)
		assert.Equal(t, row.addr == taken, testkit.Listens(row.addr), row.says)
		assert.False(t, testkit.Listens(row.authAddr), row.says)
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

func TestWithIssuersItBringsNeither(t *testing.T) {
	t.Parallel()
	cfg := trusting(newIssuer(t))
	cfg.AuthAddr = "nowhere"
	w := start(t, cfg)
	assert.Nil(t, w.Config.Auth)
	assert.Equal(t, http.StatusNotFound, w.get("/", "").Status)
}
