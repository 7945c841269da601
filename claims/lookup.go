package claims

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Has says whether there is a claim at path, whatever its value; null counts.
//
// Here and below a path is one argument for each segment, as in
// Has("realm_access", "roles"). A dot has no meaning, since it can be part of a
// name: Has("https://api.example/tenant").
func (c *Claims) Has(path ...string) bool {
	_, ok := c.at(path)
	return ok
}

// Text is the string at path; false if there is none or it is no string.
func (c *Claims) Text(path ...string) (string, bool) {
	v, _ := c.at(path)
	s, err := v.Text()
	return s, err == nil
}

// Strings is the array of strings at path, or a single string as a list of one;
// false if there is none or it is anything else. The slice is the caller's own.
func (c *Claims) Strings(path ...string) ([]string, bool) {
	v, _ := c.at(path)
	if s, err := v.Text(); err == nil {
		return []string{s}, true
	}
	list, err := v.Strings()
	return list, err == nil
}

// Value is a fresh copy of the value at path: nil, bool, float64, string,
// []any or map[string]any. Integers beyond 2^53 lose digits as a float64:
// [Claims.Decode] keeps them. It is false if there is none, or if a number in
// it fits no float64.
func (c *Claims) Value(path ...string) (any, bool) {
	v, ok := c.at(path)
	if !ok {
		return nil, false
	}
	var value any
	if err := json.Unmarshal([]byte(v.Raw()), &value); err != nil {
		return nil, false
	}
	return value, true
}

// Decode parses the token's payload into v, a non-nil pointer, as
// encoding/json/v2 would: member names match case-sensitively, unknown members
// are ignored. Each call parses afresh, so v shares nothing with the claims or
// with other requests. On an error v may be filled in part; the error names the
// claim and the Go type, never the value.
func (c *Claims) Decode(v any) error {
	if c == nil {
		return errors.New("claims: Decode: there are no claims; was the request authenticated?")
	}
	// A copy: methods of v's type get to see these bytes, and might write to them.
	if err := json.Unmarshal([]byte(c.payload.Text()), v); err != nil {
		return decodeError(err, v)
	}
	return nil
}

func (c *Claims) at(path []string) (strictjson.Value, bool) {
	return c.orNobody().payload.Lookup(path...)
}

// decodeError keeps of the parser's error what holds no value of a claim. The
// cause is dropped, not wrapped: loggers that follow the chain would print it.
func decodeError(err error, v any) error {
	var at *json.SemanticError
	if !errors.As(err, &at) || at.JSONPointer == "" || at.GoType == nil {
		return fmt.Errorf("claims: Decode: cannot decode into %T; pass a non-nil pointer to a struct or map", v)
	}
	claim, _, _ := strings.Cut(string(at.JSONPointer)[1:], "/")
	claim = strings.NewReplacer("~1", "/", "~0", "~").Replace(claim)
	return fmt.Errorf("claims: Decode: claim %q does not fit Go type %s", claim, at.GoType)
}
