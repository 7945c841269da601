package dpop_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/providers"
)

func Example() {
	iss := jwkstest.Start(jwkstest.WithAudience("api://orders"), jwkstest.WithAlgorithm("ES256"))
	defer iss.Close()
	proofs, err := dpop.New(dpop.Config{Origin: "https://api.example"})
	if err != nil {
		panic(err)
	}
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(iss.Issuer(), "api://orders")},
		Guard:     middleware.Config{Bindings: []middleware.Binding{proofs}},
	})
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	api := gate.Require(claims.AnyToken())(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "orders") }))

	client := iss.NewProver("ES256")
	token := iss.Token(client.Bound())
	call := func(what string, set func(*http.Request)) {
		r, w := httptest.NewRequest(http.MethodGet, "https://api.example/orders", http.NoBody), httptest.NewRecorder()
		set(r)
		api.ServeHTTP(w, r)
		fmt.Println(strings.TrimSpace(fmt.Sprint(what, " ", w.Code, " ", w.Header().Get("WWW-Authenticate"))))
	}
	call("with a proof:", func(r *http.Request) { client.SetProof(r, token) })
	call("stolen:", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	call("without a proof:", func(r *http.Request) { r.Header.Set("Authorization", "DPoP "+token) })
	// Output:
	// with a proof: 200
	// stolen: 401 Bearer realm="api", error="invalid_token"
	// without a proof: 401 DPoP realm="api", error="invalid_dpop_proof", algs="ES256 EdDSA Ed25519 PS256 RS256"
}
