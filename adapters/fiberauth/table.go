package fiberauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v3"
)

// table is a Policy without mistakes. It is immutable.
type table struct {
	none    http.Handler // lets nothing through
	entries map[place]*entry
}

// guard puts a door in front of every route, and one behind all of them.
func (t *table) guard(app *fiber.App, stack []route) {
	for _, r := range stack {
		if !r.use {
			r.Handlers = append([]fiber.Handler{t.doorFor(r.Method, r.Path).asFiber()}, r.Handlers...)
		}
	}
	app.Use("/*", t.doorFor("", "").asFiber()) // for targets without a slash too
	app.RebuildTree()
	app.Hooks().OnRoute(func(r fiber.Route) error {
		if own := appendDoor(nil, r.Handlers[0]); len(own) > 0 && own[0].table == t {
			return nil // of HEAD, with the handlers of GET
		}
		return fmt.Errorf("fiberauth: %s %s is registered after Enforce, which was to guard all routes", r.Method, r.Path)
	})
}

func (t *table) doorFor(method, pattern string) *door {
	d := &door{table: t, at: place{method, pattern}, handler: t.none, denial: t.none}
	if e := t.find(method, pattern); e != nil {
		d.handler, d.needsCall, d.byMethod = e.handler, e.needsCall, e.byMethod
	}
	return d
}

// isCertain reports whether all that can be known of what routes the request leads to
// one entry: a handler behind the door may go by the method of the request line, or by
// one that a header asks for.
func (d *door) isCertain(c fiber.Ctx, r *http.Request) bool {
	routed, t := c.Route().Method, d.table
	methods := append(overrides(r.Header), r.Method, string(c.Request().Header.Method()))
	return !slices.ContainsFunc(methods, func(method string) bool {
		return !t.oneEntry(routed, method, d.at.pattern)
	})
}

// isLast reports whether a door is the one behind all routes.
func (d *door) isLast() bool { return d.table != nil && d.at == place{} }

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

// unknown reports keys that name no route.
func (t *table) unknown(stack []route) error {
	used := map[*entry]bool{t.entries[place{}]: true}
	for _, r := range stack {
		if !r.use {
			used[t.find(r.Method, r.Path)] = true
		}
	}
	var keys []string
	for _, e := range t.entries {
		if !used[e] {
			keys = append(keys, e.key)
		}
	}
	slices.Sort(keys)
	var errs []error
	for _, key := range keys {
		errs = append(errs, fmt.Errorf("fiberauth: Policy: pattern %q names no route", key))
	}
	return errors.Join(errs...)
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
	if !closed { // in shadow mode
		return access, false
	}
	return "nobody, for no entry of the policy names it", false
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
