package claims

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// Parse reads a payload, a JSON object, as [Claims]. It verifies nothing: it is
// for tests of handlers and rules. The payload is copied. An error is
// [reason.Malformed] if the payload is no strict JSON object (no member twice,
// valid UTF-8, nested 64 deep at most), else [reason.MalformedClaims] with a
// [*ClaimError], unless m itself is wrong.
func Parse(payload []byte, m Mapping) (*Claims, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	obj, err := strictjson.Parse(slices.Clone(payload))
	if err != nil {
		return nil, fmt.Errorf("claims: %w: %w", reason.Malformed, err)
	}
	return FromObject(obj, &m)
}

// FromObject reads a payload that is already parsed; verifiers use it. The
// claims keep obj. It decodes the registered claims and those that m names, and
// judges their types only: whether a claim must be there, and whether its value
// is the right one, is for the verifier to say. m must be valid; nil maps
// nothing. Every error is a [*ClaimError].
func FromObject(obj strictjson.Object, m *Mapping) (*Claims, error) {
	if m == nil {
		m = &noMapping
	}
	c := &Claims{payload: obj, openToAnyClient: m.OpenToAnyClient}
	r := reader{payload: &c.payload}
	c.issuer, c.subject, c.id = r.text("iss"), r.text("sub"), r.text("jti")
	c.expires, c.notBefore, c.issued = r.date("exp"), r.date("nbf"), r.date("iat")
	c.client = r.firstText(m.ClientID)
	c.readNames(&r, m)
	if r.err != nil {
		return nil, r.err
	}
	c.caller = callerOf(&c.payload, m.Caller)
	return c, nil
}

var noMapping Mapping

// readNames gathers the names of every kind in one slice of exactly their
// number, and cuts it: one allocation for all.
func (c *Claims) readNames(r *reader, m *Mapping) {
	var scratch [32]string
	all := r.audiences(scratch[:0])
	scopes := len(all)
	all = r.firstNames(all, m.Scopes, separated)
	roles := len(all)
	all = r.firstNames(all, m.Roles, whole)
	permissions := len(all)
	all = r.firstNames(all, m.Permissions, separated)

	own := append(make([]string, 0, len(all)), all...)
	c.audiences = own[:scopes:scopes]
	c.scopes = own[scopes:roles:roles]
	c.roles = own[roles:permissions:permissions]
	c.permissions = own[permissions:]
}

func callerOf(payload *strictjson.Object, evidence []Evidence) CallerType {
	for i := range evidence {
		if evidence[i].holds(payload) {
			return evidence[i].Is
		}
	}
	return CallerUnknown
}

// ClaimError says which claim is malformed, and how; it never holds the claim's
// value. errors.Is finds [reason.MalformedClaims] and Err.
type ClaimError struct {
	// Claim is the name of the claim, its path joined with dots.
	Claim string
	// Err says what was wanted.
	Err error
}

// Error names the claim and what was wanted.
func (e *ClaimError) Error() string {
	return fmt.Sprintf("claims: claim %q is malformed: %v", e.Claim, e.Err)
}

// Is makes the reason findable with errors.Is.
func (e *ClaimError) Is(target error) bool { return target == error(reason.MalformedClaims) }

// Unwrap gives what was wanted.
func (e *ClaimError) Unwrap() error { return e.Err }

// What a claim was wanted to be.
var (
	errText     = errors.New("want a string")
	errTexts    = errors.New("want a string or an array of strings")
	errKeys     = errors.New("want an object, whose member names count")
	errNumber   = errors.New("want a number of seconds")
	errDateSpan = errors.New("want seconds since 1970, before the year 10000; are these milliseconds?")
)
