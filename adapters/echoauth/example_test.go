package echoauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/labstack/echo/v5"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/echoauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// routes are those of a small API.
func routes(e *echo.Echo, gate *sallyport.Gate) {
	e.GET("/healthz", list)
	e.GET("/orders", list, echoauth.Require(gate, claims.AllScopes("orders.read")))
	admin := e.Group("/admin", echoauth.Require(gate, claims.AnyRole("Orders.Admin")))
	admin.DELETE("/orders/:id", list)
}

func list(c *echo.Context) error {
	caller := "nobody"
	if who, ok := echoauth.Claims(c); ok {
		caller = who.ClientID()
	}
	return c.String(http.StatusOK, "orders for "+caller)
}

func ExampleRequire() {
	iss := jwkstest.Start(jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience("api://orders"))
	defer iss.Close()
	gate, err := sallyport.New(iss.Issuer(), "api://orders")
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	e := echo.New()
	routes(e, gate)

	call := func(method, path, token string) {
		r := httptest.NewRequest(method, path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	reader := iss.Token(jwkstest.Claims{"client_id": "warehouse", "scope": "orders.read"})
	call("GET", "/orders", reader)
	call("DELETE", "/admin/orders/7", reader)
	call("GET", "/orders", "x")
	// Output:
	// 200 orders for warehouse
	// 403 Forbidden: the access token does not allow this
	// 401 Unauthorized: the access token is not valid here
}

// One table of all rules: a route without an entry is closed.
func ExampleEnforce() {
	enforce, err := echoauth.Enforce(new(sallyport.Gate), echoauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders":        claims.AllScopes("orders.read"),
			"DELETE /orders/:id": claims.AnyRole("Orders.Admin"),
		},
		Exempt: []string{"GET /healthz"},
	})
	if err != nil {
		panic(err)
	}
	e := echo.New()
	table := echoauth.Watch(e)
	e.Use(enforce)
	e.GET("/healthz", list)
	e.GET("/orders", list)
	e.DELETE("/orders/:id", list)

	report, err := table.Audit()
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// GET     /healthz     -> open to everybody
	// GET     /orders      -> all scopes orders.read
	// DELETE  /orders/:id  -> any role Orders.Admin
	// <nil>
}

// Three lines of a test that fail when somebody adds a route without a rule.
func ExampleWatch() {
	e := echo.New()
	watched := echoauth.Watch(e)
	routes(e, new(sallyport.Gate))
	e.GET("/debug", list)

	report, err := watched.Audit("GET /healthz")
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// DELETE  /admin/orders/:id  -> any role Orders.Admin
	// GET     /debug             -> FORGOTTEN: nothing
	// GET     /healthz           -> open to everybody
	// GET     /orders            -> all scopes orders.read
	// audit: no rule protects GET /debug (it requires nothing)
}
