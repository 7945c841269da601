package guide_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func TestIntrospection(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://issuer.example/", "api://orders", jwkstest.Claims{"scope": "orders.read"})
	secretFile := filepath.Join(t.TempDir(), "introspection")
	require.NoError(t, os.WriteFile(secretFile, []byte(jwkstest.IntrospectionSecret), 0o600))
	clientID := jwkstest.IntrospectionClient
	cfg := sallyport.Config{Providers: []providers.Provider{withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)}}

	cfg.Introspection = []introspection.Config{{
		Issuer:      "https://issuer.example/", // one of cfg.Providers
		Endpoint:    "https://issuer.example/introspect",
		Credentials: introspection.Basic(clientID, introspection.File(secretFile)), // read with each question: it may rotate
	}}

	cfg.Introspection[0].Client = iss.Client()
	gate := closed(t)(sallyport.Open(cfg))
	list := gate.Require(claims.AllScopes("orders.read"))(ok)
	assert.Equal(t, 200, call(list, "GET", "/orders", iss.OpaqueToken()).Code)
	assert.Equal(t, 200, call(list, "GET", "/orders", iss.Token()).Code)
	assert.Equal(t, 403, call(list, "GET", "/orders", iss.OpaqueToken(jwkstest.Claims{"scope": "stock.read"})).Code)
	assert.Equal(t, 401, call(list, "GET", "/orders", "made-up").Code)
	require.NoError(t, os.Remove(secretFile))
	refused := call(list, "GET", "/orders", iss.OpaqueToken())
	assert.Equal(t, 503, refused.Code)
	assert.NotEmpty(t, refused.Header().Get("Retry-After"))
}

func TestIntrospectionOfJWTs(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://issuer.example/", "api://orders")
	cfg := sallyport.Config{Providers: []providers.Provider{withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)}}
	cfg.Introspection = []introspection.Config{{
		Issuer: iss.Issuer(), Endpoint: iss.IntrospectionURL(), Client: iss.Client(),
		Credentials: introspection.Post(jwkstest.IntrospectionClient, introspection.Fixed(jwkstest.IntrospectionSecret)),
	}}

	cfg.Introspection[0].Tokens = introspection.JWTs // or All

	gate := closed(t)(sallyport.Open(cfg))
	token := iss.Token()
	assert.Equal(t, 200, call(gate.Require(claims.AnyToken())(ok), "GET", "/orders", token).Code)
	revoked := iss.Token()
	iss.Revoke(revoked)
	assert.Equal(t, 401, call(gate.Require(claims.AnyToken())(ok), "GET", "/orders", revoked).Code)
}
