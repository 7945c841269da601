package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

// AllScopes holds if the token carries every one of scopes. It denies with
// [reason.InsufficientScope].
func AllScopes(scopes ...string) Rule { return newNames("AllScopes", inScopes, true, scopes) }

// AnyScope holds if the token carries at least one of scopes. It denies with
// [reason.InsufficientScope], and the challenge asks for the first.
func AnyScope(scopes ...string) Rule { return newNames("AnyScope", inScopes, false, scopes) }

// AllRoles holds if the token carries every one of roles. It denies with
// [reason.InsufficientRole]. A role says nothing about who has it: combine the
// rule with [AppOnly] or [UserOnly] where a user's role must not act as an
// app's, or the reverse.
func AllRoles(roles ...string) Rule { return newNames("AllRoles", inRoles, true, roles) }

// AnyRole holds if the token carries at least one of roles; see [AllRoles].
func AnyRole(roles ...string) Rule { return newNames("AnyRole", inRoles, false, roles) }

// AllPermissions holds if the token carries every one of permissions. It denies
// with [reason.InsufficientScope], but the challenge names no scope: a client
// cannot request a permission.
func AllPermissions(permissions ...string) Rule {
	return newNames("AllPermissions", inPermissions, true, permissions)
}

// AnyPermission holds if the token carries at least one of permissions; see
// [AllPermissions].
func AnyPermission(permissions ...string) Rule {
	return newNames("AnyPermission", inPermissions, false, permissions)
}

// set is the kind of names that a rule asks for.
type set uint8

const (
	inScopes set = iota
	inRoles
	inPermissions
)

func (s set) of(c *Claims) []string {
	switch s {
	case inRoles:
		return c.roles
	case inPermissions:
		return c.permissions
	default:
		return c.scopes
	}
}

func (s set) String() string { return [...]string{"scope", "role", "permission"}[s] }

// names asks for all or any of some names.
type names struct {
	in    set
	all   bool
	want  []string
	scope string
}

func newNames(constructor string, in set, all bool, want []string) Rule {
	if err := namesMistake(in, want); err != nil {
		return invalid(fmt.Errorf("claims: %s: %w", constructor, err))
	}
	n := &names{in: in, all: all, want: slices.Clone(want)}
	kind := fmt.Sprintf("any %v", in)
	if all {
		kind = fmt.Sprintf("all %vs", in)
	}
	switch {
	case in != inScopes:
	case all:
		n.scope = strings.Join(want, " ")
	default:
		n.scope = want[0]
	}
	return Rule{&spec{text: kind + " " + strings.Join(want, ", "), scope: n.scope, test: n}}
}

func namesMistake(in set, want []string) error {
	if len(want) == 0 {
		return fmt.Errorf("no %vs given: name at least one", in)
	}
	for _, name := range want {
		if name == "" {
			return fmt.Errorf("a %v cannot be empty: no token carries such a one", in)
		}
		if in == inScopes && !isScopeToken(name) {
			return fmt.Errorf("%q is not one scope: pass several as several arguments, without quotes, backslashes or control characters", name)
		}
	}
	return nil
}

// isScopeToken is the scope-token of RFC 6749 section 3.3.
func isScopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

func (n *names) refuses(c *Claims) refusal {
	if n.holds(n.in.of(c)) {
		return refusal{}
	}
	return refusal{by: n, scope: n.scope}
}

// holds stops at the name that decides: of all the first that is missing, of
// any the first that is held.
func (n *names) holds(held []string) bool {
	for _, name := range n.want {
		if slices.Contains(held, name) != n.all {
			return !n.all
		}
	}
	return n.all
}

func (n *names) reason() reason.Code {
	if n.in == inRoles {
		return reason.InsufficientRole
	}
	return reason.InsufficientScope
}

func (n *names) missing(c *Claims) []string {
	held := n.in.of(c)
	return slices.DeleteFunc(slices.Clone(n.want), func(name string) bool { return slices.Contains(held, name) })
}
