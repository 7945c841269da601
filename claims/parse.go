package claims

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/internal/view"
	"github.com/sallyport-go/sallyport/reason"
)

// Parse reads a payload, a JSON object, as [Claims]. It verifies nothing: it is
// for tests of handlers and rules. The payload is copied. An error is
// [reason.Malformed] if the payload is no strict JSON object (no member twice,
// valid UTF-8, nested 64 deep at most), and [reason.MalformedClaims] if a claim
// that is read has the wrong type, unless m itself is wrong. It names the claim,
// never its value.
func Parse(payload []byte, m Mapping) (*Claims, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	obj, err := strictjson.Parse(slices.Clone(payload))
	if err != nil {
		return nil, fmt.Errorf("claims: %w: %w", reason.Malformed, err)
	}
	return fromObject(obj, &m)
}

// For verifier, which parses a payload before it verifies the signature.
var _ = vetted.Register(
	func(payload strictjson.Object, mapping any) (any, error) {
		m, ok := mapping.(*Mapping)
		if !ok {
			return nil, errors.New("claims: the mapping is no *Mapping")
		}
		return fromObject(payload, m)
	},
	func(claims any) int {
		c, _ := claims.(*Claims)
		return c.size()
	},
)

// fromObject decodes the registered claims and those that m names. The claims
// keep obj.
func fromObject(obj strictjson.Object, m *Mapping) (*Claims, error) {
	c := &Claims{payload: obj, openToAnyClient: m.OpenToAnyClient}
	r := reader{payload: &c.payload}
	c.issuer, c.subject = r.text("iss"), r.text("sub")
	c.expires, c.notBefore, c.issued = r.date("exp"), r.date("nbf"), r.date("iat")
	c.client = r.firstText(orDefault(m.ClientID, defaults.ClientID))
	c.id = r.firstText(orDefault(m.ID, defaults.ID))
	c.readNames(&r, m)
	if r.err != nil {
		return nil, r.err
	}
	c.caller = callerOf(&c.payload, orDefault(m.Caller, defaults.Caller))
	return c, nil
}

// readNames gathers the names of every kind in one slice of exactly their
// number, and cuts it: one allocation for all.
func (c *Claims) readNames(r *reader, m *Mapping) {
	var scratch [32]string
	all := r.audiences(scratch[:0])
	scopes := len(all)
	all = r.firstNames(all, orDefault(m.Scopes, defaults.Scopes), separated)
	roles := len(all)
	all = r.roles(all, m)
	permissions := len(all)
	all = r.firstNames(all, orDefault(m.Permissions, defaults.Permissions), separated)

	own := append(make([]string, 0, len(all)), all...)
	c.audiences = own[:scopes:scopes]
	c.scopes = own[scopes:roles:roles]
	c.roles = own[roles:permissions:permissions]
	c.permissions = own[permissions:]
}

func callerOf(payload *strictjson.Object, evidence []Evidence) CallerType {
	for i := range evidence {
		if evidence[i].holds(payload) {
			return evidence[i].Is
		}
	}
	return CallerUnknown
}

// size is about how many bytes of memory the claims hold: the payload, its
// index, the names cut out of it, and the strings that lie outside of it because
// they were written with escapes.
func (c *Claims) size() int {
	const header = 16 // of a string, and of a member in the index
	o := c.orEmpty()
	text, names := o.payload.Text(), 0
	size := len(text)
	for _, list := range [...][]string{o.audiences, o.scopes, o.roles, o.permissions} {
		names += len(list)
		for _, name := range list {
			size += outside(text, name)
		}
	}
	for _, s := range [...]string{o.issuer, o.subject, o.id, o.client} {
		size += outside(text, s)
	}
	return size + header*(o.payload.Len()+names)
}

// outside returns about what s costs beyond the payload that it was read from.
// A string in small pieces costs little more than its letters; a piece of its
// own costs what the allocator hands out at least.
func outside(payload, s string) int {
	const least = 8
	if s == "" || view.Within(payload, s) {
		return 0
	}
	return len(s) + len(s)/8 + least
}

// What the type of a claim should have been.
var (
	errText     = errors.New("want a string")
	errTexts    = errors.New("want a string or an array of strings")
	errKeys     = errors.New("want an object, whose member names count")
	errNumber   = errors.New("want a number of seconds")
	errDateSpan = errors.New("want seconds since 1970, before the year 10000; are these milliseconds?")
)

// malformed is a claim of the wrong type. It formats its text only when it is
// asked for: a refusal is not always logged.
type malformed struct {
	claim string
	err   error
}

func (e *malformed) Error() string {
	return fmt.Sprintf("claims: claim %q is malformed: %v", e.claim, e.err)
}

// Is makes the reason findable with errors.Is.
func (e *malformed) Is(target error) bool { return target == error(reason.MalformedClaims) }

func (e *malformed) Unwrap() error { return e.err }

// endOfDates is the first second of the year 10000, which no RFC 3339 date can
// name. A timestamp in milliseconds lies far behind it.
const endOfDates = 253402300800

// reader reads typed claims and keeps the first mistake.
type reader struct {
	payload *strictjson.Object
	err     error
}

func (r *reader) fail(claim string, err error) {
	if r.err == nil {
		r.err = &malformed{claim: claim, err: err}
	}
}

// text is a string claim, "" if absent.
func (r *reader) text(claim string) string {
	v, ok := r.payload.Get(claim)
	if !ok || v.IsNull() {
		return ""
	}
	s, err := v.Text()
	if err != nil {
		r.fail(claim, errText)
	}
	return s
}

// firstText is the string at the first path that is present, "" if none is.
func (r *reader) firstText(paths []Path) string {
	for _, path := range paths {
		v, ok := present(r.payload, path)
		if !ok {
			continue
		}
		s, err := v.Text()
		if err != nil {
			r.fail(path.dotted(), errText)
		}
		return s
	}
	return ""
}

// date is a NumericDate, which may have a fraction; the zero Time if absent. A
// date that is null is malformed, for a token without an end must not pass for
// one that has none.
//
// RFC 7519 section 2: https://www.rfc-editor.org/rfc/rfc7519#section-2
func (r *reader) date(claim string) time.Time {
	v, ok := r.payload.Get(claim)
	if !ok {
		return time.Time{}
	}
	seconds, err := v.Number()
	if err != nil {
		r.fail(claim, errNumber)
		return time.Time{}
	}
	if seconds < 0 || seconds >= endOfDates {
		r.fail(claim, errDateSpan)
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}

// audiences appends what aud names: a string or an array of strings. An empty
// array and null, which some issuers send, name no audience and are not
// malformed.
//
// RFC 7519 section 4.1.3: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3
func (r *reader) audiences(dst []string) []string {
	v, ok := r.payload.Get("aud")
	if !ok || v.IsNull() {
		return dst
	}
	dst, err := appendTexts(dst, v, whole)
	if err != nil {
		r.fail("aud", err)
	}
	return dst
}

// roles appends the roles of the first source that is present, or of all where
// the mapping says so.
func (r *reader) roles(dst []string, m *Mapping) []string {
	sources := orDefault(m.Roles, defaults.Roles)
	for i := range sources {
		before := len(dst)
		var ok bool
		if dst, ok = r.names(dst, &sources[i], whole); !ok {
			continue
		}
		if prefix := sources[i].Prefix; prefix != "" {
			for n := before; n < len(dst); n++ {
				dst[n] = prefix + dst[n]
			}
		}
		if !m.UnionOfRoles {
			break
		}
	}
	return dst
}

// firstNames appends the names of the first source that is present.
func (r *reader) firstNames(dst []string, sources []Source, read stringReading) []string {
	for i := range sources {
		var ok bool
		if dst, ok = r.names(dst, &sources[i], read); ok {
			break
		}
	}
	return dst
}

// names appends those of one source. It reports false if the source is absent.
func (r *reader) names(dst []string, s *Source, read stringReading) ([]string, bool) {
	v, ok := present(r.payload, s.Path)
	if !ok {
		return dst, false
	}
	var err error
	if s.Keys {
		dst, err = appendKeys(dst, v)
	} else {
		dst, err = appendTexts(dst, v, read)
	}
	if err != nil {
		r.fail(s.Path.dotted(), err)
	}
	return dst, true
}

// stringReading is how a claim that is a single string is read.
type stringReading bool

const (
	whole     stringReading = false // it is one name
	separated stringReading = true  // names between single spaces
)

// appendTexts appends the names that v holds. Empty names are dropped: no rule
// can ask for them.
func appendTexts(dst []string, v strictjson.Value, read stringReading) ([]string, error) {
	if s, err := v.Text(); err == nil {
		if read == separated {
			return appendWords(dst, s), nil
		}
		return appendName(dst, s), nil
	}
	if v.Kind() != '[' {
		return dst, errTexts
	}
	for e := range v.Elements() {
		s, err := e.Text()
		if err != nil {
			return dst, errTexts
		}
		dst = appendName(dst, s)
	}
	return dst, nil
}

func appendKeys(dst []string, v strictjson.Value) ([]string, error) {
	if v.Kind() != '{' {
		return dst, errKeys
	}
	for name, value := range v.Members() {
		if !value.IsNull() {
			dst = appendName(dst, name)
		}
	}
	return dst, nil
}

// appendWords splits at 0x20 and at nothing else.
// RFC 6749 section 3.3: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
func appendWords(dst []string, s string) []string {
	for s != "" {
		var word string
		word, s, _ = strings.Cut(s, " ")
		dst = appendName(dst, word)
	}
	return dst
}

func appendName(dst []string, name string) []string {
	if name == "" {
		return dst
	}
	return append(dst, name)
}
