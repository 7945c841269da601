package claims

import (
	"math"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

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
		r.err = &ClaimError{Claim: claim, Err: err}
	}
}

// text is a string claim, "" if absent.
func (r *reader) text(claim string) string {
	v, ok := r.payload.Get(claim)
	if !ok {
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
		v, ok := r.payload.Lookup(path...)
		if !ok {
			continue
		}
		s, err := v.Text()
		if err != nil {
			r.fail(path.String(), errText)
		}
		return s
	}
	return ""
}

// date is a NumericDate, which may have a fraction (RFC 7519 section 2); the
// zero Time if absent.
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
// array is an audience of nobody, and not malformed: some issuers send it.
func (r *reader) audiences(dst []string) []string {
	v, ok := r.payload.Get("aud")
	if !ok {
		return dst
	}
	dst, err := appendTexts(dst, v, whole)
	if err != nil {
		r.fail("aud", err)
	}
	return dst
}

// firstNames appends the names of the first source that is present.
func (r *reader) firstNames(dst []string, sources []Source, read stringReading) []string {
	for i := range sources {
		v, ok := r.payload.Lookup(sources[i].Path...)
		if !ok {
			continue
		}
		var err error
		if sources[i].Keys {
			dst, err = appendKeys(dst, v)
		} else {
			dst, err = appendTexts(dst, v, read)
		}
		if err != nil {
			r.fail(sources[i].Path.String(), err)
		}
		break
	}
	return dst
}

// stringReading says how a claim that is a single string is read.
type stringReading bool

const (
	whole     stringReading = false // it is one name
	separated stringReading = true  // names between single spaces
)

// appendTexts appends the names that v holds. Empty names are dropped: nothing
// can be asked for by them.
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
	for name := range v.Members() {
		dst = appendName(dst, name)
	}
	return dst, nil
}

// appendWords splits at 0x20 and at nothing else (RFC 6749 section 3.3).
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
