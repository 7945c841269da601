package middleware

import (
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
)

// door is a handler of a Guard. Whoever audits a router asks it what it
// requires; the way of a request does not depend on the answer.
type door struct {
	http.HandlerFunc
	guard    *Guard
	requires func(method string) string
	ruled    bool
}

// Requires says in words what a request with that method must bring, and
// whether a rule decides about it: a door that only wants some token, or none,
// has no rule. The pattern of the route makes no difference here.
func (d *door) Requires(method, _ string) (access string, ruled bool) {
	if d.guard != nil && d.guard.shadow {
		return "nothing, for the Guard is in shadow mode", false
	}
	return d.requires(method), d.ruled
}

// authenticating is a door without a rule.
func (g *Guard) authenticating(h http.HandlerFunc, access string) *door {
	return &door{HandlerFunc: h, guard: g, requires: func(string) string { return access }}
}

// ruling is a door whose rule follows from the method.
func (g *Guard) ruling(h http.HandlerFunc, rule func(method string) claims.Rule) *door {
	return &door{HandlerFunc: h, guard: g, requires: func(m string) string { return rule(m).String() }, ruled: true}
}

// tabled is a door of many rules, by the paths of requests.
func (g *Guard) tabled(h http.HandlerFunc) *door {
	return &door{HandlerFunc: h, guard: g, requires: func(string) string { return "what the Guard's Policy says of the path" }, ruled: true}
}
