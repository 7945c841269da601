package chiauth

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-go/sallyport/adapters/audit"
	"github.com/sallyport-go/sallyport/adapters/internal/table"
)

// Audit reports of every route what a request for it must bring, and returns an
// error if a route was forgotten: if neither a rule nor an exemption decides
// about it.
//
//	report, err := chiauth.Audit(r, "GET /healthz")
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// Names in open declare routes that are open on purpose, each as "METHOD
// pattern" or as a pattern for all its methods. Authenticate and Optional of a
// Guard are no rules, and neither is anything in shadow mode; a route that any
// good token may use says so with Require and claims.AnyToken. Entries of a
// [Policy] that name no route are errors too. The report comes with the error.
//
// Audit goes through the routes with [chi.Walk] and builds each route's
// middlewares once more around a handler that is never called, to see which ones
// have the method that package audit documents. It serves no request.
//
// A Guard's handler inside another middleware's handler, or around a handler
// that is mounted without being a Chi router, is not seen, and the route counts
// as forgotten; write the Guard into Use, With or Group, or give your handler
// that method. A Guard around the whole router is not seen either. Handlers of
// NotFound and MethodNotAllowed are no routes.
//
// It belongs into tests, after all routes are registered.
func Audit(routes chi.Routes, open ...string) (audit.Report, error) {
	var found table.Audit
	walk := chi.Walk(routes, func(method, pattern string, h http.Handler, mws ...func(http.Handler) http.Handler) error {
		found.Add(method, pattern, doorsOf(h, mws)...)
		return nil
	})
	report, err := found.Report(open, mounted(routes))
	return report, errors.Join(walk, err)
}

func doorsOf(endpoint http.Handler, mws []func(http.Handler) http.Handler) (found []table.Door) {
	for _, mw := range mws {
		if d := table.DoorOf(mw(unreached)); d != nil {
			found = append(found, d)
		}
	}
	if d := table.DoorOf(endpoint); d != nil {
		found = append(found, d)
	}
	return found
}

// unreached is the next handler of middleware that serves no request.
var unreached = http.NotFoundHandler()

// mounted finds the two patterns by which the root of a mounted router is
// reached: [chi.Walk] leaves them out.
func mounted(routes chi.Routes) func(method, pattern string) bool {
	return func(method, pattern string) bool {
		if method == "" {
			method = http.MethodGet // a mounted router takes them all
		}
		return routes.Find(chi.NewRouteContext(), method, pattern) == pattern
	}
}
