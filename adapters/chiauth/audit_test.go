package chiauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// never fails the test if an audit serves a request.
func never(t *testing.T) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the audit served a request") })
}

func logging(t *testing.T) func(http.Handler) http.Handler {
	t.Helper()
	return func(http.Handler) http.Handler { return never(t) }
}

// apiKey is a door of the user's own.
type apiKey struct{ http.Handler }

func (apiKey) Requires(string, string) (access string, ruled bool) { return "an API key", true }

func TestAuditTellsWhatEveryRouteRequires(t *testing.T) {
	t.Parallel()
	g, h := kit.Guard(middleware.Config{}), never(t)
	orders := kit.Orders()
	enforceByPath, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": kit.Reads()}})
	require.NoError(t, err)

	r := chi.NewRouter()
	r.Use(logging(t))
	r.Method("GET", "/healthz", h)
	r.Method("GET", "/forgotten", h)
	r.With(g.Require(kit.Reads())).Method("GET", "/with", h)
	r.Method("GET", "/endpoint", g.Require(kit.Reads())(h))
	r.With(g.Authenticate).Method("GET", "/whoami", h)
	r.With(g.Optional).Method("GET", "/home", h)
	r.With(g.Authenticate, g.Require(kit.Reads()), g.Require(kit.Admins())).Method("GET", "/both", h)
	r.With(func(next http.Handler) http.Handler { return g.Require(kit.Admins())(next) }).Method("GET", "/own-constructor", h)
	r.With(func(next http.Handler) http.Handler { return apiKey{next} }).Method("GET", "/own-door", h)
	r.With(func(next http.Handler) http.Handler { return logging(t)(g.Require(kit.Admins())(next)) }).Method("GET", "/hidden", h)
	r.Group(func(r chi.Router) {
		r.Use(g.RequireAccess(orders))
		r.Method("GET", "/levels", h)
		r.Method("PATCH", "/levels", h)
	})
	r.Route("/v1", func(r chi.Router) {
		r.Use(g.Require(kit.Admins()))
		r.Method("GET", "/", h)
		r.Route("/deep/{tenant}", func(r chi.Router) {
			r.With(g.Require(kit.Reads())).Method("GET", "/things", h)
		})
	})
	r.With(g.Require(kit.Reads())).Mount("/mounted", func() http.Handler {
		sub := chi.NewRouter()
		sub.Method("GET", "/a", h)
		return sub
	}())
	r.With(enforceByPath).Method("GET", "/by-path", h)

	report, err := chiauth.Audit(r, "GET /healthz")
	assert.Equal(t, strings.TrimLeft(`
GET    /both                     -> all scopes orders.read, and any role Orders.Admin
GET    /by-path                  -> what the Guard's Policy says of the path
GET    /endpoint                 -> all scopes orders.read
GET    /forgotten                -> FORGOTTEN: nothing
GET    /healthz                  -> open to everybody
GET    /hidden                   -> FORGOTTEN: nothing
GET    /home                     -> FORGOTTEN: nothing, for credentials are optional
GET    /levels                   -> access level get of api://orders
PATCH  /levels                   -> access level put of api://orders
GET    /mounted/a                -> all scopes orders.read
GET    /own-constructor          -> any role Orders.Admin
GET    /own-door                 -> an API key
GET    /v1/                      -> any role Orders.Admin
GET    /v1/deep/{tenant}/things  -> any role Orders.Admin, and all scopes orders.read
GET    /whoami                   -> FORGOTTEN: any verified token
GET    /with                     -> all scopes orders.read
`, "\n"), report.String())
	assert.EqualError(t, err, strings.Join([]string{
		"audit: no rule protects GET /forgotten (it requires nothing)",
		"audit: no rule protects GET /hidden (it requires nothing)",
		"audit: no rule protects GET /home (it requires nothing, for credentials are optional)",
		"audit: no rule protects GET /whoami (it requires any verified token)",
	}, "\n"))
}

func TestAuditOfATable(t *testing.T) {
	t.Parallel()
	h := never(t)
	r := chi.NewRouter()
	r.Use(enforce(t, kit.Guard(middleware.Config{}), r, chiauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders":      kit.Reads(),
			"GET /order/{id}":  kit.Reads(), // misspelt
			"GET /v1/{x}/b":    kit.Reads(),
			"DELETE /v1":       kit.Admins(), // where a router is mounted
			"/v1/":             kit.Admins(),
			"/v1/{x:[0-9]+}/c": kit.Admins(),
			"GET /closed":      {},
			"/files/a":         kit.Admins(), // of which Chi tells before the next
			"/files/*":         kit.Reads(),
			"NoRoute":          kit.Reads(),
		},
		Exempt: []string{"/healthz", "/gone"},
	}))
	r.Method("GET", "/orders", h)
	r.Method("GET", "/orders/{id}", h)
	r.Method("GET", "/healthz", h)
	r.Method("GET", "/closed", h)
	r.Method("GET", "/files/a", h)
	r.Method("GET", "/files/*", h)
	r.Route("/v1", func(r chi.Router) {
		r.Method("GET", "/{x}/b", h)
		r.Method("GET", "/{x:[0-9]+}/c", h)
	})

	_, err := chiauth.Audit(r, "/orders/{id}", "/debug")
	assert.ErrorContains(t, err, `audit: "/debug" is declared open, but there is no such route`)
	assert.NotContains(t, err.Error(), "no rule protects")
	report, err := chiauth.Audit(r)
	assert.Equal(t, strings.TrimLeft(`
GET  /closed           -> nobody
GET  /files/*          -> all scopes orders.read
GET  /files/a          -> any role Orders.Admin
GET  /healthz          -> open to everybody
GET  /orders           -> all scopes orders.read
GET  /orders/{id}      -> FORGOTTEN: nobody, for no entry of the policy names it
GET  /v1/{x:[0-9]+}/c  -> any role Orders.Admin
GET  /v1/{x}/b         -> all scopes orders.read
`, "\n"), report.String())
	assert.EqualError(t, err, strings.Join([]string{
		"audit: no rule protects GET /orders/{id} (it requires nobody, for no entry of the policy names it)",
		`audit: the entry "/gone" of the policy names no route`,
		`audit: the entry "GET /order/{id}" of the policy names no route`,
	}, "\n"))
}

// What the report says of a route is what happens to a request for it.
func TestTheAuditTellsTheTruth(t *testing.T) {
	t.Parallel()
	var n kit.Reached
	h := api(t, &n)
	report, err := chiauth.Audit(h)
	require.Error(t, err)
	fill := strings.NewReplacer("{id:[a-z]+}", "abc", "{id}", "7", "{tenant}", "acme", "*", "x/y")
	for _, route := range report {
		path := fill.Replace(route.Pattern)
		if route.Method == http.MethodHead || route.Method == http.MethodConnect {
			continue
		}
		nobody := kit.Code(h, route.Method, path, "")
		if route.Access == "open to everybody" {
			assert.Equal(t, 200, nobody, "%s", route)
			continue
		}
		assert.Equal(t, 401, nobody, "%s is closed to those without a token", route)
		byAdmin := kit.Code(h, route.Method, path, kit.Admin)
		if strings.HasPrefix(route.Access, "FORGOTTEN") || strings.HasPrefix(route.Access, "nobody") {
			assert.Equal(t, 403, byAdmin, "%s is closed", route)
		}
		if route.Access == "any role Orders.Admin" {
			assert.Equal(t, 200, byAdmin, "%s is open to an administrator", route)
			assert.Equal(t, 403, kit.Code(h, route.Method, path, kit.Reader), "%s is closed to a reader", route)
		}
	}
	assert.Positive(t, n.Load())
}
