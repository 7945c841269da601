package strictjson

import (
	"errors"
	"iter"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-go/sallyport/internal/view"
)

// ErrType reports a value of another JSON type than the one asked for, or a
// number that no finite float64 holds.
var ErrType = errors.New("strictjson: value of another type")

// Value is one validated JSON value. The zero Value is no value at all: every
// accessor refuses it.
type Value struct{ raw string }

// Raw is the JSON text of the value.
func (v Value) Raw() string { return v.raw }

// Kind is the first byte of the value's text: one of `n`, `f`, `t`, `"`, `{`,
// `[`, and `0` for every number; 0 for no value.
func (v Value) Kind() byte {
	if v.raw == "" {
		return 0
	}
	if c := v.raw[0]; c == '-' || ('0' <= c && c <= '9') {
		return '0'
	}
	return v.raw[0]
}

// IsNull reports whether the value is null, which for nearly every member means
// that it is absent.
func (v Value) IsNull() bool { return v.raw == "null" }

// Text is the string that the value holds. It shares memory with the object
// unless it had escapes.
func (v Value) Text() (string, error) {
	if v.Kind() != '"' {
		return "", ErrType
	}
	if inner := v.inside(); strings.IndexByte(inner, '\\') < 0 {
		return inner, nil
	}
	out, err := jsontext.AppendUnquote(nil, view.Bytes(v.raw))
	if err != nil {
		return "", ErrType
	}
	return string(out), nil
}

// Is says whether the value is the string s. It allocates nothing for strings
// of ordinary length, escaped or not.
func (v Value) Is(s string) bool {
	if v.Kind() != '"' {
		return false
	}
	inner := v.inside()
	if strings.IndexByte(inner, '\\') < 0 {
		return inner == s
	}
	var scratch [128]byte
	out, err := jsontext.AppendUnquote(scratch[:0], view.Bytes(v.raw))
	return err == nil && string(out) == s
}

// Number is the value as a finite float64.
func (v Value) Number() (float64, error) {
	if v.Kind() != '0' {
		return 0, ErrType
	}
	f, err := strconv.ParseFloat(v.raw, 64)
	if err != nil { // it is beyond what a float64 holds
		return 0, ErrType
	}
	return f, nil
}

// Bool is the value as a boolean.
func (v Value) Bool() (bool, error) {
	switch v.raw {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, ErrType
}

// Object is the value as an object of its own, which shares the text.
func (v Value) Object() (Object, error) {
	if v.Kind() != '{' {
		return Object{}, ErrType
	}
	return Parse(view.Bytes(v.raw))
}

// Get returns the member of exactly that name, if the value is an object that
// has one. It builds no index: for one look-up it is cheaper than Object.
func (v Value) Get(name string) (Value, bool) {
	if v.Kind() != '{' {
		return Value{}, false
	}
	for rest := v.inside(); ; {
		var key, value Value
		if key, rest = cut(rest); key.raw == "" {
			return Value{}, false
		}
		value, rest = cut(rest)
		if key.Is(name) {
			return value, true
		}
	}
}

// Members yields the members of an object in the order of the text; nothing
// for any other value.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != '{' {
			return
		}
		for rest := v.inside(); ; {
			var key, value Value
			if key, rest = cut(rest); key.raw == "" {
				return
			}
			value, rest = cut(rest)
			name, _ := key.Text() // valid: the whole text is
			if !yield(name, value) {
				return
			}
		}
	}
}

// Elements yields the elements of an array; nothing for any other value.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != '[' {
			return
		}
		for rest := v.inside(); ; {
			var element Value
			if element, rest = cut(rest); element.raw == "" || !yield(element) {
				return
			}
		}
	}
}

// Strings is an array of nothing but strings, in a slice of the caller's own.
func (v Value) Strings() ([]string, error) {
	if v.Kind() != '[' {
		return nil, ErrType
	}
	out := []string{}
	for e := range v.Elements() {
		s, err := e.Text()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// inside is the text between the first byte and the last: quotes or brackets.
func (v Value) inside() string { return v.raw[1 : len(v.raw)-1] }

// What is here walks over text that is known to be valid: values are cut out at
// their quotes and brackets when they are asked for.

// cut takes the first value off the inside of a valid array or object, where
// names and values alike follow each other, and returns it with the rest. At
// the end the value is no value at all.
func cut(inside string) (Value, string) {
	start := 0
	for start < len(inside) && separates(inside[start]) {
		start++
	}
	rest := inside[start:]
	n := valueLen(rest)
	return Value{raw: rest[:n]}, rest[n:]
}

func separates(c byte) bool {
	switch c {
	case ',', ':', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}

// valueLen is the length of the value that s starts with. The text is known to
// be valid: so brackets match, and only strings can hide them.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			i = stringEnd(s, i)
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			depth--
		case depth == 0 && separates(c):
			return i
		}
	}
	return len(s)
}

// stringEnd is the index of the quote that closes the string opened at i.
func stringEnd(s string, i int) int {
	for {
		i += 1 + strings.IndexByte(s[i+1:], '"')
		if !escaped(s, i) {
			return i
		}
	}
}

// escaped says whether an odd number of backslashes stands before s[i].
func escaped(s string, i int) bool {
	odd := false
	for i--; s[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
}
