package guide_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/providers"
)

// guarded is an API of that issuer behind a Binding.
func guarded(t *testing.T, iss *jwkstest.Issuer, binding middleware.Binding) http.Handler {
	t.Helper()
	gate := closed(t)(sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)},
		Guard:     middleware.Config{Bindings: []middleware.Binding{binding}},
	}))
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AnyToken())(ok))
	return mux
}

func TestCertificateBoundTokens(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()

	binding, err := mtls.New(mtls.Config{Required: true}) // false: tokens that are not bound pass as bearer tokens
	require.NoError(t, err)
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic("https://issuer.example/", "api://orders")},
		Guard:     middleware.Config{Bindings: []middleware.Binding{binding}},
	})
	require.NoError(t, err)
	defer gate.Close()
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{ClientAuth: tls.RequestClientCert}}
	assert.NotNil(t, server.Handler)
}

func TestCertificatesFromAProxy(t *testing.T) {
	t.Parallel()
	binding, err := mtls.New(mtls.Config{
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32")},
		// Client-Cert as RFC 9440 has it, or:
		Header: "X-SSL-Cert", Format: mtls.EscapedPEM,
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"x5t#S256"}, binding.Confirms())
}

func TestAttackCertificates(t *testing.T) {
	t.Parallel()
	binding, err := mtls.New(mtls.Config{})
	require.NoError(t, err)

	iss := jwkstest.New(t)
	cert := iss.NewCertificate()
	request := cert.On(httptest.NewRequest(http.MethodGet, "/orders", nil)) // or cert.TLS() for a client, cert.ClientCert() for a header
	api := guarded(t, iss, binding)
	jwkstest.AttackHandler(t, iss, api, request, cert.Bound()) // tries the token without its certificate in some 80 ways
}

func TestProofsOfPossession(t *testing.T) {
	t.Parallel()
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example"}) // what clients know the API by
	require.NoError(t, err)
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic("https://issuer.example/", "api://orders")},
		Guard:     middleware.Config{Bindings: []middleware.Binding{proofs}},
	})
	require.NoError(t, err)
	defer gate.Close()

	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	client := iss.NewProver("ES256")
	r := httptest.NewRequest(http.MethodGet, "https://api.example/orders", nil)
	client.SetProof(r, iss.Token(client.Bound()))
	w := httptest.NewRecorder()
	guarded(t, iss, proofs).ServeHTTP(w, r)
	assert.Equal(t, 200, w.Code)
}

func TestNoncesThatAFleetShares(t *testing.T) {
	t.Parallel()
	newest, before := []byte("the newest secret of a test, of 32 bytes"), []byte("the one before it, which is as long as that")
	secrets, err := dpop.SharedNonces(newest, before) // at least 32 random bytes each, the same on every instance
	require.NoError(t, err)
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example", Nonces: secrets})
	require.NoError(t, err)
	iss := jwkstest.New(t)
	client := iss.NewProver("ES256")
	r := httptest.NewRequest(http.MethodGet, "https://api.example/orders", nil)
	client.SetProof(r, iss.Token(client.Bound()))
	w := httptest.NewRecorder()
	guarded(t, iss, proofs).ServeHTTP(w, r)
	assert.Equal(t, 401, w.Code)
	assert.NotEmpty(t, w.Header().Get("DPoP-Nonce"))
}
