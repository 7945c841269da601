package table

import (
	"net/http"
	"slices"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// Table is a policy in front of a handler. It is immutable.
type Table struct {
	plan    *Plan
	none    http.Handler
	entries map[route]bound
}

// bound is an entry in front of a handler, or the handler itself if ruled is
// false: an exemption.
type bound struct {
	key     string
	handler http.Handler
	ruled   bool
}

// Handler is what a request goes through: the entry of its method, for HEAD
// else that of GET, else that of its pattern alone, else one that denies.
func (t *Table) Handler(method, pattern string) http.Handler {
	if b, ok := t.find(method, pattern); ok {
		return b.handler
	}
	return t.none
}

// Plan is the policy that the table was bound from.
func (t *Table) Plan() *Plan { return t.plan }

// Denial is what lets nobody through.
func (t *Table) Denial() http.Handler { return t.none }

func (t *Table) find(method, pattern string) (bound, bool) {
	b, ok := t.entries[route{method, pattern}]
	if !ok && method == http.MethodHead {
		b, ok = t.entries[route{http.MethodGet, pattern}]
	}
	if !ok {
		b, ok = t.entries[route{"", pattern}]
	}
	return b, ok
}

// Requires answers for the entry of a route. A route without one is closed, but
// nobody has decided that it should be.
func (t *Table) Requires(method, pattern string) (access string, ruled bool) {
	b, ok := t.find(method, pattern)
	if ok && !b.ruled {
		return "", true
	}
	if ok {
		return ask(b.handler, method, pattern)
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

func ask(h http.Handler, method, pattern string) (access string, ruled bool) {
	d := audit.DoorOf(h)
	if d == nil {
		return "what a Guard wants that does not say so", false
	}
	return d.Requires(method, pattern)
}

// Entry is the key that decides about a route.
func (t *Table) Entry(method, pattern string) string {
	b, _ := t.find(method, pattern)
	return b.key
}

// Entries are the keys that name routes, sorted.
func (t *Table) Entries() []string {
	var keys []string
	for at, b := range t.entries {
		if at.pattern != "" {
			keys = append(keys, b.key)
		}
	}
	slices.Sort(keys)
	return keys
}

var _ audit.Table = (*Table)(nil)
