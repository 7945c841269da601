package chiauth

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-go/sallyport/adapters/audit"
	"github.com/sallyport-go/sallyport/adapters/internal/table"
)

// Audit says of every route what a request for it must bring, and fails if a
// route was forgotten: if neither a rule nor an exemption decides about it.
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
// middlewares once more around a handler that is never called, as Chi builds
// them for every route of a group, to see which ones are an [audit.Door]. It
// serves no request.
//
// Its limits: a Guard's handler inside another middleware's handler is not
// seen, nor one around a handler that is mounted without being a Chi router, and
// the route counts as forgotten; write the Guard into Use, With or Group, or
// give your handler the method of [audit.Door]. A Guard around the whole router
// is not seen either. Handlers of NotFound and MethodNotAllowed are no routes,
// and routes by regular expression that differ from an entry only in writing are
// others.
//
// It belongs into tests, after all routes are registered.
func Audit(routes chi.Routes, open ...string) (audit.Report, error) {
	var report audit.Report
	tables := make(map[*table.Plan]audit.Table)
	err := chi.Walk(routes, func(method, pattern string, h http.Handler, mws ...func(http.Handler) http.Handler) error {
		doors := doorsOf(h, mws)
		for _, d := range doors {
			if t, ok := d.(*enforcer); ok {
				tables[t.Plan()] = t
			}
		}
		report = append(report, audit.RouteBehind(method, pattern, doors...))
		return nil
	})
	report.Sort()
	errs := []error{err, report.Open(open...), report.Err()}
	for _, t := range tables {
		errs = append(errs, report.Unused(t, mounted(routes)))
	}
	return report, errors.Join(errs...)
}

func doorsOf(endpoint http.Handler, mws []func(http.Handler) http.Handler) (found []audit.Door) {
	for _, mw := range mws {
		if d := audit.DoorOf(mw(unreached)); d != nil {
			found = append(found, d)
		}
	}
	if d := audit.DoorOf(endpoint); d != nil {
		found = append(found, d)
	}
	return found
}

// unreached stands where an audit needs a handler that no request will come to.
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
