package guide_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func TestRolesOfSeveralClaims(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://keycloak.example/realms/shop", "orders")

	p := providers.Generic("https://keycloak.example/realms/shop", "orders")
	p.Issuers[0].Tokens.Claims = claims.Mapping{
		UnionOfRoles: true,
		Roles: []claims.Source{
			{Path: claims.Path{"realm_access", "roles"}, Prefix: "realm:"},
			{Path: claims.Path{"resource_access", "orders", "roles"}, Prefix: "orders:"},
		},
	}
	gate := closed(t)(sallyport.NewFrom(withKeys(p, iss)))
	guarded := gate.Require(claims.AnyRole("realm:admin", "orders:editor"))

	roles := func(realm, orders, billing string) string {
		return iss.Token(jwkstest.Claims{
			"realm_access":    map[string]any{"roles": []string{realm}},
			"resource_access": map[string]any{"orders": map[string]any{"roles": []string{orders}}, "billing": map[string]any{"roles": []string{billing}}},
		})
	}
	assert.Equal(t, 200, call(guarded(ok), "GET", "/", roles("admin", "none", "none")).Code)
	assert.Equal(t, 200, call(guarded(ok), "GET", "/", roles("none", "editor", "none")).Code)
	assert.Equal(t, 403, call(guarded(ok), "GET", "/", roles("editor", "admin", "none")).Code, "each by its prefix")
	assert.Equal(t, 403, call(guarded(ok), "GET", "/", roles("none", "none", "editor")).Code, "a client that is not named")
}
