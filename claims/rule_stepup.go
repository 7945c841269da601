package claims

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

// AnyACR returns the rule that holds if the user authenticated in one of these
// ways: acr is one of values, which are in order of preference. It denies with
// [reason.InsufficientUserAuthentication], also if the token has no acr, and the
// challenge names all of values.
//
// RFC 9470 section 3: https://www.rfc-editor.org/rfc/rfc9470#section-3
func AnyACR(values ...string) Rule {
	if len(values) == 0 || slices.ContainsFunc(values, func(v string) bool { return !isScopeToken(v) }) {
		return invalid(errors.New("claims: AnyACR: name at least one value, and none that is empty or has white space, quotes or backslashes"))
	}
	values = slices.Clone(values)
	return newStepUp("acr of "+strings.Join(values, ", "), &stepUp{acr: values}, false, func(c *Claims, _ Call) bool {
		acr, ok := c.Text("acr")
		return ok && slices.Contains(values, acr)
	})
}

// AuthenticatedWithin returns the rule that holds if the user authenticated no
// longer ago than d, whole seconds, by auth_time and the clock and the leeway of
// the verifier; without a call, as in [Rule.Check], by the time of the machine. It
// denies with [reason.InsufficientUserAuthentication], also if the token has no
// auth_time, and the challenge asks for d.
//
// RFC 9470 section 3: https://www.rfc-editor.org/rfc/rfc9470#section-3
func AuthenticatedWithin(d time.Duration) Rule {
	if d < time.Second || d%time.Second != 0 {
		return invalid(fmt.Errorf("claims: AuthenticatedWithin: %v is no age in whole seconds, of one at least", d))
	}
	return newStepUp("authentication within "+d.String(), &stepUp{maxAge: d}, true, func(c *Claims, call Call) bool {
		r := reader{payload: &c.payload}
		at := r.date("auth_time")
		if at.IsZero() || r.err != nil {
			return false
		}
		age := elapsed(call, at)
		return 0 <= age && age <= d
	})
}

// leeway is granted to a clock that is ahead of this one, where no verifier says
// another.
const leeway = 30 * time.Second

// elapsed returns how long ago t was, negative if that lies ahead. A Call can have
// a clock and a leeway of its own.
func elapsed(call Call, t time.Time) time.Duration {
	if clock, ok := call.(interface {
		Elapsed(since time.Time) time.Duration
	}); ok {
		return clock.Elapsed(t)
	}
	age := time.Since(t)
	if age < 0 {
		return min(0, age+leeway)
	}
	return age
}

// stepUp is how a user has to authenticate.
type stepUp struct {
	acr    []string
	maxAge time.Duration
}

// and returns what both ask for: the values of acr that both name, or else those
// of the first, and the shorter age.
func (s *stepUp) and(other *stepUp) *stepUp {
	if s == nil || other == nil {
		return cmp.Or(s, other)
	}
	both := stepUp{acr: s.acr, maxAge: s.maxAge}
	common := slices.DeleteFunc(slices.Clone(s.acr), func(v string) bool { return !slices.Contains(other.acr, v) })
	switch {
	case len(s.acr) == 0:
		both.acr = other.acr
	case len(common) > 0:
		both.acr = common
	}
	if both.maxAge == 0 || other.maxAge != 0 && other.maxAge < both.maxAge {
		both.maxAge = other.maxAge
	}
	return &both
}

// userFact is a requirement on how the user authenticated.
type userFact struct {
	holds func(*Claims, Call) bool
	text  string
	asks  *stepUp
}

func newStepUp(text string, asks *stepUp, call bool, holds func(*Claims, Call) bool) Rule {
	return Rule{&spec{text: text, stepUp: asks, call: call, test: &userFact{holds: holds, text: text, asks: asks}}}
}

func (f *userFact) refuses(c *Claims, call Call) refusal {
	if f.holds(c, call) {
		return refusal{}
	}
	return refusal{by: f, stepUp: f.asks}
}

func (*userFact) reason() reason.Code        { return reason.InsufficientUserAuthentication }
func (f *userFact) missing(*Claims) []string { return []string{f.text} }
