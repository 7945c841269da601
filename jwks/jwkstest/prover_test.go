package jwkstest_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
)

func TestAProverMakesGoodProofs(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	api := proved(iss, dpop.Config{Required: true})
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		p := iss.NewProver(alg)
		assert.Equal(t, alg, p.Algorithm())
		r, w := httptest.NewRequest(http.MethodDelete, "https://api.example/orders/7?x=1", nil), httptest.NewRecorder()
		p.SetProof(r, iss.Token(p.Bound()))
		api.ServeHTTP(w, r)
		assert.Equal(t, 204, w.Code, alg)
		header, claims := open(t, r.Header.Get("DPoP"))
		assert.Equal(t, "dpop+jwt", header["typ"])
		assert.Equal(t, "https://api.example/orders/7", claims["htu"])
		assert.Equal(t, "DELETE", claims["htm"])
		assert.True(t, verifiedBy(r.Header.Get("DPoP"), p.Public(), alg))
	}
}

func TestOptionsChangeAProof(t *testing.T) {
	t.Parallel()
	at := time.Now().Add(-time.Hour)
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithClock(func() time.Time { return at }), jwkstest.Claims{"scope": "x"})
	p := iss.NewProver("ES256")
	header, claims := open(t, p.Proof("GET", "https://api.example/", "token", jwkstest.Header{"typ": "JWT"}, jwkstest.Claims{"nonce": "n", "jti": nil}))
	assert.Equal(t, "JWT", header["typ"])
	assert.Equal(t, "n", claims["nonce"])
	assert.NotContains(t, claims, "jti")
	assert.NotContains(t, claims, "scope", "what holds for every token is not for proofs")
	assert.InDelta(t, at.Unix(), claims["iat"], 1)
	other := iss.NewProver("ES256")
	assert.NotEqual(t, p.Thumbprint(), other.Thumbprint())
	assert.Contains(t, panicOf(func() { jwkstest.New(&fakeTB{TB: t}, jwkstest.WithoutServer()).NewProver("HS256") }), "asymmetric key, not HS256")
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	p.SetProof(r, "token")
	require.NotEmpty(t, r.Header.Get("DPoP"))
}
