// Package chiauth adds to a Guard what Chi knows of its routes.
//
// Most programs do not need it. Chi's handlers and middlewares are those of
// net/http, so a Guard fits as it is, and claims are in the request's context:
//
//	r := chi.NewRouter()
//	r.With(gate.Require(claims.AllScopes("orders.read"))).Get("/orders", list)
//	r.Group(func(r chi.Router) {
//		r.Use(gate.Require(claims.AnyRole("Orders.Admin")))
//		r.Delete("/orders/{id}", remove)
//	})
//
// The package has one table of all rules at the root, in Chi's own patterns
// ([Enforce]), and a test that fails on a forgotten route ([Audit]), which
// understands the Guard's middleware too.
//
// # Middleware of the root runs before routing
//
// A middleware in Use of the root router sees a request before its route is
// known. [Enforce] therefore asks the router which route it will choose.
// Middleware that changes path or method (StripSlashes, CleanPath, GetHead,
// URLFormat) must stand in front of it, and not inside of a sub-router, where it
// would make Chi choose another route than the one that was asked about. A rule
// that must not depend on such an order belongs to the route, in With or Group.
package chiauth

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-go/sallyport/adapters/internal/table"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/params"
)

// Guard is a *middleware.Guard or a *sallyport.Gate.
type Guard interface {
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	RequireAccess(levels claims.AccessLevels) func(next http.Handler) http.Handler
}

// Policy is a table of the rules of Chi's routes. Keys are a method, one space
// and the pattern from the root on, as [chi.Walk] gives it, such as "GET
// /v1/orders/{id}", or a pattern alone for all its methods. The entry of the
// method wins, and GET stands for HEAD where HEAD has none. A route stands in
// the table once.
//
// The key "NoRoute" is for the requests that match no route: those that Chi
// gives to the handlers of NotFound and MethodNotAllowed.
//
// The root of a router that is mounted at /v1 is reached as /v1 and as /v1/:
// each needs an entry, or stays closed. A handler that is no Chi router has the
// pattern /v1/* when it is mounted, beside those two, and one entry decides for
// all that is below.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the routes that one rule guards.
	Rules map[string]claims.Rule
	// Access are the routes whose rule follows from the method.
	Access map[string]claims.AccessLevels
	// Exempt are the routes that are open to everybody, without claims.
	Exempt []string
}

// Enforce returns middleware that guards all routes of the root router by a
// table:
//
//	r := chi.NewRouter()
//	enforce, err := chiauth.Enforce(gate, r, policy)
//	...
//	r.Use(middleware.CleanPath, enforce) // last of all, see the package's notes on order
//
// It verifies by itself. A request whose route has no entry is refused, 401
// without a good token, 403 with one, and so is one without a route. The exempt
// patterns of the Guard's own configuration do not count here.
//
// routes is the router that enforce is used on, or that it is wrapped around.
// Used on another one it denies every request, where it can detect that.
//
// All mistakes of the table are reported together. Whether its keys name routes
// shows only when there are routes: see [Audit].
func Enforce(guard Guard, routes chi.Routes, p Policy) (func(http.Handler) http.Handler, error) {
	var g table.Guard // stays nil if guard is
	if guard != nil {
		g = guard
	}
	plan, err := table.New("chiauth", g, table.Policy{Rules: p.Rules, Access: p.Access, Exempt: p.Exempt}, syntax)
	if routes == nil {
		err = errors.Join(errors.New("chiauth: the router is nil"), err)
	}
	if err != nil {
		return nil, err
	}
	return func(next http.Handler) http.Handler {
		return &enforcer{Table: plan.Bind(next), routes: routes}
	}, nil
}

// syntax catches what is taken from net/http by mistake.
func syntax(pattern string) (string, error) {
	if strings.Contains(pattern, "...}") || strings.Contains(pattern, "{$}") {
		return "", errors.New("the rest of a path is * in Chi, which knows no {$}")
	}
	return pattern, nil
}

// enforcer is a table that asks the router for the pattern of each request.
type enforcer struct {
	*table.Table
	routes chi.Routes
	pool   sync.Pool // of *chi.Context
}

func (e *enforcer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, r := e.choose(r)
	h.ServeHTTP(w, r)
}

// choose returns the entry for a request, and the request with the parameters of
// its route where the entry's rule asks about them.
func (e *enforcer) choose(r *http.Request) (http.Handler, *http.Request) {
	routing := chi.RouteContext(r.Context())
	if e.misplaced(routing) {
		return e.Denial(), r
	}
	method, path := target(r, routing)
	trial, ok := e.pool.Get().(*chi.Context)
	if !ok {
		trial = chi.NewRouteContext()
	}
	trial.Reset() // of the last request's parameters, which Find would keep and add to
	pattern := e.routes.Find(trial, method, path)
	if !e.OneEntry(method, r.Method, pattern) || !e.OverrideKeepsEntry(r.Header, method, pattern) { // a handler may go by any
		e.pool.Put(trial)
		return e.Denial(), r
	}
	h, needsCall := e.Handler(method, pattern)
	if needsCall {
		return h, params.With(r, trial.URLParam)
	}
	e.pool.Put(trial)
	return h, r
}

// target is what Chi routes by: what a middleware may have set, else the path
// as it was escaped, else the path, which http.StripPrefix may have left empty.
func target(r *http.Request, routing *chi.Context) (method, path string) {
	method = r.Method
	if routing != nil {
		path = routing.RoutePath
		if routing.RouteMethod != "" {
			method = routing.RouteMethod
		}
	}
	return method, cmp.Or(path, r.URL.RawPath, r.URL.Path, "/")
}

// misplaced reports whether the table belongs to another router than the one
// that serves, so that patterns of the one would be taken for those of the
// other.
func (e *enforcer) misplaced(routing *chi.Context) bool {
	ours, ok := e.routes.(*chi.Mux)
	if routing == nil || !ok {
		return false
	}
	root, ok := routing.Routes.(*chi.Mux)
	if !ok {
		return false
	}
	if len(routing.RoutePatterns) == 0 { // in Use of the root
		return ours != root
	}
	return ours == root && routing.RoutePath != "" // in a router below the root
}
