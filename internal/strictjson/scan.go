package strictjson

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// validator is the scratch of one validation: nothing of it outlives the call.
type validator struct {
	dec *jsontext.Decoder
	buf bytes.Buffer
}

var validators = sync.Pool{New: func() any {
	v := new(validator)
	v.dec = jsontext.NewDecoder(&v.buf)
	return v
}}

// validate reads data to its end: one object, and nothing after it.
func validate(data []byte) error {
	if uint64(len(data)) > math.MaxUint32 {
		return errors.New("strictjson: more than 4 GiB") // more than an index can tell
	}
	begin, end := trim(data)
	switch { // cheaply: the parser spends ten allocations on saying no
	case begin == end || data[begin] != '{':
		return ErrNotObject
	case data[end-1] != '}':
		return invalidAt(end)
	}
	v := validators.Get().(*validator)
	defer v.release()
	// The decoder reads a bytes.Buffer in place: data is neither copied nor
	// written to.
	v.buf = *bytes.NewBuffer(data)
	v.dec.Reset(&v.buf)
	if _, err := v.dec.ReadValue(); err != nil {
		return syntax(err)
	}
	if v.dec.InputOffset() != int64(end) {
		return errTrailing
	}
	return nil
}

// trim is where data begins and ends without the white space around it.
func trim(data []byte) (begin, end int) {
	for end = len(data); end > 0 && isSpace(data[end-1]); {
		end--
	}
	for begin < end && isSpace(data[begin]) {
		begin++
	}
	return begin, end
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// release forgets the text, so that the pool pins none, and returns v to it.
func (v *validator) release() {
	v.buf = bytes.Buffer{}
	v.dec.Reset(&v.buf)
	validators.Put(v)
}

var (
	errTrailing  = errors.New("strictjson: data after the JSON value")
	errDuplicate = errors.New("strictjson: duplicate member name")
	errInvalid   = errors.New("strictjson: invalid JSON")
)

// invalidAt is the offset of a mistake.
type invalidAt int64

// Error names the offset.
func (at invalidAt) Error() string {
	return "strictjson: invalid JSON at byte " + strconv.FormatInt(int64(at), 10)
}

// syntax hides what the parser quotes from its input: it may be a secret.
func syntax(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errDuplicate
	}
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return invalidAt(at.ByteOffset)
	}
	return errInvalid
}

// index lists the members of a text that is known to be an object, and says
// whether any of their names has no tag.
func index(into []Member, text string) (members []Member, odd bool) {
	i := strings.IndexByte(text, '{') + 1
	for {
		if i = skip(text, i); text[i] == '}' {
			return into, odd
		}
		name := i + 1
		nameEnd, plain := shortEnd(text, name)
		value := skip(text, nameEnd+1)
		if text[value] == '"' {
			i = stringEnd(text, value) + 1
		} else {
			i = value + valueLen(text[value:])
		}
		tag := uint32(noTag)
		if plain {
			tag = tagOf(text[name:nameEnd])
		}
		odd = odd || tag == noTag
		into = append(into, Member{tag, uint32(name), uint32(value), uint32(i)}) //nolint:gosec // G115: validate bounds the text
	}
}

// skip is the index of the next name, value or closing bracket from i on.
func skip(text string, i int) int {
	for text[i] <= ' ' || text[i] == ',' || text[i] == ':' {
		i++
	}
	return i
}

// shortEnd is the index of the quote that ends the string whose inside begins
// at i, and whether it has no escapes. Names are short: a loop beats a search.
func shortEnd(text string, i int) (end int, plain bool) {
	for plain = true; text[i] != '"'; i++ {
		if text[i] == '\\' {
			plain = false
			i++
		}
	}
	return i, plain
}

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
			if depth == 0 {
				return i + 1
			}
		case c == '{', c == '[':
			depth++
		case c == '}', c == ']':
			if depth == 0 {
				return i // of what is around the value
			}
			if depth--; depth == 0 {
				return i + 1
			}
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
