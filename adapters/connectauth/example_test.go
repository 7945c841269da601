package connectauth_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/connectauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func ExampleEnforce() {
	iss := jwkstest.Start(jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience("api://orders"))
	defer iss.Close()
	gate, err := sallyport.New(iss.Issuer(), "api://orders")
	if err != nil {
		panic(err)
	}
	defer gate.Close()
	enforce, err := connectauth.Enforce(gate, connectauth.Policy{
		Rules: map[string]claims.Rule{
			"/orders.v1.Orders/*":      claims.AllScopes("orders.read"),  // every procedure of the service,
			"/orders.v1.Orders/Create": claims.AllScopes("orders.write"), // but for this one
		},
		Exempt: []string{"/grpc.health.v1.Health/Check"},
	})
	if err != nil {
		panic(err)
	}
	api := enforce(service()) // a ServeMux with the handlers of connect

	call := func(procedure, token string) {
		r := httptest.NewRequest(http.MethodPost, procedure, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		answer, _, _ := strings.Cut(w.Body.String(), `,"details":`)
		fmt.Println(w.Code, answer)
	}
	reader := jwkstest.Claims{"client_id": "warehouse", "scope": "orders.read"}
	call("/orders.v1.Orders/List", iss.Token(reader))
	call("/orders.v1.Orders/Create", iss.Token(reader))
	call("/orders.v1.Orders/List", "x")
	// Output:
	// 200 {"client_id":"warehouse"}
	// 403 {"code":"permission_denied","message":"the access token does not allow this"
	// 401 {"code":"unauthenticated","message":"the access token is not valid here"
}

// Three lines of a test that fail when somebody adds a procedure without a rule.
func ExampleAudit() {
	enforce, err := connectauth.Enforce(new(sallyport.Gate), connectauth.Policy{
		Rules: map[string]claims.Rule{
			"/orders.v1.Orders/List":   claims.AllScopes("orders.read"),
			"/orders.v1.Orders/Create": claims.AllScopes("orders.write"),
		},
		Exempt: []string{"/grpc.health.v1.Health/Check"},
	})
	if err != nil {
		panic(err)
	}

	report, err := connectauth.Audit(enforce(service()), "/grpc.health.v1.Health/Check", "/orders.v1.Orders/List", "/orders.v1.Orders/Create", "/orders.v1.Orders/Delete")
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// POST  /grpc.health.v1.Health/Check  -> open to everybody
	// POST  /orders.v1.Orders/Create      -> all scopes orders.write
	// POST  /orders.v1.Orders/Delete      -> FORGOTTEN: nobody, for no entry of the policy names it
	// POST  /orders.v1.Orders/List        -> all scopes orders.read
	// audit: no rule protects POST /orders.v1.Orders/Delete (it requires nobody, for no entry of the policy names it)
}
