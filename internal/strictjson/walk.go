package strictjson

import "strings"

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
