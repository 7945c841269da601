// Package strictjson reads JSON objects the way a token must be read:
// case-sensitive names, no duplicate members at any depth, valid UTF-8,
// nothing after the object (RFC 7519 section 4, RFC 8725 section 2.4).
//
// jsontext, the parser of the coming encoding/json/v2, reads the text, and the
// places of the top-level members are noted on the way. Values are cut out and
// decoded when they are asked for, and need no checking then.
package strictjson

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-go/sallyport/internal/view"
)

// ErrNotObject reports a text that does not begin as a JSON object does.
var ErrNotObject = errors.New("strictjson: not a JSON object")

var (
	errTooLong   = errors.New("strictjson: more than 4 GiB")
	errTooDeep   = errors.New("strictjson: nested more than 64 levels deep")
	errTrailing  = errors.New("strictjson: data after the JSON value")
	errDuplicate = errors.New("strictjson: duplicate member name")
)

// invalidAt is the offset of a mistake.
type invalidAt int64

// Error names the offset and quotes nothing.
func (at invalidAt) Error() string {
	return "strictjson: invalid JSON at byte " + strconv.FormatInt(int64(at), 10)
}

// maxDepth bounds how deeply objects and arrays lie in each other. Claims and
// keys need a handful of levels.
const maxDepth = 64

// Object is a validated JSON object over a text it shares with its values.
// It is immutable and safe for concurrent use; the zero Object has no members.
type Object struct {
	text    string
	members []Member
	names   uint64 // a bit for each tag: most names that are asked for are not there
}

// Member says where a member lies in the text of its object: the inside of its
// name, and its value. It holds no pointer: an index costs the garbage
// collector nothing, and scratch of Members pins no text.
type Member struct{ tag, name, value, valueEnd uint32 }

// noTag is the tag of a name with escapes, or of tens of thousands of bytes:
// rare, and read as a value.
const noTag = math.MaxUint32

// tagOf is the length and two bytes of a name, which tell nearly all names of
// an object apart.
func tagOf(name string) uint32 {
	switch n := len(name); {
	case n == 0:
		return 0
	case n >= math.MaxUint16:
		return noTag
	default:
		return uint32(n)<<16 | uint32(name[0])<<8 | uint32(name[n-1])
	}
}

// bit is one of 64 for a tag.
func bit(tag uint32) uint64 { return 1 << (tag * 0x9e3779b1 >> 26) }

// Parse validates data and indexes its top-level members. The Object keeps
// data; the caller must not change it afterwards. Its errors quote nothing of
// data, which may be a secret.
func Parse(data []byte) (Object, error) {
	var scratch [32]Member
	members, err := read(scratch[:0], data)
	if err != nil {
		return Object{}, err
	}
	return indexed(data, exact(members)), nil
}

// ParseDocument is [Parse] for what a server publishes, which may begin with a
// byte order mark: editors write one. A token may not.
//
// RFC 8259 section 8.1: https://www.rfc-editor.org/rfc/rfc8259#section-8.1
func ParseDocument(data []byte) (Object, error) {
	return Parse(bytes.TrimPrefix(data, []byte("\ufeff")))
}

// ParseWith is [Parse] with room for the members, which the Object then uses:
// it is good for as long as the caller leaves scratch alone. See [Object.Detach].
func ParseWith(scratch []Member, data []byte) (Object, error) {
	members, err := read(scratch, data)
	if err != nil {
		return Object{}, err
	}
	return indexed(data, members), nil
}

// reader is a decoder and the buffer that it reads, which it does not copy.
type reader struct {
	buffer  bytes.Buffer
	decoder *jsontext.Decoder
	from    *readers
}

// readers are idle readers with the same options.
type readers struct {
	idle    sync.Pool
	options []jsontext.Options
}

var (
	exacting = &readers{}

	// lenient lets jsontext read a member that is there twice. Comparing each name
	// with all before it takes a third of its time, and is needed only where the
	// tags of the names do not tell them apart already: see differ.
	lenient = &readers{options: []jsontext.Options{jsontext.AllowDuplicateNames(true)}}
)

func (p *readers) of(data []byte) *reader {
	r, ok := p.idle.Get().(*reader)
	if !ok {
		r = &reader{from: p}
		r.decoder = jsontext.NewDecoder(&r.buffer, p.options...)
	}
	r.buffer = *bytes.NewBuffer(data)
	return r
}

// release keeps nothing of what was read.
func (r *reader) release() {
	r.buffer = bytes.Buffer{}
	r.decoder.Reset(&r.buffer, r.from.options...)
	r.from.idle.Put(r)
}

// read validates data and appends the members of its object to into.
func read(into []Member, data []byte) ([]Member, error) {
	if uint64(len(data)) > math.MaxUint32 {
		return into, errTooLong // more than a Member can tell
	}
	if text := bytes.TrimLeft(data, " \t\r\n"); len(text) == 0 || text[0] != '{' {
		return into, ErrNotObject
	}
	r := lenient.of(data)
	members, err := r.members(into, view.String(data))
	r.release()
	if !differ(members[len(into):]) {
		if duplicate := strict(data); duplicate != nil {
			err = duplicate
		}
	}
	return members, err
}

// differ reports that no two names are the same, because their tags are not.
func differ(members []Member) bool {
	const few = 32 // comparing many with each other takes longer than jsontext does
	if len(members) > few {
		return false
	}
	var bits uint64
	for i := range members {
		tag := members[i].tag
		if tag == noTag {
			return false
		}
		if bits&bit(tag) == 0 { // no earlier one is like it
			bits |= bit(tag)
			continue
		}
		for j := range members[:i] {
			if members[j].tag == tag {
				return false
			}
		}
	}
	return true
}

// strict returns the first mistake in the text of a value, nil if there is none.
func strict(value []byte) error {
	r := exacting.of(value)
	defer r.release()
	for {
		if _, err := r.decoder.ReadToken(); err != nil {
			return mistake(err)
		}
		switch depth := r.decoder.StackDepth(); {
		case depth == 0:
			return nil
		case depth > maxDepth:
			return errTooDeep
		}
	}
}

// members reads the whole text, which begins with a brace, and appends the
// members of its object to into: those before a mistake too.
func (r *reader) members(into []Member, text string) ([]Member, error) {
	if _, err := r.decoder.ReadToken(); err != nil {
		return into, mistake(err)
	}
	for {
		begin := r.next(text)
		token, err := r.decoder.ReadToken()
		if err != nil {
			return into, mistake(err)
		}
		if token.Kind() == '}' {
			break
		}
		m := Member{tag: noTag, name: uint32(begin + 1)} //nolint:gosec // G115: read bounds the text
		if name := text[begin+1 : r.decoder.InputOffset()-1]; strings.IndexByte(name, '\\') < 0 {
			m.tag = tagOf(name)
		}
		into = append(into, m)
		begin = r.next(text)
		if err := r.skipValue(); err != nil {
			return into, err
		}
		end := int(r.decoder.InputOffset())
		if value := text[begin:end]; strings.IndexByte(value, '{') >= 0 { // it may have members of its own
			if err := strict(view.Bytes(value)); err != nil {
				return into, err
			}
		}
		last := &into[len(into)-1]
		last.value, last.valueEnd = uint32(begin), uint32(end) //nolint:gosec // G115: read bounds the text
	}
	if _, err := r.decoder.ReadToken(); err != io.EOF { //nolint:errorlint // io.EOF itself is promised
		return into, errTrailing
	}
	return into, nil
}

// next returns where the next token begins.
func (r *reader) next(text string) int {
	at := int(r.decoder.InputOffset())
	for at < len(text) && separates(text[at]) {
		at++
	}
	return at
}

// skipValue reads the value of a member.
func (r *reader) skipValue() error {
	for {
		if _, err := r.decoder.ReadToken(); err != nil {
			return mistake(err)
		}
		switch depth := r.decoder.StackDepth(); {
		case depth == 1:
			return nil
		case depth > maxDepth:
			return errTooDeep
		}
	}
}

// mistake says what jsontext found and where, without its words, which quote
// the text.
func mistake(err error) error {
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return errDuplicate
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return invalidAt(syntactic.ByteOffset)
	}
	return invalidAt(0)
}

func indexed(data []byte, members []Member) Object {
	o := Object{text: view.String(data), members: members}
	for i := range members {
		o.names |= bit(members[i].tag)
	}
	return o
}

// Detach is the object with an index of its own.
func (o Object) Detach() Object {
	o.members = exact(o.members)
	return o
}

// exact copies members with no room to spare: a cached token keeps them.
func exact(members []Member) []Member {
	return append(make([]Member, 0, len(members)), members...)
}

// Get returns the top-level member of exactly that name.
func (o *Object) Get(name string) (Value, bool) {
	tag := tagOf(name)
	if o.names&bit(tag) != 0 && tag != noTag {
		for i := range o.members {
			m := &o.members[i]
			if m.tag == tag && o.text[m.name:][:len(name)] == name {
				return o.value(m), true
			}
		}
	}
	if o.names&bit(noTag) != 0 {
		return o.untagged(name)
	}
	return Value{}, false
}

// untagged finds a member by a name that has no tag. No name has two spellings in
// one object: the parser refuses them as duplicates.
func (o *Object) untagged(name string) (Value, bool) {
	for i := range o.members {
		if m := &o.members[i]; m.tag == noTag && m.nameIn(o.text).Is(name) {
			return o.value(m), true
		}
	}
	return Value{}, false
}

func (o *Object) value(m *Member) Value { return Value{raw: o.text[m.value:m.valueEnd]} }

// nameIn is the member's name in that text, with its quotes.
func (m *Member) nameIn(text string) Value {
	begin := int(m.name) - 1
	return Value{raw: text[begin : stringEnd(text, begin)+1]}
}

// Lookup follows path through nested objects. An empty path finds nothing.
func (o *Object) Lookup(path ...string) (Value, bool) {
	if len(path) == 0 {
		return Value{}, false
	}
	v, ok := o.Get(path[0])
	for _, name := range path[1:] {
		v, ok = v.Get(name)
	}
	return v, ok
}

// Names yields the member names in the order of the text.
func (o *Object) Names() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range o.members {
			name, _ := o.members[i].nameIn(o.text).Text() // valid: the whole text is
			if !yield(name) {
				return
			}
		}
	}
}

// Len is the number of members.
func (o *Object) Len() int { return len(o.members) }

// Text is the whole text of the object, with the white space around it.
func (o *Object) Text() string { return o.text }

// Value is the object as a value.
func (o *Object) Value() Value { return Value{raw: strings.TrimSpace(o.text)} }
