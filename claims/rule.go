package claims

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

// Rule is a requirement on claims. It is immutable, safe for concurrent use and
// cheap to copy. The zero Rule denies every request.
//
// A constructor whose arguments make no sense (no names, an empty name, a scope
// with a space in it) returns a Rule that denies every request and reports why
// in [Rule.Err]. A Guard asks for Err when it is given the rule.
type Rule struct{ is *spec }

// spec is what the copies of one rule share.
type spec struct {
	text  string // what the rule requires, for people
	scope string // what a challenge asks for: every scope that the rule requires
	test  test   // nil if err is not
	call  bool   // whether the test looks at the call
	err   error

	stepUp *stepUp  // how the user must have authenticated; nil: in any way
	scopes []string // every scope that the rule names; nil: those of scope
}

// test decides about claims that are not nil, and the call that they came with;
// nil if there is none. It allocates nothing.
type test interface {
	refuses(c *Claims, call Call) refusal
}

// refusal is why a rule does not hold; nothing is allocated to describe it yet.
type refusal struct {
	by    leaf   // the requirement that is not met; nil: the rule holds
	scope string // what a challenge asks for

	stepUp *stepUp // likewise
}

// leaf is a single requirement.
type leaf interface {
	reason() reason.Code
	// missing names what c lacks, in a slice of the caller's own.
	missing(c *Claims) []string
}

// Decision is the answer of a rule. The zero Decision is a denial.
type Decision struct {
	// Allowed reports whether the rule holds.
	Allowed bool
	// Reason is the code of a denial; "" if allowed.
	Reason reason.Code
	// Scope is the scope attribute of the challenge (RFC 6750 section 3): every
	// scope that the whole rule requires, those already held too, so that the
	// next token will do; of alternatives the first. It is "" unless a scope or
	// an access level is missing: a role, a permission or another caller cannot
	// be requested by scope.
	Scope string
	// Missing is what the claims lack, by the names of the configuration, for
	// the log. It belongs to the caller.
	Missing []string
	// ACRValues and MaxAge are how the user must authenticate for a denial with
	// [reason.InsufficientUserAuthentication]: by one of these, in order of
	// preference, and no longer ago than that. Either may be empty, not both. They
	// belong to the caller.
	//
	// RFC 9470 section 3: https://www.rfc-editor.org/rfc/rfc9470#section-3
	ACRValues []string
	MaxAge    time.Duration
}

// Check returns the decision about c. It allocates nothing if it allows. A nil
// c is denied, and a rule with an error denies all claims. A requirement on the
// call ([FuncCall], [EqualsParam], [ContainsParam]) is not met, because there is
// none: see [Rule.CheckCall].
func (r Rule) Check(c *Claims) Decision { return r.CheckCall(c, nil) }

// CheckCall is [Rule.Check] for claims that came with a call. A nil call is none.
func (r Rule) CheckCall(c *Claims, call Call) Decision {
	if c == nil {
		return Decision{Reason: reason.Denied}
	}
	refused := r.refuses(c, call)
	if refused.by == nil {
		return Decision{Allowed: true}
	}
	d := Decision{Reason: refused.by.reason(), Scope: refused.scope, Missing: refused.by.missing(c)}
	if s := refused.stepUp; s != nil {
		d.ACRValues, d.MaxAge = slices.Clone(s.acr), s.maxAge
	}
	return d
}

func (r Rule) refuses(c *Claims, call Call) refusal {
	if r.is == nil || r.is.test == nil {
		return refusal{by: nothing{}}
	}
	return r.is.test.refuses(c, call)
}

// NeedsCall reports whether r, or a rule that it is made of, asks about the
// call, so that [Rule.Check] alone cannot decide it.
func (r Rule) NeedsCall() bool { return r.is != nil && r.is.call }

// Err reports every mistake in the construction of r, or nil.
func (r Rule) Err() error {
	if r.is == nil {
		return nil
	}
	return r.is.err
}

// String returns what the rule requires, as configured: for audits and logs.
func (r Rule) String() string {
	if r.is == nil {
		return "nobody"
	}
	return r.is.text
}

// Scope returns the scope attribute of a challenge that asks for a token which
// the rule lets pass: every scope that it requires, or the name of its access
// level; "" if it requires none (RFC 6750 section 3).
func (r Rule) Scope() string { return r.scope() }

// Scopes returns every scope that the rule names, each once, those of
// alternatives too, in a slice of the caller's own: what clients of the route may
// have to ask for (RFC 9728 section 2, scopes_supported).
func (r Rule) Scopes() []string {
	switch {
	case r.is == nil:
		return nil
	case r.is.scopes != nil:
		return slices.Clone(r.is.scopes)
	}
	return strings.Fields(r.is.scope)
}

func (r Rule) scope() string {
	if r.is == nil {
		return ""
	}
	return r.is.scope
}

func (r Rule) stepUp() *stepUp {
	if r.is == nil {
		return nil
	}
	return r.is.stepUp
}

// invalid is the rule of a construction that failed.
func invalid(errs ...error) Rule {
	return Rule{&spec{text: "nobody, for the rule is invalid", err: errors.Join(errs...)}}
}

// AnyToken returns the rule that holds for every verified token.
func AnyToken() Rule { return Rule{&spec{text: "any verified token", test: anything{}}} }

type anything struct{}

func (anything) refuses(*Claims, Call) refusal { return refusal{} }

// nothing refuses all claims.
type nothing struct{}

func (n nothing) refuses(*Claims, Call) refusal { return refusal{by: n} }
func (nothing) reason() reason.Code             { return reason.Denied }
func (nothing) missing(*Claims) []string        { return nil }

// AllScopes returns the rule that holds if the token carries every one of
// scopes. It denies with [reason.InsufficientScope].
func AllScopes(scopes ...string) Rule { return newNames("AllScopes", inScopes, true, scopes) }

// AnyScope returns the rule that holds if the token carries at least one of
// scopes. It denies with [reason.InsufficientScope], and the challenge asks for
// the first.
func AnyScope(scopes ...string) Rule { return newNames("AnyScope", inScopes, false, scopes) }

// AllRoles returns the rule that holds if the token carries every one of roles.
// It denies with [reason.InsufficientRole]. A role says nothing about who has
// it: combine the rule with [AppOnly] or [UserOnly] where a user's role must
// not act as an app's, or the reverse.
func AllRoles(roles ...string) Rule { return newNames("AllRoles", inRoles, true, roles) }

// AnyRole returns the rule that holds if the token carries at least one of
// roles; see [AllRoles].
func AnyRole(roles ...string) Rule { return newNames("AnyRole", inRoles, false, roles) }

// AllPermissions returns the rule that holds if the token carries every one of
// permissions. It denies with [reason.InsufficientScope], but the challenge
// names no scope: a client cannot request a permission.
func AllPermissions(permissions ...string) Rule {
	return newNames("AllPermissions", inPermissions, true, permissions)
}

// AnyPermission returns the rule that holds if the token carries at least one
// of permissions; see [AllPermissions].
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
	var scopes []string
	if in == inScopes {
		scopes = n.want
	}
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
	return Rule{&spec{text: kind + " " + strings.Join(want, ", "), scope: n.scope, scopes: scopes, test: n}}
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

// isScopeToken reports whether s is a scope-token.
// RFC 6749 section 3.3: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
func isScopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return s != ""
}

func (n *names) refuses(c *Claims, _ Call) refusal {
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
