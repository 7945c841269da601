// Package middleware protects net/http handlers with OAuth 2.0 bearer tokens.
//
// A [Guard] first verifies the token that comes with a request and answers 401
// (or 400 for a malformed request); then it checks a [claims.Rule] and answers
// 403. When the keys rather than the token are the trouble, the answer is 503
// with Retry-After: a token that could not be checked is never called bad, and
// never let in.
//
//	mux.Handle("GET /orders", guard.Require(claims.AllScopes("orders.read"))(list))
//
// [Guard.Require] verifies by itself. Handlers further in that share the Guard
// find the verified token again and do not verify twice, so Authenticate may
// surround a whole router and Require single routes of it.
//
// Frameworks that are not built on http.Handler use [Guard.Check], which writes
// nothing, and [Guard.Deny], which writes what the middleware would have
// written.
//
// The answers follow RFC 6750 section 3 and RFC 9110 section 11.
package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/cachecontrol"
	"github.com/sallyport-go/sallyport/reason"
)

// Guard protects handlers. It is safe for concurrent use, owns nothing that must be
// closed, and changes by [Guard.Replace] alone. The zero Guard and a nil one refuse
// every request with 503; [New] makes one that works.
//
// Behind a verified token the ResponseWriter adds Cache-Control: private to an
// answer that has none; see [Config.NoCacheControl]. Flush, Hijack and
// [http.ResponseController] work as they do without it. Handlers of exempt and
// anonymous requests get the ResponseWriter as it is.
//
// They also have a method Requires(method, pattern string) (access string,
// ruled bool), by which the audits of the adapters find out what a route asks for.
type Guard struct {
	now    atomic.Pointer[guard] // the configuration in force
	scopes *scopeSet             // of the rules that it was given
}

// guard is a configuration of a Guard, compiled: immutable and safe for concurrent
// use. A request is judged by one.
type guard struct {
	decider        decider
	credentials    func(*http.Request) (Credential, error)
	bound          bound
	exempt         *routes
	exemptPatterns []string
	errorBody      func(http.ResponseWriter, *http.Request, *Error)
	problemJSON    bool
	noCacheControl bool
	challengeScope bool
	endAtExpiry    bool
	lifetimes      lifetimes
	ages           ages
	resource       string
	preflight      http.Handler
}

// orZero returns the zero Guard for a nil one.
func (g *Guard) orZero() *Guard {
	if g == nil {
		return &zeroGuard
	}
	return g
}

// current returns the configuration in force. That of a nil Guard and of the zero
// one refuses everything.
func (g *Guard) current() *guard {
	if g != nil {
		if now := g.now.Load(); now != nil {
			return now
		}
	}
	return &refusing
}

var (
	zeroGuard Guard
	refusing  guard
	anyToken  = claims.AnyToken()
)

// Authenticate lets requests with a good token through, whatever it allows,
// and refuses all others. Exempt paths pass untouched.
//
// The claims are in the request's context, for [claims.FromContext]. A good
// token is no permission: guard what a handler does with Require.
func (g *Guard) Authenticate(next http.Handler) http.Handler {
	g = g.orZero()
	serve := func(w http.ResponseWriter, r *http.Request) {
		g := g.current()
		if g.exempt.match(r) != nil {
			g.serveExempt(w, r, next)
			return
		}
		g.serve(w, r, next, anyToken, false)
	}
	requires := func(string) string { return anyToken.String() }
	return &handler{HandlerFunc: serve, guard: g, requires: requires}
}

// Optional lets requests without credentials through, without claims. Those
// that bring some are held to them: a bad token, another scheme or a malformed
// header is refused as by Authenticate.
func (g *Guard) Optional(next http.Handler) http.Handler {
	g = g.orZero()
	serve := func(w http.ResponseWriter, r *http.Request) { g.current().serve(w, r, next, anyToken, true) }
	requires := func(string) string { return "nothing, for credentials are optional" }
	return &handler{HandlerFunc: serve, guard: g, requires: requires}
}

// Require lets requests through whose token is good and passes the rule. It
// authenticates by itself, unless this Guard has done so already on the way.
//
// It panics when handlers are put together if the rule is faulty, as
// [http.ServeMux.Handle] does for a faulty pattern; see [claims.Rule.Err].
func (g *Guard) Require(rule claims.Rule) func(http.Handler) http.Handler {
	if err := rule.Err(); err != nil {
		panic(fmt.Errorf("middleware: Require: %w", err))
	}
	g.orZero().scopes.add(rule)
	return g.require(
		func(*http.Request) claims.Rule { return rule },
		func(string) string { return rule.String() })
}

// RequireAccess is Require with the access level that the method asks for: get,
// post, put or delete. Methods without a level are refused with 403.
//
// The method that routed a request is the one that is judged. A request that
// something else may take for one of another method is refused with 403 too: if
// the pattern that [http.ServeMux] chose has another method, if Chi routes by
// another (RouteMethod; seen in programs that import adapters/chiauth), or if a
// header such as X-HTTP-Method-Override asks for another. GET and HEAD are one.
// To let callers override the method, change r.Method in front of the router.
//
// It panics when handlers are put together if the levels are faulty.
func (g *Guard) RequireAccess(levels claims.AccessLevels) func(http.Handler) http.Handler {
	access, err := levels.Compile()
	if err != nil {
		panic(fmt.Errorf("middleware: RequireAccess: %w", err))
	}
	g.orZero().scopes.addAccess(access)
	return g.require(
		func(r *http.Request) claims.Rule { return accessRule(access, r) },
		func(method string) string { return access.Rule(method).String() })
}

func (g *Guard) require(rule func(*http.Request) claims.Rule, requires func(method string) string) func(http.Handler) http.Handler {
	g = g.orZero()
	return func(next http.Handler) http.Handler {
		serve := func(w http.ResponseWriter, r *http.Request) { g.current().serve(w, r, next, rule(r), false) }
		return &handler{HandlerFunc: serve, guard: g, requires: requires, ruled: true}
	}
}

// handler is a handler of a Guard that an audit can ask what it requires.
type handler struct {
	http.HandlerFunc
	guard    *Guard
	requires func(method string) string
	ruled    bool
}

// Requires returns in words what a request with that method must bring, and
// reports whether a rule decides about it: a handler that only asks for some
// token, or for none, has no rule. The pattern of the route makes no
// difference.
func (h *handler) Requires(method, _ string) (access string, ruled bool) {
	if h.guard.current().decider.shadow {
		return "nothing, for the Guard is in shadow mode", false
	}
	return h.requires(method), h.ruled
}

// serve hands a request that passes to the next handler, and answers others. A
// preflight goes to the handler that is there for it.
func (g *guard) serve(w http.ResponseWriter, r *http.Request, next http.Handler, rule claims.Rule, optional bool) {
	if g.preflight != nil && g.answersPreflight(w, r) {
		return
	}
	admitted, who, refused := g.decide(r, rule, optional)
	if refused != nil {
		g.write(w, r, refused)
		return
	}
	if who != nil {
		g.offer(w, r)
	}
	if a, ok := admitted.Context().(*admission); ok && admitted != r {
		a.serve(w, admitted, next, !g.noCacheControl && !g.decider.shadow)
		return
	}
	next.ServeHTTP(w, admitted) // anonymous, or verified further out
}

func (g *guard) offer(w http.ResponseWriter, r *http.Request) {
	for _, b := range g.bound.offers {
		for _, field := range b.Offer(r) {
			w.Header().Set(field[0], field[1])
		}
	}
}

// admission is the context of a call that passes and the ResponseWriter for
// what runs next, in one allocation.
type admission struct {
	stamp
	answer  cachecontrol.Writer
	release context.CancelFunc // of a context that ends with the token; nil: none
}

// newAdmission is where the decision puts the stamp of a call that a Guard serves.
func newAdmission() (*stamp, context.Context) {
	a := new(admission)
	return &a.stamp, a
}

// serve serves a request that passes, with an answer that is private if it says
// nothing else.
func (a *admission) serve(w http.ResponseWriter, r *http.Request, next http.Handler, isPrivate bool) {
	keeper, kept := w.(cachecontrol.Keeper) // of a Guard further out, or of an adapter, where next returns before it has served
	if kept && isPrivate {
		keeper.KeepPrivate()
	}
	if a.release != nil && !kept {
		defer a.release()
	}
	if kept || !isPrivate {
		next.ServeHTTP(w, r)
		return
	}
	next.ServeHTTP(a.answer.Around(w), r)
	a.answer.Commit() // of a handler that wrote nothing
}

// decide has the decider decide on a request. It writes nothing.
func (g *guard) decide(r *http.Request, rule claims.Rule, optional bool) (*http.Request, *claims.Claims, *Error) {
	c := call{rule: rule, optional: optional, route: r.Pattern, method: r.Method, peer: r.RemoteAddr, newStamp: newAdmission}
	if rule.NeedsCall() {
		r, c.asked = g.forRule(r)
	}
	if g.credentials != nil {
		c.credential, c.err = g.credentials(r)
	}
	if len(g.bound.bindings) > 0 {
		c.confirms = g.bound.confirms
		c.checkBindings = func(cred Credential, who *claims.Claims) error {
			for _, b := range g.bound.bindings {
				if err := b.Check(r, cred, who); err != nil {
					return err
				}
			}
			return nil
		}
	}
	ctx, who, refused := g.decider.decide(r.Context(), &c)
	if refused != nil && g.challengeScope {
		g.decider.nameScope(refused, rule.Scope())
	}
	if ctx == nil {
		return r, who, refused
	}
	if a, ok := ctx.(*admission); ok && g.endAtExpiry {
		g.endWithToken(a, who)
	}
	return r.WithContext(ctx), who, refused
}

// Check is Require for callers that write their own answers, such as adapters
// for other frameworks; with [claims.AnyToken] it is Authenticate without
// exemptions. It writes nothing. The request that it returns carries the claims
// for all that follows; the error is an [*Error]. Preflights and Cache-Control
// are the caller's own affair. Callers must stop on an error:
//
//	r, c, err := guard.Check(r, rule)
//	if err != nil {
//		guard.Deny(w, r, err)
//		return
//	}
//
// With an error the request comes back as it was, and without claims. So it
// does in shadow mode where a request would have been refused, but with a nil
// error. Check reports to the log, the events and the metric; Deny does not. A
// faulty rule denies.
func (g *Guard) Check(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error) {
	admitted, who, refused := g.current().decide(r, rule, false)
	if refused != nil {
		return admitted, nil, refused
	}
	return admitted, who, nil
}

// Deny writes the answer to a refused request, exactly as the middleware
// would: status, challenges, Cache-Control, Retry-After and body. It takes the
// errors of Check, those of a Verifier, and a bare [reason.Code]; any other is
// a 403, nil too: what is denied stays denied. Nothing of err but an [*Error]'s
// own fields reaches the caller. The handler must return after it.
func (g *Guard) Deny(w http.ResponseWriter, r *http.Request, err error) {
	now := g.current()
	err = withoutNil(err)
	fallback := reason.Denied
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		fallback = reason.Canceled
	}
	e := now.decider.refusal(err, fallback)
	if now.decider.presents() {
		e = now.decider.present(e, "")
	}
	now.write(w, r, e)
}
