package fiberauth

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v3"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Audit reports of every route what a request for it must bring, and returns an error
// if a route was forgotten: if neither a rule nor an exemption decides about it.
//
//	report, err := fiberauth.Audit(app, "GET /healthz")
//	if err != nil {
//		t.Fatal(err)
//	}
//	t.Log(report)
//
// Names in open declare routes that are open on purpose, each as "METHOD pattern" or
// as a pattern for all its methods. [Authenticate] and [Optional] are no rules, and
// neither is anything in shadow mode; a route that any good token may use says so with
// Require and claims.AnyToken. The report comes with the error, unless the routes
// could not be read at all.
//
// Audit looks at the handlers that Fiber will run; it makes no request and runs no
// handler but the doors of this package, which only report what they require. It
// counts doors of the route that something stands behind, and those of Use and of
// groups that were registered before it, whose prefix is a part of the route's pattern
// letter by letter and has no wildcard. A door inside a function of yours is not seen:
// the route counts as forgotten. What answers in Use is no route. HEAD is in the report
// only where it requires something else than GET.
//
// It belongs into tests, after all routes are registered. Fiber does not say which
// handlers are those of Use, so that is read by reflection; with a version of Fiber
// that keeps it otherwise, Audit and [Enforce] fail.
func Audit(app *fiber.App, open ...string) (audit.Report, error) {
	if app == nil {
		return nil, errors.New("fiberauth: the App is nil")
	}
	app.Handler() // adds the routes of mounted apps, and those of HEAD
	stack, err := routesOf(app)
	if err != nil {
		return nil, err
	}
	a := &auditor{}
	covers := covers
	if app.Config().StrictRouting {
		covers = coversStrictly
	}
	for i, r := range stack {
		if !r.use {
			a.routes = append(a.routes, behind(place{r.Method, r.Path}, doorsOf(stack[:i], r, covers)))
		}
	}
	return a.report(open)
}

// route is a route of an app.
type route struct {
	*fiber.Route
	use bool // of Use or a group, not of a method
}

// routesOf returns the routes of all methods, those of each in order.
func routesOf(app *fiber.App) (all []route, err error) {
	defer func() {
		if p := recover(); p != nil { // of reflect: the field is missing, or of another kind
			all, err = nil, fmt.Errorf("fiberauth does not know this version of Fiber (%s): %v", fiber.Version, p)
		}
	}()
	proper := 0
	for _, routes := range app.Stack() {
		for _, r := range routes {
			use := reflect.ValueOf(r).Elem().FieldByName("use").Bool()
			if !use {
				proper++
			}
			all = append(all, route{r, use})
		}
	}
	if proper != len(app.GetRoutes(true)) {
		return nil, fmt.Errorf("fiberauth does not know this version of Fiber (%s): the routes found are not those that it tells", fiber.Version)
	}
	return all, nil
}

// doorsOf returns the doors that a request has to pass on the way to the last handler
// of a route.
func doorsOf(before []route, r route, covers func(prefix, pattern string) bool) (found []*door) {
	for _, u := range before {
		if u.use && u.Method == r.Method && covers(u.Path, r.Path) {
			for _, h := range u.Handlers {
				found = appendDoor(found, h)
			}
		}
	}
	for i, h := range r.Handlers {
		if i < len(r.Handlers)-1 {
			found = appendDoor(found, h)
		}
	}
	return found
}

// covers reports whether a handler of Use at a prefix runs for every request of a
// pattern: for certain, or not at all.
func covers(prefix, pattern string) bool {
	if prefix == "/" {
		return true
	}
	if strings.ContainsAny(prefix, `*+?<>()\`) || isPartOfASegment(prefix) {
		return false
	}
	rest, ok := strings.CutPrefix(pattern, strings.TrimRight(prefix, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// isPartOfASegment finds a parameter that is not all of its segment, such as :a.x: with
// something behind it Fiber looks for its end elsewhere.
var isPartOfASegment = regexp.MustCompile(`[^/]:|:\w*[^/\w]`).MatchString

// coversStrictly is covers with StrictRouting, where a prefix that ends in a slash does
// not run for the path without it, which a pattern may match by its end.
func coversStrictly(prefix, pattern string) bool {
	if prefix != "/" && strings.HasSuffix(prefix, "/") {
		rest, ok := strings.CutPrefix(pattern, prefix)
		return ok && !strings.ContainsAny(rest, "*?") && covers(prefix, pattern)
	}
	return covers(prefix, pattern)
}

// auditor gathers what routes require.
type auditor struct {
	routes []audited
	errs   []error
}

type audited struct {
	place
	access    string // "" if nothing is required
	forgotten bool
}

func (a *auditor) fail(format string, args ...any) {
	a.errs = append(a.errs, fmt.Errorf("audit: "+format, args...))
}

// behind returns what a request has to bring that passes these doors.
func behind(at place, doors []*door) audited {
	route := audited{place: at, forgotten: true}
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
	all := slices.Clone(a.routes)
	a.routes = slices.DeleteFunc(a.routes, func(r audited) bool {
		get := r
		get.method = fiber.MethodGet
		return r.method == fiber.MethodHead && slices.Contains(all, get)
	})
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
	return report, errors.Join(a.errs...)
}

// open marks routes as open on purpose, that of HEAD with that of GET. A name that no
// route has is a mistake: it would open one that comes later.
func (a *auditor) open(names []string) {
	for _, name := range names {
		method, pattern := split(name)
		known := false
		for i := range a.routes {
			r := &a.routes[i]
			if r.pattern != pattern || method != "" && r.method != method && (method != fiber.MethodGet || r.method != fiber.MethodHead) {
				continue
			}
			known, r.forgotten = true, false
		}
		if !known {
			a.fail("%q is declared open, but there is no such route", name)
		}
	}
}

var codeOfDoors = codeOf(new(door).asFiber())

func isDoor(h fiber.Handler) bool { return codeOf(h) == codeOfDoors }

// inspection is a Ctx that belongs to no request. Nothing outside of this package can
// make one.
type inspection struct {
	fiber.Ctx
	door *door
}

// appendDoor appends the door that a handler is, if it is one. Only doors are called.
func appendDoor(doors []*door, h fiber.Handler) []*door {
	if !isDoor(h) {
		return doors
	}
	i := &inspection{}
	_ = h(i)
	return append(doors, i.door)
}

// codeOf tells functions apart by their code, though not closures of the same.
func codeOf(h fiber.Handler) uintptr { return reflect.ValueOf(h).Pointer() }
