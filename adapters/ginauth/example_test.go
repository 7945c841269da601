package ginauth_test

import (
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
)

// The examples have a Guard that knows one token in the place of a Gate.
var demoGate, try = kit.DemoGate, kit.Try

func greet(c *gin.Context) {
	if cl, ok := ginauth.Claims(c); ok {
		fmt.Println("hello", cl.Subject())
	} else {
		fmt.Println("hello stranger")
	}
}

func Example() {
	gate := demoGate()
	r := gin.New()
	r.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), greet)
	admin := r.Group("/admin", ginauth.Require(gate, claims.AnyRole("Orders.Admin")))
	admin.DELETE("/orders/:id", greet)

	try(r, "GET", "/orders", "good")
	try(r, "GET", "/orders", "tampered")
	try(r, "DELETE", "/admin/orders/7", "good")
	// Output:
	// hello warehouse
	// 200
	// 401 Bearer realm="api", error="invalid_token"
	// 403 Bearer realm="api", error="insufficient_scope"
}

func ExampleAuthenticate() {
	r := gin.New()
	r.Use(ginauth.Authenticate(demoGate()))
	r.GET("/whoami", greet)
	try(r, "GET", "/whoami", "good")
	try(r, "GET", "/whoami", "")
	try(r, "GET", "/no-such-route", "")
	// Output:
	// hello warehouse
	// 200
	// 401 Bearer realm="api"
	// 401 Bearer realm="api"
}

func ExampleOptional() {
	r := gin.New()
	r.GET("/", ginauth.Optional(demoGate()), greet)
	try(r, "GET", "/", "")
	try(r, "GET", "/", "good")
	try(r, "GET", "/", "tampered")
	// Output:
	// hello stranger
	// 200
	// hello warehouse
	// 200
	// 401 Bearer realm="api", error="invalid_token"
}

// Gin copies a route's handlers when it is registered: what Use adds later
// does not protect it. An audit in a test finds such routes.
func ExampleRequire_incorrect() {
	r := gin.New()
	r.GET("/orders", greet)
	r.Use(ginauth.Require(demoGate(), claims.AllScopes("orders.read"))) // too late

	try(r, "GET", "/orders", "")
	_, err := ginauth.Audit(r)
	fmt.Println(err)
	// Output:
	// hello stranger
	// 200
	// audit: no rule protects GET /orders (it requires nothing)
}

func ExampleRequireAccess() {
	r := gin.New()
	r.Any("/orders", ginauth.RequireAccess(demoGate(), claims.AccessLevels{Resources: []string{"api://orders"}}), greet)
	try(r, "PUT", "/orders", "good") // its scope is orders.read, no access level
	// Output:
	// 403 Bearer realm="api", error="insufficient_scope", scope="put"
}

func ExampleClaims() {
	r := gin.New()
	r.GET("/", ginauth.Require(demoGate(), claims.AnyToken()), func(c *gin.Context) {
		cl, _ := ginauth.Claims(c)
		same, _ := claims.FromContext(c.Request.Context()) // for code that knows no Gin
		fmt.Println(cl.Subject(), cl == same)
	})
	try(r, "GET", "/", "good")
	// Output:
	// warehouse true
	// 200
}

// One table for a whole API. What is not in the table is refused.
func ExampleEnforce() {
	enforce, err := ginauth.Enforce(demoGate(), ginauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders":        claims.AllScopes("orders.read"),
			"GET /orders/:id":    claims.AllScopes("orders.read"),
			"DELETE /orders/:id": claims.AnyRole("Orders.Admin"),
		},
		Exempt: []string{"GET /healthz"},
	})
	if err != nil {
		panic(err)
	}
	r := gin.New()
	r.Use(enforce) // before the routes
	r.GET("/healthz", greet)
	r.GET("/orders/:id", greet)
	r.DELETE("/orders/:id", greet)
	r.GET("/forgotten", greet)

	try(r, "GET", "/orders/7", "good")
	try(r, "DELETE", "/orders/7", "good")
	try(r, "GET", "/forgotten", "good")
	try(r, "GET", "/no-such-route", "")
	try(r, "GET", "/healthz", "")
	// Output:
	// hello warehouse
	// 200
	// 403 Bearer realm="api", error="insufficient_scope"
	// 403 Bearer realm="api", error="insufficient_scope"
	// 401 Bearer realm="api"
	// hello stranger
	// 200
}

// Three lines of a test that fail when somebody adds a route without a rule.
func ExampleAudit() {
	gate := demoGate()
	r := gin.New()
	r.GET("/healthz", greet)
	r.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), greet)
	r.Group("/admin", ginauth.Require(gate, claims.AnyRole("Orders.Admin"))).DELETE("/orders/:id", greet)
	r.GET("/debug", greet)

	report, err := ginauth.Audit(r, "GET /healthz")
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// DELETE  /admin/orders/:id  -> any role Orders.Admin
	// GET     /debug             -> FORGOTTEN: nothing
	// GET     /healthz           -> open to everybody
	// GET     /orders            -> all scopes orders.read
	// audit: no rule protects GET /debug (it requires nothing)
}
