package echoauth_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/echoauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// never fails the test if an audit serves a request.
func never(t *testing.T) echo.HandlerFunc {
	t.Helper()
	return func(*echo.Context) error { t.Error("the audit served a request"); return nil }
}

func TestTheAuditTellsWhatEveryRouteRequires(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	reads, admins := echoauth.Require(gate, claims.AllScopes("orders.read")), echoauth.Require(gate, claims.AnyRole("Orders.Admin"))
	other := func(next echo.HandlerFunc) echo.HandlerFunc { return never(t) }
	h := never(t)
	e := echo.New()
	added := 0
	e.OnAddRoute = func(echo.Route) error { added++; return nil }
	routes := echoauth.Watch(e)
	e.Pre(reads)
	e.Use(other)
	e.GET("/healthz", h)
	e.GET("/forgotten", h)
	e.GET("/with", h, other, reads)
	e.GET("/whoami", h, echoauth.Authenticate(gate))
	e.GET("/home", h, echoauth.Optional(gate))
	e.GET("/both", h, echoauth.Authenticate(gate), reads, admins)
	e.GET("/hidden", h, func(next echo.HandlerFunc) echo.HandlerFunc { return reads(next) })
	e.Any("/any", h, echoauth.RequireAccess(gate, levels()))
	e.Any("/same", h, reads)
	e.PATCH("levels", h, echoauth.RequireAccess(gate, levels()))
	e.PATCH("/levels", h, echoauth.RequireAccess(gate, levels()))
	e.RouteNotFound("/lost/*", h)
	e.RouteNotFound("/found/*", h, reads)
	g := e.Group("/v1", admins)
	g.GET("/things", h)
	g.Group("/deep", reads).DELETE("/:id", h)
	e.GET("/replaced", h, reads)
	e.GET("/replaced", h)

	report, err := routes.Audit("GET /healthz")
	assert.Equal(t, strings.TrimLeft(`
*       /any              -> nobody, for the method has no access level
DELETE  /any              -> access level delete of api://orders
GET     /any              -> access level get of api://orders
HEAD    /any              -> access level get of api://orders
PATCH   /any              -> access level put of api://orders
POST    /any              -> access level post of api://orders
PUT     /any              -> access level put of api://orders
GET     /both             -> all scopes orders.read, and any role Orders.Admin
GET     /forgotten        -> FORGOTTEN: nothing
GET     /healthz          -> open to everybody
GET     /hidden           -> FORGOTTEN: nothing
GET     /home             -> FORGOTTEN: nothing, for credentials are optional
PATCH   /levels           -> access level put of api://orders
GET     /replaced         -> FORGOTTEN: nothing
*       /same             -> all scopes orders.read
DELETE  /v1/deep/:id      -> any role Orders.Admin, and all scopes orders.read
GET     /v1/things        -> any role Orders.Admin
GET     /whoami           -> FORGOTTEN: any verified token
GET     /with             -> all scopes orders.read
*       NoRoute /found/*  -> all scopes orders.read
*       NoRoute /lost/*   -> FORGOTTEN: nothing
`, "\n"), report.String())
	require.Error(t, err)
	for _, name := range []string{"GET /forgotten (it requires nothing)", "GET /home", "GET /whoami", "GET /hidden", "GET /replaced", "* NoRoute /lost/*"} {
		assert.ErrorContains(t, err, "audit: no rule protects "+name)
	}
	assert.NotContains(t, err.Error(), "/with")
	assert.Positive(t, added, "the function that was there is called too")

	_, err = routes.Audit("/healthz", "GET /forgotten", "GET /home", "/whoami", "/hidden", "/replaced", "NoRoute /lost/*")
	require.NoError(t, err)
	_, err = routes.Audit("POST /healthz", "/nothing")
	assert.ErrorContains(t, err, `audit: "POST /healthz" is declared open, but there is no such route`)
	assert.ErrorContains(t, err, `audit: "/nothing" is declared open, but there is no such route`)
}

func TestTheAuditOfATable(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	enforce, err := echoauth.Enforce(gate, echoauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders": claims.AllScopes("orders.read"), "NoRoute": claims.AnyToken(), "GET /any": claims.AnyToken(), "/any": claims.AnyRole("Orders.Admin"), "/gone": claims.AnyToken(),
		},
		Access: map[string]claims.AccessLevels{"/levels": levels()},
		Exempt: []string{"/healthz", "/typo"},
	})
	require.NoError(t, err)
	e := echo.New()
	routes := echoauth.Watch(e)
	h := never(t)
	e.GET("/orders", h)
	e.HEAD("/orders", h)
	e.POST("/orders", h)
	e.GET("/healthz", h)
	e.DELETE("/levels", h)
	e.Any("/any", h)
	e.RouteNotFound("/lost/*", h)
	e.Use(enforce) // at last: Echo builds its chain anew
	report, err := routes.Audit()
	assert.Equal(t, strings.TrimLeft(`
*       /any             -> any role Orders.Admin
DELETE  /any             -> any role Orders.Admin
GET     /any             -> any verified token
HEAD    /any             -> any verified token
PATCH   /any             -> any role Orders.Admin
POST    /any             -> any role Orders.Admin
PUT     /any             -> any role Orders.Admin
GET     /healthz         -> open to everybody
DELETE  /levels          -> access level delete of api://orders
GET     /orders          -> all scopes orders.read
HEAD    /orders          -> all scopes orders.read
POST    /orders          -> FORGOTTEN: nobody, for no entry of the policy names it
*       NoRoute /lost/*  -> any verified token
`, "\n"), report.String())
	assert.EqualError(t, err, `audit: no rule protects POST /orders (it requires nobody, for no entry of the policy names it)
audit: the entry "/gone" of the policy names no route
audit: the entry "/typo" of the policy names no route`)
}

func TestTheAuditFailsInShadowModeAndOnWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	shadow := open(t, middleware.Config{Shadow: true}, newIssuer(t))
	enforce, err := echoauth.Enforce(shadow, echoauth.Policy{Rules: map[string]claims.Rule{"/x": claims.AnyToken()}})
	require.NoError(t, err)
	for _, door := range []echo.MiddlewareFunc{echoauth.Require(shadow, claims.AnyToken()), enforce} {
		e := echo.New()
		routes := echoauth.Watch(e)
		e.Use(door)
		e.GET("/x", never(t))
		e.GET("/y", never(t))
		_, err := routes.Audit()
		assert.ErrorContains(t, err, "audit: no rule protects GET /x (it requires nothing, for the Guard is in shadow mode)")
		assert.ErrorContains(t, err, "audit: no rule protects GET /y (it requires nothing, for the Guard is in shadow mode)")
	}

	gate := open(t, middleware.Config{}, newIssuer(t))
	e := echo.New()
	e.GET("/early", never(t), echoauth.Require(gate, claims.AnyToken()))
	e.RouteNotFound("/early/*", never(t))
	routes := echoauth.Watch(e)
	e.GET("/late", never(t), echoauth.Require(gate, claims.AnyToken()))
	_, err = routes.Audit()
	assert.ErrorContains(t, err, "audit: GET /early was registered before Watch, so that its middlewares are not known")
	assert.ErrorContains(t, err, "audit: * /early/* was registered before Watch, so that its middlewares are not known")
	assert.NotContains(t, err.Error(), "/late")

	e = echo.New()
	e.OnAddRoute = func(echo.Route) error { return errors.New("no routes here") }
	routes = echoauth.Watch(e)
	_, err = e.AddRoute(echo.Route{Method: http.MethodGet, Path: "/x", Handler: never(t)})
	require.EqualError(t, err, "no routes here")
	report, err := routes.Audit()
	require.NoError(t, err)
	assert.Empty(t, report)
}

// What is no route is decided about, by its entry or by none.
func TestTheAuditOfWhatIsNoRoute(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{}, newIssuer(t))
	for _, row := range []struct {
		rules map[string]claims.Rule
		lost  bool // whether a handler is there for it
		want  string
	}{
		{map[string]claims.Rule{"/x": claims.AnyToken()}, true, "*    NoRoute /lost/*  -> nobody, for it is no route\n"},
		{map[string]claims.Rule{"/x": claims.AnyToken(), "NoRoute": claims.AnyToken()}, true, "*    NoRoute /lost/*  -> any verified token\n"},
		{map[string]claims.Rule{"/x": claims.AnyToken(), "NoRoute": claims.AnyToken()}, false, ""},
	} {
		enforce, err := echoauth.Enforce(gate, echoauth.Policy{Rules: row.rules})
		require.NoError(t, err)
		e := echo.New()
		routes := echoauth.Watch(e)
		e.Use(enforce)
		e.GET("/x", never(t))
		if row.lost {
			e.RouteNotFound("/lost/*", never(t))
		}
		report, err := routes.Audit()
		require.NoError(t, err)
		assert.Contains(t, report.String(), row.want)
		assert.Equal(t, row.lost, len(report) == 2)
	}
}

// silent is a Guard whose handlers do not say what they require.
type silent struct{ echoauth.Guard }

func (silent) Require(claims.Rule) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler { return http.NotFoundHandler() }
}

func TestTheAuditDoesNotTrustAGuardThatSaysNothing(t *testing.T) {
	t.Parallel()
	e := echo.New()
	routes := echoauth.Watch(e)
	e.GET("/x", never(t), echoauth.Require(silent{new(middleware.Guard)}, claims.AnyToken()))
	report, err := routes.Audit()
	assert.EqualError(t, err, "audit: no rule protects GET /x (it requires what a Guard wants that does not say so)")
	assert.Len(t, report, 1)
}
