package guide_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
)

// twoIssuers trusts the own server and that of a company just bought.
func twoIssuers(keys jwks.FetcherConfig, count func(issuer string)) (*sallyport.Gate, error) {
	return sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{
			providers.Generic("https://own.example/", "api://orders"),
			providers.Generic("https://bought.example/", "api://orders").WithClients("warehouse"), // of that one only these
		},
		Keys: keys,
		Guard: middleware.Config{OnEvent: func(_ context.Context, e middleware.Event) {
			if e.Outcome == middleware.Verified {
				count(e.Claims.Issuer()) // who still calls with a token of which issuer
			}
		}},
	})
}

// byIssuer are routes where it matters whose token it is.
func byIssuer(gate *sallyport.Gate, orders http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(orders))
	mux.Handle("DELETE /orders", gate.Require(claims.AllOf(
		claims.Equals("https://own.example/", "iss"), // a scope means what its issuer says that it means
		claims.AllScopes("orders.delete"),
	))(orders))
	return mux
}

func TestSeveralIssuers(t *testing.T) {
	t.Parallel()
	rights := jwkstest.Claims{"scope": "orders.read orders.delete", "client_id": "warehouse"}
	own, bought := issuerNamed(t, "https://own.example/", "api://orders", rights), issuerNamed(t, "https://bought.example/", "api://orders", rights)
	var mu sync.Mutex
	calls := map[string]int{}
	gate := closed(t)(twoIssuers(jwks.FetcherConfig{Client: jwkstest.Client(own, bought)}, func(issuer string) {
		mu.Lock()
		defer mu.Unlock()
		calls[issuer]++
	}))
	mux := byIssuer(gate, ok)

	assert.Equal(t, 200, call(mux, "GET", "/orders", own.Token()).Code)
	assert.Equal(t, 200, call(mux, "GET", "/orders", bought.Token()).Code)
	assert.Equal(t, 200, call(mux, "DELETE", "/orders", own.Token()).Code)
	assert.Equal(t, 403, call(mux, "DELETE", "/orders", bought.Token()).Code)
	assert.Equal(t, 401, call(mux, "GET", "/orders", bought.Token(jwkstest.Claims{"client_id": "another"})).Code)
	assert.Equal(t, 401, call(mux, "GET", "/orders", bought.Token(jwkstest.Claims{"iss": own.Issuer()})).Code, "one's key under the other's name")
	assert.Equal(t, map[string]int{"https://own.example/": 2, "https://bought.example/": 1}, calls)
	bought.Fail(http.StatusServiceUnavailable)
	assert.Equal(t, 200, call(mux, "GET", "/orders", own.Token(jwkstest.Claims{"jti": "fresh"})).Code, "one's trouble is not the other's")
}
