package echoauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"
	echomiddleware "github.com/labstack/echo/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/echoauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestEveryForgeryIsRefused(t *testing.T) {
	t.Parallel()
	for _, wiring := range wirings {
		t.Run(wiring, func(t *testing.T) {
			t.Parallel()
			iss := newIssuer(t, jwkstest.WithAlgorithm("ES256"))
			h, err := frameworks[1].serve(open(t, middleware.Config{}, iss), wiring)
			require.NoError(t, err)
			jwkstest.AttackHandler(t, iss, h, httptest.NewRequest(http.MethodGet, "/orders", http.NoBody), scope("orders.read"))
		})
	}
}

func TestClaimsOfAHandler(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	e := echo.New()
	e.GET("/open", func(c *echo.Context) error {
		_, ok := echoauth.Claims(c)
		assert.False(t, ok)
		return nil
	})
	e.GET("/guarded", func(c *echo.Context) error {
		who, ok := echoauth.Claims(c)
		assert.True(t, ok)
		return c.String(http.StatusOK, who.Subject())
	}, echoauth.Require(gate, claims.AnyToken()))
	assert.Equal(t, 200, send(e, http.MethodGet, "/open", iss.Token()).Code)
	assert.Equal(t, "test-client", send(e, http.MethodGet, "/guarded", iss.Token()).Body.String())

	_, ok := echoauth.Claims(echo.NewContext(nil, nil))
	assert.False(t, ok, "no request")
	given, err := claims.Parse([]byte(`{"sub":"tester"}`), claims.Mapping{})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	who, ok := echoauth.Claims(echo.NewContext(r.WithContext(claims.NewContext(r.Context(), given)), nil))
	assert.True(t, ok)
	assert.Equal(t, "tester", who.Subject())
	assert.Equal(t, 401, send(e, http.MethodGet, "/guarded", "").Code, "and no door takes them for verified")
}

// changed changes the method of requests.
func changed(to string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.Request().Method = to
			return next(c)
		}
	}
}

// Whatever method the route was chosen by, and whatever the request has when it comes
// to a door: no handler runs by the rule of another.
func TestAMethodThatWasChangedAfterRoutingIsRefused(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	enforced := func(p echoauth.Policy) echo.MiddlewareFunc {
		m, err := echoauth.Enforce(gate, p)
		require.NoError(t, err)
		return m
	}
	rule, admins := claims.AllScopes("orders.read"), claims.AnyRole("Orders.Admin")
	for _, row := range []struct {
		name                 string
		registered, sent, to string
		door                 echo.MiddlewareFunc
		status               int
	}{
		{"a level, the way that it came", "DELETE", "DELETE", "DELETE", echoauth.RequireAccess(gate, levels()), 403},
		{"a level of another method", "DELETE", "DELETE", "GET", echoauth.RequireAccess(gate, levels()), 403},
		{"a level of another method, the other way", "GET", "GET", "POST", echoauth.RequireAccess(gate, levels()), 403},
		{"a level, for GET", "GET", "GET", "GET", echoauth.RequireAccess(gate, levels()), 200},
		{"a level, for HEAD that became GET", "HEAD", "HEAD", "GET", echoauth.RequireAccess(gate, levels()), 200},
		{"a level of a route for all methods goes by the request's own", "", "DELETE", "GET", echoauth.RequireAccess(gate, levels()), 200},
		{"a table with another entry", "DELETE", "DELETE", "GET", enforced(echoauth.Policy{Rules: map[string]claims.Rule{"GET /x": rule, "DELETE /x": admins}}), 403},
		{"a table with another entry, the other way", "GET", "GET", "DELETE", enforced(echoauth.Policy{Rules: map[string]claims.Rule{"GET /x": rule, "DELETE /x": rule}}), 403},
		{"a table with an exemption", "DELETE", "DELETE", "GET", enforced(echoauth.Policy{Rules: map[string]claims.Rule{"DELETE /x": admins}, Exempt: []string{"GET /x"}}), 403},
		{"a table with one entry for all", "DELETE", "DELETE", "GET", enforced(echoauth.Policy{Rules: map[string]claims.Rule{"/x": rule}}), 200},
		{"a rule is a rule", "DELETE", "DELETE", "GET", echoauth.Require(gate, rule), 200},
	} {
		var n reached
		e := echo.New()
		e.Use(changed(row.to), row.door)
		if row.registered == "" {
			e.Any("/x", n.handle)
		} else {
			e.Add(row.registered, "/x", n.handle)
		}
		assert.Equal(t, row.status, send(e, row.sent, "/x", iss.Token(scope("orders.read get"))).Code, row.name)
		assert.Equal(t, row.status == 200, n.Load() == 1, row.name)
	}
}

// An exemption of the Guard is for what Echo routes by: its method, and its path, which
// Echo leaves percent-encoded where it need not be.
func TestAnExemptionOfTheGuardOpensNoOtherRoute(t *testing.T) {
	t.Parallel()
	gate := open(t, middleware.Config{Exempt: []string{"GET /x", "/public/"}}, newIssuer(t))
	for _, cfg := range []echo.RouterConfig{{}, {UseEscapedPathForMatching: true}, {UnescapePathParamValues: true}} {
		var n reached
		e := echo.NewWithConfig(echo.Config{Router: echo.NewRouter(cfg)})
		e.Use(changed("GET"), echoauth.Authenticate(gate))
		for _, pattern := range []string{"/x", "/public/*", "/:tenant", "/:tenant/orders"} {
			e.Any(pattern, n.handle)
		}
		e.DELETE("/x", n.handle)
		e.HEAD("/x", n.handle)
		for _, row := range []struct {
			name, method, target string
			status               int
		}{
			{"the method of the exemption", "GET", "/x", 200},
			{"HEAD, which is a part of it", "HEAD", "/x", 200},
			{"another method", "DELETE", "/x", 401},
			{"the tree", "GET", "/public/orders", 200},
			{"an escaped slash in the tree", "GET", "/public/a%2fb", 200},
			{"another route, for the escape that is kept", "GET", "/publi%63/orders", 401},
			{"and for the whole path", "GET", "/%78", 401},
			{"an escaped slash", "GET", "/public%2forders", 401},
		} {
			assert.Equal(t, row.status, send(e, row.method, row.target, "").Code, "%s with %+v", row.name, cfg)
		}
		assert.Equal(t, int64(4), n.Load())
	}
}

// In Pre no route is chosen yet: what depends on one is closed.
func TestADoorInPreDoesNotGuess(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	table, err := echoauth.Enforce(gate, echoauth.Policy{Rules: map[string]claims.Rule{"/x": claims.AnyToken()}, Exempt: []string{"NoRoute"}})
	require.NoError(t, err)
	for _, row := range []struct {
		name   string
		door   echo.MiddlewareFunc
		status int
	}{
		{"a rule", echoauth.Require(gate, claims.AnyToken()), 200},
		{"a level", echoauth.RequireAccess(gate, levels()), 403},
		{"a table, whose exemption is for what has no route", table, 403},
	} {
		var n reached
		e := echo.New()
		e.Pre(row.door, echomiddleware.MethodOverride())
		e.GET("/x", n.handle)
		assert.Equal(t, row.status, send(e, http.MethodGet, "/x", iss.Token(scope("get"))).Code, row.name)
		assert.Equal(t, 401, send(e, http.MethodGet, "/x", "").Code, row.name)
		assert.Equal(t, row.status == 200, n.Load() == 1, row.name)
	}
}

// What is registered after a door of Use, or beside a group, changes nothing.
func TestDoorsOfUseGroupsAndRoutes(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	var n reached
	e := echo.New()
	g := e.Group("/v1", echoauth.Require(gate, claims.AllScopes("orders.read")))
	e.Group("/v2", echoauth.RequireAccess(gate, levels())).GET("/orders", n.handle)
	g.GET("/orders", n.handle)
	g.DELETE("/orders/:id", n.handle, echoauth.Require(gate, claims.AnyRole("Orders.Admin")))
	e.GET("/healthz", n.handle)
	reader := iss.Token(scope("orders.read"))
	for _, row := range []struct {
		method, path, token string
		status              int
	}{
		{"GET", "/v1/orders", reader, 200},
		{"GET", "/v1/orders", "", 401},
		{"GET", "/v1/orders", iss.Token(), 403},
		{"DELETE", "/v1/orders/7", reader, 403},
		{"GET", "/v1/nothing", "", 401}, // Echo's own answer is behind the group's door
		{"GET", "/v1/nothing", reader, 404},
		{"GET", "/v2/nothing", reader, 403},
		{"GET", "/v2/nothing", iss.Token(scope("get")), 404},
		{"GET", "/healthz", "", 200},
		{"PUT", "/healthz", "", 405},
	} {
		assert.Equal(t, row.status, send(e, row.method, row.path, row.token).Code, row)
	}
	e.Use(echoauth.Authenticate(gate)) // Echo builds its chain anew: this is for all that is there
	assert.Equal(t, 401, send(e, http.MethodGet, "/healthz", "").Code)
	w := send(e, http.MethodPut, "/healthz", "")
	assert.Equal(t, 401, w.Code)
	assert.Empty(t, w.Header()["Allow"], "which would show strangers that there is a route")
}

// paths are ways to write the path of an administrator's route, or around it.
var paths = []string{
	"/admin/users", "/admin/users/", "//admin/users", "/admin//users", "/admin/./users", "/public/../admin/users", "/public/..%2fadmin/users",
	"/public/%2e%2e/admin/users", "/public/x%2f..%2f..%2fadmin/users", "/%61dmin/users", "/admin%2fusers", "/admin%252fusers", "/ADMIN/USERS",
	"/admin/users;x=1", "/admin/users%00", "/admin/users%20", "/admin/users?x=/public/", "/admin%5cusers", "/public\\..\\admin/users", "/public%2f..%2fadmin%2fusers",
	"/admin/users%2f", "/public/;/../admin/users", "/public/%c0%af../admin/users", "http://other.example/public/../admin/users", "/public", "/public/",
}

func TestNoWayOfWritingAPathLeadsToTheRuleOfAnother(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	enforce, err := echoauth.Enforce(gate, echoauth.Policy{
		Rules:  map[string]claims.Rule{"/admin/users": claims.AnyRole("Orders.Admin"), "/admin/*": claims.AnyRole("Orders.Admin"), "NoRoute": claims.AnyToken()},
		Exempt: []string{"/public/*"},
	})
	require.NoError(t, err)
	for _, cfg := range []echo.RouterConfig{{}, {UseEscapedPathForMatching: true}, {UnescapePathParamValues: true}} {
		var secret, public reached
		e := echo.NewWithConfig(echo.Config{Router: echo.NewRouter(cfg)})
		e.Use(enforce)
		e.Any("/admin/users", secret.handle)
		e.Any("/admin/*", secret.handle)
		e.Any("/public/*", public.handle)
		for _, path := range paths {
			r, err := http.NewRequest(http.MethodGet, path, http.NoBody)
			if err != nil {
				continue // no server would read it either
			}
			r.Header.Set("Authorization", "Bearer "+iss.Token(scope("orders.read")))
			e.ServeHTTP(httptest.NewRecorder(), r)
			require.Zero(t, secret.Load(), "%q with %+v", path, cfg)
		}
		assert.NotZero(t, public.Load())
	}
}

// A panic of the user's inside the Guard leaves what is behind the door closed.
func TestAPanicInTheGuardLeavesTheDoorClosed(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	var n reached
	e := echo.New()
	e.Use(echomiddleware.Recover())
	e.GET("/x", n.handle, echoauth.Require(open(t, middleware.Config{}, iss), claims.Func("a rule that panics", func(*claims.Claims) bool { panic("of the user") })))
	assert.Equal(t, 500, send(e, http.MethodGet, "/x", iss.Token()).Code)
	assert.Zero(t, n.Load())
}

// Errors of handlers go to Echo's error handler, refusals do not.
func TestErrorsAreEchosAndRefusalsTheGuards(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	var seen []error
	e := echo.New()
	e.HTTPErrorHandler = func(c *echo.Context, err error) {
		seen = append(seen, err)
		_ = c.String(http.StatusTeapot, "own")
	}
	failure := errors.New("no tea")
	e.GET("/x", func(*echo.Context) error { return failure }, echoauth.Require(open(t, middleware.Config{}, iss), claims.AnyToken()))
	w := send(e, http.MethodGet, "/x", iss.Token())
	assert.Equal(t, 418, w.Code)
	assert.Equal(t, "private", w.Header().Get("Cache-Control"))
	assert.Equal(t, 401, send(e, http.MethodGet, "/x", "").Code)
	assert.Equal(t, []error{failure}, seen)
}

// Exempt routes pass untouched, and a browser's preflight is answered in front of all.
func TestPreflightsAndExemptions(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{Preflight: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	}}, iss)
	enforce, err := echoauth.Enforce(gate, echoauth.Policy{Rules: map[string]claims.Rule{"GET /x": claims.AnyToken()}, Exempt: []string{"/open"}})
	require.NoError(t, err)
	var n reached
	e := echo.New()
	e.Use(enforce)
	e.GET("/x", n.handle)
	e.Any("/open", func(c *echo.Context) error {
		_, ok := echoauth.Claims(c)
		assert.False(t, ok)
		assert.IsType(t, new(echo.Response), c.Response(), "untouched")
		return n.handle(c)
	})
	for _, path := range []string{"/x", "/open", "/nowhere"} {
		w := send(e, http.MethodOptions, path, "", "Origin", "https://app.example", "Access-Control-Request-Method", "GET")
		assert.Equal(t, 204, w.Code, path)
	}
	assert.Zero(t, n.Load())
	assert.Equal(t, 200, send(e, http.MethodGet, "/open", iss.Token()).Code)
	assert.Empty(t, send(e, http.MethodGet, "/open", "").Header()["Cache-Control"])
}

func TestAGuardThatIsNoneRefuses(t *testing.T) {
	t.Parallel()
	for _, door := range []func(){
		func() { echoauth.Authenticate(nil) },
		func() { echoauth.Optional(nil) },
		func() { echoauth.Require(nil, claims.AnyToken()) },
		func() { echoauth.RequireAccess(nil, levels()) },
	} {
		assert.PanicsWithError(t, "echoauth: the Guard is nil", door)
	}
	assert.Panics(t, func() { echoauth.Require(new(sallyport.Gate), claims.AllScopes()) })
	assert.Panics(t, func() { echoauth.RequireAccess(new(sallyport.Gate), claims.AccessLevels{}) })
	for _, guard := range []echoauth.Guard{new(middleware.Guard), (*middleware.Guard)(nil), new(sallyport.Gate), (*sallyport.Gate)(nil)} {
		var n reached
		e := echo.New()
		e.GET("/x", n.handle, echoauth.Require(guard, claims.AnyToken()))
		e.GET("/o", n.handle, echoauth.Optional(guard))
		assert.Equal(t, 503, send(e, http.MethodGet, "/x", "x").Code)
		assert.Equal(t, 503, send(e, http.MethodGet, "/o", "x").Code)
		assert.Zero(t, n.Load())
	}
}
