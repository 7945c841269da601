package claims

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

// Level is an access level: what a caller may do to a resource. A token names
// it short ("get") or qualified by its resource ("api://orders/get").
type Level string

// The access levels.
const (
	LevelGet    Level = "get"    // GET and HEAD
	LevelPost   Level = "post"   // POST
	LevelPut    Level = "put"    // PUT and PATCH
	LevelDelete Level = "delete" // DELETE
)

// levelDefault is the name by which clients request the levels of
// AccessLevels.Default. No method asks for it.
const levelDefault Level = ".default"

// levels are those that a method can ask for. Tables by level follow this order.
var levels = [...]Level{LevelGet, LevelPost, LevelPut, LevelDelete}

// AccessLevels are the names by which tokens grant the access levels of an API.
// A token grants a level if its scopes or permissions name it, or its roles if
// an app calls: a user's role does not act as an app's permission.
//
// The zero value is a mistake, not an open door: name a resource. The slices
// must not be changed while Compile or Require runs; they are copied.
type AccessLevels struct {
	_ [0]func()

	// Resources qualify the names of levels: "api://orders" reads
	// "api://orders/get". One slash joins, whether the resource ends in one or
	// not. A resource need not be the token's audience.
	Resources []string

	// Audiences are those for which short names count, so that one service's
	// token opens no other's routes. Empty means Resources.
	Audiences []string

	// Default lists the levels of a token that names ".default", or of an app's
	// token for one of Audiences that names no level at all, as Entra issues
	// them to apps without a role. Empty means none.
	Default []Level

	// DefaultClients, if not empty, are the only clients that have the Default
	// levels. If any client can get a token for this API
	// (Mapping.OpenToAnyClient), no client has them unless it is listed here.
	DefaultClients []string

	// DangerouslyDefaultForAnyClient gives the Default levels to any client
	// where any client can get a token, which means anyone who can register an
	// app with the issuer.
	DangerouslyDefaultForAnyClient bool

	// DangerouslyUserRoles lets a user's roles act as levels: a role assigned to
	// a person then opens the API to each app that the person uses.
	DangerouslyUserRoles bool
}

// Require returns the rule that asks for level l, whatever the method. It denies
// with [reason.InsufficientScope]; mistakes in a or l are the rule's Err.
func (a AccessLevels) Require(l Level) Rule {
	access, err := a.Compile()
	place := slices.Index(levels[:], l)
	if place < 0 {
		err = errors.Join(err, fmt.Errorf("claims: AccessLevels.Require: %w", unknownLevel(l)))
	}
	if err != nil {
		return invalid(err)
	}
	return access.rules[place]
}

// Compile checks a and returns its rules. The error reports every mistake.
func (a AccessLevels) Compile() (*Access, error) {
	if err := errors.Join(a.mistakes()...); err != nil {
		return nil, err
	}
	c := &Access{
		audiences: slices.Clone(a.Audiences),
		literal:   a.named(levelDefault),
		clients:   slices.Clone(a.DefaultClients),
		anyClient: a.DangerouslyDefaultForAnyClient,
		userRoles: a.DangerouslyUserRoles,
		unknown:   Rule{&spec{text: "nobody, for the method has no access level", test: nothing{}}},
	}
	of := a.Resources
	if len(of) == 0 {
		of = c.audiences
	}
	if len(c.audiences) == 0 {
		c.audiences = slices.Clone(a.Resources)
	}
	for place, l := range levels {
		c.names[place] = a.named(l)
		c.byDefault[place] = slices.Contains(a.Default, l)
		c.rules[place] = c.rule(place, of)
	}
	return c, nil
}

func (a AccessLevels) named(l Level) levelNames {
	n := levelNames{short: string(l)}
	for _, resource := range a.Resources {
		n.qualified = append(n.qualified, strings.TrimSuffix(resource, "/")+"/"+n.short)
	}
	return n
}

func (a AccessLevels) mistakes() (errs []error) {
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("claims: AccessLevels."+format, args...))
	}
	if len(a.Resources) == 0 && len(a.Audiences) == 0 {
		wrong("Resources: name the resource whose levels these are")
	}
	for i, resource := range a.Resources {
		if !isScopeToken(resource) {
			wrong("Resources[%d]: %q cannot be part of a scope: use visible ASCII without quotes and backslashes", i, resource)
		}
	}
	if slices.Contains(a.Audiences, "") {
		wrong("Audiences: an audience is empty")
	}
	for i, l := range a.Default {
		if !slices.Contains(levels[:], l) {
			wrong("Default[%d]: %w", i, unknownLevel(l))
		}
	}
	if slices.Contains(a.DefaultClients, "") {
		wrong("DefaultClients: a client is empty")
	}
	if len(a.Default) == 0 && (len(a.DefaultClients) > 0 || a.DangerouslyDefaultForAnyClient) {
		wrong("Default: clients are named for the default levels, but there are none")
	}
	if len(a.DefaultClients) > 0 && a.DangerouslyDefaultForAnyClient {
		wrong("DefaultClients: already restricts what DangerouslyDefaultForAnyClient opens; set one of them")
	}
	return errs
}

func unknownLevel(l Level) error {
	return fmt.Errorf("there is no access level %q: use get, post, put or delete", string(l))
}

// Access is a compiled [AccessLevels]. It is immutable and safe for concurrent
// use; the zero and the nil Access deny every request.
type Access struct {
	names     [len(levels)]levelNames
	rules     [len(levels)]Rule
	byDefault [len(levels)]bool
	unknown   Rule // for methods that no level allows

	literal   levelNames // of levelDefault
	audiences []string
	clients   []string // that have the default levels; empty: see anyClient
	anyClient bool
	userRoles bool
}

// Rule returns the rule for a request's method: get for GET and HEAD, post for
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

// rule asks for the level at a place; of names the resources, for people.
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

func (l *level) refuses(c *Claims, _ Call) refusal {
	if l.access.allows(c, l.place) {
		return refusal{}
	}
	return refusal{by: l, scope: l.name()}
}

func (l *level) name() string             { return l.access.names[l.place].short }
func (l *level) reason() reason.Code      { return reason.InsufficientScope }
func (l *level) missing(*Claims) []string { return []string{l.name()} }

// allows reports whether c may use the level, because its token names it or by
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

// isFor reports whether the token is for an audience for which short names count.
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

// held leaves the roles out unless an app calls: the role of a user must not
// become the permission of an app.
func (a *Access) held(c *Claims) candidates {
	g := candidates{c.scopes, c.permissions}
	if c.caller == CallerApp || a.userRoles {
		g[2] = c.roles
	}
	return g
}

// hasDefault reports whether the client may have the default levels.
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

// namesLevel reports whether any name reads like a level, also of another
// resource or in the wrong case: such a token was not issued without levels, and
// gets none by default.
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
	return strings.EqualFold(name, string(levelDefault))
}
