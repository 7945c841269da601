// Package audit is what the audits of routers report: which route asks for
// what, and which one was forgotten.
//
//	report, err := ginauth.Audit(engine, "GET /healthz")
//	if err != nil {
//		t.Fatal(err) // names the routes that no rule protects
//	}
//	t.Log(report) // GET /orders/:id -> all scopes orders.read
//
// The audits are [ginauth.Audit] and [chiauth.Audit]; use this package by
// itself to write one for another router. It knows no router and no Guard.
//
// [ginauth.Audit]: https://pkg.go.dev/github.com/sallyport-go/sallyport/adapters/ginauth#Audit
// [chiauth.Audit]: https://pkg.go.dev/github.com/sallyport-go/sallyport/adapters/chiauth#Audit
package audit
