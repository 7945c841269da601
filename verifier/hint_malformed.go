package verifier

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// hintMalformed says which part of a token is damaged, and how.
func hintMalformed(c *check, e *Error) string {
	token := c.request.is.token
	dots := strings.Count(token, ".")
	switch {
	case token == "":
		return "There is no token."
	case strings.HasPrefix(strings.ToLower(token), "bearer "):
		return "Give the token alone, without the word Bearer."
	case strings.Trim(token, "\"'`") != token:
		return "Give the token alone, without quotation marks."
	case strings.HasPrefix(strings.TrimSpace(token), "{"), dots == 0 && isPart(token):
		return "This is JSON, or one part of a token alone: an access token is header.payload.signature (RFC 7515 section 7.1)."
	case dots > 2 && slices.ContainsFunc(strings.FieldsFunc(token, separates), func(s string) bool { return strings.Count(s, ".") == 2 }):
		return "There is more than one token, or something behind the token, with a comma, a tilde or a space between them: give one token alone."
	case dots == 4:
		return "The token is encrypted (JWE): ask the issuer for signed access tokens."
	case isOpaque(token):
		return "This is no JWT but an opaque token" + cmp.Or(c.request.is.v.opaqueHint(), ": ask the issuer for JWT access tokens, or use introspection.")
	case dots != 2:
		return fmt.Sprintf("A signed token has three parts with two dots between them, and this has %d: was it cut when it was copied?", dots+1)
	}
	for i, text := range strings.Split(token, ".") {
		name := [...]string{"header", "payload", "signature"}[i]
		if text == "" {
			return "The " + name + " is empty" + [...]string{".", ": a detached or an unencoded payload is not accepted.", ": the token is unsigned."}[i]
		}
		if name == e.Detail {
			return hintPart(name, text, e.Err)
		}
	}
	return "A part of the token does not decode: was it cut or changed when it was copied?"
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// isPart reports whether text is the encoding of a JSON object.
func isPart(text string) bool {
	data, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && bytes.HasPrefix(data, []byte("{"))
}

// isOpaque reports whether a token has no part of a JWT. Some servers write a dot
// into theirs.
func isOpaque(token string) bool {
	first, rest, _ := strings.Cut(token, ".")
	return !strings.Contains(rest, ".") && !isPart(first)
}

// separates reports whether people put r between two tokens.
func separates(r rune) bool { return r == ',' || r == '~' || unicode.IsSpace(r) }

func hintPart(name, text string, err error) string {
	data, decodes := base64.RawURLEncoding.Strict().DecodeString(text)
	switch {
	case strings.HasSuffix(text, "="):
		return "The " + name + " is padded with =, which RFC 7515 section 2 forbids (AWS load balancers pad the tokens that they write): the issuer must leave it out."
	case strings.ContainsAny(text, "+/"):
		return "The " + name + " is in the standard alphabet of base64, with + or /, and not in that of base64url, with - and _."
	case strings.ContainsFunc(text, unicode.IsSpace):
		return "The " + name + " holds white space or a line break: was it wrapped when it was copied?"
	case strings.Trim(text, base64url) != "":
		return "The " + name + " holds a character that base64url has not: was it changed when it was copied?"
	case decodes != nil || errors.Is(err, jose.ErrEncoding):
		return "The " + name + " is not canonical base64url: was it cut or changed when it was copied?"
	}
	return "The " + name + " " + wrongJSON(name, data, err) + "."
}

// wrongJSON returns what is wrong with a part that decodes.
func wrongJSON(name string, data []byte, err error) string {
	switch path, twice := strictjson.Duplicate(data); {
	case twice:
		return "has the member " + quote.Text(path) + " twice: parsers differ in which of the two they take"
	case bytes.HasPrefix(data, []byte("\ufeff")):
		return "begins with a byte order mark"
	case !utf8.Valid(data) || bytes.HasPrefix(data, []byte("{\x00")) || bytes.HasPrefix(data, []byte("\x00{")):
		return "is no UTF-8"
	case errors.Is(err, strictjson.ErrNotObject):
		if name == "payload" && strings.Count(string(data), ".") == 2 {
			return "is no JSON object but another token: nested tokens are not accepted"
		}
		return "is no JSON object"
	case errors.Is(err, jose.ErrHeader) && notText(data) != "":
		return "has a member " + notText(data) + " that is no string"
	default:
		return "is not the strict JSON that a token must be: " + briefly(err)
	}
}

// notText returns the members of a header that are read and are no strings.
func notText(data []byte) string {
	header, err := strictjson.Parse(slices.Clone(data))
	if err != nil {
		return ""
	}
	for _, name := range []string{"alg", "kid", "typ", "cty"} {
		if v, ok := header.Get(name); ok && v.Kind() != '"' {
			return name
		}
	}
	return ""
}

// kindOf is what a JSON value is, in words.
func kindOf(v strictjson.Value) string {
	switch v.Kind() {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '[':
		return "an array"
	case '{':
		return "an object"
	}
	return "not there"
}
