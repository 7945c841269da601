package sallyport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// A key set of one's own may have a Fetcher behind it, which waits for a first
// call; a probe before any call has to be one.
func TestAProbeBringsTheKeysOfAKeySetOfOnesOwnToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss, wrapped := newIssuer(t, jwkstest.WithoutServer()), newIssuer(t, jwkstest.WithoutServer())
		fetcher := func(of *jwkstest.Issuer) *jwks.Fetcher {
			f, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: of.Issuer(), Client: jwkstest.Client(iss, wrapped)})
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, f.Close()) })
			return f
		}
		given := fetcher(iss)
		made, err := sallyport.Open(sallyport.Config{Verifier: verifier.Config{Issuers: []verifier.Issuer{
			{Name: iss.Issuer(), Audiences: []string{audience}, Keys: given},
			{Name: iss.Issuer() + "/other", Audiences: []string{audience}, Keys: given},
			{Name: wrapped.Issuer(), Audiences: []string{audience}, Keys: logged{fetcher(wrapped)}},
		}}})
		g := closing(t, made, err)
		require.Len(t, g.Keys(), 1, "what two issuers share is one")
		assert.False(t, g.Keys()[0].Started)
		require.ErrorContains(t, g.Readiness(wrapped.Issuer()), "no usable keys", "it does not wait")
		time.Sleep(time.Second)
		assert.NoError(t, g.Readiness(wrapped.Issuer()))
		assert.Zero(t, iss.Fetches())

		require.NoError(t, g.Ready(t.Context()), "waits for a Fetcher that was given")
		assert.Equal(t, 1, iss.Fetches())
		assert.True(t, g.Keys()[0].Usable)
		assert.NoError(t, g.Readiness(sallyport.AllIssuers))
	})
}

// logged is a key set around another.
type logged struct{ jwks.KeySet }

// probe asks a handler as a probe does.
func probe(h http.Handler) (code int, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	return w.Code, w.Body.String()
}

// twoIssuers are up and down, and the Gate that trusts both.
func twoIssuers(t *testing.T) (up, down *jwkstest.Issuer, g *sallyport.Gate) {
	t.Helper()
	up = newIssuer(t, jwkstest.WithoutServer(), jwkstest.WithName("https://up.example"))
	down = newIssuer(t, jwkstest.WithoutServer(), jwkstest.WithName("https://down.example"))
	down.Fail(http.StatusBadGateway)
	made, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(up.Issuer(), audience), providers.Generic(down.Issuer(), audience)},
		Keys:      jwks.FetcherConfig{Client: jwkstest.Client(up, down)},
	})
	return up, down, closing(t, made, err)
}

func TestAProbeBringsTheKeysByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up, _, g := twoIssuers(t)
		assert.Equal(t, "not started", g.Keys()[0].String())
		assert.False(t, g.Keys()[0].Started, "Keys starts nothing")
		synctest.Wait()
		assert.Zero(t, up.Fetches())

		start := time.Now()
		code, body := probe(g.ReadinessHandler())
		assert.Equal(t, 503, code)
		assert.JSONEq(t, `{"ready":false,"issuers":[
			{"issuer":"https://up.example","ready":false,"state":"waiting for the first fetch"},
			{"issuer":"https://down.example","ready":false,"state":"waiting for the first fetch"}]}`, body)
		assert.Zero(t, time.Since(start), "it is answered at once")
		assert.True(t, g.Keys()[0].Started)

		synctest.Wait() // no call, no second probe
		assert.Equal(t, 1, up.Fetches())
		code, body = probe(g.ReadinessHandler())
		assert.Equal(t, 200, code, "the keys of one issuer are enough")
		assert.JSONEq(t, `{"ready":true,"issuers":[
			{"issuer":"https://up.example","ready":true,"state":"usable"},
			{"issuer":"https://down.example","ready":false,"state":"no keys yet, fetches failed"}]}`, body)
	})
}

func TestReadinessIsAskedOfAnyOfAllOrOfThese(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up, down, g := twoIssuers(t)
		assert.ErrorContains(t, g.Readiness(), `sallyport: the keys of "https://up.example": waiting for the first fetch`)
		synctest.Wait()

		assert.NoError(t, g.Readiness(), "any")
		assert.NoError(t, g.Readiness(up.Issuer()), "this one")
		for name, err := range map[string]error{
			"all":              g.Readiness(sallyport.AllIssuers),
			"the other one":    g.Readiness(down.Issuer()),
			"both":             g.Readiness(down.Issuer(), up.Issuer()),
			"all, and one too": g.Readiness(up.Issuer(), sallyport.AllIssuers),
		} {
			require.ErrorContains(t, err, `sallyport: the keys of "https://down.example": no keys yet, fetches failed: `, name)
			require.ErrorContains(t, err, "502", name)
			assert.NotContains(t, err.Error(), "up.example", name)
		}
		code, body := probe(g.ReadinessHandler(down.Issuer()))
		assert.Equal(t, 503, code)
		assert.JSONEq(t, `{"ready":false,"issuers":[{"issuer":"https://down.example","ready":false,"state":"no keys yet, fetches failed"}]}`, body, "the error is not for everybody")

		down.Restore()
		time.Sleep(2 * time.Minute)
		assert.NoError(t, g.Readiness(sallyport.AllIssuers), "it goes on by itself")
	})
}

func TestReadinessOfAnIssuerThatIsNotTrusted(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	p := providers.Generic(iss.Issuer(), audience)
	p.Issuers[0].Tokens.Keys = iss.KeySet()
	made, err := sallyport.NewFrom(p)
	g := closing(t, made, err)
	assert.ErrorContains(t, g.Readiness("https://other.example"), `the keys of "https://other.example": the Gate has no such issuer`)
	code, body := probe(g.ReadinessHandler("https://other.example"))
	assert.Equal(t, 503, code)
	assert.JSONEq(t, `{"ready":false,"issuers":[{"issuer":"https://other.example","ready":false,"state":"not an issuer of this API"}]}`, body)
}

func TestReadinessOfKeysThatTheGateDoesNotOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fixed, own := newIssuer(t, jwkstest.WithoutServer()), newIssuer(t, jwkstest.WithoutServer())
		f, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: own.Issuer(), Client: own.Client()})
		require.NoError(t, err)
		defer f.Close()
		var cfg sallyport.Config
		cfg.Verifier.Issuers = []verifier.Issuer{
			{Name: fixed.Issuer(), Audiences: []string{audience}, Keys: fixed.KeySet()},
			{Name: own.Issuer(), Audiences: []string{audience}, Keys: f},
			{Name: "https://broken.example", Audiences: []string{audience}, Keys: noKeys{}},
		}
		made, err := sallyport.Open(cfg)
		g := closing(t, made, err)

		assert.NoError(t, g.Readiness(), "what is fixed is ready")
		assert.NoError(t, g.Readiness(fixed.Issuer()))
		synctest.Wait()
		assert.NoError(t, g.Readiness(own.Issuer()), "the first question started it")
		assert.ErrorContains(t, g.Readiness(sallyport.AllIssuers), `"https://broken.example": no usable keys`)
	})
}

func TestNothingIsReadyAfterClose(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	g, err := sallyport.New(iss.Issuer(), audience)
	require.NoError(t, err)
	require.NoError(t, g.Ready(t.Context()))
	require.NoError(t, g.Readiness())
	require.NoError(t, g.Close())
	assert.ErrorIs(t, g.Readiness(), jwks.ErrClosed)
	code, body := probe(g.ReadinessHandler())
	assert.Equal(t, 503, code)
	assert.Contains(t, body, `"state":"closed"`)
}

func TestTheReadinessHandlerIsForProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, g := twoIssuers(t)
		h := g.ReadinessHandler(sallyport.AllIssuers)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/readyz", nil))
		assert.Equal(t, 503, w.Code)
		assert.Empty(t, w.Body)
		assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))

		w = httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/readyz", nil))
		assert.Equal(t, 405, w.Code)
		assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	})
}
