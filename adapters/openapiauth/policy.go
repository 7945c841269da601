package openapiauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// Policy is the table of routes and rules that a router is guarded by: the maps
// of chiauth.Policy or ginauth.Policy as they are, or of a middleware.Policy by
// [FromServeMux]. A key is a method, one space and a pattern, or a pattern alone
// for all methods. The entry of the method wins, and GET stands for HEAD where
// HEAD has none.
//
// Patterns are compared as paths of OpenAPI: parameters may have other names, be
// written {id}, {id:[0-9]+} or :id, and a rest is {rest...}, *rest or *. An entry
// for a rest decides about what is below it and has no entry of its own.
type Policy struct {
	_ [0]func() // keyed literals only

	// Rules are the routes that one rule guards.
	Rules map[string]claims.Rule
	// Access are the routes whose rule follows from the method.
	Access map[string]claims.AccessLevels
	// Exempt are the routes that are open to everybody.
	Exempt []string

	// Prefix is what the router's patterns have before the paths of the
	// document, such as "/v1" where the document's server is
	// https://api.example/v1.
	Prefix string
	// Routes are the routes of the router, each as "METHOD pattern", for
	// [Describe]: an entry without a method, or for a rest, does not tell which
	// operations it decides about.
	Routes []string
}

// FromServeMux returns the Policy of a table of [http.ServeMux] patterns. exempt
// are the patterns of middleware.Config.Exempt.
func FromServeMux(p middleware.Policy, exempt ...string) Policy {
	out := Policy{Rules: map[string]claims.Rule{}, Access: map[string]claims.AccessLevels{}}
	for key, rule := range p.Rules {
		out.Rules[fromServeMux(key)] = rule
	}
	for key, levels := range p.Access {
		out.Access[fromServeMux(key)] = levels
	}
	for _, key := range exempt {
		out.Exempt = append(out.Exempt, fromServeMux(key))
	}
	return out
}

// fromServeMux writes a trailing slash, which is a rest there, as one.
func fromServeMux(key string) string {
	if exact, ok := strings.CutSuffix(key, "{$}"); ok {
		return exact
	}
	if strings.HasSuffix(key, "/") {
		return key + "{rest...}"
	}
	return key
}

// entry is what one key decides.
type entry struct {
	key     string
	route   route
	open    bool
	rule    claims.Rule
	access  *claims.Access // instead of rule
	decides bool           // about an operation that was asked for
}

// ruleFor returns the rule for a method; false if the route is open.
func (e *entry) ruleFor(method string) (claims.Rule, bool) {
	if e.access != nil {
		return e.access.Rule(method), !e.open
	}
	return e.rule, !e.open
}

// table is a Policy that was read.
type table struct{ entries []*entry }

// read reports every mistake of p at once.
func (p Policy) read() (*table, error) {
	t := &table{}
	var errs []error
	put := func(key string, mistake error, e entry) {
		at, err := parse(key, p.Prefix)
		if err == nil && slices.ContainsFunc(t.entries, func(other *entry) bool { return other.route == at }) {
			err = errors.New("stands there twice")
		}
		if err = errors.Join(err, mistake); err != nil {
			errs = append(errs, fmt.Errorf("openapiauth: Policy: %q: %w", key, err))
			return
		}
		e.key, e.route = key, at
		t.entries = append(t.entries, &e)
	}
	for _, key := range slices.Sorted(maps.Keys(p.Rules)) {
		put(key, p.Rules[key].Err(), entry{rule: p.Rules[key]})
	}
	for _, key := range slices.Sorted(maps.Keys(p.Access)) {
		access, err := p.Access[key].Compile()
		put(key, err, entry{access: access})
	}
	for _, key := range p.Exempt {
		put(key, nil, entry{open: true})
	}
	if len(p.Rules)+len(p.Access)+len(p.Exempt) == 0 {
		errs = append(errs, errors.New("openapiauth: Policy: no route at all; give the rules of the router"))
	}
	return t, errors.Join(errs...)
}

// find returns the entry that decides about a method and a path, nil for none.
func (t *table) find(method, path string) *entry {
	at := normal(path)
	methods := []string{method}
	if method == http.MethodHead {
		methods = append(methods, http.MethodGet)
	}
	best := (*entry)(nil)
	for _, m := range append(methods, "") {
		for _, e := range t.entries {
			if e.route.method == m && e.route.path == at {
				return e
			}
		}
	}
	for _, m := range append(methods, "") {
		for _, e := range t.entries { // the longest rest, and of one length that of the method
			if e.route.method == m && e.route.covers(at) && (best == nil || len(e.route.path) > len(best.route.path)) {
				best = e
			}
		}
	}
	return best
}
