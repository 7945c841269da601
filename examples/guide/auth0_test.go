package guide_test

import (
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
)

func TestAuth0(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://login.example.com/", "https://api.example.com/", jwkstest.Claims{"azp": "warehouse"})
	both := jwkstest.Claims{"scope": "orders:read", "permissions": []string{"orders:delete"}}

	byPermissions := providers.Auth0("login.example.com", providers.Auth0Permissions, "https://api.example.com/") // RBAC is on
	byScopes := providers.Auth0("login.example.com", providers.Auth0Scopes, "https://api.example.com/")           // RBAC is off

	gate := closed(t)(sallyport.NewFrom(withKeys(byPermissions, iss)))
	assert.Equal(t, 200, call(gate.Require(claims.AllPermissions("orders:delete"))(ok), "DELETE", "/", iss.Token(both)).Code)
	assert.Equal(t, 403, call(gate.Require(claims.AllScopes("orders:read"))(ok), "GET", "/", iss.Token(both)).Code, "what a client asked for is no permission")

	gate = closed(t)(sallyport.NewFrom(withKeys(byScopes, iss)))
	assert.Equal(t, 200, call(gate.Require(claims.AllScopes("orders:read"))(ok), "GET", "/", iss.Token(both)).Code)
	assert.Equal(t, 403, call(gate.Require(claims.AllPermissions("orders:delete"))(ok), "DELETE", "/", iss.Token(both)).Code)

	assert.Equal(t, 200, call(gate.Authenticate(ok), "GET", "/", iss.Token(jwkstest.Claims{"aud": []string{"https://api.example.com/", "https://login.example.com/userinfo"}})).Code, "openid was asked for")
	assert.Equal(t, 401, call(gate.Authenticate(ok), "GET", "/", iss.Token(jwkstest.Claims{"iss": "https://login.example.com"})).Code, "the slash counts")
}
