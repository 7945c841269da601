package claims

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Path is the names of the members that lead to a claim. A dot has no meaning:
// it can be part of a name.
type Path []string

// dotted joins the segments with dots, for people to read.
func (p Path) dotted() string { return strings.Join(p, ".") }

// Source is one place where an issuer keeps scopes, roles or permissions.
//
// Without Keys the claim is a string or an array of strings. Scopes and
// permissions in a string are separated by single spaces (RFC 6749 section
// 3.3), a role in a string is one role. With Keys the claim is an object, and
// the names of its members count, whatever their values but null. Any other
// type makes the token malformed. null is absent.
type Source struct {
	Path Path
	Keys bool

	// Prefix is put before each name, so that the roles of several sources stay
	// apart in a union. Only Roles may have one.
	Prefix string
}

// Mapping names the claims in which an issuer keeps what rules ask for. A list
// that is nil is that of [DefaultMapping]; an empty list that is not nil maps
// nothing, so that no rule over such names can hold. Mappings must not be
// changed once they are in use.
type Mapping struct {
	_ [0]func()

	// Scopes, Roles and Permissions name claims in order. The first that is
	// present counts, even when it is empty; sources are never merged, but for
	// what UnionOfRoles says.
	Scopes, Roles, Permissions []Source

	// UnionOfRoles makes the roles of every source in Roles count, as for the
	// roles of a Keycloak realm beside those of one of its clients. Name each
	// client whose roles mean something here, for those who edit the roles of a
	// source then decide about this API. Where two sources can hold the same
	// name, give them a Prefix each: a rule then asks for "realm:admin" or
	// "orders:admin".
	UnionOfRoles bool

	// ClientID names, in order, the claims that can hold the client; the first
	// that is present counts.
	ClientID []Path

	// ID names, in order, the claims that can hold the token's own identifier,
	// by which it can be withdrawn; the first that is present counts.
	ID []Path

	// Caller tells apps from users: the first evidence that holds decides, and
	// if none does, the caller is unknown.
	Caller []Evidence

	// OpenToAnyClient states that any client of the issuer can get a token for
	// this API, as in an Entra tenant. Access levels that are granted by default
	// then need a list of the clients that have them.
	OpenToAnyClient bool
}

// DefaultMapping returns the Mapping of an issuer of which nothing special is
// known. It is the caller's own to change.
//
// Scopes are in scope or else scp, roles in roles, permissions in permissions,
// the client in client_id, azp, appid or cid, the identifier in jti. The caller is an app by idtyp
// "app", by gty "client-credentials", or by roles in a token that has no scope
// claim and nothing else to tell by; it is a user by idtyp "user".
func DefaultMapping() Mapping {
	return Mapping{
		Scopes:      []Source{{Path: Path{"scope"}}, {Path: Path{"scp"}}},
		Roles:       []Source{{Path: Path{"roles"}}},
		Permissions: []Source{{Path: Path{"permissions"}}},
		ClientID:    []Path{{"client_id"}, {"azp"}, {"appid"}, {"cid"}},
		ID:          []Path{{"jti"}},
		Caller: []Evidence{
			{Is: CallerApp, Claim: "idtyp", Equals: "app"},
			{Is: CallerUser, Claim: "idtyp", Equals: "user"},
			{Is: CallerApp, Claim: "gty", Equals: "client-credentials"},
			{Is: CallerApp, Present: []string{"roles"}, Absent: []string{"scope", "scp", "idtyp", "gty"}},
		},
	}
}

// defaults are read, never changed.
var defaults = DefaultMapping()

func orDefault[T any](list, byDefault []T) []T {
	if list == nil {
		return byDefault
	}
	return list
}

// Validate reports every mistake in m at once.
func (m Mapping) Validate() error {
	errs := slices.Concat(
		sourceMistakes("Scopes", m.Scopes),
		sourceMistakes("Roles", m.Roles),
		sourceMistakes("Permissions", m.Permissions),
		m.prefixMistakes(),
	)
	for i, p := range m.ClientID {
		if err := p.mistake(); err != nil {
			errs = append(errs, fmt.Errorf("claims: Mapping.ClientID[%d]: %w", i, err))
		}
	}
	for i, p := range m.ID {
		if err := p.mistake(); err != nil {
			errs = append(errs, fmt.Errorf("claims: Mapping.ID[%d]: %w", i, err))
		}
	}
	for i, e := range m.Caller {
		if err := e.mistake(); err != nil {
			errs = append(errs, fmt.Errorf("claims: Mapping.Caller[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

func sourceMistakes(field string, sources []Source) (errs []error) {
	for i, s := range sources {
		if err := s.Path.mistake(); err != nil {
			errs = append(errs, fmt.Errorf("claims: Mapping.%s[%d].Path: %w", field, i, err))
		}
	}
	return errs
}

// prefixMistakes reports prefixes where there are none, and a union in which
// names of one source can read like those of another one's prefix.
func (m *Mapping) prefixMistakes() (errs []error) {
	for i, s := range slices.Concat(m.Scopes, m.Permissions) {
		field, n := "Scopes", i
		if i >= len(m.Scopes) {
			field, n = "Permissions", i-len(m.Scopes)
		}
		if s.Prefix != "" {
			errs = append(errs, fmt.Errorf("claims: Mapping.%s[%d].Prefix: only roles have a prefix", field, n))
		}
	}
	if !m.UnionOfRoles {
		return errs
	}
	if len(m.Roles) < 2 {
		errs = append(errs, errors.New("claims: Mapping.UnionOfRoles: name at least two sources in Roles"))
	}
	for i, s := range m.Roles {
		for n, other := range m.Roles {
			switch {
			case n < i && slices.Equal(s.Path, other.Path):
				errs = append(errs, fmt.Errorf("claims: Mapping.Roles[%d].Path: the same as that of Roles[%d]", i, n))
			case n != i && other.Prefix != "" && len(s.Prefix) > len(other.Prefix) && strings.HasPrefix(s.Prefix, other.Prefix):
				errs = append(errs, fmt.Errorf("claims: Mapping.Roles[%d].Prefix: begins with that of Roles[%d], so that a role could be read as one of either", i, n))
			}
		}
	}
	return errs
}

func (p Path) mistake() error {
	if len(p) == 0 || slices.Contains(p, "") {
		return errors.New("a path needs at least one segment, and none may be empty")
	}
	return nil
}

// CallerType is who calls an API: an app on its own behalf, or a user. The zero
// value is [CallerUnknown].
type CallerType string

// The types of caller. Unknown is not a third type: it means that no evidence
// in the token tells.
const (
	CallerUnknown CallerType = ""
	CallerApp     CallerType = "app"
	CallerUser    CallerType = "user"
)

// Evidence is a sign by which an issuer's tokens tell apps from users. It holds
// if every condition that is set holds; at least one must be set. Claims are
// top-level names.
type Evidence struct {
	_ [0]func()

	// Is the caller's type if the evidence holds.
	Is CallerType
	// Claim and Equals go together: the claim is exactly this string.
	Claim, Equals string
	// Present and Absent are claims that must be there, and must not.
	Present, Absent []string
}

// holds reports whether the payload fulfils every condition of e.
func (e *Evidence) holds(payload *strictjson.Object) bool {
	if e.Claim != "" {
		if v, _ := payload.Get(e.Claim); !v.Is(e.Equals) {
			return false
		}
	}
	for _, name := range e.Present {
		if _, ok := present(payload, []string{name}); !ok {
			return false
		}
	}
	for _, name := range e.Absent {
		if _, ok := present(payload, []string{name}); ok {
			return false
		}
	}
	return true
}

func (e *Evidence) mistake() error {
	switch {
	case e.Is != CallerApp && e.Is != CallerUser:
		return errors.New("Is must be CallerApp or CallerUser")
	case (e.Claim == "") != (e.Equals == ""):
		return errors.New("Claim and Equals go together: set both or neither")
	case e.Claim == "" && len(e.Present) == 0 && len(e.Absent) == 0:
		return errors.New("set at least one condition")
	case slices.Contains(e.Present, "") || slices.Contains(e.Absent, ""):
		return errors.New("Present and Absent must not name an empty claim")
	}
	return nil
}
