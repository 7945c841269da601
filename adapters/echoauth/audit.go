package echoauth

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/labstack/echo/v5"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Routes are the routes of an Echo with their middlewares. [Watch] makes them. They
// are safe for concurrent use as far as Echo is.
type Routes struct {
	echo *echo.Echo

	mu    sync.Mutex
	known map[place]echo.Route // the last one that was added
}

// Watch notes the routes that are added to an Echo from then on, with their
// middlewares, which Echo itself does not keep apart. It belongs into tests, before
// any route is registered:
//
//	e := echo.New()
//	routes := echoauth.Watch(e)
//	register(e, gate)
//	report, err := routes.Audit("GET /healthz")
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// It uses Echo.OnAddRoute, and calls the function that is there.
func Watch(e *echo.Echo) *Routes {
	r := &Routes{echo: e, known: make(map[place]echo.Route)}
	own := e.OnAddRoute
	e.OnAddRoute = func(route echo.Route) error {
		if own != nil {
			if err := own(route); err != nil {
				return err
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.known[place{route.Method, withSlash(route.Path)}] = route
		return nil
	}
	return r
}

// withSlash is a path as Echo registers it.
func withSlash(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

// Audit reports of every route what a request for it must bring, and returns an error
// if a route was forgotten: if neither a rule nor an exemption decides about it.
//
// Names in open declare routes that are open on purpose, each as "METHOD pattern" or
// as a pattern for all its methods. [Authenticate] and [Optional] are no rules, and
// neither is anything in shadow mode; a route that any good token may use says so
// with Require and claims.AnyToken. Entries of a [Policy] that name no route are
// errors too, and so are routes that were registered before Watch. The report comes
// with the error.
//
// Audit serves no request. It looks at the middlewares of Echo.Use, of groups and of
// routes. A door in Pre is not counted, and one inside a function of yours is not
// seen: the route counts as forgotten. Routes of Any have the method "*", for what is
// not in the report by its own method; handlers of RouteNotFound are in it as "*
// NoRoute" with their pattern.
func (r *Routes) Audit(open ...string) (audit.Report, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := &auditor{}
	seen := make(map[place]bool)
	for _, info := range r.echo.Router().Routes() {
		at := place{info.Method, withSlash(info.Path)}
		route, known := r.known[at]
		if seen[at] {
			continue
		}
		seen[at] = true
		if known && route.Handler == nil { // a group's own, for what it does not have
			continue
		}
		if !known {
			a.fail("%s %s was registered before Watch, so that its middlewares are not known", shownMethod(info.Method), at.pattern)
		}
		a.add(at, slices.Concat(r.echo.Middlewares(), route.Middlewares))
	}
	return a.report(open)
}

// shownMethod is a method as the report and a Policy have it.
func shownMethod(method string) string {
	if method == echo.RouteAny || method == echo.RouteNotFound {
		return "*"
	}
	return method
}

// auditor gathers what routes require.
type auditor struct {
	routes []audited
	tables []*table
	errs   []error
}

type audited struct {
	method, pattern string // of the report
	at              place  // of a table
	access          string // "" if nothing is required
	forgotten       bool
}

func (a *auditor) fail(format string, args ...any) {
	a.errs = append(a.errs, fmt.Errorf("audit: "+format, args...))
}

// anyMethods are those by which a route for all methods is looked at.
var anyMethods = [...]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// add adds a route with its middlewares: one of Any for each method, if they differ.
func (a *auditor) add(at place, middlewares []echo.MiddlewareFunc) {
	var doors []*door
	for _, m := range middlewares {
		d := inspect(m)
		if d == nil {
			continue
		}
		doors = append(doors, d)
		if d.table != nil && !slices.Contains(a.tables, d.table) {
			a.tables = append(a.tables, d.table)
		}
	}
	all := behind(place{shownMethod(at.method), at.pattern}, doors)
	switch at.method {
	case echo.RouteNotFound:
		none := behind(place{}, doors)
		none.method, none.pattern = all.method, noRoute+" "+at.pattern
		a.routes = append(a.routes, none)
	case echo.RouteAny:
		differ := false
		var each []audited
		for _, method := range anyMethods {
			one := behind(place{method, at.pattern}, doors)
			differ = differ || one.access != all.access || one.forgotten != all.forgotten
			each = append(each, one)
		}
		if differ {
			a.routes = append(a.routes, each...)
		}
		a.routes = append(a.routes, all)
	default:
		a.routes = append(a.routes, all)
	}
}

// behind returns what a request has to bring that passes these doors.
func behind(at place, doors []*door) audited {
	route := audited{method: at.method, pattern: at.pattern, at: at, forgotten: true}
	var rules, others []string
	for _, d := range doors {
		access, decided := d.requires(at.method, at.pattern)
		if decided {
			route.forgotten = false
		}
		switch {
		case access == "":
		case decided:
			rules = append(rules, access)
		default:
			others = append(others, access)
		}
	}
	if len(rules) == 0 {
		rules = others
	}
	route.access = strings.Join(rules, ", and ")
	return route
}

func (d *door) requires(method, pattern string) (access string, ruled bool) {
	if d.table != nil {
		return d.table.requires(method, pattern)
	}
	return ask(d.handler, method, pattern)
}

func (a *auditor) report(open []string) (audit.Report, error) {
	slices.SortStableFunc(a.routes, func(x, y audited) int {
		return cmp.Or(strings.Compare(x.pattern, y.pattern), strings.Compare(x.method, y.method))
	})
	a.open(open)
	var report audit.Report
	for _, r := range a.routes {
		access := cmp.Or(r.access, "nothing")
		switch {
		case r.forgotten:
			a.fail("no rule protects %s %s (it requires %s)", r.method, r.pattern, access)
			access = "FORGOTTEN: " + access
		case r.access == "":
			access = "open to everybody"
		}
		report = append(report, audit.Route{Method: r.method, Pattern: r.pattern, Access: access})
	}
	for _, t := range a.tables {
		a.unused(t)
	}
	return report, errors.Join(a.errs...)
}

// open marks routes as open on purpose. A name that no route has is a mistake: it
// would open one that comes later.
func (a *auditor) open(names []string) {
	for _, name := range names {
		method, pattern := split(name)
		known := false
		for i := range a.routes {
			if r := &a.routes[i]; name == r.pattern || r.pattern == pattern && (method == "" || r.method == method) {
				known, r.forgotten = true, false
			}
		}
		if !known {
			a.fail("%q is declared open, but there is no such route", name)
		}
	}
}

// unused lists the entries of a table that decide about no route: misspelt ones, and
// those of routes that are gone.
func (a *auditor) unused(t *table) {
	used := map[*entry]bool{t.entries[place{}]: true}
	for _, r := range a.routes {
		used[t.find(r.at.method, r.at.pattern)] = true
	}
	for _, e := range slices.SortedFunc(maps.Values(t.entries), func(x, y *entry) int { return strings.Compare(x.key, y.key) }) {
		if !used[e] {
			a.fail("the entry %q of the policy names no route", e.key)
		}
	}
}

var codeOfDoors = codeOf(new(door).asEcho())

// inspection is the ResponseWriter of a Context that belongs to no request. Nothing
// outside of this package can make one.
type inspection struct {
	http.ResponseWriter
	door *door
}

// inspect returns the door that a middleware is, nil if it is none. Only doors are
// called.
func inspect(m echo.MiddlewareFunc) *door {
	if codeOf(m) != codeOfDoors {
		return nil
	}
	i := &inspection{}
	c := echo.NewContext(nil, nil)
	c.SetResponse(i)
	_ = m(nil)(c)
	return i.door
}

// codeOf tells functions apart by their code, though not closures of the same.
func codeOf(m echo.MiddlewareFunc) uintptr { return reflect.ValueOf(m).Pointer() }
