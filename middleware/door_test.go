package middleware_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// What audits of routers rely on.
func TestHandlersSayWhatTheyRequire(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	shadow := newGuard(t, middleware.Config{Shadow: true})
	orders := claims.AccessLevels{Resources: []string{"api://orders"}}
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": allReads()}})
	require.NoError(t, err)
	for _, row := range []struct {
		name    string
		handler http.Handler
		method  string
		access  string
		ruled   bool
	}{
		{"Authenticate wants a token and has no rule", g.Authenticate(handler), "GET", "any verified token", false},
		{"Optional wants nothing", g.Optional(handler), "GET", "nothing, for credentials are optional", false},
		{"Require has a rule", g.Require(allWrites())(handler), "GET", "all scopes orders.read, orders.write", true},
		{"any token can be a rule", g.Require(claims.AnyToken())(handler), "GET", "any verified token", true},
		{"the zero Rule is one too", g.Require(claims.Rule{})(handler), "GET", "nobody", true},
		{"RequireAccess goes by the method", g.RequireAccess(orders)(handler), "HEAD", "access level get of api://orders", true},
		{"and wants another level of another", g.RequireAccess(orders)(handler), "PATCH", "access level put of api://orders", true},
		{"and nobody of a method without a level", g.RequireAccess(orders)(handler), "TRACE", "nobody, for the method has no access level", true},
		{"Enforce has a table", enforce(handler), "GET", "what the Guard's Policy says of the path", true},
		{"a Guard in shadow mode requires nothing", shadow.Require(allWrites())(handler), "GET", "nothing, for the Guard is in shadow mode", false},
		{"a zero Guard says what it would require", new(middleware.Guard).Require(allReads())(handler), "GET", "all scopes orders.read", true},
		{"so does a nil one", (*middleware.Guard)(nil).Require(allReads())(handler), "GET", "all scopes orders.read", true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			door, ok := row.handler.(interface {
				Requires(method, pattern string) (access string, ruled bool)
			})
			require.True(t, ok)
			access, ruled := door.Requires(row.method, "/orders")
			assert.Equal(t, row.access, access)
			assert.Equal(t, row.ruled, ruled)
		})
	}
}
