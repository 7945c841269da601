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

const oktaIssuer = "https://acme.okta.com/oauth2/default"

func TestOktaSamples(t *testing.T) {
	t.Parallel()
	w := newServer(t, oktaIssuer, providers.Okta(oktaIssuer, "api://default"))
	w.accepts(t, map[string]seen{
		"okta-user": {Caller: claims.CallerUser, Client: "0oa1example", Scopes: []string{"read", "write"}},
		"okta-app":  {Caller: claims.CallerApp, Client: "0oa1example", Scopes: []string{"read"}},
	})
}

func TestOktaTraps(t *testing.T) {
	t.Parallel()
	w := newServer(t, oktaIssuer, providers.Okta(oktaIssuer, "api://default"))
	const org = "This is a token of Okta's org authorization server, which only Okta can verify: have the client ask a custom authorization server"
	w.refuses(t, "okta-user", map[string]trap{
		"a token of the org server":                 {sample: "okta-org", want: reason.UnknownIssuer, hint: org},
		"the org server's typ under this issuer":    {change: jwkstest.Header{"typ": "application/okta-internal-at+jwt"}, want: reason.UnsupportedType, hint: org},
		"an ID token":                               {sample: "okta-id-token", want: reason.MissingClaim, hint: "Okta's access tokens have cid, and its ID tokens do not"},
		"an ID token with its hash":                 {change: jwkstest.Claims{"at_hash": "x"}, want: reason.UnsupportedType, hint: "send the access token"},
		"another custom server":                     {change: jwkstest.Claims{"iss": "https://acme.okta.com/oauth2/aus1"}, want: reason.UnknownIssuer, hint: "the path differs"},
		"another audience":                          {change: jwkstest.WithAudience("api://billing"), want: reason.WrongAudience, hint: "In Okta, aud is a setting of the custom authorization server"},
		"no audience":                               {change: jwkstest.Claims{"aud": nil}, want: reason.MissingClaim, hint: "In Okta, aud is a setting"},
		"an algorithm that Okta does not sign with": {change: jwkstest.WithAlgorithm("ES256"), want: reason.UnsupportedAlg, hint: `Add "ES256"`},
		"a scope as a string that is no list":       {change: jwkstest.Claims{"scp": map[string]any{"read": true}}, want: reason.MalformedClaims, hint: `"scp"`},
	})
	assert.Equal(t, seen{Caller: claims.CallerUser, Client: "0oa1example"}, w.look(t, "okta-user", jwkstest.Claims{"scp": nil, "scope": "read", "roles": []string{"admin"}}), "scope and roles are not Okta's")
}

func TestOktaMistakes(t *testing.T) {
	t.Parallel()
	for issuer, says := range map[string]string{
		"https://acme.okta.com":                      `issuer "https://acme.okta.com" is Okta's org authorization server, whose access tokens are for Okta's own API and cannot be verified by others: use a custom authorization server, such as https://acme.okta.com/oauth2/default`,
		"https://acme.okta.com/":                     "is Okta's org authorization server",
		"https://login.acme.example":                 "such as https://login.acme.example/oauth2/default",
		"https://acme.okta.com/oauth2":               "is https://DOMAIN/oauth2/ID",
		"https://acme.okta.com/oauth2/":              "is https://DOMAIN/oauth2/ID",
		"https://acme.okta.com/oauth2/default/":      "without anything behind",
		"https://acme.okta.com/oauth2/default/v1":    "without anything behind",
		"https://acme-admin.okta.com/oauth2/default": "the issuer has no -admin",
		"acme.okta.com":                              "such as https://acme.okta.com/oauth2/default",
		"":                                           "issuer is not set",
	} {
		p := providers.Okta(issuer)
		assert.ErrorContains(t, p.Err, says, issuer)
		assert.ErrorContains(t, p.Err, "audiences is not set", "%q: all at once", issuer)
		assert.Empty(t, p.Issuers, issuer)
	}
	assert.NoError(t, providers.Okta("https://login.acme.example/oauth2/aus1", "a").Err, "a custom domain")
}

// The audience is in the settings of the authorization server.
func ExampleOkta() {
	gate, err := sallyport.NewFrom(providers.Okta("https://acme.okta.com/oauth2/default", "api://default"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(orders))

	fmt.Println(statusOf(mux)) // no token was sent
	// Output: 401
}

func TestGroupsOfOktaAsRoles(t *testing.T) {
	t.Parallel()
	p := providers.Okta("https://acme.okta.com/oauth2/default", "api://default")
	p.Issuers[0].Tokens.Claims.Roles = []claims.Source{{Path: claims.Path{"groups"}}}
	w := newServer(t, oktaIssuer, p)
	assert.Equal(t, []string{"staff"}, w.look(t, "okta-user", jwkstest.Claims{"groups": []string{"staff"}}).Roles)
}
