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
	hydraIssuer = "https://hydra.example/" // with the slash that Hydra writes
	ordersAPI   = "https://orders.example"
)

func TestHydraSamples(t *testing.T) {
	t.Parallel()
	read := seen{Client: "warehouse", Scopes: []string{"read"}}
	w := newServer(t, hydraIssuer, providers.Hydra(hydraIssuer, ordersAPI))
	w.accepts(t, map[string]seen{
		"hydra-app":   read,
		"hydra-both":  read, // scp, and no union with scope
		"hydra-scope": {Client: "warehouse", Scopes: []string{"read", "write"}},
	})
	assert.Empty(t, w.look(t, "hydra-both", jwkstest.Claims{"scp": []string{}}).Scopes, "no scope that was granted is granted by the next claim")
	assert.Empty(t, w.look(t, "hydra-app", jwkstest.Claims{"roles": []string{"admin"}}).Roles, "a claim named roles is no role of Hydra's")

	named := newServer(t, hydraIssuer, providers.Hydra(hydraIssuer, ordersAPI).WithNoAudience("", "warehouse"))
	named.accepts(t, map[string]seen{"hydra-no-audience": read, "hydra-app": read})
}

func TestHydraTraps(t *testing.T) {
	t.Parallel()
	const ask = "In Hydra, add this API to the client's audience, and have the client ask for it with the parameter audience"
	newServer(t, hydraIssuer, providers.Hydra(hydraIssuer, ordersAPI)).refuses(t, "hydra-app", map[string]trap{
		"an aud of nothing":             {sample: "hydra-no-audience", want: reason.WrongAudience, hint: "The token's aud is an empty array. " + ask},
		"no aud":                        {change: jwkstest.Claims{"aud": nil}, want: reason.MissingClaim, hint: "The token has no aud. " + ask},
		"another API":                   {change: jwkstest.WithAudience("https://billing.example"), want: reason.WrongAudience, hint: ask},
		"an ID token":                   {sample: "hydra-id-token", want: reason.MissingClaim, hint: "Hydra's access tokens have client_id, and its ID tokens do not"},
		"iss without Hydra's slash":     {change: jwkstest.Claims{"iss": "https://hydra.example"}, want: reason.UnknownIssuer, hint: "Only the trailing slash differs"},
		"an opaque token":               {token: "ory_at_zT1mJ2hExample.pXkR5oExample", want: reason.Malformed, hint: "This is no JWT but an opaque token. In Hydra, set strategies.access_token to jwt"},
		"an opaque token without a dot": {token: "zT1mJ2hExamplepXkR5oExample", want: reason.Malformed, hint: "In Hydra, set strategies.access_token to jwt"},
		"scp that is no list of scopes": {change: jwkstest.Claims{"scp": []int{1}}, want: reason.MalformedClaims, hint: `"scp"`},
	})
	named := newServer(t, hydraIssuer, providers.Hydra(hydraIssuer, ordersAPI).WithNoAudience("orders.", "warehouse"))
	named.refuses(t, "hydra-app", map[string]trap{
		"no scope of this API":        {sample: "hydra-no-audience", want: reason.WrongAudience, hint: `no scope of it begins with "orders."`},
		"a client that was not named": {sample: "hydra-no-audience", change: jwkstest.Claims{"client_id": "shop", "scp": []string{"orders.read"}}, want: reason.WrongClient, hint: "its client is not among NoAudience.Clients"},
	})
	assert.Empty(t, named.look(t, "hydra-no-audience", jwkstest.Claims{"scp": []string{"orders.read"}}).Reason)
}

func TestHydraMistakes(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"providers: Hydra: issuer is not set", "audiences is not set"} {
		assert.ErrorContains(t, providers.Hydra("").Err, say)
	}
}

// Where clients cannot be made to ask for the audience, name them.
func ExampleProvider_WithNoAudience() {
	p := providers.Hydra("https://hydra.example/", "https://orders.example").WithNoAudience("orders.", "warehouse")
	fmt.Println(p.Issuers[0].Tokens.NoAudience.Clients, p.Issuers[0].Tokens.NoAudience.ScopePrefix)
	// Output:
	// [warehouse] orders.
}

// Clients have to ask for the audience.
func ExampleHydra() {
	gate, err := sallyport.NewFrom(providers.Hydra("https://hydra.example/", "https://orders.example"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(orders))

	fmt.Println(statusOf(mux)) // no token was sent
	// Output: 401
}
