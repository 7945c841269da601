package jwkstest_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

// listOrders is what an application protects.
func listOrders(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprintf(w, "orders of %s", c.Subject())
}

// status asks a handler for /orders with a token.
func status(h http.Handler, token string) int {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// A test of a handler alone needs neither an issuer nor a token: give the handler the claims it would get.
func Example_handler() {
	c := must(claims.Parse([]byte(`{"sub":"alice","scope":"orders.read"}`), claims.DefaultMapping()))
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	w := httptest.NewRecorder()
	listOrders(w, r.WithContext(claims.NewContext(r.Context(), c)))
	fmt.Println(w.Body)
	// Output: orders of alice
}

// A test of the wiring plays the whole way: discovery, keys, signature, rule.
// In a test the first line is jwkstest.New(t, ...), and nothing is to be closed.
func Example_wiring() {
	iss := jwkstest.Start(jwkstest.WithAudience("api://orders"))
	defer iss.Close()

	gate := must(sallyport.New(iss.Issuer(), "api://orders"))
	defer gate.Close()
	api := gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(listOrders))

	fmt.Println(status(api, iss.Token(jwkstest.Claims{"scope": "orders.read"})))
	fmt.Println(status(api, iss.Token(jwkstest.Claims{"scope": "orders.write"})))
	fmt.Println(status(api, iss.Token(jwkstest.Claims{"scope": "orders.read"}, jwkstest.WithAudience("api://other"))))
	// Output:
	// 200
	// 403
	// 401
}

// Three lines of a test attack an API:
//
//	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
//	api := newAPI(iss.Issuer(), "api://orders")
//	jwkstest.AttackHandler(t, iss, api, httptest.NewRequest("GET", "/orders", nil), jwkstest.Claims{"scope": "orders.read"})
//
// Here is what it says of an API that somebody, to be rid of an error, made accept a second audience.
func ExampleIssuer_Breaches() {
	iss := jwkstest.Start(jwkstest.WithAudience("api://orders"), jwkstest.WithAlgorithm("ES256"))
	defer iss.Close()

	provider := providers.Generic(iss.Issuer(), "api://orders")
	provider.Issuers[0].Tokens.Audiences = append(provider.Issuers[0].Tokens.Audiences, "*")
	gate := must(sallyport.NewFrom(provider))
	defer gate.Close()
	api := gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(listOrders))

	breaches := must(iss.Breaches(func(token string) int { return status(api, token) }, jwkstest.Claims{"scope": "orders.read"}))
	for _, b := range breaches {
		fmt.Println(b.Name, b.Status)
	}
	// Output: aud: a wildcard 200
}

// Forgeries are there one by one, too.
func ExampleIssuer_Forgeries() {
	iss := jwkstest.Start(jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	defer iss.Close()
	for name, f := range iss.Forgeries() {
		if name == "header: jku" {
			fmt.Println(f.Reason)
			fmt.Println(f.Hole)
		}
	}
	// Output:
	// unknown_key
	// a key is fetched from where the token says (RFC 8725 section 3.10)
}

// An issuer without a server is reached through its client alone, so this works
// in a bubble of testing/synctest as it is.
func ExampleWithoutServer() {
	iss := jwkstest.Start(jwkstest.WithoutServer(), jwkstest.WithName("https://login.example/tenant/v2.0"))
	defer iss.Close()
	keys := must(jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer(), Client: iss.Client()}))
	defer keys.Close()

	if err := keys.Ready(context.Background()); err != nil {
		panic(err)
	}
	next := iss.Rotate()
	fmt.Println(len(slices.Collect(keys.Snapshot().Keys())))
	_ = keys.Refresh(context.Background(), next.ID())
	fmt.Println(len(slices.Collect(keys.Snapshot().Keys())), iss.Fetches())
	// Output:
	// 1
	// 2 2
}

// Everything about a token can be said: its claims and header, who signs it, or its text.
func ExampleIssuer_Token() {
	iss := jwkstest.Start(jwkstest.WithoutServer())
	defer iss.Close()

	stranger := iss.NewKey("ES256") // not published
	for _, token := range []string{
		iss.Token(jwkstest.Claims{"scope": "orders.read", "jti": nil}),
		iss.Token(jwkstest.Header{"typ": "JWT", "kid": nil}),
		iss.Token(jwkstest.WithAlgorithm("EdDSA")),
		iss.Token(jwkstest.WithKey(stranger)),
		iss.Token(jwkstest.WithRawHeader(`{"alg":"RS256","alg":"none"}`)),
	} {
		header, _, _ := strings.Cut(token, ".")
		text, _ := base64.RawURLEncoding.DecodeString(header)
		fmt.Printf("%s\n", text)
	}
	// Output:
	// {"alg":"RS256","kid":"key-1","typ":"at+jwt"}
	// {"alg":"RS256","typ":"JWT"}
	// {"alg":"EdDSA","kid":"key-3","typ":"at+jwt"}
	// {"alg":"ES256","kid":"key-2","typ":"at+jwt"}
	// {"alg":"RS256","alg":"none"}
}
