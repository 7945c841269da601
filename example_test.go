package sallyport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// listOrders is what an application protects.
var listOrders = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprintf(w, "orders for %s", c.ClientID())
})

// try prints what a caller gets who brings a token.
func try(h http.Handler, method, token string) {
	r := httptest.NewRequest(method, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
}

// An issuer and an audience, and every call needs a good token.
func ExampleNew() {
	issuer := jwkstest.Start(jwkstest.WithAudience("api://orders")) // in place of your authorization server
	defer issuer.Close()

	gate, err := sallyport.New(issuer.Issuer(), "api://orders")
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(listOrders))

	try(mux, "GET", issuer.Token(jwkstest.Claims{"client_id": "warehouse", "scope": "orders.read"}))
	try(mux, "GET", issuer.Token(jwkstest.Claims{"client_id": "warehouse", "scope": "orders.write"}))
	try(mux, "GET", issuer.Token(jwkstest.WithAudience("api://billing")))
	// Output:
	// 200 orders for warehouse
	// 403 Forbidden: the access token does not allow this
	//
	// 401 Unauthorized: the access token is not valid here
}

// Presets know what an authorization server's tokens look like; clients can be
// named one by one.
func ExampleNewFrom() {
	issuer := jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer issuer.Close()

	gate, err := sallyport.NewFrom(
		providers.Entra("a53d724c-15ea-4469-a987-82a5b30ec167", "api://orders", "6e74172b-be56-4843-9ff4-e66a39bb12e3"),
		providers.Generic(issuer.Issuer(), "api://orders").WithClients("warehouse"),
	)
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	try(gate.Authenticate(listOrders), "GET", issuer.Token(jwkstest.Claims{"client_id": "warehouse"}))
	try(gate.Authenticate(listOrders), "GET", issuer.Token(jwkstest.Claims{"client_id": "somebody"}))
	// Output:
	// 200 orders for warehouse
	// 401 Unauthorized: the access token is not valid here
}

// One binary for PROD and TEST: the environment says whom it trusts.
func ExampleFromEnv() {
	prod, test := jwkstest.Start(jwkstest.WithAudience("api://orders")), jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer prod.Close()
	defer test.Close()
	os.Setenv(sallyport.EnvIssuer, prod.Issuer())
	os.Setenv(sallyport.EnvAudience, "api://orders")
	defer os.Unsetenv(sallyport.EnvIssuer)
	defer os.Unsetenv(sallyport.EnvAudience)

	gate, err := sallyport.FromEnv()
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	_, err = gate.Verify(context.Background(), prod.Token())
	fmt.Println("a PROD token:", err)
	_, err = gate.Verify(context.Background(), test.Token())
	fmt.Println("a TEST token:", err)
	// Output:
	// a PROD token: <nil>
	// a TEST token: verifier: unknown_issuer: the token's iss is not configured
}

// Every part can be changed: here how keys are fetched, how old
// a token may be, what is withdrawn, and what stays open.
func ExampleOpen() {
	issuer := jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer issuer.Close()
	withdrawn := map[string]bool{"stolen": true}

	cfg := sallyport.Config{
		Providers: []providers.Provider{providers.Generic(issuer.Issuer(), "api://orders")},
		Keys:      jwks.FetcherConfig{Timeout: 2 * time.Second},
	}
	cfg.Verifier.MaxAge = 12 * time.Hour
	cfg.Verifier.Revoked = func(_ context.Context, c *claims.Claims) (bool, error) { return withdrawn[c.ID()], nil }
	cfg.Guard.Realm = "orders"
	cfg.Guard.Exempt = []string{"GET /healthz"}
	gate, err := sallyport.Open(cfg)
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	if err := gate.Ready(context.Background()); err != nil {
		panic(err)
	}

	_, err = gate.Verify(context.Background(), issuer.Token(jwkstest.Claims{"jti": "stolen"}))
	fmt.Println(errors.Is(err, reason.Revoked))
	// Output: true
}

// Open tells every mistake at once, and says what to change.
func ExampleOpen_mistakes() {
	_, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Entra("contoso.onmicrosoft.com", "api://orders"), providers.Generic("http://issuer.example", "")},
	})
	fmt.Println(err)
	// Output:
	// providers: Entra: tenant "contoso.onmicrosoft.com": give the tenant's GUID in lower case (its iss has nothing else; a domain name will not match)
	// sallyport: Issuer "http://issuer.example": use https: plain http is for loopback addresses, localhost and the hosts in Keys.DangerouslyPlainHTTP; put "issuer.example" there only if no stranger can get between; if tokens do have this iss, give the keys' address with it: WithJWKS or WithDiscovery
	// verifier: Issuers[0] "http://issuer.example": Audiences[0] is empty
}

// What a token has and what was expected, for people who wonder why it is refused.
func ExampleGate_Explain() {
	issuer := jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer issuer.Close()
	gate, err := sallyport.New(issuer.Issuer(), "api://orders")
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	report := gate.Explain(context.Background(), issuer.Token(jwkstest.WithAudience("api://orders/")))
	for _, c := range report.Checks {
		if !c.OK && !c.Skipped {
			fmt.Println(c.Name, "has", c.Found, "instead of", c.Expected)
		}
	}
	fmt.Println(report.Hint)
	// Output:
	// audience has "api://orders/" instead of "api://orders"
	// Only the trailing slash differs: set the audience to "api://orders/".
}

// The worst pitfall: a good token is no permission. Authenticate asks who is
// calling and no more, and most issuers give a token for this API to any of
// their clients, though it was granted nothing. Require asks whether it may.
func Example_incorrect() {
	issuer := jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer issuer.Close()
	gate, err := sallyport.New(issuer.Issuer(), "api://orders")
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	deleteAll := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "all orders deleted") })
	grantedNothing := issuer.Token(jwkstest.Claims{"scope": ""})

	try(gate.Authenticate(deleteAll), "DELETE", grantedNothing) // incorrect
	try(gate.Require(claims.AllScopes("orders.delete"))(deleteAll), "DELETE", grantedNothing)
	// Output:
	// 200 all orders deleted
	// 403 Forbidden: the access token does not allow this
}

// The partners of two authorization servers, such as the own one and that of a
// company just bought. A scope means what its issuer says that it means, so
// what matters most asks for the issuer too.
func ExampleNewFrom_severalIssuers() {
	rights := jwkstest.Claims{"scope": "orders.read orders.delete"}
	own, bought := jwkstest.Start(rights), jwkstest.Start(rights)
	defer own.Close()
	defer bought.Close()

	gate, err := sallyport.NewFrom(
		providers.Generic(own.Issuer(), own.Audience()),
		providers.Generic(bought.Issuer(), bought.Audience()).WithClients("warehouse"),
	)
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(listOrders))
	mux.Handle("DELETE /orders", gate.Require(claims.AllOf(claims.Equals(own.Issuer(), "iss"), claims.AllScopes("orders.delete")))(listOrders))

	warehouse := jwkstest.Claims{"client_id": "warehouse"}
	try(mux, "GET", own.Token(warehouse))
	try(mux, "GET", bought.Token(warehouse))
	try(mux, "DELETE", own.Token(warehouse))
	try(mux, "DELETE", bought.Token(warehouse))
	try(mux, "GET", bought.Token(jwkstest.Claims{"client_id": "another"}))
	try(mux, "GET", bought.Token(jwkstest.Claims{"iss": own.Issuer()})) // one's key under the other's name
	bought.Fail(http.StatusServiceUnavailable)
	try(mux, "GET", own.Token(warehouse)) // one's trouble is not the other's
	// Output:
	// 200 orders for warehouse
	// 200 orders for warehouse
	// 200 orders for warehouse
	// 403 Forbidden: the access token does not allow this
	//
	// 401 Unauthorized: the access token is not valid here
	//
	// 401 Unauthorized: the access token is not valid here
	//
	// 200 orders for warehouse
}

// Claims of one's own: in a handler as a Go value, in rules by their path. Each
// argument of a path is one segment: a dot or a slash is part of a name.
func ExampleGate_Require_ownClaims() {
	issuer := jwkstest.Start(jwkstest.Claims{"https://orders.example/tenant": "t1", "plan": "gold", "stores": []string{"south", "north"}})
	defer issuer.Close()
	gate, err := sallyport.New(issuer.Issuer(), issuer.Audience())
	if err != nil {
		panic(err)
	}
	defer gate.Close()

	stores := gate.Require(claims.AllOf(
		claims.Equals("gold", "plan"),
		claims.Contains("north", "stores"),
		claims.Func("belongs to a tenant", func(c *claims.Claims) bool { return c.Has("https://orders.example/tenant") }),
	))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		var own struct {
			Tenant string   `json:"https://orders.example/tenant"`
			Stores []string `json:"stores"`
		}
		if err := c.Decode(&own); err != nil { // another shape than this API knows
			http.Error(w, "Forbidden", http.StatusForbidden)
			return
		}
		fmt.Fprint(w, own.Tenant, own.Stores)
	}))

	try(stores, "GET", issuer.Token())
	try(stores, "GET", issuer.Token(jwkstest.Claims{"plan": "GOLD"}))
	try(stores, "GET", issuer.Token(jwkstest.Claims{"stores": "northern"}))
	try(stores, "GET", issuer.Token(jwkstest.Claims{"https://orders.example/tenant": nil}))
	try(stores, "GET", issuer.Token(jwkstest.Claims{"https://orders.example/tenant": 7}))
	// Output:
	// 200 t1[south north]
	// 403 Forbidden: the access token does not allow this
	//
	// 403 Forbidden: the access token does not allow this
	//
	// 403 Forbidden: the access token does not allow this
	//
	// 403 Forbidden
}
