// Package strictjson reads JSON objects the way a token must be read:
// case-sensitive names, no duplicate members at any depth, valid UTF-8,
// nothing after the object (RFC 7519 section 4, RFC 8725 section 2.4).
//
// One pass validates the whole text and records where the top-level members
// lie; values are decoded when they are asked for, and need no checking then.
package strictjson

import (
	"errors"
	"iter"
	"strings"
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

// Parse validates data and indexes its top-level members. The Object keeps
// data; the caller must not change it afterwards. Its errors quote nothing of
// data, which may be a secret.
func Parse(data []byte) (Object, error) {
	s := scanners.Get().(*scanner)
	defer s.release()
	return s.scan(data)
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
			break
		}
		v, ok = v.Get(name)
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

// Text is the whole text of the object, with the white space around it.
func (o *Object) Text() string { return o.text }

// Clone detaches s from the text that it was cut from.
func Clone(s string) string { return strings.Clone(s) }

// Value is the object as a value.
func (o *Object) Value() Value { return Value{raw: strings.TrimSpace(o.text)} }
