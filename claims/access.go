package claims

import (
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

// Access is a compiled [AccessLevels]. It is immutable and safe for concurrent
// use; the zero and the nil Access deny everybody.
type Access struct {
	names     [len(levels)]levelNames
	rules     [len(levels)]Rule
	byDefault [len(levels)]bool
	unknown   Rule // for methods that no level allows

	literal   levelNames // of LevelDefault
	audiences []string
	clients   []string // that have the default levels; empty: see anyClient
	anyClient bool
	userRoles bool
}

// levels are those that a method can ask for. Tables by level follow this order.
var levels = [...]Level{LevelGet, LevelPost, LevelPut, LevelDelete}

// Rule is what a request's method asks for: get for GET and HEAD, post for
// POST, put for PUT and PATCH, delete for DELETE. Every other method, "get" in
// small letters too, is denied with [reason.Denied].
func (a *Access) Rule(method string) Rule {
	if a == nil {
		return Rule{}
	}
	switch method {
	case "GET", "HEAD":
		return a.rules[0]
	case "POST":
		return a.rules[1]
	case "PUT", "PATCH":
		return a.rules[2]
	case "DELETE":
		return a.rules[3]
	}
	return a.unknown
}

// rule asks for the level at a place; of says of what, for people.
func (a *Access) rule(place int, of []string) Rule {
	name := a.names[place].short
	return Rule{&spec{
		text:  "access level " + name + " of " + strings.Join(of, ", "),
		scope: name,
		test:  &level{access: a, place: place},
	}}
}

// level asks for the level at a place.
type level struct {
	access *Access
	place  int
}

func (l *level) refuses(c *Claims) refusal {
	if l.access.allows(c, l.place) {
		return refusal{}
	}
	return refusal{by: l, scope: l.name()}
}

func (l *level) name() string             { return l.access.names[l.place].short }
func (l *level) reason() reason.Code      { return reason.InsufficientScope }
func (l *level) missing(*Claims) []string { return []string{l.name()} }

// allows says whether c may use the level, because its token names it or by
// default.
func (a *Access) allows(c *Claims, place int) bool {
	held, short := a.held(c), a.isFor(c)
	if a.names[place].isIn(held, short) {
		return true
	}
	if !a.byDefault[place] || !a.hasDefault(c) {
		return false
	}
	return a.literal.isIn(held, short) || (c.caller == CallerApp && short && !namesLevel(held))
}

// isFor says whether the token is for an audience for which short names count.
func (a *Access) isFor(c *Claims) bool {
	for _, audience := range a.audiences {
		if slices.Contains(c.audiences, audience) {
			return true
		}
	}
	return false
}

// candidates are the names of a token that can be levels, by the claim they come from.
type candidates [3][]string

// held leaves the roles out unless an app calls: what a user is must not
// become what an app may do.
func (a *Access) held(c *Claims) candidates {
	g := candidates{c.scopes, c.permissions}
	if c.caller == CallerApp || a.userRoles {
		g[2] = c.roles
	}
	return g
}

// hasDefault says whether the client may have the default levels.
func (a *Access) hasDefault(c *Claims) bool {
	if len(a.clients) > 0 {
		return slices.Contains(a.clients, c.client)
	}
	return a.anyClient || !c.openToAnyClient
}

// levelNames are the names of one level.
type levelNames struct {
	short     string
	qualified []string
}

func (n *levelNames) isIn(g candidates, short bool) bool {
	for _, names := range g {
		for _, name := range names {
			if (short && name == n.short) || slices.Contains(n.qualified, name) {
				return true
			}
		}
	}
	return false
}

// namesLevel says whether any name reads like a level, also of another resource
// or in the wrong case: such a token was not issued without levels, and gets
// none by default.
func namesLevel(g candidates) bool {
	for _, names := range g {
		for _, name := range names {
			if readsLikeLevel(name[strings.LastIndexByte(name, '/')+1:]) {
				return true
			}
		}
	}
	return false
}

func readsLikeLevel(name string) bool {
	for _, l := range levels {
		if strings.EqualFold(name, string(l)) {
			return true
		}
	}
	return strings.EqualFold(name, string(LevelDefault))
}
