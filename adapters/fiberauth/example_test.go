package fiberauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func list(c fiber.Ctx) error {
	caller := "nobody"
	if who, ok := fiberauth.Claims(c); ok {
		caller = who.ClientID()
	}
	return c.SendString("orders for " + caller)
}

func ExampleRequire() {
	iss := jwkstest.Start(jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience("api://orders"))
	defer iss.Close()
	gate, err := sallyport.New(iss.Issuer(), "api://orders")
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	app := fiber.New()
	app.Get("/orders", fiberauth.Require(gate, claims.AllScopes("orders.read")), list)
	admin := app.Group("/admin", fiberauth.Require(gate, claims.AnyRole("Orders.Admin")))
	admin.Delete("/orders/:id", list)

	call := func(method, path, token string) {
		r := httptest.NewRequest(method, path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		answer, err := app.Test(r)
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(answer.Body)
		fmt.Println(answer.StatusCode, strings.TrimSpace(string(body)))
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
	app := fiber.New()
	app.Get("/healthz", list)
	app.Get("/orders", list)
	app.Delete("/orders/:id", list)
	err := fiberauth.Enforce(app, new(sallyport.Gate), fiberauth.Policy{ // when all routes are there
		Rules: map[string]claims.Rule{
			"GET /orders":        claims.AllScopes("orders.read"),
			"DELETE /orders/:id": claims.AnyRole("Orders.Admin"),
		},
		Exempt: []string{"GET /healthz"},
	})
	if err != nil {
		panic(err)
	}

	report, err := fiberauth.Audit(app)
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// GET     /healthz     -> open to everybody
	// GET     /orders      -> all scopes orders.read
	// DELETE  /orders/:id  -> any role Orders.Admin
	// <nil>
}

// Three lines of a test that fail when somebody adds a route without a rule.
func ExampleAudit() {
	app := fiber.New()
	app.Get("/healthz", list)
	app.Get("/orders", fiberauth.Require(new(sallyport.Gate), claims.AllScopes("orders.read")), list)
	app.Get("/debug", list)

	report, err := fiberauth.Audit(app, "GET /healthz")
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// GET  /debug    -> FORGOTTEN: nothing
	// GET  /healthz  -> open to everybody
	// GET  /orders   -> all scopes orders.read
	// audit: no rule protects GET /debug (it requires nothing)
}
