package table

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Door is a handler that lets a request through only if it brings what is
// required. Those of a Guard are Doors; package audit documents the method.
type Door interface {
	Requires(method, pattern string) (access string, ruled bool)
}

// DoorOf returns h as a Door, nil if it is none.
func DoorOf(h http.Handler) Door {
	d, _ := h.(Door)
	return d
}

// Audit gathers the routes of a router. The zero Audit has none.
type Audit struct {
	// Shown is how a pattern is shown, and may be called in names of open
	// routes; nil: as it was added.
	Shown func(pattern string) string

	routes []audited
	tables []*Table
}

type audited struct {
	method, pattern string
	access          string // "" if nothing is required
	forgotten       bool
}

// Add adds a route with the doors that a request for it has to pass. A nil Door
// is none.
func (a *Audit) Add(method, pattern string, doors ...Door) {
	route := a.behind(method, pattern, doors)
	route.method, route.pattern = method, pattern
	a.routes = append(a.routes, route)
}

// AddUnrouted adds handlers, by their name, for requests without a route.
func (a *Audit) AddUnrouted(name string, doors ...Door) {
	route := a.behind("", "", doors)
	route.method, route.pattern = "*", name
	a.routes = append(a.routes, route)
}

func (a *Audit) shown(pattern string) string {
	if a.Shown == nil {
		return pattern
	}
	return a.Shown(pattern)
}

func (a *Audit) behind(method, pattern string, doors []Door) audited {
	var rules, others []string
	ruled := false
	for _, d := range doors {
		if d == nil {
			continue
		}
		a.note(d)
		access, decided := d.Requires(method, pattern)
		ruled = ruled || decided
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
	return audited{access: strings.Join(rules, ", and "), forgotten: !ruled}
}

// note keeps one table of each policy, whose entries Report asks for.
func (a *Audit) note(d Door) {
	t, ok := d.(interface{ bound() *Table })
	if !ok {
		return
	}
	one := t.bound()
	if !slices.ContainsFunc(a.tables, func(other *Table) bool { return other.plan == one.plan }) {
		a.tables = append(a.tables, one)
	}
}

// Report returns the routes, and an error that lists what is wrong with them:
// names in open that no route has, routes that were forgotten, and entries of a
// policy that decide about no route.
//
// open declares routes that are open on purpose, each as "METHOD pattern" or as
// a pattern for all its methods. known reports whether there is a route for an
// entry although it was not added; it may be nil.
func (a *Audit) Report(open []string, known func(method, pattern string) bool) (audit.Report, error) {
	slices.SortStableFunc(a.routes, func(x, y audited) int {
		return cmp.Or(strings.Compare(a.shown(x.pattern), a.shown(y.pattern)), strings.Compare(x.method, y.method))
	})
	errs := a.open(open)
	var report audit.Report
	for _, r := range a.routes {
		access := cmp.Or(r.access, "nothing")
		switch {
		case r.forgotten:
			errs = append(errs, fmt.Errorf("audit: no rule protects %s %s (it requires %s)", r.method, a.shown(r.pattern), access))
			access = "FORGOTTEN: " + access
		case r.access == "":
			access = "open to everybody"
		}
		report = append(report, audit.Route{Method: r.method, Pattern: a.shown(r.pattern), Access: access})
	}
	for _, t := range a.tables {
		errs = append(errs, a.unused(t, known)...)
	}
	return report, errors.Join(errs...)
}

// open marks routes as open on purpose. A name that no route has is a mistake:
// it would open one that comes later.
func (a *Audit) open(names []string) (errs []error) {
	for _, name := range names {
		method, pattern := split(name)
		known := false
		for i := range a.routes {
			if r := &a.routes[i]; (r.pattern == pattern || a.shown(r.pattern) == pattern) && (method == "" || r.method == method) {
				known, r.forgotten = true, false
			}
		}
		if !known {
			errs = append(errs, fmt.Errorf("audit: %q is declared open, but there is no such route", name))
		}
	}
	return errs
}

// unused lists the entries of a table that decide about no route: misspelt ones,
// and those of routes that are gone. An exemption among them would open a route
// that comes later.
func (a *Audit) unused(t *Table, known func(method, pattern string) bool) (errs []error) {
	used := make(map[string]bool)
	for _, r := range a.routes {
		b, _ := t.find(r.method, r.pattern)
		used[b.key] = true
	}
	for _, key := range t.keys() {
		if used[key] {
			continue
		}
		if method, pattern := split(key); known == nil || !known(method, pattern) {
			errs = append(errs, fmt.Errorf("audit: the entry %q of the policy names no route", key))
		}
	}
	return errs
}

// split takes "METHOD pattern" apart; a pattern alone has the method "".
func split(name string) (method, pattern string) {
	if method, pattern, ok := strings.Cut(name, " "); ok {
		return method, pattern
	}
	return "", name
}
