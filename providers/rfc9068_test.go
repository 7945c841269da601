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

const profileIssuer = "https://as.example"

func TestRFC9068Samples(t *testing.T) {
	t.Parallel()
	w := newServer(t, profileIssuer, providers.RFC9068(profileIssuer, ordersAPI))
	w.accepts(t, map[string]seen{"rfc9068-user": {Client: "webshop", Scopes: []string{"orders.read"}}})
	assert.Equal(t, []string{"staff"}, w.look(t, "rfc9068-user", jwkstest.Claims{"roles": []string{"staff"}}).Roles)
	assert.Empty(t, w.look(t, "rfc9068-user", jwkstest.Header{"typ": "application/at+jwt"}).Reason)
	assert.Empty(t, w.look(t, "rfc9068-user", jwkstest.Claims{"scope": nil, "scp": []string{"read"}}).Scopes, "scp is no scope of the profile")
}

func TestRFC9068Traps(t *testing.T) {
	t.Parallel()
	traps := map[string]trap{
		"a typ of JWT":        {change: jwkstest.Header{"typ": "JWT"}, want: reason.UnsupportedType, hint: "The header's typ is JWT, and the profile wants at+jwt"},
		"no typ":              {change: jwkstest.Header{"typ": nil}, want: reason.UnsupportedType, hint: "The header has no typ, and the profile wants at+jwt"},
		"no exp":              {change: jwkstest.Claims{"exp": nil}, want: reason.MissingClaim, hint: "exp"},
		"no aud":              {change: jwkstest.Claims{"aud": nil}, want: reason.MissingClaim, hint: "The token has no aud"},
		"the client in azp":   {change: jwkstest.Claims{"client_id": nil, "azp": "webshop"}, want: reason.MissingClaim, hint: "The profile wants a client_id"},
		"an ID token by hash": {change: jwkstest.Claims{"at_hash": "x"}, want: reason.UnsupportedType, hint: "send the access token"},
	}
	for _, name := range []string{"sub", "client_id", "iat", "jti"} {
		traps["no "+name] = trap{change: jwkstest.Claims{name: nil}, want: reason.MissingClaim, hint: "The profile wants a"}
	}
	newServer(t, profileIssuer, providers.RFC9068(profileIssuer, ordersAPI)).refuses(t, "rfc9068-user", traps)
}

func TestRFC9068Mistakes(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"providers: RFC9068: issuer is not set", "audiences is not set"} {
		assert.ErrorContains(t, providers.RFC9068("").Err, say)
	}
}

// Servers that write less than the profile wants are for OIDC or Generic.
func ExampleRFC9068() {
	gate, err := sallyport.NewFrom(providers.RFC9068("https://as.example", "https://orders.example"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(orders))

	fmt.Println(statusOf(mux)) // no token was sent
	// Output: 401
}
