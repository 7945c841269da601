package echoauth

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v5"
)

// table is a Policy without mistakes. It is immutable.
type table struct {
	none    http.Handler // lets nothing through
	entries map[place]*entry
}

// choose returns the handler of the entry for a request, one that denies where there
// is none, and reports whether the entry's rule asks about the call.
//
// All that can be known of what routes the request must lead to one entry: a
// middleware may have changed the method, and a handler may go by another one that a
// header asks for.
func (t *table) choose(route *echo.RouteInfo, r *http.Request) (h http.Handler, needsCall bool) {
	pattern := route.Path
	if isNone(route) {
		pattern = ""
	}
	routed := methodOf(route, r)
	e := t.find(r.Method, pattern)
	if e == nil || isUnrouted(route) || !t.oneEntry(routed, r.Method, pattern) {
		return t.none, false
	}
	for _, other := range overrides(r.Header) {
		if !t.oneEntry(routed, other, pattern) {
			return t.none, false
		}
	}
	return e.handler, e.needsCall
}

// find returns the entry of the method, for HEAD else that of GET, else that of the
// pattern alone, else nil.
func (t *table) find(method, pattern string) *entry {
	if e, ok := t.entries[place{method, pattern}]; ok {
		return e
	}
	if e, ok := t.entries[place{http.MethodGet, pattern}]; ok && method == http.MethodHead {
		return e
	}
	return t.entries[place{"", pattern}]
}

// oneEntry reports whether a route has one entry for the method that it is chosen by
// and for another. HEAD is a part of GET.
func (t *table) oneEntry(routed, method, pattern string) bool {
	return routed == method || routed == http.MethodGet && method == http.MethodHead || t.find(routed, pattern) == t.find(method, pattern)
}

// overrideHeaders are those by which callers ask for another method.
var overrideHeaders = [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

// maxOverrides bounds the methods that are looked at, in headers that may have any
// number of lines.
const maxOverrides = 4

// overrides returns the methods that headers of a request ask for. Of more than a few
// the last one is none that there is.
func overrides(h http.Header) []string {
	var methods []string
	for _, name := range overrideHeaders {
		for _, method := range h[name] {
			if len(methods) == maxOverrides {
				return append(methods, "?")
			}
			methods = append(methods, strings.ToUpper(strings.TrimSpace(method)))
		}
	}
	return methods
}

// requires returns in words what a request must bring, and whether that was decided.
func (t *table) requires(method, pattern string) (access string, ruled bool) {
	e := t.find(method, pattern)
	switch {
	case e != nil && e.exempt:
		return "", true
	case e != nil:
		return ask(e.handler, method, pattern)
	}
	access, closed := ask(t.none, method, pattern)
	switch {
	case !closed: // in shadow mode
		return access, false
	case pattern == "":
		return "nobody, for it is no route", true
	default:
		return "nobody, for no entry of the policy names it", false
	}
}

// ask asks a handler of a Guard; package audit documents the method.
func ask(h http.Handler, method, pattern string) (access string, ruled bool) {
	d, ok := h.(interface {
		Requires(method, pattern string) (access string, ruled bool)
	})
	if !ok {
		return "what a Guard wants that does not say so", false
	}
	return d.Requires(method, pattern)
}
