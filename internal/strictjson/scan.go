package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-go/sallyport/internal/view"
)

// keepMembers is how many members a pooled scratch may hold: a token with
// thousands of members must not pin its scratch.
const keepMembers = 256

// scanner is the scratch of one Parse: nothing of it outlives the call.
type scanner struct {
	dec     *jsontext.Decoder
	buf     bytes.Buffer
	members []member
}

var scanners = sync.Pool{New: func() any {
	s := &scanner{members: make([]member, 0, 32)}
	s.dec = jsontext.NewDecoder(&s.buf)
	return s
}}

// scan validates data to its end and lists the members on the way.
func (s *scanner) scan(data []byte) (Object, error) {
	// The decoder reads a bytes.Buffer in place: data is neither copied nor
	// written to.
	s.buf = *bytes.NewBuffer(data)
	s.dec.Reset(&s.buf)
	text := view.String(data)
	object := s.dec.PeekKind() == '{'
	if err := s.value(text); err != nil {
		return Object{}, syntax(err)
	}
	if _, err := s.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return Object{}, errors.New("strictjson: data after the JSON value")
	}
	if !object {
		return Object{}, ErrNotObject
	}
	return Object{text: text, members: s.exact()}, nil
}

// value reads one value; of an object it keeps the members.
func (s *scanner) value(text string) error {
	if s.dec.PeekKind() != '{' {
		return s.dec.SkipValue()
	}
	if _, err := s.dec.ReadToken(); err != nil {
		return err
	}
	for s.dec.PeekKind() != '}' {
		name, err := s.read(text)
		if err != nil {
			return err
		}
		value, err := s.read(text)
		if err != nil {
			return err
		}
		key, _ := name.Text() // a string: the decoder allows nothing else here
		s.members = append(s.members, member{name: key, value: value})
	}
	_, err := s.dec.ReadToken()
	return err
}

// read cuts the next name or value out of the text.
func (s *scanner) read(text string) (Value, error) {
	raw, err := s.dec.ReadValue()
	if err != nil {
		return Value{}, err
	}
	end := s.dec.InputOffset()
	return Value{raw: text[end-int64(len(raw)) : end]}, nil
}

// index lists the members of an object that is known to be valid.
func (s *scanner) index(object Value) Object {
	for name, value := range object.Members() {
		s.members = append(s.members, member{name: name, value: value})
	}
	return Object{text: object.raw, members: s.exact()}
}

// exact copies the members out of the scratch, with no room to spare: a
// cached token keeps what is returned here.
func (s *scanner) exact() []member {
	return append(make([]member, 0, len(s.members)), s.members...)
}

// release forgets the text, so that the pool pins none, and returns s to it.
func (s *scanner) release() {
	s.buf = bytes.Buffer{}
	s.dec.Reset(&s.buf)
	if cap(s.members) > keepMembers {
		s.members = nil
	}
	clear(s.members)
	s.members = s.members[:0]
	scanners.Put(s)
}

// syntax hides what the parser quotes from its input: it may be a secret.
func syntax(err error) error {
	var at *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("strictjson: duplicate member name")
	case errors.As(err, &at):
		return fmt.Errorf("strictjson: invalid JSON at byte %d", at.ByteOffset)
	default:
		return errors.New("strictjson: invalid JSON")
	}
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
