package providers_test

import (
	"fmt"
	"log"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const realm = "https://sso.example/realms/shop"

var bothRoles = providers.KeycloakRoles{Realm: true, Clients: []string{"orders"}}

func TestKeycloakSamples(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		roles providers.KeycloakRoles
		want  []string
	}{
		"none that was not named":     {providers.KeycloakRoles{}, nil},
		"the realm's":                 {providers.KeycloakRoles{Realm: true}, []string{"realm:user"}},
		"a client's":                  {providers.KeycloakRoles{Clients: []string{"orders"}}, []string{"orders:read"}},
		"both, and no other client's": {bothRoles, []string{"realm:user", "orders:read"}},
	} {
		w := newServer(t, realm, providers.Keycloak(realm, row.roles, "orders"))
		w.accepts(t, map[string]seen{
			"keycloak-user":    {Client: "webshop", Scopes: []string{"profile", "email"}, Roles: row.want},
			"keycloak-service": {Client: "warehouse", Scopes: []string{"orders.read"}, Roles: row.want},
		})
		assert.Equal(t, row.want, w.look(t, "keycloak-user", jwkstest.Claims{"roles": []string{"admin"}, "groups": []string{"admin"}}).Roles, name)
	}
}

func TestKeycloakTraps(t *testing.T) {
	t.Parallel()
	w := newServer(t, realm, providers.Keycloak(realm, bothRoles, "orders"))
	const kind = "By its claim typ this is not Keycloak's access token (Bearer, or DPoP) but its ID, refresh or offline token"
	w.refuses(t, "keycloak-user", map[string]trap{
		"only account in aud":             {sample: "keycloak-account", want: reason.WrongAudience, hint: "Keycloak puts the API into aud only with an audience mapper on the client: add one"},
		"no aud at all":                   {sample: "keycloak-no-aud", want: reason.MissingClaim, hint: "Keycloak puts the API into aud only with an audience mapper"},
		"another client in aud":           {change: jwkstest.WithAudience("billing"), want: reason.WrongAudience, hint: "audience mapper"},
		"an ID token":                     {sample: "keycloak-id-token", want: reason.UnsupportedType, hint: kind},
		"a refresh token":                 {sample: "keycloak-refresh-token", want: reason.UnsupportedType, hint: kind},
		"an offline token":                {change: jwkstest.Claims{"typ": "Offline"}, want: reason.UnsupportedType, hint: kind},
		"another case of Bearer":          {change: jwkstest.Claims{"typ": "bearer"}, want: reason.UnsupportedType, hint: kind},
		"bound to a key":                  {change: jwkstest.Claims{"typ": "DPoP", "cnf": map[string]any{"jkt": "x"}}, want: reason.UnsupportedBinding, hint: "bound to its sender's key (cnf)"},
		"no typ in the payload":           {change: jwkstest.Claims{"typ": nil}, want: reason.UnsupportedType, hint: kind},
		"no typ in the header":            {change: jwkstest.Header{"typ": nil}, want: reason.UnsupportedType, hint: "typ"},
		"no azp":                          {change: jwkstest.Claims{"azp": nil, "client_id": "webshop"}, want: reason.MissingClaim, hint: "The token names no client (azp)"},
		"another realm of the same host":  {change: jwkstest.Claims{"iss": "https://sso.example/realms/other"}, want: reason.UnknownIssuer, hint: "the path differs"},
		"the path of old versions":        {change: jwkstest.Claims{"iss": "https://sso.example/auth/realms/shop"}, want: reason.UnknownIssuer, hint: "the path differs"},
		"the name by which a proxy calls": {change: jwkstest.Claims{"iss": "http://sso.example/realms/shop"}, want: reason.UnknownIssuer, hint: "Only the scheme differs"},
		"roles that are no list":          {change: jwkstest.Claims{"realm_access": map[string]any{"roles": map[string]any{"admin": 1}}}, want: reason.MalformedClaims, hint: "roles"},
	})
	closed := newServer(t, realm, providers.Keycloak(realm, bothRoles, "orders").WithClients("warehouse"))
	assert.Equal(t, reason.WrongClient, closed.look(t, "keycloak-user").Reason, "the client is azp")
	assert.Equal(t, reason.WrongClient, closed.look(t, "keycloak-user", jwkstest.Claims{"client_id": "warehouse"}).Reason, "and not client_id, which a mapper of the client writes")
	assert.Empty(t, closed.look(t, "keycloak-service").Reason)
}

// The role admin of billing, and a role of the realm that is called like one of
// the client orders, are not the role admin of orders.
func TestARoleOfKeycloakSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	w := newServer(t, realm, providers.Keycloak(realm, bothRoles, "orders"))
	rule := claims.AnyRole("orders:admin", "admin")
	for name, change := range map[string]jwkstest.Claims{
		"admin of the realm":               {"realm_access": map[string]any{"roles": []string{"admin"}}},
		"a role of the realm named so":     {"realm_access": map[string]any{"roles": []string{"orders:admin"}}},
		"admin of another client":          {"resource_access": map[string]any{"billing": map[string]any{"roles": []string{"admin"}}}},
		"a role of another client, so too": {"resource_access": map[string]any{"billing": map[string]any{"roles": []string{"orders:admin"}}}},
	} {
		report := w.gate.ExplainRule(t.Context(), load(t, "keycloak-user").mint(t, w.iss, change), rule)
		assert.Equal(t, reason.InsufficientRole, report.Reason, name)
		assert.Contains(t, report.Hint, "then have the preset read it (RolesFrom) and the rule ask for realm:ROLE or CLIENT:ROLE", name)
	}
	own := jwkstest.Claims{"resource_access": map[string]any{"orders": map[string]any{"roles": []string{"admin"}}}}
	assert.True(t, w.gate.ExplainRule(t.Context(), load(t, "keycloak-user").mint(t, w.iss, own), rule).OK)
}

func TestKeycloakMistakes(t *testing.T) {
	t.Parallel()
	for issuer, says := range map[string]string{
		"":                                      "issuer is not set",
		"https://sso.example":                   "the issuer of a realm is https://HOST/realms/NAME",
		"https://sso.example/realms/":           "https://HOST/realms/NAME",
		"https://sso.example/realms/shop/":      "without anything behind",
		"https://sso.example/admin/shop/realms": "https://HOST/realms/NAME",
		realm + "/protocol/openid-connect":      "without anything behind",
	} {
		p := providers.Keycloak(issuer, providers.KeycloakRoles{Clients: []string{"orders", "orders"}})
		for _, say := range []string{says, "audiences is not set", `the client "orders" is named twice`} {
			assert.ErrorContains(t, p.Err, say, issuer)
		}
		assert.Empty(t, p.Issuers, issuer)
	}
	for says, clients := range map[string][]string{
		"a client id is empty": {""},
		"a client called realm would read like those of the realm": {"realm"},
		`RolesFrom: "a,b" holds a comma`:                           {"a,b"},
	} {
		assert.ErrorContains(t, providers.Keycloak(realm, providers.KeycloakRoles{Clients: clients}, "orders").Err, says)
	}
	assert.ErrorContains(t, providers.Keycloak(realm, bothRoles, "orders", "account").Err, "audiences: account is Keycloak's own")
	_, err := sallyport.NewFrom(providers.Keycloak(realm, providers.KeycloakRoles{Clients: []string{"a", "a:b"}}, "orders"))
	assert.ErrorContains(t, err, "so that a role could be read as one of either")
	assert.NoError(t, providers.Keycloak("https://sso.example/auth/realms/shop", bothRoles, "orders").Err, "the path of old versions")
}

// Rules ask for realm:ROLE and CLIENT:ROLE.
func ExampleKeycloak() {
	roles := providers.KeycloakRoles{Realm: true, Clients: []string{"orders"}}
	gate, err := sallyport.NewFrom(providers.Keycloak("https://sso.example/realms/shop", roles, "orders"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AnyRole("realm:admin", "orders:editor"))(orders))

	fmt.Println(statusOf(mux)) // no token was sent
	// Output: 401
}
