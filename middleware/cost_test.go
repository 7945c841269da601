//go:build !race

package middleware_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// The whole way of a request, with a real Verifier and its cache. Not parallel:
// it counts what the process allocates.
func TestAllocationsFromHeaderToHandler(t *testing.T) {
	iss := jwkstest.New(t)
	g := whole(t, iss, middleware.Config{})
	bare := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	good := iss.Token(jwkstest.Claims{"scope": "orders.read"})
	for _, row := range []struct {
		name    string
		handler http.Handler
		token   string
		most    float64
	}{
		{"a token seen before", g.Require(allReads())(bare), good, 4},
		{"401 for a foreign issuer", g.Require(allReads())(bare), iss.Token(jwkstest.Claims{"iss": "https://elsewhere.example"}), 12},
		{"401 for an unknown key", g.Require(allReads())(bare), iss.Token(jwkstest.Header{"kid": "not-published"}), 12},
		{"401 for a malformed token", g.Require(allReads())(bare), "nonsense", 12},
		{"403", g.Require(allWrites())(bare), good, 12},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := withToken(row.token)
			got := allocations(row.handler, r) - allocations(bare, r)
			t.Logf("%.0f allocations over the bare handler", got)
			assert.LessOrEqual(t, got, row.most)
		})
	}
}
