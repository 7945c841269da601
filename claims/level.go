package claims

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Level is an access level: what a caller may do to a resource. A token names
// it short ("get") or qualified by its resource ("api://orders/get").
type Level string

// The access levels, and the word that stands for none in particular.
const (
	LevelGet    Level = "get"    // GET and HEAD
	LevelPost   Level = "post"   // POST
	LevelPut    Level = "put"    // PUT and PATCH
	LevelDelete Level = "delete" // DELETE

	// LevelDefault stands for the levels of AccessLevels.Default. Clients
	// request it; no method asks for it.
	LevelDefault Level = ".default"
)

// AccessLevels say how tokens name the access levels of an API. A token holds a
// level if its scopes or permissions name it, or its roles if an app calls: a
// user's role does not act as an app's permission.
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

	// Default lists the levels of a token that names LevelDefault, or of an
	// app's token for one of Audiences that names no level at all, as Entra
	// issues them to apps without a role. Empty means none.
	Default []Level

	// DefaultClients, if not empty, are the only clients that have the Default
	// levels. If any client can get a token for this API
	// (Mapping.OpenToAnyClient), nobody has them unless clients are listed here.
	DefaultClients []string

	// DangerouslyDefaultForAnyClient gives the Default levels to any client
	// where any client can get a token: to everybody who can register an app
	// with the issuer.
	DangerouslyDefaultForAnyClient bool

	// DangerouslyUserRoles lets a user's roles act as levels: whoever assigns
	// roles to people then opens the API to each app those people use.
	DangerouslyUserRoles bool
}

// Require is the rule that asks for one level, whatever the method. It denies
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

// Compile checks a and makes its rules. It reports every mistake at once.
func (a AccessLevels) Compile() (*Access, error) {
	if err := errors.Join(a.mistakes()...); err != nil {
		return nil, err
	}
	c := &Access{
		audiences: slices.Clone(a.Audiences),
		literal:   a.named(LevelDefault),
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
