package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync"

	"github.com/sallyport-go/sallyport/claims"
)

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
		return rt.access.Rule(r.Method)
	}
	return rt.rule
}

// registeredAt is where ServeMux says that a pattern came from: always this file.
var registeredAt = regexp.MustCompile(` \(registered at [^)]*\)`)

// errOldMux reports a ServeMux of before Go 1.22. It would take a pattern with a
// method for the name of a host, and let a strict rule lapse without a word.
var errOldMux = errors.New("http.ServeMux does not know methods and wildcards: remove httpmuxgo121=1 from GODEBUG")

var oldMux = sync.OnceValue(func() bool {
	probe := &routes{mux: http.NewServeMux()}
	probe.mux.Handle("GET /{any}", &route{})
	return probe.lookup(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/x"}}) == nil
})

// add reports a pattern that ServeMux does not take, where it would panic.
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

// match is the route of a request, nil for none. What is not certain is none:
// a path that ServeMux would redirect to its clean form, a method that it
// would answer with 405, CONNECT (whose path it does not clean), and a path
// that matches otherwise once its percent-encoding is undone, because a router
// further in may read it that way.
func (t *routes) match(r *http.Request) *route {
	if t == nil || r.URL == nil || r.Method == http.MethodConnect {
		return nil
	}
	rt := t.lookup(r)
	if rt == nil || r.URL.RawPath == "" {
		return rt
	}
	decoded := &http.Request{Method: r.Method, Host: r.Host, URL: &url.URL{Path: r.URL.Path}}
	if t.lookup(decoded) != rt {
		return nil
	}
	return rt
}

func (t *routes) lookup(r *http.Request) *route {
	h, _ := t.mux.Handler(r)
	rt, _ := h.(*route) // anything else is ServeMux's own: a redirect, 404 or 405
	return rt
}
