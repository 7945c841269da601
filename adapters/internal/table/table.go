// Package table is what the adapters have in common: a policy by the route
// patterns of a router, and the audit of its routes. It owns no rule and no
// answer: every entry is a handler that a Guard made.
package table

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/routed"
)

// noRoute is the entry for requests that the router routes nowhere. Their
// pattern is "".
const noRoute = "NoRoute"

// Guard is what a table needs of a Guard.
type Guard interface {
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	RequireAccess(levels claims.AccessLevels) func(next http.Handler) http.Handler
}

// Policy is a table as it is written.
type Policy struct {
	Rules  map[string]claims.Rule
	Access map[string]claims.AccessLevels
	Exempt []string
}

// Plan is a policy without mistakes. It is immutable.
type Plan struct {
	none    func(http.Handler) http.Handler
	entries map[route]entry
}

type route struct{ method, pattern string }

// entry leads to a rule; a nil door is an exemption.
type entry struct {
	key       string
	door      func(http.Handler) http.Handler
	needsCall bool // whether the rule asks about the call
}

// New checks a policy. The error reports every mistake, after the prefix. syntax
// returns the canonical form of a pattern, or an error.
func New(prefix string, g Guard, p Policy, syntax func(pattern string) (string, error)) (*Plan, error) {
	if g == nil {
		return nil, fmt.Errorf("%s: the Guard is nil", prefix)
	}
	b := &builder{prefix: prefix, syntax: syntax, plan: &Plan{entries: make(map[route]entry)}}
	if len(p.Rules)+len(p.Access)+len(p.Exempt) == 0 {
		b.fail(errors.New("no pattern at all; name the routes and their rules"))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Rules)) {
		rule := p.Rules[key]
		b.add(key, rule.Err(), rule.NeedsCall(), func() func(http.Handler) http.Handler { return g.Require(rule) })
	}
	for _, key := range slices.Sorted(maps.Keys(p.Access)) {
		levels := p.Access[key]
		_, err := levels.Compile()
		b.add(key, err, false, func() func(http.Handler) http.Handler { return g.RequireAccess(levels) })
	}
	for _, key := range p.Exempt {
		b.add(key, nil, false, func() func(http.Handler) http.Handler { return nil })
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	b.plan.none = g.Require(claims.Rule{}) // the zero Rule denies
	return b.plan, nil
}

type builder struct {
	prefix string
	syntax func(string) (string, error)
	plan   *Plan
	errs   []error
}

func (b *builder) fail(err error) {
	b.errs = append(b.errs, fmt.Errorf("%s: Policy: %w", b.prefix, err))
}

var isMethod = regexp.MustCompile(`^[A-Z][A-Z0-9_-]*$`).MatchString

// add makes the door only of an entry without mistakes: Guards panic otherwise.
func (b *builder) add(key string, mistake error, needsCall bool, door func() func(http.Handler) http.Handler) {
	at, err := b.parse(key)
	err = errors.Join(err, mistake)
	if err == nil {
		if other, ok := b.plan.entries[at]; ok {
			err = fmt.Errorf("stands there twice, also as %q", other.key)
		}
	}
	if err != nil {
		b.fail(fmt.Errorf("pattern %q: %w", key, err))
		return
	}
	b.plan.entries[at] = entry{key: key, door: door(), needsCall: needsCall}
}

func (b *builder) parse(key string) (route, error) {
	method, pattern := split(key)
	if pattern == noRoute {
		if method != "" {
			return route{}, errors.New("requests without a route are told apart by nothing, not even by method: write " + noRoute)
		}
		return route{}, nil
	}
	if method != "" && !isMethod(method) {
		return route{}, fmt.Errorf("%q is no method; write METHOD, one space, pattern, or the pattern alone", method)
	}
	if pattern == "" || pattern[0] != '/' {
		return route{}, errors.New("a pattern begins with a slash")
	}
	pattern, err := b.syntax(pattern)
	return route{method: method, pattern: pattern}, err
}

// Table is a policy in front of a handler. It is immutable.
type Table struct {
	plan    *Plan
	none    http.Handler
	entries map[route]bound
}

// bound is an entry in front of a handler, or the handler itself if ruled is
// false: an exemption.
type bound struct {
	key       string
	handler   http.Handler
	ruled     bool
	needsCall bool
}

// Bind puts the entries in front of the handler that they protect.
func (p *Plan) Bind(next http.Handler) *Table {
	t := &Table{plan: p, none: p.none(next), entries: make(map[route]bound, len(p.entries))}
	exempt := next
	if door, ok := t.none.(interface {
		Open(next http.Handler) http.Handler
	}); ok { // a Guard, which answers preflights
		exempt = door.Open(next)
	}
	for at, e := range p.entries {
		b := bound{key: e.key, handler: exempt, needsCall: e.needsCall}
		if e.door != nil {
			b.handler = e.door(next)
			b.ruled = true
		}
		t.entries[at] = b
	}
	return t
}

// bound returns t; what embeds a Table has it too.
func (t *Table) bound() *Table { return t }

// Handler returns what a request goes through: the entry of its method, for HEAD
// else that of GET, else that of its pattern alone, else one that denies. It
// reports whether the entry's rule asks about the call.
func (t *Table) Handler(method, pattern string) (h http.Handler, needsCall bool) {
	if b, ok := t.find(method, pattern); ok {
		return b.handler, b.needsCall
	}
	return t.none, false
}

// OneEntry reports whether a route has one entry for the method that it is
// chosen by and for that of the request, which a middleware may have made two.
// GET and HEAD are one.
func (t *Table) OneEntry(routed, method, pattern string) bool {
	if routed == method || routed == http.MethodGet && method == http.MethodHead {
		return true
	}
	a, _ := t.find(routed, pattern)
	b, _ := t.find(method, pattern)
	return a.key == b.key
}

// OverrideKeepsEntry reports whether a route has the same entry for every method
// that the headers of a request ask for: what runs further in may obey them.
func (t *Table) OverrideKeepsEntry(h http.Header, method, pattern string) bool {
	for _, other := range routed.Overrides(h) {
		if !t.OneEntry(method, other, pattern) && !t.OneEntry(other, method, pattern) {
			return false
		}
	}
	return true
}

// Denial returns the handler that lets no request through.
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

// Requires makes a Table a [Door]. A route without an entry is closed, but not by
// a decision about it.
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
	d := DoorOf(h)
	if d == nil {
		return "what a Guard wants that does not say so", false
	}
	return d.Requires(method, pattern)
}

// keys are the keys that name routes, sorted.
func (t *Table) keys() []string {
	var keys []string
	for at, b := range t.entries {
		if at.pattern != "" {
			keys = append(keys, b.key)
		}
	}
	slices.Sort(keys)
	return keys
}
