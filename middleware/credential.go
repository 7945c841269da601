package middleware

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/internal/view"
	"github.com/sallyport-go/sallyport/reason"
)

// bearer is the scheme of RFC 6750.
const bearer = "Bearer"

// Credential is what a request presents, before anything is verified. It
// prints as its scheme alone, so that it can be logged by mistake without harm.
type Credential struct {
	// Scheme is the authentication scheme, compared without regard to case
	// (RFC 9110 section 11.1). "" is Bearer.
	Scheme string
	// Token is the access token and nothing around it. "" is no credentials.
	Token string
}

// Format implements [fmt.Formatter]: every verb prints the scheme and hides the token.
func (c Credential) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, "middleware.Credential{"+c.Scheme+" redacted}")
}

// MarshalText keeps the token out of encoders such as slog's JSON handler.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.Scheme + " redacted"), nil }

// FromAuthorization reads the bearer token from the Authorization header. It
// is what a [Config] without Credentials uses, and a part for sources of your
// own. It never looks at the query or the body (RFC 6750 sections 2.2 and 2.3).
//
// The error is [reason.NoToken] without the header, [reason.UnsupportedScheme]
// for another scheme than Bearer, and [reason.InvalidRequest] for a second
// Authorization line, a scheme that is none, no token after the scheme, or
// white space or a comma inside the token. Whether the token itself is well
// formed is for the Verifier to say.
func FromAuthorization(r *http.Request) (Credential, error) {
	return authorization(r, isBearer)
}

func isBearer(scheme string) bool { return strings.EqualFold(scheme, bearer) }

// fromAuthorization is FromAuthorization for accepted schemes.
func fromAuthorization(accepts func(scheme string) bool) func(*http.Request) (Credential, error) {
	return func(r *http.Request) (Credential, error) { return authorization(r, accepts) }
}

// authorization reads the token of an accepted scheme.
func authorization(r *http.Request, accepts func(scheme string) bool) (Credential, error) {
	lines := r.Header["Authorization"]
	switch len(lines) {
	case 0:
		return Credential{}, reason.NoToken
	case 1:
		return parseAuthorization(lines[0], accepts)
	default:
		return Credential{}, reason.InvalidRequest
	}
}

func parseAuthorization(line string, accepts func(scheme string) bool) (Credential, error) {
	scheme, rest, _ := strings.Cut(line, " ")
	if !isToken(scheme) {
		return Credential{}, reason.InvalidRequest
	}
	if !accepts(scheme) {
		return Credential{}, reason.UnsupportedScheme
	}
	token := strings.TrimLeft(rest, " ")
	if token == "" || breaksCredentials(token) {
		return Credential{}, reason.InvalidRequest
	}
	return Credential{Scheme: scheme, Token: token}, nil
}

// accepts reports whether tokens may come by that scheme; "" is Bearer.
func (d *decider) accepts(scheme string) bool {
	if scheme == "" {
		scheme = bearer
	}
	if d.schemes == nil {
		return strings.EqualFold(scheme, bearer)
	}
	_, ok := find(d.schemes, scheme)
	return ok
}

// breaksCredentials finds what would make one header line carry more than one
// credential. Any other odd character only makes a bad token.
func breaksCredentials(token string) bool {
	for i := ordinary(token); i < len(token); i++ {
		if c := token[i]; c <= ' ' || c == ',' || c == 0x7f {
			return true
		}
	}
	return false
}

// ordinary counts bytes from the first on that are certainly fine: from '-' to
// '~', as all of a token are but for a '+' (RFC 6750 section 2.1). Each token of
// each request is read here, so it takes 32 bytes at a time, and stops before
// those that hold another one.
func ordinary(token string) (n int) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	b := view.Bytes(token)
	for ; n+32 <= len(b); n += 32 {
		w, x := binary.LittleEndian.Uint64(b[n:]), binary.LittleEndian.Uint64(b[n+8:])
		y, z := binary.LittleEndian.Uint64(b[n+16:]), binary.LittleEndian.Uint64(b[n+24:])
		below := (w - ones*'-') | (x - ones*'-') | (y - ones*'-') | (z - ones*'-') // borrows from its top bit
		above := (w + ones) | (x + ones) | (y + ones) | (z + ones)                 // 0x7f carries into it
		if (below|above|w|x|y|z)&tops != 0 {
			break
		}
	}
	return n
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
