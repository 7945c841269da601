// Package jose reads compact JWS tokens and JSON Web Keys (RFC 7515, 7517,
// 7518, 8037) and checks signatures. It is the only package that imports jwx,
// and of jwx it uses only the parsing of single keys and the primitive
// verifiers: everything a hostile token can reach before them is read here,
// strictly.
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

// Header decodes and reads the protected header.
func (c Compact) Header() (Header, error) { return c.HeaderWith(nil) }

// HeaderWith is Header with room to index its members, for the call alone.
func (c Compact) HeaderWith(scratch []strictjson.Member) (Header, error) {
	data, err := decode(nil, c.token[:c.headerEnd])
	if err != nil {
		return Header{}, err
	}
	return parseHeader(scratch, data)
}

// Payload decodes the payload and indexes its members. It is unverified.
func (c Compact) Payload() (strictjson.Object, error) {
	payload, err := c.PayloadWith(nil)
	return payload.Detach(), err
}

// PayloadWith is Payload with room for the index, which the caller must leave
// alone for as long as the object is used: see [strictjson.Object.Detach].
func (c Compact) PayloadWith(scratch []strictjson.Member) (strictjson.Object, error) {
	data, err := decode(nil, c.token[c.headerEnd+1:c.inputEnd])
	if err != nil {
		return strictjson.Object{}, err
	}
	return strictjson.ParseWith(scratch, data)
}

// Signature decodes the signature.
func (c Compact) Signature() ([]byte, error) { return c.SignatureWith(nil) }

// SignatureWith is Signature with room for it.
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
