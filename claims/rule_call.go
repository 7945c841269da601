package claims

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// Call is what a rule can learn of the call that claims came with. It knows no
// transport: a Guard gives rules the parameters of the route by which the
// router chose the handler. A Call is good for as long as the rule is checked.
type Call interface {
	// Param returns the value of the route's parameter of that name, as the
	// router hands it to the handler; "" if there is none. In Gin the value of
	// *path begins with a slash; in Chi a value is still percent-encoded where
	// the path has an escape that it need not have.
	Param(name string) string
}

// clock is a Call that has a clock, and no route that a rule could ask about:
// a report on a token has no more.
type clock interface {
	Call
	NoRoute()
}

// FuncCall returns the rule that holds if f returns true of the claims and the
// call; name is its text in logs and audits. Where there is no call, as in
// [Rule.Check], the rule denies without asking f. f is called concurrently,
// never with nil; it must be quick and must not block. It denies with
// [reason.Denied].
func FuncCall(name string, f func(c *Claims, call Call) bool) Rule {
	if name == "" || f == nil {
		return invalid(errors.New("claims: FuncCall: give the rule a name and a function"))
	}
	return newCallFact(name, f)
}

// EqualsParam returns the rule that holds if the claim at path is the value of
// the route's parameter param, as for the tenant of a token and the tenant of a
// path:
//
//	gate.Require(claims.EqualsParam("tenant", "tenant_id")) // of "GET /tenants/{tenant}/orders"
//
// Strings are equal byte for byte; a number equals the parameter that is written
// like it. A parameter that is empty, or that the route does not have, equals
// nothing. The rule denies with [reason.Denied].
func EqualsParam(param string, path ...string) Rule {
	return newParam("EqualsParam", "equal to", param, path, isText)
}

// ContainsParam returns the rule that holds if the claim at path is an array
// that has the value of the route's parameter param among its elements, as for a
// user of several tenants, or is itself that value; see [EqualsParam].
func ContainsParam(param string, path ...string) Rule {
	return newParam("ContainsParam", "containing", param, path, containsText)
}

func newParam(constructor, relation, param string, path []string, matches func(v strictjson.Value, text string) bool) Rule {
	err := Path(path).mistake()
	if param == "" {
		err = errors.Join(errors.New("the parameter has no name"), err)
	}
	if err != nil {
		return invalid(fmt.Errorf("claims: %s: %w", constructor, err))
	}
	path = slices.Clone(path)
	text := fmt.Sprintf("claim %v %s parameter %s of the route", Path(path).dotted(), relation, param)
	return newCallFact(text, func(c *Claims, call Call) bool {
		value := call.Param(param)
		v, ok := c.payload.Lookup(path...)
		return ok && value != "" && matches(v, value)
	})
}

// isText reports whether v is the string text, or a number written so.
func isText(v strictjson.Value, text string) bool {
	return v.Is(text) || v.Kind() == '0' && v.Raw() == text
}

// containsText reports whether isText holds for v or an element of it.
func containsText(v strictjson.Value, text string) bool {
	for e := range v.Elements() {
		if isText(e, text) {
			return true
		}
	}
	return isText(v, text)
}

// callFact is a requirement on the claims and the call.
type callFact struct {
	holds func(*Claims, Call) bool
	text  string
}

func newCallFact(text string, holds func(*Claims, Call) bool) Rule {
	return Rule{&spec{text: text, test: &callFact{holds: holds, text: text}, call: true}}
}

func (f *callFact) refuses(c *Claims, call Call) refusal {
	if _, bare := call.(clock); call != nil && !bare && f.holds(c, call) {
		return refusal{}
	}
	return refusal{by: f}
}

func (*callFact) reason() reason.Code        { return reason.Denied }
func (f *callFact) missing(*Claims) []string { return []string{f.text} }
