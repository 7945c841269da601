package guide_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rs/cors"
	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func withCORS(p providers.Provider, mux http.Handler) (http.Handler, *sallyport.Gate, error) {
	c := cors.New(cors.Options{ // github.com/rs/cors
		AllowedOrigins: []string{"https://app.example"},
		AllowedMethods: []string{"GET", "POST", "DELETE"},
		AllowedHeaders: []string{"Authorization", "Content-Type", "DPoP"},
		ExposedHeaders: []string{"WWW-Authenticate", "Retry-After", "DPoP-Nonce"},
	})
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{p}, // such as providers.Generic("https://issuer.example/", "api://orders")
		Guard:     middleware.Config{Preflight: c.Handler},
	})
	if err != nil {
		return nil, nil, err
	}
	return c.Handler(gate.Authenticate(mux)), gate, nil
}

func TestCORS(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	api, gate, err := withCORS(providers.Generic(iss.Issuer(), iss.Audience()), ok)
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })

	asked := []string{"Origin", "https://app.example", "Access-Control-Request-Method", "DELETE", "Access-Control-Request-Headers", "authorization"}
	for where, h := range map[string]http.Handler{"around the Guard": api, "behind it": gate.Authenticate(ok)} {
		preflight := call(h, http.MethodOptions, "/orders/7", "", asked...)
		assert.Equal(t, 204, preflight.Code, where)
		assert.Equal(t, "https://app.example", preflight.Header().Get("Access-Control-Allow-Origin"), where)
		assert.Equal(t, "authorization", preflight.Header().Get("Access-Control-Allow-Headers"), where)
	}
	refused := call(api, http.MethodDelete, "/orders/7", "", "Origin", "https://app.example")
	assert.Equal(t, 401, refused.Code)
	assert.Equal(t, "https://app.example", refused.Header().Get("Access-Control-Allow-Origin"), "the page can read a refusal")
	assert.Equal(t, "www-authenticate, retry-after, dpop-nonce", strings.ToLower(refused.Header().Get("Access-Control-Expose-Headers")))
	assert.Equal(t, 200, call(api, http.MethodDelete, "/orders/7", iss.Token(), "Origin", "https://app.example").Code)
}
