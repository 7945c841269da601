// Package audit is the report of an audit of a router: which route requires
// what, and which route was forgotten.
//
//	report, err := ginauth.Audit(engine, "GET /healthz")
//	if err != nil {
//		t.Fatal(err) // lists the routes that no rule protects
//	}
//	t.Log(report) // GET /orders/:id -> all scopes orders.read
//
// The audits are [ginauth.Audit] and [chiauth.Audit]. They count the handlers of
// a Guard, and those of your own middleware that have this method too:
//
//	// Requires returns in words what a request of that method, routed by that
//	// pattern, must bring. It reports ruled if a decision was made for the
//	// route: false if any good token will do, or no token at all. A ruled
//	// handler without any access is an exemption.
//	Requires(method, pattern string) (access string, ruled bool)
//
// [ginauth.Audit]: https://pkg.go.dev/github.com/sallyport-go/sallyport/adapters/ginauth#Audit
// [chiauth.Audit]: https://pkg.go.dev/github.com/sallyport-go/sallyport/adapters/chiauth#Audit
package audit

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Route is one route of a router, and what a request for it must bring.
type Route struct {
	// Method is the HTTP method, "*" for all of them.
	Method string
	// Pattern is the route as its router writes it.
	Pattern string
	// Access is what is required, in words: a rule, or "open to everybody". It
	// begins with "FORGOTTEN: " if no rule and no exemption decides about the
	// route, and then goes on with what is required all the same.
	Access string
}

// Report is the routes of a router, by pattern and then by method. It belongs to
// the caller.
type Report []Route

// String returns the report as a table, a route a line.
func (r Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, route := range r {
		_, _ = fmt.Fprintf(w, "%s\t%s\t-> %s\n", route.Method, route.Pattern, route.Access)
	}
	_ = w.Flush() // into memory
	return b.String()
}
