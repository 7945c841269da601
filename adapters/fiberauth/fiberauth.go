// Package fiberauth puts a Guard in front of the routes of Fiber
// (github.com/gofiber/fiber/v3).
//
//	gate, err := sallyport.New("https://issuer.example/", "api://orders")
//	...
//	app.Get("/orders", fiberauth.Require(gate, claims.AllScopes("orders.read")), list)
//
// Fiber stands on fasthttp, not on net/http. Each request is shown to the Guard as the
// one of net/http that it is, with every value of every header, in memory of its own;
// statuses, challenges and bodies of refusals are those of net/http. What fasthttp and
// net/http read differently in a target is refused. After a refusal no handler behind
// the door runs, nor does Fiber's error handler.
//
// # Order
//
// Fiber chooses a route only when the handlers in front of it are through, and any of
// them may have changed method and path, by c.Method and c.Path. A door judges the
// request as it comes to it: put what changes requests in front of doors of Use and of
// groups, or take [Enforce] or a door at each route, which are judged as the route
// that runs. What stands in front of a door runs for everybody, and so does a handler
// of Use that answers by itself, such as one for files: give those a route. Such a
// handler must call c.Next once: Fiber remembers where it was, so that a second call goes
// on behind the door that has refused the first.
//
// fasthttp has read the body, up to Config.BodyLimit, before any handler runs.
//
// # Claims
//
// [Claims] finds the verified claims, and so does claims.FromContext with c.Context(),
// which may outlive the request; c itself may not.
package fiberauth

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/gofiber/fiber/v3"

	"github.com/sallyport-go/sallyport/claims"
)

// Guard is a *middleware.Guard or a *sallyport.Gate. Handlers of another
// implementation must call next with the ResponseWriter that they got, before they
// return, and at most once.
type Guard interface {
	Authenticate(next http.Handler) http.Handler
	Optional(next http.Handler) http.Handler
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	RequireAccess(levels claims.AccessLevels) func(next http.Handler) http.Handler
}

// Authenticate returns a handler that lets requests with a good token through,
// whatever it allows, and refuses all others. Exempt paths of the Guard pass
// untouched. It panics if guard is nil, as the others do.
//
// A good token is no permission: guard what a handler does with [Require].
func Authenticate(guard Guard) fiber.Handler {
	return newDoor(guard, func(g Guard) http.Handler { return g.Authenticate(passed) }).asFiber()
}

// Optional returns a handler that lets requests without credentials through, without
// claims. Those that bring some are held to them.
func Optional(guard Guard) fiber.Handler {
	return newDoor(guard, func(g Guard) http.Handler { return g.Optional(passed) }).asFiber()
}

// Require returns a handler that lets requests through whose token is good and passes
// the rule. It authenticates by itself, unless the same Guard has done so already on
// the way.
//
// It panics if the rule is faulty, as Fiber does for a faulty route; see
// [claims.Rule.Err].
func Require(guard Guard, rule claims.Rule) fiber.Handler {
	d := newDoor(guard, func(g Guard) http.Handler { return g.Require(rule)(passed) })
	d.needsCall = rule.NeedsCall()
	return d.asFiber()
}

// RequireAccess returns [Require] with the access level that the method wants: get,
// post, put or delete. Methods without a level are refused with 403. So is a request
// whose method was changed after it was routed, or differs from that of the request
// line.
//
// It panics if the levels are faulty.
func RequireAccess(guard Guard, levels claims.AccessLevels) fiber.Handler {
	d := newDoor(guard, func(g Guard) http.Handler { return g.RequireAccess(levels)(passed) })
	d.byMethod = true
	return d.asFiber()
}

// Claims returns the verified claims of the request; false if it was not
// authenticated. In tests of handlers use c.SetContext with [claims.NewContext].
func Claims(c fiber.Ctx) (*claims.Claims, bool) { return claims.FromContext(c.Context()) }

var errNilGuard = errors.New("fiberauth: the Guard is nil")

// door leads Fiber's requests through a handler of a Guard.
type door struct {
	handler   http.Handler
	denial    http.Handler // lets nothing through
	needsCall bool         // whether its rule asks about the call
	byMethod  bool         // whether its rule depends on the method
	table     *table       // of the route's entry; nil for a door of its own
	at        place        // of the table

	ends atomic.Bool // whether contexts were seen to end with the token
}

func newDoor(guard Guard, handler func(Guard) http.Handler) *door {
	if guard == nil {
		panic(errNilGuard)
	}
	return &door{handler: handler(guard), denial: guard.Require(claims.Rule{})(passed)} // the zero Rule denies
}

// asFiber is the only place where a door becomes a Handler, so that an audit can tell
// doors from other handlers by their code.
//
//go:noinline
func (d *door) asFiber() fiber.Handler { return d.handle }

func (d *door) handle(c fiber.Ctx) error {
	if i, ok := c.(*inspection); ok { // an audit inspects, there is no request
		i.door = d
		return nil
	}
	if d.isLast() && c.Matched() {
		return fiber.ErrNotFound // of a route whose handlers went on, and that had a door
	}
	ctx, cancel := c.Context(), context.CancelFunc(func() {})
	if d.ends.Load() {
		ctx, cancel = context.WithCancel(ctx)
	}
	r, certain := requestOf(ctx, c)
	p := newPassage(c)
	d.choose(c, r, certain).ServeHTTP(p, r)
	if p.admitted == nil {
		cancel()
		p.refuse()
		return nil
	}
	p.keepHeader()
	admitted := p.admitted.Context()
	c.SetContext(admitted)
	defer d.release(ctx, admitted, cancel, c) // after a panic too
	err := c.Next()
	p.makePrivate()
	return err
}

// choose returns the handler for a request.
func (d *door) choose(c fiber.Ctx, r *http.Request, certain bool) http.Handler {
	switch {
	case !certain:
		return d.denial
	case d.byMethod && !sameMethod(string(c.Request().Header.Method()), r.Method):
		return d.denial
	case d.table != nil && !d.isCertain(c, r):
		return d.denial
	}
	if d.needsCall {
		setParams(c, r)
	}
	return d.handler
}

// sameMethod reports whether two methods are one, or GET and HEAD, which Fiber gives
// one handler.
func sameMethod(a, b string) bool {
	reads := func(method string) bool { return method == http.MethodGet || method == http.MethodHead }
	return a == b || reads(a) && reads(b)
}
