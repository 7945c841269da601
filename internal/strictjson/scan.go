package strictjson

import (
	"errors"
	"hash/maphash"
	"math"
	"strconv"

	"github.com/sallyport-go/sallyport/internal/view"
)

// maxDepth bounds how deeply objects and arrays lie in each other. Claims and
// keys need a handful of levels; a stranger gets no more stack than that.
const maxDepth = 64

// manyNames is where comparing a name with each one before it ends.
const manyNames = 64

var (
	errTooLong   = errors.New("strictjson: more than 4 GiB")
	errTooDeep   = errors.New("strictjson: nested more than 64 levels deep")
	errTrailing  = errors.New("strictjson: data after the JSON value")
	errDuplicate = errors.New("strictjson: duplicate member name")
)

// invalidAt is the offset of a mistake.
type invalidAt int

// Error names the offset and quotes nothing.
func (at invalidAt) Error() string {
	return "strictjson: invalid JSON at byte " + strconv.Itoa(int(at))
}

// scanner reads a text once, from its first byte to its last (RFC 8259). Its
// methods read what begins at at, move behind it and answer true; or they keep
// the mistake in err and answer false, and nobody reads on.
type scanner struct {
	data []byte
	at   int
	err  error
}

// scan validates data and appends the members of its object to into.
func scan(into []Member, data []byte) ([]Member, error) {
	if uint64(len(data)) > math.MaxUint32 {
		return into, errTooLong // more than a Member can tell
	}
	s := scanner{data: data}
	s.space()
	if s.at == len(data) || data[s.at] != '{' {
		return into, ErrNotObject
	}
	members, ok := s.object(into, 1)
	if !ok {
		return into, s.err
	}
	if s.space(); s.at != len(data) {
		return into, errTrailing
	}
	return members, nil
}

func (s *scanner) fail(err error) bool {
	s.err = err
	return false
}

// invalid is the answer where the byte at at, or the end, cannot stand.
func (s *scanner) invalid() bool { return s.fail(invalidAt(s.at)) }

func (s *scanner) space() {
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// take reads the byte c if it is the next.
func (s *scanner) take(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

// value reads any value. The members of the objects around it are handed from
// call to call, and not kept in the scanner, so that the compiler sees that they
// may lie on the stack.
func (s *scanner) value(around []Member, depth int) bool {
	if s.at == len(s.data) {
		return s.invalid()
	}
	switch s.data[s.at] {
	case '"':
		_, ok := s.text()
		return ok
	case '{':
		_, ok := s.object(around, depth)
		return ok
	case '[':
		return s.array(around, depth)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// object reads an object and appends its members to those around it.
func (s *scanner) object(around []Member, depth int) (members []Member, ok bool) {
	if depth > maxDepth {
		return around, s.fail(errTooDeep)
	}
	members = around
	o := names{first: len(around)}
	s.at++
	if s.space(); s.take('}') {
		return members, true
	}
	for {
		m, ok := s.name(members, &o)
		if !ok {
			return members, false
		}
		if s.space(); !s.take(':') {
			return members, s.invalid()
		}
		s.space()
		m.value = uint32(s.at) //nolint:gosec // G115: scan bounds the text
		if !s.value(members, depth+1) {
			return members, false
		}
		m.valueEnd = uint32(s.at) //nolint:gosec // G115: scan bounds the text
		members = append(members, m)
		if s.space(); s.take(',') {
			s.space()
			continue
		}
		return members, s.take('}') || s.invalid()
	}
}

func (s *scanner) array(around []Member, depth int) bool {
	if depth > maxDepth {
		return s.fail(errTooDeep)
	}
	s.at++
	if s.space(); s.take(']') {
		return true
	}
	for {
		if !s.value(around, depth+1) {
			return false
		}
		if s.space(); s.take(',') {
			s.space()
			continue
		}
		return s.take(']') || s.invalid()
	}
}

// name reads a member's name, which no other member of its object may have.
func (s *scanner) name(members []Member, o *names) (Member, bool) {
	begin := s.at + 1
	if s.at == len(s.data) || s.data[s.at] != '"' {
		return Member{}, s.invalid()
	}
	plain, ok := s.text()
	if !ok {
		return Member{}, false
	}
	name := view.String(s.data[begin : s.at-1])
	m := Member{tag: noTag, name: uint32(begin)} //nolint:gosec // G115: scan bounds the text
	if plain {
		m.tag = tagOf(name)
	}
	if o.has(s, members[o.first:], m, name) {
		return Member{}, s.fail(errDuplicate)
	}
	return m, true
}

// names are those of one open object: its members from first on.
type names struct {
	first  int
	tags   uint64              // a bit for each tag that is there
	hashes map[uint64]struct{} // of all names, once comparing them one by one would not do
}

// hashSeed is of this process alone: nobody can make up names that collide, and
// without that two of 64 bits never do.
var hashSeed = maphash.MakeSeed()

// has says whether one of the earlier members has m's name, and counts it in.
// name is as it is written.
func (o *names) has(s *scanner, earlier []Member, m Member, name string) bool {
	if o.hashes != nil || m.tag == noTag || len(earlier) == manyNames {
		return o.hashed(s, earlier, m)
	}
	bit := uint64(1) << (m.tag * 0x9e3779b1 >> 26)
	if o.tags&bit != 0 {
		for i := range earlier { // none has escapes, and a tag tells the length
			if e := &earlier[i]; e.tag == m.tag && view.String(s.data[e.name:][:len(name)]) == name {
				return true
			}
		}
	}
	o.tags |= bit
	return false
}

// hashed is has for many names, and for names with escapes.
func (o *names) hashed(s *scanner, earlier []Member, m Member) bool {
	if o.hashes == nil {
		o.hashes = make(map[uint64]struct{})
		for i := range earlier {
			o.hashes[s.hash(&earlier[i])] = struct{}{}
		}
	}
	before := len(o.hashes)
	o.hashes[s.hash(&m)] = struct{}{}
	return len(o.hashes) == before
}

// hash is that of the name that m begins, without its escapes.
func (s *scanner) hash(m *Member) uint64 {
	name, _ := m.nameIn(view.String(s.data)).Text() // it has just been read
	return maphash.String(hashSeed, name)
}
