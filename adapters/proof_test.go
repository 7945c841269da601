package adapters_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/verifier"
)

// proofAPIs are APIs with proofs in every framework, under a prefix that the router
// or a middleware takes away.
func proofAPIs(g *middleware.Guard) map[string]http.Handler {
	rule := claims.AnyToken()
	inner := http.NewServeMux()
	inner.Handle("GET /orders", g.Require(rule)(answer))
	inner.Handle("GET /twice", g.Authenticate(g.Require(rule)(answer)))
	chiInner := chi.NewRouter()
	chiInner.With(g.Require(rule)).Get("/orders", answer.ServeHTTP)
	chiInner.With(g.Authenticate, g.Require(rule)).Get("/twice", answer.ServeHTTP)
	outer := chi.NewRouter()
	outer.Mount("/v1", chiInner)
	engine := gin.New()
	group := engine.Group("/v1")
	group.GET("/orders", ginauth.Require(g, rule), gin.WrapH(answer))
	group.GET("/twice", ginauth.Authenticate(g), ginauth.Require(g, rule), gin.WrapH(answer))
	return map[string]http.Handler{"net/http": http.StripPrefix("/v1", inner), "chi": outer, "gin": engine}
}

func TestProofsInEveryFramework(t *testing.T) {
	t.Parallel()
	const address = "https://api.example/v1/orders"
	now := time.Now().Truncate(time.Second)
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"), jwkstest.WithAudience(audience), jwkstest.WithClock(func() time.Time { return now }))
	client := iss.NewProver("ES256")
	token := iss.Token(client.Bound())
	secrets, err := dpop.SharedNonces(bytes.Repeat([]byte("s"), 32))
	require.NoError(t, err)
	newGuard := func(now func() time.Time) *middleware.Guard {
		binding, err := dpop.New(dpop.Config{Origin: "https://api.example", Nonces: secrets, Now: now})
		require.NoError(t, err)
		v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{audience}, Keys: iss.KeySet()}}, Now: now})
		require.NoError(t, err)
		g, err := middleware.New(middleware.Config{Verifier: v, Bindings: []middleware.Binding{binding}})
		require.NoError(t, err)
		return g
	}
	for name := range proofAPIs(nil) {
		clock := now
		api := proofAPIs(newGuard(func() time.Time { return clock }))[name]
		call := func(path, scheme string, proofs ...string) *httptest.ResponseRecorder {
			r, w := httptest.NewRequest(http.MethodGet, path+"?x=1", nil), httptest.NewRecorder()
			r.Header.Set("Authorization", scheme+" "+token)
			r.Header["Dpop"] = proofs
			api.ServeHTTP(w, r)
			return w
		}
		challenge := func(scheme, code string) string { return scheme + ` realm="api", error="` + code + `"` }
		w := call("/v1/orders", "DPoP", client.Proof("GET", address, token))
		assert.Equal(t, 401, w.Code, name)
		assert.Contains(t, w.Header().Get("WWW-Authenticate"), challenge("DPoP", "use_dpop_nonce"), name)
		nonce := jwkstest.Claims{"nonce": w.Header().Get("DPoP-Nonce")}

		used := client.Proof("GET", address, token, nonce)
		w = call("/v1/orders", "DPoP", used)
		assert.Equal(t, 200, w.Code, name)
		assert.Equal(t, hello, w.Body.String(), name)
		assert.Empty(t, w.Header().Values("DPoP-Nonce"), name)
		for why, row := range map[string]struct {
			scheme, code string
			proofs       []string
		}{
			"used before":         {"DPoP", "invalid_dpop_proof", []string{used}},
			"none":                {"DPoP", "invalid_dpop_proof", nil},
			"by Bearer":           {"Bearer", "invalid_token", []string{client.Proof("GET", address, token, nonce)}},
			"for another method":  {"DPoP", "invalid_dpop_proof", []string{client.Proof("POST", address, token, nonce)}},
			"for the path inside": {"DPoP", "invalid_dpop_proof", []string{client.Proof("GET", "https://api.example/orders", token, nonce)}},
			"two":                 {"DPoP", "invalid_dpop_proof", []string{client.Proof("GET", address, token, nonce), client.Proof("GET", address, token, nonce)}},
		} {
			w := call("/v1/orders", row.scheme, row.proofs...)
			assert.Equal(t, 401, w.Code, "%s: %s", name, why)
			assert.Contains(t, w.Header().Get("WWW-Authenticate"), challenge(row.scheme, row.code), "%s: %s", name, why)
			assert.Empty(t, w.Header().Get("X-Handler"), "%s: %s", name, why)
		}
		w = call("/v1/twice", "DPoP", client.Proof("GET", "https://api.example/v1/twice", token, nonce))
		assert.Equal(t, 200, w.Code, "%s: a proof is checked once for a request", name)

		clock = now.Add(4 * time.Minute)
		w = call("/v1/orders", "DPoP", client.Proof("GET", address, token, nonce, jwkstest.Claims{"iat": clock}))
		assert.Equal(t, 200, w.Code, name)
		assert.Len(t, w.Header().Values("DPoP-Nonce"), 1, "%s: the next nonce is offered", name)
	}
}
