// Package ginauth puts a Guard in front of the routes of Gin.
//
//	gate, err := sallyport.New("https://issuer.example/", "api://orders")
//	...
//	r.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), list)
//
// Every handler here is the Guard's own net/http handler, led through Gin, so
// that statuses, challenges and bodies are those of net/http byte for byte.
// After a denial Gin's chain is aborted and the answer is sent, also if a hook of
// yours panics inside the Guard and a Recovery in front goes on.
//
// # Order
//
// Gin copies a chain of handlers when a route is registered. What Use adds
// later protects only the routes that come later, and what stands in front of a
// door runs for everybody. [Audit], in a test, finds the routes that were
// forgotten. Handlers that change c.Request.Method or call Engine.HandleContext
// belong behind the doors: Gin has chosen the route before they run. Where a rule
// depends on the method, a request whose method was changed in between is denied.
//
// # Claims
//
// [Claims] finds the verified claims, and so does claims.FromContext with
// c.Request.Context(), or with c itself if Engine.ContextWithFallback is set. A
// goroutine that outlives the request keeps c.Request.Context() or c.Copy(),
// never c.
//
// # What Gin answers by itself
//
// Redirects (RedirectTrailingSlash, on by default, and RedirectFixedPath) are
// written before any handler runs. They open nothing, but show every caller that
// a route exists. A 404 and a 405 go through the handlers of Engine.Use, so a
// door there denies them, without the Allow header of the 405.
package ginauth

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/adapters/internal/table"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/params"
)

// Guard is a *middleware.Guard or a *sallyport.Gate. Handlers of
// another implementation must call next with the ResponseWriter that they got,
// before they return, and at most once.
type Guard interface {
	Authenticate(next http.Handler) http.Handler
	Optional(next http.Handler) http.Handler
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	RequireAccess(levels claims.AccessLevels) func(next http.Handler) http.Handler
}

// Authenticate returns a handler that lets requests with a good token through,
// whatever it allows, and aborts all others. Exempt paths of the Guard pass
// untouched.
//
// A good token is no permission: guard what a handler does with [Require].
func Authenticate(guard Guard) gin.HandlerFunc {
	return through(mustBe(guard).Authenticate(passed))
}

// Optional returns a handler that lets requests without credentials through,
// without claims. Those that bring some are held to them.
func Optional(guard Guard) gin.HandlerFunc {
	return through(mustBe(guard).Optional(passed))
}

// Require returns a handler that lets requests through whose token is good and
// passes the rule. It authenticates by itself, unless the same Guard has done
// so already on the way.
//
// It panics if the rule is faulty, as Gin does for a faulty pattern; see
// [claims.Rule.Err].
func Require(guard Guard, rule claims.Rule) gin.HandlerFunc {
	return (&door{handler: mustBe(guard).Require(rule)(passed), needsCall: rule.NeedsCall()}).asGin()
}

// RequireAccess returns [Require] with the access level that the method wants:
// get, post, put or delete. Methods without a level are refused with 403.
//
// It panics if the levels are faulty.
func RequireAccess(guard Guard, levels claims.AccessLevels) gin.HandlerFunc {
	return through(mustBe(guard).RequireAccess(levels)(passed))
}

// Claims returns the verified claims of the request; false if it was not
// authenticated. In tests of handlers set c.Request to one that carries
// [claims.NewContext].
func Claims(c *gin.Context) (*claims.Claims, bool) {
	if c.Request == nil {
		return nil, false
	}
	return claims.FromContext(c.Request.Context())
}

// door leads Gin's requests through a handler of a Guard: always the same one,
// or that of the route.
type door struct {
	handler   http.Handler
	needsCall bool // whether its rule asks about the call
	table     *table.Table
	routes    routes
}

func through(h http.Handler) gin.HandlerFunc { return (&door{handler: h}).asGin() }

// asGin is the only place where a door becomes a HandlerFunc, so that Audit can
// tell doors from other handlers by their code.
//
//go:noinline
func (d *door) asGin() gin.HandlerFunc { return d.handle }

func (d *door) handle(c *gin.Context) {
	if i, ok := c.Writer.(*inspection); ok { // an audit inspects, there is no request
		i.door = d.asDoor()
		return
	}
	var admitted *http.Request
	// Also if the Guard panics: a Recovery that does not abort would otherwise
	// make Gin go on to the handlers behind this door.
	defer func() {
		if admitted == nil {
			c.Abort()
		}
	}()
	p := &passage{ResponseWriter: c.Writer, unrouted: c.FullPath() == ""}
	h, needsCall := d.choose(c)
	r := c.Request
	if needsCall {
		r = params.With(r, c.Param)
	}
	h.ServeHTTP(p, r)
	if admitted = p.request; admitted == nil {
		c.Writer.WriteHeaderNow() // an answer to HEAD has no body that would send it
		return
	}
	c.Request = admitted
	if p.private {
		p.serve(c)
	}
}

func (d *door) choose(c *gin.Context) (h http.Handler, needsCall bool) {
	route, routed := d.routes.of(c)
	if routed && route.method != c.Request.Method {
		c.Request.Pattern = route.method + " " + route.pattern // as ServeMux would: the Guard compares the methods
	}
	switch {
	case d.table == nil:
		return d.handler, d.needsCall
	case c.FullPath() == "":
		return d.table.Handler(c.Request.Method, "")
	case !routed || !d.table.OneEntry(route.method, c.Request.Method, route.written): // a handler may go by either method
		return d.table.Denial(), false
	case !d.table.OverrideKeepsEntry(c.Request.Header, route.method, route.written):
		return d.table.Denial(), false
	default:
		return d.table.Handler(route.method, route.written)
	}
}

func (d *door) asDoor() table.Door {
	if d.table != nil {
		return d.table
	}
	return table.DoorOf(d.handler)
}

// passed is the next handler in the sense of net/http.
var passed = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if p, ok := w.(*passage); ok {
		p.request = r
	}
})

func mustBe(guard Guard) Guard {
	if guard == nil {
		panic(errors.New("ginauth: the Guard is nil"))
	}
	return guard
}

// Policy is a table of the rules of Gin's routes. Keys are a method, one space
// and the pattern as it was registered in full, such as "GET /v1/orders/:id",
// or a pattern alone for all its methods. The entry of the method wins, and GET
// stands for HEAD where HEAD has none. A route stands in the table once.
//
// The key "NoRoute" is for the requests that match no route: those that Gin
// gives to the handlers of Engine.NoRoute and Engine.NoMethod, or answers
// itself with 404 and 405.
//
// Gin chooses the route and the entry follows from the choice, so no way of
// writing a path leads to the handler of one route by the rule of another. Where
// Engine.Static finds no file it runs the handlers of Engine.NoRoute by the rule
// of the static route.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the routes that one rule guards.
	Rules map[string]claims.Rule
	// Access are the routes whose rule follows from the method.
	Access map[string]claims.AccessLevels
	// Exempt are the routes that are open to everybody, without claims.
	Exempt []string
}

// Enforce returns a handler that guards all routes by a table, best used first
// and once:
//
//	enforce, err := ginauth.Enforce(gate, policy)
//	...
//	engine.Use(enforce)
//
// It verifies by itself. A request whose route has no entry is refused, 401
// without a good token, 403 with one, and so is one without a route. The exempt
// patterns of the Guard's own configuration do not count here.
//
// All mistakes of the table are reported together. Whether its keys name routes
// shows only when there are routes: see [Audit].
func Enforce(guard Guard, p Policy) (gin.HandlerFunc, error) {
	var g table.Guard // stays nil if guard is
	if guard != nil {
		g = guard
	}
	plan, err := table.New("ginauth", g, table.Policy{Rules: p.Rules, Access: p.Access, Exempt: p.Exempt}, syntax)
	if err := errors.Join(err, p.namesakes()); err != nil {
		return nil, err
	}
	return (&door{table: plan.Bind(passed)}).asGin(), nil
}

// syntax catches what is taken from other routers by mistake.
func syntax(pattern string) (string, error) {
	if strings.ContainsAny(pattern, "{}") {
		return "", errors.New("parameters of Gin are :id and *path, not {id}")
	}
	return pattern, nil
}
