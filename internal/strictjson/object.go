// Package strictjson reads JSON objects the way a token must be read:
// case-sensitive names, no duplicate members at any depth, valid UTF-8,
// nothing after the object (RFC 7519 section 4, RFC 8725 section 2.4).
//
// One pass validates the whole text and records where the top-level members
// lie; values are decoded when they are asked for.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrNotObject reports well-formed JSON that is not an object.
var ErrNotObject = errors.New("strictjson: not a JSON object")

// Object is a validated JSON object over a text it shares with its values.
// It is immutable and safe for concurrent use; the zero Object has no members.
type Object struct {
	text    string
	members []member
}

type member struct {
	name  string
	value Value
}

// scanner is the scratch of one Parse: nothing of it outlives the call.
type scanner struct {
	dec *jsontext.Decoder
	buf bytes.Buffer
}

var scanners = sync.Pool{New: func() any {
	s := new(scanner)
	s.dec = jsontext.NewDecoder(&s.buf)
	return s
}}

// Parse validates data and indexes its top-level members. The Object keeps
// data; the caller must not change it afterwards.
func Parse(data []byte) (Object, error) {
	s := scanners.Get().(*scanner)
	defer func() {
		s.buf = bytes.Buffer{}
		scanners.Put(s)
	}()
	s.buf = *bytes.NewBuffer(data)
	s.dec.Reset(&s.buf)
	return scan(s.dec, view(data))
}

func scan(dec *jsontext.Decoder, text string) (Object, error) {
	open, err := dec.ReadToken()
	if err != nil {
		return Object{}, syntax(err)
	}
	if open.Kind() != '{' {
		return Object{}, ErrNotObject
	}
	obj := Object{text: text, members: make([]member, 0, 16)}
	for dec.PeekKind() != '}' {
		m, err := scanMember(dec, text)
		if err != nil {
			return Object{}, syntax(err)
		}
		obj.members = append(obj.members, m)
	}
	if _, err := dec.ReadToken(); err != nil {
		return Object{}, syntax(err)
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return Object{}, errors.New("strictjson: data after the object")
	}
	return obj, nil
}

func scanMember(dec *jsontext.Decoder, text string) (member, error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return member{}, err
	}
	name, _ := Value{raw: text[offset(dec, raw):dec.InputOffset()]}.Text()
	raw, err = dec.ReadValue()
	if err != nil {
		return member{}, err
	}
	return member{name: name, value: Value{raw: text[offset(dec, raw):dec.InputOffset()]}}, nil
}

func offset(dec *jsontext.Decoder, raw jsontext.Value) int64 {
	return dec.InputOffset() - int64(len(raw))
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

// Get returns the top-level member of exactly that name.
func (o *Object) Get(name string) (Value, bool) {
	for i := range o.members {
		if o.members[i].name == name {
			return o.members[i].value, true
		}
	}
	return Value{}, false
}

// Lookup follows path through nested objects. An empty path finds nothing.
func (o *Object) Lookup(path ...string) (Value, bool) {
	if len(path) == 0 {
		return Value{}, false
	}
	v, ok := o.Get(path[0])
	for _, name := range path[1:] {
		if !ok {
			return Value{}, false
		}
		nested, err := v.Object()
		if err != nil {
			return Value{}, false
		}
		v, ok = nested.Get(name)
	}
	return v, ok
}

// Names yields the member names in the order of the text.
func (o *Object) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range o.members {
			if !yield(o.members[i].name) {
				return
			}
		}
	}
}

// Len is the number of members.
func (o *Object) Len() int { return len(o.members) }

// Text is the whole text of the object.
func (o *Object) Text() string { return o.text }

// view makes data readable as a string without a copy. It is sound because
// Parse's contract gives data away: nobody writes to it afterwards.
func view(data []byte) string { return unsafe.String(unsafe.SliceData(data), len(data)) }

// Clone detaches s from the text that it was cut from.
func Clone(s string) string { return strings.Clone(s) }

// Value is the object as a value.
func (o *Object) Value() Value { return Value{raw: strings.TrimSpace(o.text)} }
