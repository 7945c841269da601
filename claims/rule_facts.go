package claims

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/reason"
)

// AppOnly returns the rule that holds if an app calls on its own behalf. It
// denies with [reason.WrongCaller], and so does a token that does not tell.
func AppOnly() Rule {
	return newFact("an app as the caller", reason.WrongCaller, func(c *Claims) bool { return c.caller == CallerApp })
}

// UserOnly returns the rule that holds if a user calls. It denies with
// [reason.WrongCaller], also if the token does not tell.
func UserOnly() Rule {
	return newFact("a user as the caller", reason.WrongCaller, func(c *Claims) bool { return c.caller == CallerUser })
}

// ClientIn returns the rule that holds if the client that asked for the token
// is one of ids. It denies with [reason.WrongClient].
func ClientIn(ids ...string) Rule {
	if len(ids) == 0 || slices.Contains(ids, "") {
		return invalid(errors.New("claims: ClientIn: name at least one client, and none that is empty"))
	}
	ids = slices.Clone(ids)
	return newFact("a client of "+strings.Join(ids, ", "), reason.WrongClient, func(c *Claims) bool {
		return slices.Contains(ids, c.client)
	})
}

// Equals returns the rule that holds if the claim at path has that value and
// type: a string, a bool, an int, an int64 or a finite float64. Integers are
// compared exactly, whatever their size. It denies with [reason.Denied].
func Equals(value any, path ...string) Rule {
	matches, err := matcher(value)
	if err == nil {
		err = Path(path).mistake()
	}
	if err != nil {
		return invalid(fmt.Errorf("claims: Equals: %w", err))
	}
	path = slices.Clone(path)
	return newFact(fmt.Sprintf("claim %v equal to %#v", Path(path).dotted(), value), reason.Denied, func(c *Claims) bool {
		v, ok := c.payload.Lookup(path...)
		return ok && matches(v)
	})
}

// Contains returns the rule that holds if the claim at path is an array that
// has value among its elements, or is itself the string value, as a list of
// one. Parts of strings do not count. It denies with [reason.Denied].
func Contains(value string, path ...string) Rule {
	err := Path(path).mistake()
	if value == "" {
		err = errors.Join(errors.New("the value is empty"), err)
	}
	if err != nil {
		return invalid(fmt.Errorf("claims: Contains: %w", err))
	}
	path = slices.Clone(path)
	return newFact(fmt.Sprintf("claim %v containing %q", Path(path).dotted(), value), reason.Denied, func(c *Claims) bool {
		v, _ := c.payload.Lookup(path...)
		for e := range v.Elements() {
			if e.Is(value) {
				return true
			}
		}
		return v.Is(value)
	})
}

// Func returns the rule that holds if f returns true; name is its text in logs
// and audits. f is called concurrently, never with nil claims; it must be quick
// and must not block. It denies with [reason.Denied].
func Func(name string, f func(*Claims) bool) Rule {
	if name == "" || f == nil {
		return invalid(errors.New("claims: Func: give the rule a name and a function"))
	}
	return newFact(name, reason.Denied, f)
}

// fact is a requirement that one function decides.
type fact struct {
	holds  func(*Claims) bool
	denial reason.Code
	text   string
}

func newFact(text string, denial reason.Code, holds func(*Claims) bool) Rule {
	return Rule{&spec{text: text, test: &fact{holds: holds, denial: denial, text: text}}}
}

func (f *fact) refuses(c *Claims, _ Call) refusal {
	if f.holds(c) {
		return refusal{}
	}
	return refusal{by: f}
}

func (f *fact) reason() reason.Code      { return f.denial }
func (f *fact) missing(*Claims) []string { return []string{f.text} }

// exactFloat is the bound below which a float64 skips no integer.
const exactFloat = 1 << 53

// matcher compares JSON values with want, which decides the type.
func matcher(want any) (func(strictjson.Value) bool, error) {
	switch want := want.(type) {
	case string:
		return func(v strictjson.Value) bool { return v.Is(want) }, nil
	case bool:
		return func(v strictjson.Value) bool {
			got, err := v.Bool()
			return err == nil && got == want
		}, nil
	case int:
		return matchInt(int64(want)), nil
	case int64:
		return matchInt(want), nil
	case float64:
		return matchFloat(want)
	}
	return nil, fmt.Errorf("a %T cannot be compared: use a string, bool, int, int64 or float64", want)
}

func matchInt(want int64) func(strictjson.Value) bool {
	digits := strconv.FormatInt(want, 10)
	small := -exactFloat < want && want < exactFloat
	return func(v strictjson.Value) bool {
		if v.Raw() == digits {
			return true
		}
		got, err := v.Number() // 1.0 and 1e0 are 1 too
		return err == nil && small && got == float64(want)
	}
}

func matchFloat(want float64) (func(strictjson.Value) bool, error) {
	if math.IsNaN(want) || math.IsInf(want, 0) {
		return nil, errors.New("JSON has no NaN and no infinity")
	}
	return func(v strictjson.Value) bool {
		got, err := v.Number()
		return err == nil && got == want
	}, nil
}
