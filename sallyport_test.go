package sallyport_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

var _ middleware.Verifier = (*sallyport.Gate)(nil)

// status returns what a handler answers to a token, "" for none.
func status(h http.Handler, token string) int {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

var ok = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func reasonOf(tb testing.TB, err error) reason.Code {
	tb.Helper()
	var refusal *verifier.Error
	require.ErrorAs(tb, err, &refusal)
	return refusal.Reason
}

func TestAnIssuerAndAnAudienceAreEnough(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	made, err := sallyport.New(iss.Issuer(), audience)
	g := closing(t, made, err)
	assert.Zero(t, iss.Fetches(), "nothing is fetched before the first call")

	h := g.Require(claims.AllScopes("orders.read"))(ok)
	assert.Equal(t, 200, status(h, iss.Token(jwkstest.Claims{"scope": "orders.read"})))
	assert.Equal(t, 403, status(h, iss.Token()))
	assert.Equal(t, 401, status(h, iss.Token(jwkstest.WithAudience("api://other"))))
	assert.Equal(t, 401, status(h, ""))
	assert.Equal(t, 1, iss.Fetches())

	c, err := g.Verify(t.Context(), iss.Token())
	assert.NoError(t, err)
	assert.Equal(t, "test-client", c.ClientID())
	assert.True(t, g.Explain(t.Context(), iss.Token()).OK)
	assert.Equal(t, reason.WrongAudience, g.Explain(t.Context(), iss.Token(jwkstest.WithAudience("x"))).Reason)
}

func TestIssuersWithKeysOfTheirOwnNeedNoFetch(t *testing.T) {
	t.Parallel()
	static, fetched := newIssuer(t), newIssuer(t)
	p := providers.Generic(static.Issuer(), audience)
	p.Issuers[0].Tokens.Keys = static.KeySet()
	cfg := sallyport.Config{Providers: []providers.Provider{p, providers.Generic(fetched.Issuer(), audience)}}
	third := newIssuer(t)
	cfg.Verifier.Issuers = []verifier.Issuer{{Name: third.Issuer(), Audiences: []string{audience}, Keys: third.KeySet()}}
	made, err := sallyport.Open(cfg)
	g := closing(t, made, err)

	require.NoError(t, g.Ready(t.Context()))
	require.Len(t, g.Keys(), 1, "the state of what is fetched")
	assert.Equal(t, fetched.Issuer(), g.Keys()[0].Issuer)
	for _, iss := range []*jwkstest.Issuer{static, fetched, third} {
		assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token()))
	}
	assert.Zero(t, static.Fetches()+third.Fetches())
	assert.Len(t, cfg.Verifier.Issuers, 1, "the caller's Config stays as it is")
}

func TestADistrustedKeyOpensNothingFromThenOn(t *testing.T) {
	t.Parallel()
	iss, other := newIssuer(t), newIssuer(t)
	made, err := sallyport.NewFrom(providers.Generic(iss.Issuer(), audience), providers.Generic(other.Issuer(), audience))
	g := closing(t, made, err)
	leaked, next := iss.Key(), iss.NewKey("ES256")
	iss.Publish(next)
	seen, elsewhere := iss.Token(), other.Token()
	require.NoError(t, g.Ready(t.Context()))
	require.Equal(t, 200, status(g.Authenticate(ok), seen))

	require.NoError(t, g.Distrust(iss.Issuer(), leaked.ID()))
	for range 2 {
		_, err := g.Verify(t.Context(), seen)
		assert.Equal(t, reason.UnknownKey, reasonOf(t, err), "what was verified before no longer holds")
	}
	assert.Equal(t, 401, status(g.Authenticate(ok), iss.Token(jwkstest.WithKey(leaked))))
	assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token(jwkstest.WithKey(next))))
	assert.Equal(t, 200, status(g.Authenticate(ok), elsewhere), "another issuer's key of that kid is another key")
	assert.Equal(t, 1, iss.Fetches(), "and no fetch is made for it")
}

func TestDistrustSaysWhatItCannotDo(t *testing.T) {
	t.Parallel()
	fetched, given, own := newIssuer(t), newIssuer(t), newIssuer(t)
	fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{JWKSURL: own.JWKSURL()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = fetcher.Close() })
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(fetched.Issuer(), audience)}}
	cfg.Verifier.Issuers = []verifier.Issuer{
		{Name: given.Issuer(), Audiences: []string{audience}, Keys: given.KeySet()},
		{Name: own.Issuer(), Audiences: []string{audience}, Keys: fetcher},
	}
	made, err := sallyport.Open(cfg)
	g := closing(t, made, err)
	assert.ErrorContains(t, g.Distrust("https://issuer.example", "a"), "is not configured")
	assert.ErrorContains(t, g.Distrust(fetched.Issuer(), ""), "no kid is given")
	assert.ErrorContains(t, g.Distrust(given.Issuer(), "a"), "were given, not fetched")
	assert.ErrorContains(t, new(sallyport.Gate).Distrust(given.Issuer(), "a"), "is not configured")
	assert.ErrorContains(t, (*sallyport.Gate)(nil).Distrust(given.Issuer(), "a"), "is not configured")

	require.Equal(t, 200, status(g.Authenticate(ok), own.Token()))
	require.NoError(t, g.Distrust(own.Issuer(), own.Key().ID()), "a Fetcher of the owner's own")
	assert.Equal(t, 503, status(g.Authenticate(ok), own.Token()), "no other key is left: the token cannot be judged")
}

func TestAllMistakesAreReportedAtOnceAndOnce(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		open func() (*sallyport.Gate, error)
		says []string
		not  []string
	}{
		"nothing at all": {
			open: func() (*sallyport.Gate, error) { return sallyport.Open(sallyport.Config{}) },
			says: []string{"no Issuers"}, not: []string{"Config.Verifier"},
		},
		"no provider": {open: func() (*sallyport.Gate, error) { return sallyport.NewFrom() }, says: []string{"no Issuers"}},
		"neither issuer nor audience": {
			open: func() (*sallyport.Gate, error) { return sallyport.New("", "") },
			says: []string{"set Issuer", "Name is empty", "Audiences[0] is empty"}, not: []string{"no Issuers"},
		},
		"an issuer without TLS": {
			open: func() (*sallyport.Gate, error) { return sallyport.New("http://issuer.example", audience) },
			says: []string{"use https"}, not: []string{"no Issuers", "verifier"},
		},
		"two presets, both wrong": {
			open: func() (*sallyport.Gate, error) {
				return sallyport.NewFrom(providers.Entra("contoso", "a"), providers.Auth0("https://x", providers.Auth0Scopes, "a"))
			},
			says: []string{`tenant "contoso"`, `domain "https://x"`}, not: []string{"no Issuers"},
		},
		"every part": {
			open: func() (*sallyport.Gate, error) {
				return sallyport.Open(sallyport.Config{
					Providers: []providers.Provider{providers.Generic("https://issuer.example"), providers.Entra("x", "a")},
					Keys:      jwks.FetcherConfig{Timeout: -1, Issuer: "https://issuer.example"},
					Verifier:  verifier.Config{Leeway: time.Hour},
					Guard:     middleware.Config{Realm: "å", Verifier: new(verifier.Verifier)},
				})
			},
			says: []string{"Audiences is empty", `tenant "x"`, "Timeout", "Keys names an issuer", "Leeway", "Realm", "Guard has a Verifier"},
			not:  []string{"no Issuers"},
		},
		"every part, where no provider is sound": {
			open: func() (*sallyport.Gate, error) {
				return sallyport.Open(sallyport.Config{
					Providers: []providers.Provider{providers.Entra("x", "a")},
					Keys:      jwks.FetcherConfig{Timeout: -1},
					Verifier:  verifier.Config{Leeway: time.Hour, Validators: []verifier.Validator{nil}},
					Guard:     middleware.Config{Realm: "å"},
				})
			},
			says: []string{`tenant "x"`, "Timeout", "Leeway", "Validators[0] is nil", "Realm"},
			not:  []string{"no Issuers", "invalid"},
		},
		"an issuer of one's own without keys": {
			open: func() (*sallyport.Gate, error) {
				return sallyport.Open(sallyport.Config{Verifier: verifier.Config{Issuers: []verifier.Issuer{{Name: "https://issuer.example", Audiences: []string{audience}}}}})
			},
			says: []string{"Keys is nil"},
		},
		"a binding whose making failed": {
			open: func() (*sallyport.Gate, error) {
				cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic("https://issuer.example", audience)}}
				cfg.Guard.Bindings = []middleware.Binding{(*senderKey)(nil), nil}
				return sallyport.Open(cfg)
			},
			says: []string{"Bindings[0] is nil", "Bindings[1] is nil"},
		},
		"the same issuer twice": {
			open: func() (*sallyport.Gate, error) {
				return sallyport.NewFrom(providers.Generic("https://issuer.example", "a"), providers.Generic("https://issuer.example", "b"))
			},
			says: []string{"the same Name twice: put all audiences and tenants into one Issuer"},
		},
	} {
		g, err := row.open()
		assert.Nil(t, g, name)
		for _, say := range row.says {
			assert.ErrorContains(t, err, say, name)
		}
		for _, not := range row.not {
			assert.NotContains(t, err.Error(), not, name)
		}
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up, down, g := twoIssuers(t)
		assert.Equal(t, []bool{false, false}, usable(g))

		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		err := g.Ready(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "502")
		assert.Equal(t, []bool{true, false}, usable(g))
		assert.Equal(t, 200, status(g.Authenticate(ok), up.Token()), "one issuer's trouble is not another's")
		assert.Equal(t, 503, status(g.Authenticate(ok), down.Token()))

		down.Restore()
		assert.NoError(t, g.Ready(t.Context()))
		assert.Equal(t, []bool{true, true}, usable(g))
		assert.Equal(t, 200, status(g.Authenticate(ok), down.Token()))
	})
}

func usable(g *sallyport.Gate) (list []bool) {
	keys := g.Keys()
	for i := range keys {
		list = append(list, keys[i].Usable)
	}
	return list
}

func TestClose(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	g, err := sallyport.New(iss.Issuer(), audience)
	require.NoError(t, err)
	require.NoError(t, g.Ready(t.Context()))
	assert.NoError(t, g.Close())
	assert.NoError(t, g.Close(), "once more does no harm")

	assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token()), "the keys that are there are still good")
	iss.Rotate()
	assert.Equal(t, 503, status(g.Authenticate(ok), iss.Token()), "newer ones cannot be had")
	assert.ErrorIs(t, g.Ready(t.Context()), jwks.ErrClosed)

	unused, err := sallyport.New(iss.Issuer(), audience)
	require.NoError(t, err)
	assert.NoError(t, unused.Close())
	assert.ErrorIs(t, unused.Ready(t.Context()), jwks.ErrClosed)
	assert.Equal(t, 503, status(unused.Authenticate(ok), iss.Token()))
}

// senderKey is a Binding that takes a header for proof.
type senderKey struct{ member string }

func (s senderKey) Confirms() []string { return []string{s.member} }

func (s senderKey) Check(r *http.Request, _ middleware.Credential, c *claims.Claims) error {
	want, bound := c.Text("cnf", s.member)
	if bound && r.Header.Get("X-Sender-Key") != want {
		return errors.New("another key")
	}
	return nil
}

func TestABoundTokenPassesWithItsRequestAlone(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(iss.Issuer(), audience)}}
	cfg.Guard.Bindings = []middleware.Binding{senderKey{"jkt"}}
	made, err := sallyport.Open(cfg)
	g := closing(t, made, err)
	token := iss.Token(jwkstest.Claims{"cnf": map[string]string{"jkt": "thumb"}})

	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("X-Sender-Key", "thumb")
	_, _, err = g.Check(r, claims.AnyToken())
	assert.NoError(t, err)
	assert.Equal(t, 401, status(g.Authenticate(ok), token), "without the proof")
	other := iss.Token(jwkstest.Claims{"cnf": map[string]string{"x5t#S256": "thumb"}})
	assert.Equal(t, 401, status(g.Authenticate(ok), other), "a member that no binding confirms")

	for _, bound := range []string{token, other} { // the first one was verified before, for the request that proved it
		_, err = g.Verify(t.Context(), bound)
		assert.Equal(t, reason.UnsupportedBinding, reasonOf(t, err), "Verify sees no request")
		assert.Equal(t, reason.UnsupportedBinding, g.Explain(t.Context(), bound).Reason, "nor does Explain")
	}
}
