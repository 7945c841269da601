package chiauth_test

import (
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
)

// The examples have a Guard that knows one token in the place of a Gate.
var demoGate, try = kit.DemoGate, kit.Try

func greet(_ http.ResponseWriter, r *http.Request) {
	if c, ok := claims.FromContext(r.Context()); ok {
		fmt.Println("hello", c.Subject(), chi.URLParam(r, "id"))
	} else {
		fmt.Println("hello stranger")
	}
}

// Most programs need only the Guard: it is net/http's kind of middleware.
func Example() {
	gate := demoGate()
	r := chi.NewRouter()
	r.With(gate.Require(claims.AllScopes("orders.read"))).Get("/orders/{id}", greet)
	r.Route("/admin", func(r chi.Router) {
		r.Use(gate.Require(claims.AnyRole("Orders.Admin")))
		r.Delete("/orders/{id}", greet)
	})

	try(r, "GET", "/orders/7", "good")
	try(r, "GET", "/orders/7", "tampered")
	try(r, "DELETE", "/admin/orders/7", "good")
	// Output:
	// hello warehouse 7
	// 200
	// 401 Bearer realm="api", error="invalid_token"
	// 403 Bearer realm="api", error="insufficient_scope"
}

// One table for a whole API. What is not in the table is refused.
func ExampleEnforce() {
	r := chi.NewRouter()
	enforce, err := chiauth.Enforce(demoGate(), r, chiauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /v1/orders/{id}":    claims.AllScopes("orders.read"),
			"DELETE /v1/orders/{id}": claims.AnyRole("Orders.Admin"),
		},
		Exempt: []string{"GET /healthz"},
	})
	if err != nil {
		panic(err)
	}
	r.Use(chimiddleware.CleanPath, enforce) // whatever changes paths stands in front
	r.Get("/healthz", greet)
	r.Get("/forgotten", greet)
	r.Route("/v1", func(r chi.Router) {
		r.Get("/orders/{id}", greet)
		r.Delete("/orders/{id}", greet)
	})

	try(r, "GET", "/v1/orders/7", "good")
	try(r, "DELETE", "/v1//orders/7", "good")
	try(r, "GET", "/forgotten", "good")
	try(r, "GET", "/no-such-route", "")
	try(r, "GET", "/healthz", "")
	// Output:
	// hello warehouse 7
	// 200
	// 403 Bearer realm="api", error="insufficient_scope"
	// 403 Bearer realm="api", error="insufficient_scope"
	// 401 Bearer realm="api"
	// hello stranger
	// 200
}

// What changes paths behind Enforce makes Chi choose another route than the
// one that the table was asked about. A rule at the route does not care.
func ExampleEnforce_incorrect() {
	gate := demoGate()
	r := chi.NewRouter()
	enforce, err := chiauth.Enforce(gate, r, chiauth.Policy{
		Rules:  map[string]claims.Rule{"GET /admin": claims.AnyRole("Orders.Admin"), "GET /safe": claims.AnyRole("Orders.Admin")},
		Exempt: []string{"GET /*"},
	})
	if err != nil {
		panic(err)
	}
	r.Use(enforce, chimiddleware.StripSlashes) // in the wrong order
	r.Get("/*", func(http.ResponseWriter, *http.Request) {})
	r.Get("/admin", greet)
	r.With(gate.Require(claims.AnyRole("Orders.Admin"))).Get("/safe", greet)

	try(r, "GET", "/admin/", "")
	try(r, "GET", "/safe/", "")
	// Output:
	// hello stranger
	// 200
	// 401 Bearer realm="api"
}

// Three lines of a test that fail when somebody adds a route without a rule.
func ExampleAudit() {
	gate := demoGate()
	r := chi.NewRouter()
	r.Get("/healthz", greet)
	r.With(gate.Require(claims.AllScopes("orders.read"))).Get("/orders", greet)
	r.Route("/admin", func(r chi.Router) {
		r.Use(gate.Require(claims.AnyRole("Orders.Admin")))
		r.Delete("/orders/{id}", greet)
	})
	r.Get("/debug", greet)

	report, err := chiauth.Audit(r, "GET /healthz")
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// DELETE  /admin/orders/{id}  -> any role Orders.Admin
	// GET     /debug              -> FORGOTTEN: nothing
	// GET     /healthz            -> open to everybody
	// GET     /orders             -> all scopes orders.read
	// audit: no rule protects GET /debug (it requires nothing)
}
