package middleware

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
)

// Binding checks that a request may use a token that is bound to a key of its
// sender (the cnf claim, RFC 7800). It runs on every request after the token
// is verified, never from a cache, in the order of [Config.Bindings], and also
// for tokens without cnf. Implementations must be safe for concurrent use.
//
// A Guard refuses a token whose cnf has a member that is defined to name a key
// (jkt, x5t#S256, jwk, jwe, jku, kid) and that no Binding confirms, and one
// whose cnf has no member that a Binding confirms.
type Binding interface {
	// Confirms returns the members of cnf that Check covers, such as "jkt".
	// It is called when the Guard is made, not for each request.
	Confirms() []string
	// Check returns nil if the request may use the token. An [*Error] is
	// written as it is; an error with a [reason.Code] in its chain by that
	// code; any other is a 401 with [reason.UnsupportedBinding].
	Check(r *http.Request, c Credential, cl *claims.Claims) error
}

// SchemeBinding is a Binding whose tokens come by an authentication scheme of
// their own, such as DPoP (RFC 9449 section 7.1). The Guard reads tokens of that
// scheme beside those of Bearer, and names it in the challenges of a 401.
type SchemeBinding interface {
	Binding
	// Challenge returns the scheme and what its challenges say beside realm, error
	// and scope, such as algs. It is called when the Guard is made.
	Challenge() Challenge
	// Required reports whether a token must come by this scheme: Bearer is then a
	// scheme that is not supported. It is called when the Guard is made.
	Required() bool
}

// OfferingBinding is a Binding that has something to tell callers whose requests
// pass, such as the next DPoP-Nonce (RFC 9449 section 8.2).
type OfferingBinding interface {
	Binding
	// Offer returns fields for the header of the answer to r, nil for none. It is
	// called for each request that a token was verified for, before the handler
	// runs. With [Guard.Check] it is the caller's own affair.
	Offer(r *http.Request) [][2]string
}

// bound is the Bindings of a Guard, and what they said when it was made.
type bound struct {
	bindings []Binding
	confirms map[string]bool // the members of cnf that they check
	schemes  []Challenge     // see schemesOf
	offers   []OfferingBinding
}

func bind(bindings []Binding) (bound, []error) {
	b := bound{bindings: slices.Clone(bindings), confirms: make(map[string]bool)}
	var errs []error
	for i, one := range bindings {
		if err := confirm(b.confirms, one); err != nil {
			errs = append(errs, fmt.Errorf("middleware: Config.Bindings[%d] %w", i, err))
			continue
		}
		if o, ok := one.(OfferingBinding); ok {
			b.offers = append(b.offers, o)
		}
	}
	schemes, err := schemesOf(bindings)
	if err != nil {
		errs = append(errs, fmt.Errorf("middleware: Config.Bindings: %w", err))
	}
	b.schemes = schemes
	return b, errs
}

// confirm adds the members of cnf that a binding covers to those known.
func confirm(known map[string]bool, b Binding) error {
	if isNil(b) {
		return errors.New("is nil")
	}
	members := b.Confirms()
	if len(members) == 0 {
		return errors.New("confirms no member of cnf")
	}
	for _, name := range members {
		if name == "" {
			return errors.New("confirms a member of cnf without a name")
		}
		if known[name] {
			return fmt.Errorf("confirms %q, which another one confirms already", name)
		}
		known[name] = true
	}
	return nil
}

// schemesOf returns the challenges of the accepted schemes, the one first that a
// caller without credentials should try; nil if Bearer is the only one.
func schemesOf(bindings []Binding) ([]Challenge, error) {
	var schemes []Challenge
	required := false
	for _, b := range bindings {
		s, ok := b.(SchemeBinding)
		if !ok || isNil(b) {
			continue
		}
		c := s.Challenge()
		switch _, twice := find(schemes, c.Scheme); {
		case !isToken(c.Scheme) || strings.EqualFold(c.Scheme, bearer):
			return nil, fmt.Errorf("%.40q is no scheme of a SchemeBinding", c.Scheme)
		case twice:
			return nil, fmt.Errorf("the scheme %s is there twice", c.Scheme)
		case required || s.Required() && len(schemes) > 0:
			return nil, errors.New("a scheme is required, and there is another one")
		}
		required = s.Required()
		schemes = append(schemes, c)
	}
	if len(schemes) > 0 && !required {
		schemes = append([]Challenge{{Scheme: bearer}}, schemes...)
	}
	return schemes, nil
}

// find returns where the challenge of a scheme is.
func find(challenges []Challenge, scheme string) (at int, ok bool) {
	for i := range challenges {
		if strings.EqualFold(challenges[i].Scheme, scheme) {
			return i, true
		}
	}
	return 0, false
}

// present completes the challenges of a refusal: they are of the scheme that the
// credential came by, a 401 names every scheme that would do, and all name the
// metadata of the resource. It may be called more than once, and returns a copy
// where something is to be added: an Error of a Binding may be shared.
//
// RFC 9449 section 7.1: https://www.rfc-editor.org/rfc/rfc9449#section-7.1
// RFC 9728 section 5.1: https://www.rfc-editor.org/rfc/rfc9728#section-5.1
func (d *decider) present(e *Error, scheme string) *Error {
	if e.status() >= http.StatusInternalServerError {
		return e
	}
	from := e.Challenges
	if len(from) == 0 {
		from = d.usualChallenges(e.status(), e.Reason)
	}
	challenges := make([]Challenge, len(from), len(from)+len(d.schemes))
	for i, c := range from {
		challenges[i] = Challenge{Scheme: c.Scheme, Params: append([][2]string(nil), c.Params...)}
	}
	if d.schemes != nil {
		challenges = d.ofScheme(challenges, scheme)
		if e.status() == http.StatusUnauthorized {
			challenges = d.ofEveryScheme(challenges)
		}
	}
	if d.metadata != "" {
		for i := range challenges {
			challenges[i].add("resource_metadata", d.metadata)
		}
	}
	own := *e
	own.Challenges = challenges
	return &own
}

// ofScheme gives the Bearer challenge of a refusal the scheme that was used, or
// the first that is accepted.
func (d *decider) ofScheme(challenges []Challenge, scheme string) []Challenge {
	used, ok := find(d.schemes, scheme)
	if !ok {
		used = 0
	}
	scheme = d.schemes[used].Scheme
	if at, ok := find(challenges, bearer); ok {
		if _, has := find(challenges, scheme); !has {
			challenges[at].Scheme = scheme
		}
	}
	return challenges
}

func (d *decider) ofEveryScheme(challenges []Challenge) []Challenge {
	for _, s := range d.schemes {
		at, ok := find(challenges, s.Scheme)
		if !ok {
			at = len(challenges)
			challenges = append(challenges, Challenge{Scheme: s.Scheme, Params: [][2]string{{"realm", d.realmName()}}})
		}
		for _, p := range s.Params {
			challenges[at].add(p[0], p[1])
		}
	}
	return challenges
}
