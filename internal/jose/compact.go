// Package jose reads compact JWS tokens and JSON Web Keys (RFC 7515, 7517,
// 7518, 8037) and checks signatures. Tokens are read here, strictly, and checked
// by the standard library. It is the only package that imports jwx, which makes
// crypto keys of JWKs and sees nothing of them but what is read and written anew
// here.
package jose

import (
	"encoding/base64"
	"errors"
	"strings"

	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/view"
)

// Errors of a token's outer form.
var (
	ErrMalformed = errors.New("jose: not a compact JWS")
	ErrEncrypted = errors.New("jose: five parts: an encrypted token (JWE)")
	ErrEncoding  = errors.New("jose: a part is not canonical base64url")
)

// encoding refuses padding and spare bits. It skips CR and LF: see decode.
var encoding = base64.RawURLEncoding.Strict()

// Compact is a token cut at its dots. Nothing in it is decoded or verified.
type Compact struct {
	token               string
	headerEnd, inputEnd int
}

// Split cuts a token in three without copying or allocating. It looks at each
// byte at most once, so a token of dots costs no more than any other.
func Split(token string) (Compact, error) {
	h := strings.IndexByte(token, '.')
	if h <= 0 {
		return Compact{}, ErrMalformed
	}
	p := strings.IndexByte(token[h+1:], '.')
	if p < 0 {
		return Compact{}, ErrMalformed
	}
	input := h + 1 + p
	signature := token[input+1:]
	switch dots := strings.Count(signature, "."); {
	case dots == 2:
		return Compact{}, ErrEncrypted
	case dots != 0 || p == 0 || signature == "":
		return Compact{}, ErrMalformed
	}
	return Compact{token: token, headerEnd: h, inputEnd: input}, nil
}

// HeaderText is the protected header as it is encoded.
func (c Compact) HeaderText() string { return c.token[:c.headerEnd] }

// HeaderWith decodes and reads the protected header. Its members are indexed in
// scratch, for the call alone.
func (c Compact) HeaderWith(scratch []strictjson.Member) (Header, error) {
	data, err := decode(nil, c.token[:c.headerEnd])
	if err != nil {
		return Header{}, err
	}
	return parseHeader(scratch, data)
}

// PayloadWith decodes the payload, which is unverified, and indexes its members
// in scratch. The caller must leave that alone for as long as the object is
// used: see [strictjson.Object.Detach].
func (c Compact) PayloadWith(scratch []strictjson.Member) (strictjson.Object, error) {
	data, err := decode(nil, c.token[c.headerEnd+1:c.inputEnd])
	if err != nil {
		return strictjson.Object{}, err
	}
	return strictjson.ParseWith(scratch, data)
}

// PayloadIn is [Compact.PayloadWith] with room for the text of the payload as well,
// which is used if it is large enough. The caller must leave both alone.
func (c Compact) PayloadIn(text []byte, scratch []strictjson.Member) (strictjson.Object, error) {
	data, err := decode(text, c.token[c.headerEnd+1:c.inputEnd])
	if err != nil {
		return strictjson.Object{}, err
	}
	return strictjson.ParseWith(scratch, data)
}

// SignatureWith decodes the signature, into scratch if that is large enough.
func (c Compact) SignatureWith(scratch []byte) ([]byte, error) {
	return decode(scratch, c.token[c.inputEnd+1:])
}

// SigningInput is what the signature covers (RFC 7515 section 5.2). The bytes
// are the token's own and must only be read.
func (c Compact) SigningInput() []byte { return view.Bytes(c.token[:c.inputEnd]) }

// decode is strict base64url (RFC 7515 section 2), into scratch if that is
// large enough. Go's decoder skips CR and LF wherever they stand. Then fewer
// bytes come out than the length promises: each character counts, except one
// that is left over after groups of four, and that length no encoding has.
func decode(scratch []byte, part string) ([]byte, error) {
	n := encoding.DecodedLen(len(part))
	if len(part)%4 == 1 {
		return nil, ErrEncoding
	}
	if cap(scratch) < n {
		scratch = make([]byte, n)
	}
	out := scratch[:n]
	if got, err := encoding.Decode(out, view.Bytes(part)); err != nil || got != n {
		return nil, ErrEncoding
	}
	return out, nil
}

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

	// Thumbprint is x5t and ThumbprintSHA256 is x5t#S256, where there is no kid:
	// other names of a key that the issuer publishes.
	Thumbprint       string
	ThumbprintSHA256 string

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
	if h.KeyID == "" {
		h.Thumbprint, h.ThumbprintSHA256 = hint(&obj, "x5t"), hint(&obj, "x5t#S256")
	}
	return h, nil
}

// hint returns a member that is a string, else "": what is no hint gives none.
func hint(obj *strictjson.Object, name string) string {
	v, _ := obj.Get(name)
	s, _ := v.Text()
	return s
}

// headerError is ErrHeader and why.
type headerError struct{ cause error }

// Error says both.
func (e *headerError) Error() string { return ErrHeader.Error() + ": " + e.cause.Error() }

// Is makes ErrHeader findable with errors.Is.
func (e *headerError) Is(target error) bool { return target == ErrHeader }

// Unwrap gives the cause.
func (e *headerError) Unwrap() error { return e.cause }
