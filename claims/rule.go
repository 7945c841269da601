package claims

import (
	"errors"

	"github.com/sallyport-go/sallyport/reason"
)

// Rule is a requirement on claims. It is immutable, safe for concurrent use and
// cheap to copy. The zero Rule denies everybody.
//
// A constructor that is given nonsense (no names, an empty name, a scope with a
// space in it) returns a Rule that denies everybody and says why in [Rule.Err].
// What protects routes with rules asks for Err when it is wired up.
type Rule struct{ is *spec }

// spec is what the copies of one rule share.
type spec struct {
	text  string // what the rule requires, for people
	scope string // what a challenge asks for: every scope that the rule requires
	test  test   // nil if err is not
	err   error
}

// test decides about claims that are there. It allocates nothing.
type test interface {
	refuses(c *Claims) refusal
}

// refusal is why a rule does not hold, before anything is allocated to tell.
type refusal struct {
	by    leaf   // the requirement that is not met; nil: the rule holds
	scope string // what a challenge asks for
}

// leaf is a single requirement.
type leaf interface {
	reason() reason.Code
	// missing names what c lacks, in a slice of the caller's own.
	missing(c *Claims) []string
}

// Decision is a rule's answer. The zero Decision is a denial.
type Decision struct {
	// Allowed says whether the rule holds.
	Allowed bool
	// Reason is the code of a denial; "" if allowed.
	Reason reason.Code
	// Scope is the scope attribute of the challenge (RFC 6750 section 3): every
	// scope that the whole rule requires, those already held too, so that the
	// next token will do; of alternatives the first. It is "" unless a scope or
	// an access level is missing: nobody can request a role, a permission or
	// another caller by scope.
	Scope string
	// Missing is what the claims lack, by the names of the configuration, for
	// the log. It belongs to the caller.
	Missing []string
}

// Check decides about c. It allocates nothing if it allows. A nil c is denied,
// and so is everybody by a rule with an error.
func (r Rule) Check(c *Claims) Decision {
	if c == nil {
		return Decision{Reason: reason.Denied}
	}
	refused := r.refuses(c)
	if refused.by == nil {
		return Decision{Allowed: true}
	}
	return Decision{Reason: refused.by.reason(), Scope: refused.scope, Missing: refused.by.missing(c)}
}

func (r Rule) refuses(c *Claims) refusal {
	if r.is == nil || r.is.test == nil {
		return refusal{by: nothing{}}
	}
	return r.is.test.refuses(c)
}

// Err reports every mistake in the construction of r, or nil.
func (r Rule) Err() error {
	if r.is == nil {
		return nil
	}
	return r.is.err
}

// String says what the rule requires, as configured: for audits and logs.
func (r Rule) String() string {
	if r.is == nil {
		return "nobody"
	}
	return r.is.text
}

func (r Rule) scope() string {
	if r.is == nil {
		return ""
	}
	return r.is.scope
}

// invalid is the rule of a construction that failed.
func invalid(errs ...error) Rule {
	return Rule{&spec{text: "nobody, for the rule is invalid", err: errors.Join(errs...)}}
}

// AnyToken holds for every verified token: it asks who you are, not whether you
// may.
func AnyToken() Rule { return Rule{&spec{text: "any verified token", test: anything{}}} }

type anything struct{}

func (anything) refuses(*Claims) refusal { return refusal{} }

// nothing refuses everybody.
type nothing struct{}

func (n nothing) refuses(*Claims) refusal { return refusal{by: n} }
func (nothing) reason() reason.Code       { return reason.Denied }
func (nothing) missing(*Claims) []string  { return nil }
