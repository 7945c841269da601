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

const openidProvider = "https://op.example"

func TestOIDCSamples(t *testing.T) {
	t.Parallel()
	newServer(t, openidProvider, providers.OIDC(openidProvider, ordersAPI)).accepts(t, map[string]seen{
		"oidc-user": {Client: "webshop", Scopes: []string{"orders.read"}},
	})
}

func TestOIDCTraps(t *testing.T) {
	t.Parallel()
	w := newServer(t, openidProvider, providers.OIDC(openidProvider, ordersAPI))
	w.refuses(t, "oidc-user", map[string]trap{
		"an ID token by its nonce": {sample: "oidc-id-token", want: reason.UnsupportedType, hint: "By its nonce this is an ID token: send the access_token"},
		"the client's own aud":     {change: jwkstest.WithAudience("webshop"), want: reason.WrongAudience, hint: "aud is the client itself, as in an ID token"},
		"iss with a slash":         {change: jwkstest.Claims{"iss": openidProvider + "/"}, want: reason.UnknownIssuer, hint: "Only the trailing slash differs"},
	})
	generic := newServer(t, openidProvider, providers.Generic(openidProvider, ordersAPI))
	for name, change := range map[string]jwkstest.Claims{
		"a typ of ID": {"typ": "ID"}, "a refresh token": {"typ": "Refresh"}, "an offline token": {"typ": "Offline"}, "a logout token": {"typ": "Logout"},
		"token_use": {"token_use": "id"}, "at_hash": {"at_hash": "x"}, "c_hash": {"c_hash": "x"}, "events": {"events": map[string]any{}},
	} {
		assert.Equal(t, reason.UnsupportedType, generic.look(t, "oidc-user", change).Reason, "%s, at Generic", name)
		assert.Equal(t, reason.UnsupportedType, w.look(t, "oidc-user", change).Reason, name)
	}
	assert.Empty(t, generic.look(t, "oidc-id-token").Reason, "what OIDC has beyond Generic")
}

func TestOIDCMistakes(t *testing.T) {
	t.Parallel()
	for _, say := range []string{"providers: OIDC: issuer is not set", "audiences is not set"} {
		assert.ErrorContains(t, providers.OIDC("").Err, say)
	}
}

// The issuer is the iss claim, byte for byte.
func ExampleOIDC() {
	gate, err := sallyport.NewFrom(providers.OIDC("https://op.example", "https://orders.example"))
	if err != nil {
		log.Fatal(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(orders))

	fmt.Println(statusOf(mux)) // no token was sent
	// Output: 401
}
