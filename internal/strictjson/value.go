package strictjson

import (
	"errors"
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrType reports a value of another JSON type than the one asked for.
var ErrType = errors.New("strictjson: value of another type")

// Value is one validated JSON value. The zero Value is no value at all: every
// accessor refuses it.
type Value struct{ raw string }

// Raw is the JSON text of the value.
func (v Value) Raw() string { return v.raw }

// Kind is the first byte of the value's text: one of `n`, `f`, `t`, `"`, `{`,
// `[`, and `0` for every number.
func (v Value) Kind() byte {
	if v.raw == "" {
		return 0
	}
	if c := v.raw[0]; c == '-' || ('0' <= c && c <= '9') {
		return '0'
	}
	return v.raw[0]
}

// Text is the string that the value holds. It shares memory with the object
// unless it had escapes.
func (v Value) Text() (string, error) {
	if v.Kind() != '"' {
		return "", ErrType
	}
	inner := v.raw[1 : len(v.raw)-1]
	if strings.IndexByte(inner, '\\') < 0 {
		return inner, nil
	}
	out, err := jsontext.AppendUnquote(nil, v.raw)
	if err != nil {
		return "", ErrType
	}
	return string(out), nil
}

// Number is the value as a finite float64.
func (v Value) Number() (float64, error) {
	if v.Kind() != '0' {
		return 0, ErrType
	}
	f, err := strconv.ParseFloat(v.raw, 64)
	if err != nil || math.IsInf(f, 0) {
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

// Object is the value as an object of its own.
func (v Value) Object() (Object, error) {
	if v.Kind() != '{' {
		return Object{}, ErrType
	}
	return Parse([]byte(v.raw))
}

// Elements yields the elements of an array; nothing for any other value.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != '[' {
			return
		}
		rest := v.raw[1 : len(v.raw)-1]
		for {
			rest = strings.TrimLeft(rest, " \t\r\n,")
			if rest == "" {
				return
			}
			n := valueLen(rest)
			if !yield(Value{raw: rest[:n]}) {
				return
			}
			rest = rest[n:]
		}
	}
}

// Strings is an array of nothing but strings.
func (v Value) Strings() ([]string, error) {
	if v.Kind() != '[' {
		return nil, ErrType
	}
	out := make([]string, 0, strings.Count(v.raw, ",")+1)
	for e := range v.Elements() {
		s, err := e.Text()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// valueLen is the length of the first value in s, which is known to be valid:
// so brackets match, and only strings can hide them.
func valueLen(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			i = stringEnd(s, i)
		case '{', '[':
			depth++
			continue
		case '}', ']':
			depth--
		case ',', ' ', '\t', '\r', '\n', ':':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(s)
}

// stringEnd is the index of the quote that closes the string opened at i.
func stringEnd(s string, i int) int {
	for i++; s[i] != '"'; i++ {
		if s[i] == '\\' {
			i++
		}
	}
	return i
}
