package fiberauth_test

import (
	"strings"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// never fails the test if an audit serves a request.
func never(t *testing.T) fiber.Handler {
	t.Helper()
	return func(fiber.Ctx) error { t.Error("the audit served a request"); return nil }
}

func TestTheAuditTellsWhatEveryRouteRequires(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	reads, admins := fiberauth.Require(gate, claims.AllScopes("orders.read")), fiberauth.Require(gate, claims.AnyRole("Orders.Admin"))
	h := never(t)
	app := fiber.New()
	app.Use(h)
	app.Get("/healthz", h)
	app.Get("/forgotten", h)
	app.Get("/with", h, reads, h)
	app.Get("/last", reads)
	app.Get("/whoami", fiberauth.Authenticate(gate), h)
	app.Get("/home", fiberauth.Optional(gate), h)
	app.Get("/both", fiberauth.Authenticate(gate), reads, admins, h)
	app.Get("/hidden", func(c fiber.Ctx) error { return reads(c) }, h)
	app.Head("/head", admins, h)
	app.Get("/head", reads, h)
	app.Get("/head/below", h)
	app.Add([]string{"GET", "PATCH"}, "/levels", fiberauth.RequireAccess(gate, levels()), h)
	app.Get("/v1/early", h)
	v1 := app.Group("/v1", admins)
	v1.Get("/things", h)
	v1.Group("/deep", reads).Delete("/:id", h)
	app.Get("/v10/things", h)
	app.Use("/wild/*", reads)
	app.Get("/wild/x", h)
	app.Use("/opt/:x?", reads)
	app.Get("/opt/:x?/y", h)
	sub := fiber.New()
	sub.Use(reads)
	sub.Get("/orders", h)
	app.Use("/mounted", sub)

	report, err := fiberauth.Audit(app, "GET /healthz")
	assert.Equal(t, strings.TrimLeft(`
GET     /both            -> all scopes orders.read, and any role Orders.Admin
GET     /forgotten       -> FORGOTTEN: nothing
GET     /head            -> all scopes orders.read
HEAD    /head            -> any role Orders.Admin
GET     /head/below      -> FORGOTTEN: nothing
GET     /healthz         -> open to everybody
GET     /hidden          -> FORGOTTEN: nothing
GET     /home            -> FORGOTTEN: nothing, for credentials are optional
GET     /last            -> FORGOTTEN: nothing
GET     /levels          -> access level get of api://orders
PATCH   /levels          -> access level put of api://orders
GET     /mounted/orders  -> all scopes orders.read
GET     /opt/:x?/y       -> FORGOTTEN: nothing
DELETE  /v1/deep/:id     -> any role Orders.Admin, and all scopes orders.read
GET     /v1/early        -> FORGOTTEN: nothing
HEAD    /v1/early        -> any role Orders.Admin
GET     /v1/things       -> any role Orders.Admin
GET     /v10/things      -> FORGOTTEN: nothing
GET     /whoami          -> FORGOTTEN: any verified token
GET     /wild/x          -> FORGOTTEN: nothing
GET     /with            -> all scopes orders.read
`, "\n"), report.String())
	require.Error(t, err)
	for _, name := range []string{"GET /forgotten (it requires nothing)", "GET /last", "GET /v1/early", "GET /v10/things", "GET /wild/x"} {
		assert.ErrorContains(t, err, "audit: no rule protects "+name)
	}
	assert.NotContains(t, err.Error(), "/with")

	_, err = fiberauth.Audit(app, "/healthz", "/head/below", "GET /forgotten", "GET /home", "/whoami", "/hidden", "/last", "/v1/early", "/v10/things", "/wild/x", "/opt/:x?/y")
	require.NoError(t, err)
	_, err = fiberauth.Audit(app, "POST /healthz", "/nothing")
	assert.ErrorContains(t, err, `audit: "POST /healthz" is declared open, but there is no such route`)
	assert.ErrorContains(t, err, `audit: "/nothing" is declared open, but there is no such route`)
	_, err = fiberauth.Audit(nil)
	assert.EqualError(t, err, "fiberauth: the App is nil")
}

// Fiber puts the routes of HEAD that it adds itself behind all others, and so behind
// every door of Use.
func TestADoorOfUseCoversWhatComesBehindIt(t *testing.T) {
	t.Parallel()
	app := fiber.New()
	app.Get("/early", never(t))
	app.Use(fiberauth.Require(open(t, middleware.Config{}, newIssuer(t)), claims.AllScopes("orders.read")))
	app.Get("/late", never(t))
	report, err := fiberauth.Audit(app)
	assert.Equal(t, strings.TrimLeft(`
GET   /early  -> FORGOTTEN: nothing
HEAD  /early  -> all scopes orders.read
GET   /late   -> all scopes orders.read
`, "\n"), report.String())
	assert.EqualError(t, err, "audit: no rule protects GET /early (it requires nothing)")
	assert.Equal(t, 401, send(t, app, "HEAD", "/early", "").Code)
}

// With StrictRouting a prefix that ends in a slash does not run for the path without it.
// And where a parameter ends inside its segment depends on what stands behind it.
func TestADoorThatSomePathsOfAPatternPassByDoesNotCount(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	for _, row := range []struct {
		name, prefix, pattern, path string
		config                      fiber.Config
		covered                     bool
	}{
		{"the path without the slash", "/api/", "/api", "/api", fiber.Config{StrictRouting: true}, false},
		{"a rest that may be empty", "/api/", "/api/*", "/api", fiber.Config{StrictRouting: true}, false},
		{"a parameter that may be missing", "/api/", "/api/:id?", "/api", fiber.Config{StrictRouting: true}, false},
		{"something behind the slash", "/api/", "/api/:id", "/api/7", fiber.Config{StrictRouting: true}, true},
		{"the slash itself", "/api/", "/api/", "/api/", fiber.Config{StrictRouting: true}, true},
		{"a prefix without a slash", "/api", "/api/*", "/api", fiber.Config{StrictRouting: true}, true},
		{"the root", "/", "/api", "/api", fiber.Config{StrictRouting: true}, true},
		{"what is not strict", "/api/", "/api", "/api", fiber.Config{}, true},
		{"a parameter and a suffix", "/:a.x", "/:a.x/y", "/q.x.x/y", fiber.Config{}, false},
		{"a parameter and a prefix", "/v:a", "/v:a/y", "/v1/y", fiber.Config{}, false}, // to be safe
		{"a parameter and a suffix, strictly", "/:a.x/", "/:a.x/y", "/q.x.x/y", fiber.Config{StrictRouting: true}, false},
		{"a wildcard", "/api/*/x", "/api/*/x/y", "/api/q/x/y", fiber.Config{}, false}, // to be safe
		{"a parameter", "/:a/x", "/:a/x/y", "/q/x/y", fiber.Config{}, true},
	} {
		var n reached
		app := fiber.New(row.config)
		app.Use(row.prefix, fiberauth.Require(gate, claims.AnyToken()))
		app.Get(row.pattern, n.handle)
		_, err := fiberauth.Audit(app)
		if row.covered {
			assert.NoError(t, err, row.name)
		} else {
			assert.EqualError(t, err, "audit: no rule protects GET "+row.pattern+" (it requires nothing)", row.name)
		}
		send(t, app, "GET", row.path, "")
		if row.covered {
			assert.Zero(t, n.Load(), row.name)
		}
	}
}

func TestTheAuditOfATable(t *testing.T) {
	t.Parallel()
	app := fiber.New()
	h := never(t)
	app.Get("/orders", h)
	app.Post("/orders", h)
	app.Get("/healthz", h)
	app.Delete("/levels", h)
	require.NoError(t, fiberauth.Enforce(app, open(t, middleware.Config{}, newIssuer(t)), fiberauth.Policy{
		Rules:  map[string]claims.Rule{"GET /orders": claims.AllScopes("orders.read"), "NoRoute": claims.AnyToken()},
		Access: map[string]claims.AccessLevels{"/levels": levels()},
		Exempt: []string{"/healthz"},
	}))
	report, err := fiberauth.Audit(app)
	assert.Equal(t, strings.TrimLeft(`
GET     /healthz  -> open to everybody
DELETE  /levels   -> access level delete of api://orders
GET     /orders   -> all scopes orders.read
POST    /orders   -> FORGOTTEN: nobody, for no entry of the policy names it
`, "\n"), report.String())
	assert.EqualError(t, err, "audit: no rule protects POST /orders (it requires nobody, for no entry of the policy names it)")
}

func TestTheAuditFailsInShadowMode(t *testing.T) {
	t.Parallel()
	shadow := open(t, middleware.Config{Shadow: true}, newIssuer(t))
	byRoute, byTable := fiber.New(), fiber.New()
	byRoute.Get("/x", fiberauth.Require(shadow, claims.AnyToken()), never(t))
	byTable.Get("/x", never(t))
	byTable.Get("/y", never(t))
	require.NoError(t, fiberauth.Enforce(byTable, shadow, fiberauth.Policy{Rules: map[string]claims.Rule{"/x": claims.AnyToken()}}))
	for _, app := range []*fiber.App{byRoute, byTable} {
		_, err := fiberauth.Audit(app)
		assert.ErrorContains(t, err, "audit: no rule protects GET /x (it requires nothing, for the Guard is in shadow mode)")
	}
	_, err := fiberauth.Audit(byTable)
	assert.ErrorContains(t, err, "audit: no rule protects GET /y (it requires nothing, for the Guard is in shadow mode)")
}

func TestTheAuditDoesNotTrustAGuardThatSaysNothing(t *testing.T) {
	t.Parallel()
	app := fiber.New()
	app.Get("/x", fiberauth.Require(silent{new(middleware.Guard)}, claims.AnyToken()), never(t))
	_, err := fiberauth.Audit(app)
	assert.EqualError(t, err, "audit: no rule protects GET /x (it requires what a Guard wants that does not say so)")
}
