package audit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Route is one route of a router, and what a request for it must bring.
type Route struct {
	// Method is the HTTP method, "*" for all of them.
	Method string
	// Pattern is the route in the words of its router.
	Pattern string
	// Access says what is required, in words; "" if nothing is.
	Access string
	// Forgotten says that no rule and no exemption decides about the route. It
	// may still want a good token: Access tells.
	Forgotten bool
}

// String is the route as a line of [Report.String], with single spaces.
func (r Route) String() string { return r.Method + " " + r.Pattern + " -> " + r.asks() }

func (r Route) asks() string {
	access := cmp.Or(r.Access, "nothing")
	switch {
	case r.Forgotten:
		return "FORGOTTEN: " + access
	case r.Access == "":
		return "open to everybody"
	}
	return access
}

// Report is the routes of a router. It belongs to whoever asked for it.
type Report []Route

// String is the report as a table, a route a line.
func (r Report) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, route := range r {
		_, _ = fmt.Fprintf(w, "%s\t%s\t-> %s\n", route.Method, route.Pattern, route.asks())
	}
	_ = w.Flush() // into memory
	return b.String()
}

// Forgotten are the routes that no rule and no exemption decides about.
func (r Report) Forgotten() Report {
	var out Report
	for _, route := range r {
		if route.Forgotten {
			out = append(out, route)
		}
	}
	return out
}

// Err names the routes that were forgotten; nil if none was.
func (r Report) Err() error {
	var errs []error
	for _, route := range r.Forgotten() {
		errs = append(errs, fmt.Errorf("audit: no rule protects %s %s (it requires %s)",
			route.Method, route.Pattern, cmp.Or(route.Access, "nothing")))
	}
	return errors.Join(errs...)
}

// Sort orders the routes by pattern, then by method.
func (r Report) Sort() {
	slices.SortFunc(r, func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Pattern, b.Pattern), strings.Compare(a.Method, b.Method))
	})
}

// Open declares routes that are open on purpose, each as "METHOD pattern" or as
// a pattern for all its methods. Only what was forgotten changes. A name that
// no route of the report has is an error: it would open one that comes later.
func (r Report) Open(names ...string) error {
	var errs []error
	for _, name := range names {
		method, pattern := Split(name)
		known := false
		for i := range r {
			if r[i].Pattern != pattern || method != "" && r[i].Method != method {
				continue
			}
			known = true
			r[i].Forgotten = false
		}
		if !known {
			errs = append(errs, fmt.Errorf("audit: %q is declared open, but there is no such route", name))
		}
	}
	return errors.Join(errs...)
}

// Unused names the entries of a table that decide about no route of the report
// for which known is false too: misspelt ones, and those of routes that are
// gone. An exemption among them would open a route that comes later.
func (r Report) Unused(t Table, known func(method, pattern string) bool) error {
	used := make(map[string]bool)
	for _, route := range r {
		used[t.Entry(route.Method, route.Pattern)] = true
	}
	var errs []error
	for _, entry := range t.Entries() {
		if used[entry] {
			continue
		}
		if method, pattern := Split(entry); known == nil || !known(method, pattern) {
			errs = append(errs, fmt.Errorf("audit: the entry %q of the policy names no route", entry))
		}
	}
	return errors.Join(errs...)
}

// Split takes "METHOD pattern" apart; a pattern alone has the method "".
func Split(name string) (method, pattern string) {
	if method, pattern, ok := strings.Cut(name, " "); ok {
		return method, pattern
	}
	return "", name
}
