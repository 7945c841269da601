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
	userPool  = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"
	appClient = "1h57kf5example"
)

func TestCognitoSamples(t *testing.T) {
	t.Parallel()
	app := seen{Caller: claims.CallerApp, Client: appClient, Scopes: []string{"orders/read", "orders/write"}}
	samples := map[string]seen{
		"cognito-app":  app,
		"cognito-user": {Caller: claims.CallerUser, Client: appClient, Scopes: []string{"openid", "orders/read"}, Roles: []string{"staff"}},
	}
	newServer(t, userPool, providers.Cognito(userPool, []string{appClient}, "orders/")).accepts(t, samples)

	samples["cognito-other-api"] = seen{Caller: claims.CallerApp, Client: appClient, Scopes: []string{"billing/read"}}
	samples["cognito-resource"] = app
	newServer(t, userPool, providers.Cognito(userPool, []string{appClient}, "", "https://orders.example")).accepts(t, samples)
}

func TestCognitoTraps(t *testing.T) {
	t.Parallel()
	w := newServer(t, userPool, providers.Cognito(userPool, []string{appClient}, "orders/"))
	const kind = "By its token_use this is not Cognito's access token but its ID token"
	w.refuses(t, "cognito-app", map[string]trap{
		"an ID token, whose aud is the client":   {sample: "cognito-id-token", want: reason.UnsupportedType, hint: kind},
		"an ID token without its aud":            {sample: "cognito-id-token", change: jwkstest.Claims{"aud": nil, "client_id": appClient}, want: reason.UnsupportedType, hint: kind},
		"no token_use":                           {change: jwkstest.Claims{"token_use": nil}, want: reason.UnsupportedType, hint: kind},
		"another client of the pool":             {change: jwkstest.Claims{"client_id": "other"}, want: reason.WrongClient, hint: "its client is not among NoAudience.Clients: add it there"},
		"no client":                              {change: jwkstest.Claims{"client_id": nil}, want: reason.WrongClient, hint: "it names no client"},
		"the client for another API of the pool": {sample: "cognito-other-api", want: reason.WrongAudience, hint: `no scope of it begins with "orders/"`},
		"no scope":                               {change: jwkstest.Claims{"scope": nil}, want: reason.WrongAudience, hint: `no scope of it begins with "orders/"`},
		"a scope that holds the prefix within":   {change: jwkstest.Claims{"scope": "x-orders/read"}, want: reason.WrongAudience, hint: `no scope of it begins with "orders/"`},
		"a resource that was asked for":          {sample: "cognito-resource", want: reason.WrongAudience, hint: "Cognito writes aud only where the client asked for a resource: add that value"},
		"an audience that is empty":              {change: jwkstest.Claims{"aud": ""}, want: reason.WrongAudience, hint: "empty string"},
		"another pool of the region":             {change: jwkstest.Claims{"iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_XyZ"}, want: reason.UnknownIssuer, hint: "the path differs"},
		"the domain of the sign-in pages":        {change: jwkstest.Claims{"iss": "https://acme.auth.eu-west-1.amazoncognito.com"}, want: reason.UnknownIssuer, hint: "another issuer"},
		"another algorithm":                      {change: jwkstest.WithAlgorithm("ES256"), want: reason.UnsupportedAlg, hint: `Add "ES256"`},
	})
	other := newServer(t, userPool, providers.Cognito(userPool, []string{"partner"}, "", "https://orders.example"))
	assert.Equal(t, reason.WrongClient, other.look(t, "cognito-resource").Reason, "the clients count where there is an audience, too")
}

func TestCognitoMistakes(t *testing.T) {
	t.Parallel()
	for issuer, says := range map[string]string{
		"": "issuer is not set",
		"https://acme.auth.eu-west-1.amazoncognito.com":       "is the domain of the sign-in pages",
		"https://cognito-idp.eu-west-1.amazonaws.com/":        "the issuer of a user pool is https://cognito-idp.REGION.amazonaws.com/POOL",
		"https://cognito-idp.eu-west-1.amazonaws.com/eu-1_A/": "without anything behind",
		"eu-west-1_AbC": "the issuer of a user pool is",
	} {
		p := providers.Cognito(issuer, nil, " orders/", "a,b")
		for _, say := range []string{says, "clients is not set: give the client id", `audiences: "a,b"`, `ScopePrefix " orders/" begins or ends with white space`} {
			assert.ErrorContains(t, p.Err, say, issuer)
		}
		assert.Empty(t, p.Issuers, issuer)
	}
	assert.ErrorContains(t, providers.Cognito(userPool, []string{"a", ""}, "").Err, "clients is not set")
	assert.ErrorContains(t, providers.Cognito(userPool, []string{"a,b"}, "").Err, `clients: "a,b" holds a comma`)
}

// There is no audience: the clients and the beginning of a scope say whose tokens
// are for this API.
func ExampleCognito() {
	clients := []string{"1h57kf5cpq17m0eml12EXAMPLE"}
	gate, err := sallyport.NewFrom(providers.Cognito("https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", clients, "orders/"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders/read"))(orders))

	fmt.Println(statusOf(mux)) // no token was sent
	// Output: 401
}
