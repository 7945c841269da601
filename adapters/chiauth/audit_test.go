package chiauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
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
	g, h := newGuard(t, middleware.Config{}), never(t)
	orders := claims.AccessLevels{Resources: []string{"api://orders"}}
	enforceByPath, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": reads()}})
	require.NoError(t, err)

	r := chi.NewRouter()
	r.Use(logging(t))
	r.Method("GET", "/healthz", h)
	r.Method("GET", "/forgotten", h)
	r.With(g.Require(reads())).Method("GET", "/with", h)
	r.Method("GET", "/endpoint", g.Require(reads())(h))
	r.With(g.Authenticate).Method("GET", "/whoami", h)
	r.With(g.Optional).Method("GET", "/home", h)
	r.With(g.Authenticate, g.Require(reads()), g.Require(admins())).Method("GET", "/both", h)
	r.With(func(next http.Handler) http.Handler { return g.Require(admins())(next) }).Method("GET", "/own-constructor", h)
	r.With(func(next http.Handler) http.Handler { return apiKey{next} }).Method("GET", "/own-door", h)
	r.With(func(next http.Handler) http.Handler { return logging(t)(g.Require(admins())(next)) }).Method("GET", "/hidden", h)
	r.Group(func(r chi.Router) {
		r.Use(g.RequireAccess(orders))
		r.Method("GET", "/levels", h)
		r.Method("PATCH", "/levels", h)
	})
	r.Route("/v1", func(r chi.Router) {
		r.Use(g.Require(admins()))
		r.Method("GET", "/", h)
		r.Route("/deep/{tenant}", func(r chi.Router) {
			r.With(g.Require(reads())).Method("GET", "/things", h)
		})
	})
	r.With(g.Require(reads())).Mount("/mounted", func() http.Handler {
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
	r.Use(enforce(t, newGuard(t, middleware.Config{}), r, chiauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders":      reads(),
			"GET /order/{id}":  reads(), // misspelt
			"GET /v1/{x}/b":    reads(),
			"DELETE /v1":       admins(), // where a router is mounted
			"/v1/":             admins(),
			"/v1/{x:[0-9]+}/c": admins(),
			"GET /closed":      {},
			"/files/a":         admins(), // of which Chi tells before the next
			"/files/*":         reads(),
			chiauth.NoRoute:    reads(),
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

func TestAuditOfAShadowedGuard(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Shadow: true})
	r := chi.NewRouter()
	r.Use(enforce(t, g, r, chiauth.Policy{Rules: map[string]claims.Rule{"/table": reads()}}))
	r.With(g.Require(reads())).Method("GET", "/route", never(t))
	r.Method("GET", "/table", never(t))
	report, err := chiauth.Audit(r)
	require.Error(t, err)
	require.Len(t, report.Forgotten(), 2)
	assert.Contains(t, report[1].Access, "nothing, for the Guard is in shadow mode")
}

func TestWhatIsDeclaredOpenMustExist(t *testing.T) {
	t.Parallel()
	r := chi.NewRouter()
	r.Method("GET", "/a", never(t))
	_, err := chiauth.Audit(r, "/a")
	assert.NoError(t, err)
	_, err = chiauth.Audit(r, "/a", "/debug")
	assert.EqualError(t, err, `audit: "/debug" is declared open, but there is no such route`)
}

// What the report says of a route is what happens to a request for it.
func TestTheAuditTellsTheTruth(t *testing.T) {
	t.Parallel()
	var n reached
	h := api(t, &n)
	report, err := chiauth.Audit(h)
	require.Error(t, err)
	fill := strings.NewReplacer("{id:[a-z]+}", "abc", "{id}", "7", "{tenant}", "acme", "*", "x/y")
	for _, route := range report {
		path := fill.Replace(route.Pattern)
		if route.Method == http.MethodHead || route.Method == http.MethodConnect {
			continue
		}
		code := serve(h, request(route.Method, path, "")).Code
		if !route.Forgotten && route.Access == "" {
			assert.Equal(t, 200, code, "%s is open", route)
			continue
		}
		assert.Equal(t, 401, code, "%s is closed to nobody", route)
		if route.Forgotten || strings.HasPrefix(route.Access, "nobody") {
			assert.Equal(t, 403, serve(h, request(route.Method, path, admin)).Code, "%s is closed to everybody", route)
		}
		if route.Access == "any role Orders.Admin" {
			assert.Equal(t, 200, serve(h, request(route.Method, path, admin)).Code, "%s is open to an administrator", route)
			assert.Equal(t, 403, serve(h, request(route.Method, path, reader)).Code, "%s is closed to a reader", route)
		}
	}
	assert.Positive(t, n.Load())
}
