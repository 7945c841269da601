// Package echoauth puts a Guard in front of the routes of Echo
// (github.com/labstack/echo/v5).
//
//	gate, err := sallyport.New("https://issuer.example/", "api://orders")
//	...
//	e.GET("/orders", list, echoauth.Require(gate, claims.AllScopes("orders.read")))
//
// Every middleware here is the Guard's own net/http handler, led through Echo, so
// that statuses, challenges and bodies are those of net/http byte for byte. A refusal
// is sent at once: neither the handlers behind it nor Echo's error handler run.
//
// # Order
//
// What stands in front of a door runs for everybody. Doors belong into Use or at a
// route or group: in Pre no route is chosen yet, so that what depends on one, a
// [Policy] or an access level, denies every request there. Where a rule depends on
// the method, a request whose method was changed after it was routed is denied.
//
// # Claims
//
// [Claims] finds the verified claims, and so does claims.FromContext with
// c.Request().Context().
//
// # What Echo answers by itself
//
// A 404 and a 405 go through the middlewares of Echo.Use, so a door there denies
// them, without the Allow header of the 405, and of a group through those of the
// group.
package echoauth

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v5"

	"github.com/sallyport-go/sallyport/claims"
)

// Guard is a *middleware.Guard or a *sallyport.Gate. Handlers of another
// implementation must call next with the ResponseWriter that they got or one that
// unwraps to it, before they return, and at most once.
type Guard interface {
	Authenticate(next http.Handler) http.Handler
	Optional(next http.Handler) http.Handler
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	RequireAccess(levels claims.AccessLevels) func(next http.Handler) http.Handler
}

// Authenticate returns middleware that lets requests with a good token through,
// whatever it allows, and refuses all others. Exempt paths of the Guard pass
// untouched. It panics if guard is nil, as the others do.
//
// A good token is no permission: guard what a handler does with [Require].
func Authenticate(guard Guard) echo.MiddlewareFunc {
	return (&door{handler: mustBe(guard).Authenticate(passed), byMethod: true}).asEcho()
}

// Optional returns middleware that lets requests without credentials through,
// without claims. Those that bring some are held to them.
func Optional(guard Guard) echo.MiddlewareFunc {
	return (&door{handler: mustBe(guard).Optional(passed)}).asEcho()
}

// Require returns middleware that lets requests through whose token is good and
// passes the rule. It authenticates by itself, unless the same Guard has done so
// already on the way.
//
// It panics if the rule is faulty, as Echo does for a faulty route; see
// [claims.Rule.Err].
func Require(guard Guard, rule claims.Rule) echo.MiddlewareFunc {
	return (&door{handler: mustBe(guard).Require(rule)(passed), needsCall: rule.NeedsCall()}).asEcho()
}

// RequireAccess returns [Require] with the access level that the method wants: get,
// post, put or delete. Methods without a level are refused with 403.
//
// It panics if the levels are faulty.
func RequireAccess(guard Guard, levels claims.AccessLevels) echo.MiddlewareFunc {
	g := mustBe(guard)
	return (&door{handler: g.RequireAccess(levels)(passed), byMethod: true, denial: g.Require(claims.Rule{})(passed)}).asEcho()
}

// Claims returns the verified claims of the request; false if it was not
// authenticated. In tests of handlers set a request that carries
// [claims.NewContext].
func Claims(c *echo.Context) (*claims.Claims, bool) {
	if c.Request() == nil {
		return nil, false
	}
	return claims.FromContext(c.Request().Context())
}

var errNilGuard = errors.New("echoauth: the Guard is nil")

func mustBe(guard Guard) Guard {
	if guard == nil {
		panic(errNilGuard)
	}
	return guard
}

// door leads Echo's requests through a handler of a Guard: always the same one, or
// that of the route.
type door struct {
	handler   http.Handler
	denial    http.Handler // for requests that are not routed yet; nil: that makes no difference
	byMethod  bool         // whether its rule, or an exemption of the Guard, may depend on the method
	needsCall bool         // whether its rule asks about the call
	table     *table       // instead of handler
}

// asEcho is the only place where a door becomes a MiddlewareFunc, so that an audit
// can tell doors from other middlewares by their code.
//
//go:noinline
func (d *door) asEcho() echo.MiddlewareFunc { return d.inFrontOf }

func (d *door) inFrontOf(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		if i, ok := c.Response().(*inspection); ok { // an audit inspects, there is no request
			i.door = d
			return nil
		}
		h, r := d.choose(c)
		p := newPassage(c, next)
		h.ServeHTTP(p, r)
		return p.err
	}
}

// choose returns the handler for a request, and the request as the Guard has to see it.
func (d *door) choose(c *echo.Context) (http.Handler, *http.Request) {
	r := c.Request()
	if d.table == nil && !d.byMethod {
		return d.handler, withParams(c, r, d.needsCall)
	}
	route := c.RouteInfo()
	if d.table != nil {
		h, needsCall := d.table.choose(&route, r)
		return h, withParams(c, r, needsCall)
	}
	if d.denial != nil && isUnrouted(&route) {
		return d.denial, r
	}
	if routed := methodOf(&route, r); routed != r.Method {
		r = r.WithContext(r.Context())
		r.Pattern = routed + " " + route.Path // as ServeMux would: the Guard compares the methods
	}
	return d.handler, r
}

// isUnrouted reports whether Echo has not yet chosen a route, as in Pre.
func isUnrouted(route *echo.RouteInfo) bool { return route.Path == "" && route.Name == "" }

// isNone reports whether Echo has found no route, or only the handler for that.
func isNone(route *echo.RouteInfo) bool {
	return route.Path == "" || route.Method == echo.RouteNotFound
}

// methodOf returns the method that the route was chosen by: the request's own where
// it was not chosen by one.
func methodOf(route *echo.RouteInfo, r *http.Request) string {
	if isNone(route) || route.Method == echo.RouteAny {
		return r.Method
	}
	return route.Method
}

// withParams returns the request with the parameters of its route, if a rule asks
// about them.
func withParams(c *echo.Context, r *http.Request, needed bool) *http.Request {
	if !needed {
		return r
	}
	r = r.WithContext(r.Context())
	for _, p := range c.PathValues() {
		r.SetPathValue(p.Name, p.Value)
	}
	return r
}
