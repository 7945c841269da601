package jose

import (
	"errors"

	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// ErrHeader reports a header that is no JSON object or has a member of the
// wrong type.
var ErrHeader = errors.New("jose: malformed header")

// Header is what a resource server reads of a JOSE header (RFC 7515 section
// 4.1). Members that point at keys (jwk, jku, x5u, x5c) are not even read:
// they are never trusted.
type Header struct {
	Algorithm   string
	KeyID       string
	Type        string
	ContentType string

	// HasType tells an empty typ from none.
	HasType bool
	// Critical: crit is present, whatever it lists.
	Critical bool
	// Unencoded: b64 is present (RFC 7797), whatever it says.
	Unencoded bool
}

func parseHeader(scratch []strictjson.Member, data []byte) (Header, error) {
	obj, err := strictjson.ParseWith(scratch, data)
	if err != nil {
		return Header{}, &headerError{err}
	}
	var h Header
	_, h.Critical = obj.Get("crit")
	_, h.Unencoded = obj.Get("b64")
	_, h.HasType = obj.Get("typ")
	for _, m := range [...]struct {
		name string
		to   *string
	}{{"alg", &h.Algorithm}, {"kid", &h.KeyID}, {"typ", &h.Type}, {"cty", &h.ContentType}} {
		v, ok := obj.Get(m.name)
		if !ok {
			continue
		}
		if *m.to, err = v.Text(); err != nil {
			return Header{}, ErrHeader
		}
	}
	return h, nil
}

// headerError is ErrHeader and why.
type headerError struct{ cause error }

// Error says both.
func (e *headerError) Error() string { return ErrHeader.Error() + ": " + e.cause.Error() }

// Is makes ErrHeader findable with errors.Is.
func (e *headerError) Is(target error) bool { return target == ErrHeader }

// Unwrap gives the cause.
func (e *headerError) Unwrap() error { return e.cause }
