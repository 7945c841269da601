package middleware

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/params"
	"github.com/sallyport-go/sallyport/internal/routed"
)

// Policy is a table of routes and their rules. Keys are patterns of
// [http.ServeMux], such as "GET /orders/{id}", matched as ServeMux matches
// them: the most specific wins, in whatever order, and GET includes HEAD. A
// pattern is in one of the maps.
//
// A pattern sees the path that the handler returned by Enforce gets: put
// Enforce outside of [http.StripPrefix]. Patterns with a host trust the Host
// header, which the caller writes.
type Policy struct {
	_ [0]func()
	// Rules are the patterns that one rule guards.
	Rules map[string]claims.Rule
	// Access are the patterns whose rule follows from the method.
	Access map[string]claims.AccessLevels
}

// Enforce guards all routes behind it by a table. It verifies by itself. A
// request that no pattern matches is refused: 401 without a good token, 403
// with one. So is a path that is not in its clean form ("//", "/./", "/../",
// a missing trailing slash), which ServeMux would redirect, and one that would
// match another route once its escapes are undone, or if they are kept, as in
// "/%6frders".
//
// Exempt paths of the Guard pass untouched; they take part in the matching, so
// that a more specific pattern of the table wins over them and an equal or
// conflicting one is an error.
//
// All mistakes of the table are reported together.
func (g *Guard) Enforce(p Policy) (func(http.Handler) http.Handler, error) {
	now := g.current()
	if now.decider.verify == nil {
		return nil, fmt.Errorf("middleware: Enforce: %w", errNotMadeByNew)
	}
	table, err := now.compile(p)
	if err != nil {
		return nil, err
	}
	for _, rule := range p.Rules {
		g.scopes.add(rule)
	}
	for _, levels := range p.Access {
		if access, err := levels.Compile(); err == nil {
			g.scopes.addAccess(access)
		}
	}
	return func(next http.Handler) http.Handler {
		serve := func(w http.ResponseWriter, r *http.Request) {
			g, rt := g.current(), table.match(r)
			switch {
			case rt == nil:
				g.serve(w, r, next, claims.Rule{}, false) // the zero Rule denies
			case rt.exempt:
				g.serveExempt(w, r, next)
			default:
				g.serve(w, table.withParams(r, rt), next, rt.ruleFor(r), false)
			}
		}
		requires := func(string) string { return "what the Guard's Policy says of the path" }
		return &handler{HandlerFunc: serve, guard: g, requires: requires, ruled: true}
	}, nil
}

func (g *guard) compile(p Policy) (*routes, error) {
	var errs []error
	fail := func(err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("middleware: Policy: %w", err))
		}
	}
	if len(p.Rules)+len(p.Access) == 0 {
		fail(errors.New("no pattern at all; name the routes and their rules"))
	}
	table := &routes{mux: http.NewServeMux()}
	for _, pattern := range g.exemptPatterns {
		fail(table.add(pattern, &route{exempt: true}))
	}
	for _, pattern := range slices.Sorted(maps.Keys(p.Rules)) {
		rule := p.Rules[pattern]
		fail(prefixed(pattern, rule.Err()))
		fail(g.orExempt(pattern, table.add(pattern, &route{rule: rule})))
	}
	for _, pattern := range slices.Sorted(maps.Keys(p.Access)) {
		access, err := p.Access[pattern].Compile()
		fail(prefixed(pattern, err))
		fail(g.orExempt(pattern, table.add(pattern, &route{access: access})))
	}
	return table, errors.Join(errs...)
}

func prefixed(pattern string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("pattern %q: %w", pattern, err)
}

// routes matches requests by ServeMux patterns, with a ServeMux of its own.
// It is immutable once filled; a nil one matches nothing.
type routes struct{ mux *http.ServeMux }

// route is what a pattern leads to. It is a handler only because that is what
// a ServeMux hands back.
type route struct {
	exempt bool
	rule   claims.Rule
	access *claims.Access // decides by method, instead of rule
}

func (*route) ServeHTTP(http.ResponseWriter, *http.Request) {}

func (rt *route) ruleFor(r *http.Request) claims.Rule {
	if rt.access != nil {
		return accessRule(rt.access, r)
	}
	return rt.rule
}

// withParams returns r with the parameters of the pattern that leads to rt, for
// a rule that asks about them: the table decides before a router has set any.
func (t *routes) withParams(r *http.Request, rt *route) *http.Request {
	if !rt.rule.NeedsCall() {
		return r
	}
	trial := r.WithContext(r.Context())
	trial.RequestURI = "" // ServeMux answers "*" itself
	t.mux.ServeHTTP(nil, trial)
	return params.With(r, trial.PathValue)
}

// registeredAt is where ServeMux says that a pattern came from: always this file.
var registeredAt = regexp.MustCompile(` \(registered at [^)]*\)`)

// errOldMux reports the ServeMux of Go 1.21. It reads a pattern with a method as
// the name of a host, so that a strict rule would silently have no effect.
var errOldMux = errors.New("http.ServeMux does not know methods and wildcards: remove httpmuxgo121=1 from GODEBUG")

var oldMux = sync.OnceValue(func() bool {
	probe := &routes{mux: http.NewServeMux()}
	probe.mux.Handle("GET /{any}", &route{})
	return probe.lookup(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/x"}}) == nil
})

// add returns an error for a pattern that ServeMux does not take, where it panics.
func (t *routes) add(pattern string, rt *route) (err error) {
	if oldMux() {
		return errOldMux
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("pattern %q: %s", pattern, registeredAt.ReplaceAllString(fmt.Sprint(p), ""))
		}
	}()
	t.mux.Handle(pattern, rt)
	return nil
}

// match returns the route of a request, nil for none. What is not certain is none:
// a path that ServeMux would redirect to its clean form, a method that it
// would answer with 405, CONNECT (whose path it does not clean), and a path
// that matches otherwise once its percent-encoding is undone, or as it is
// written, because a router further in may read it that way. So is a request that
// a router goes by another method or path for, or that asks for another method by
// a header, if that leads to another entry.
func (t *routes) match(r *http.Request) *route {
	if t == nil || r.URL == nil || r.Method == http.MethodConnect {
		return nil
	}
	rt := t.lookup(r)
	if rt == nil || !t.asRouted(r, rt) || !t.asOverridden(r, rt) {
		return nil
	}
	if r.URL.RawPath == "" {
		return rt
	}
	for _, path := range [...]string{r.URL.Path, r.URL.RawPath} {
		if t.lookup(&http.Request{Method: r.Method, Host: r.Host, URL: &url.URL{Path: path}}) != rt {
			return nil
		}
	}
	return rt
}

// asRouted reports whether a request leads to rt by what its router goes by too.
func (t *routes) asRouted(r *http.Request, rt *route) bool {
	if method := patternMethod(r); method != "" && !t.leads(r, method, rt) {
		return false
	}
	reading := routed.Of(r)
	if reading == (routed.Reading{}) {
		return true
	}
	method, path := r.Method, r.URL.Path
	if reading.Method != "" && !sameMethod(reading.Method, method) {
		method = reading.Method
	}
	if reading.Path != "" {
		path = reading.Path
	}
	if reading.Unclear {
		return false
	}
	if method == r.Method && path == r.URL.Path {
		return true
	}
	return t.lookup(&http.Request{Method: method, Host: r.Host, URL: &url.URL{Path: path}}) == rt
}

// asOverridden reports whether a request leads to rt by every method that its
// headers ask for too: what runs further in may obey them.
func (t *routes) asOverridden(r *http.Request, rt *route) bool {
	for _, method := range routed.Overrides(r.Header) {
		if !t.leads(r, method, rt) {
			return false
		}
	}
	return true
}

// leads reports whether a request that leads to rt would do so by another method too.
func (t *routes) leads(r *http.Request, method string, rt *route) bool {
	return sameMethod(method, r.Method) || t.lookup(&http.Request{Method: method, Host: r.Host, URL: r.URL}) == rt
}

func (t *routes) lookup(r *http.Request) *route {
	h, _ := t.mux.Handler(r)
	rt, _ := h.(*route) // anything else is ServeMux's own: a redirect, 404 or 405
	return rt
}
