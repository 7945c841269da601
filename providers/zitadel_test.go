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

const (
	zitadelIssuer = "https://shop.zitadel.example"
	project       = "178204173316174381"
)

func TestZitadelSamples(t *testing.T) {
	t.Parallel()
	newServer(t, zitadelIssuer, providers.Zitadel(zitadelIssuer, "", project)).accepts(t, map[string]seen{
		"zitadel-user":     {Roles: []string{"admin"}},
		"zitadel-projects": {Client: "webshop", Roles: []string{"admin"}},
	})
	newServer(t, zitadelIssuer, providers.Zitadel(zitadelIssuer, project, project)).accepts(t, map[string]seen{
		"zitadel-user":     {}, // its roles are those of the client's own project
		"zitadel-projects": {Client: "webshop", Roles: []string{"reader", "writer"}},
	})
}

func TestZitadelTraps(t *testing.T) {
	t.Parallel()
	const ask = "In Zitadel, have the client ask for the scope urn:zitadel:iam:org:project:id:PROJECT:aud"
	w := newServer(t, zitadelIssuer, providers.Zitadel(zitadelIssuer, "", project))
	w.refuses(t, "zitadel-user", map[string]trap{
		"an audience that was not asked for": {sample: "zitadel-no-audience", want: reason.WrongAudience, hint: ask},
		"no aud":                             {change: jwkstest.Claims{"aud": nil}, want: reason.MissingClaim, hint: ask},
		"roles as a list":                    {change: jwkstest.Claims{"urn:zitadel:iam:org:project:roles": []string{"admin"}}, want: reason.MalformedClaims, hint: "urn:zitadel:iam:org:project:roles"},
		"an opaque token":                    {token: "dEnjEhGAhj_4JxWbuY6AJQBIzP2IVEsR", want: reason.Malformed, hint: "This is no JWT but an opaque token. In Zitadel, choose JWT as the token type of the application"},
		"an ID token by its hash":            {change: jwkstest.Claims{"at_hash": "x"}, want: reason.UnsupportedType, hint: "send the access token"},
		"an ID token without a hash":         {change: jwkstest.Claims{"nonce": "n"}, want: reason.UnsupportedType, hint: "By its nonce this is an ID token: send the access_token"},
		"another instance":                   {change: jwkstest.Claims{"iss": "https://other.zitadel.example"}, want: reason.UnknownIssuer, hint: "another issuer"},
	})
	assert.Empty(t, w.look(t, "zitadel-user", jwkstest.Claims{"urn:zitadel:iam:org:project:roles": map[string]any{"admin": nil}}).Roles, "a role without an organisation is none")
	report := w.gate.ExplainRule(t.Context(), load(t, "zitadel-user").mint(t, w.iss), claims.AllScopes("orders.read"))
	assert.Contains(t, report.Hint, "Zitadel's access tokens have no scope: let the rule ask for a role.")
}

func TestZitadelMistakes(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"providers: Zitadel: issuer is not set", "audiences is not set", `RolesFrom "a:b": give the id of a project`} {
		assert.ErrorContains(t, providers.Zitadel("", "a:b").Err, say)
	}
	s := providers.Settings{Issuer: zitadelIssuer, Audiences: []string{project}, RolesFrom: []string{"1", "2"}}
	assert.ErrorContains(t, providers.Named("zitadel", s).Err, "zitadel: RolesFrom: give one project")
}

// The audience is the id of the API's project, and so is whose roles count.
func ExampleZitadel() {
	gate, err := sallyport.NewFrom(providers.Zitadel("https://shop.zitadel.example", "178204173316174381", "178204173316174381"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AnyRole("reader"))(orders))

	fmt.Println(statusOf(mux)) // no token was sent
	// Output: 401
}
