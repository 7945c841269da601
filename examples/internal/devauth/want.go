package devauth

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// want is what a token request asks for beside its scheme's own parameters: none
// of the three documents it, so it comes beside them, in a header or the query.
// The zero value is a bearer token in the scheme's own form.
//
//	DPoP: <proof>                    a token that is bound to the proof's key (RFC 9449 section 5)
//	?dev_certificate=<thumbprint>    one that is bound to a certificate (RFC 8705 section 3)
//	?dev_acr=<value>                 one that says so of the login (RFC 9470 section 4)
//	?dev_format=opaque               a random string, for introspection (RFC 7662)
//
// RFC 8705 would have the certificate come by TLS, which this server does not
// speak: whoever asks is believed.
type want struct {
	jkt, x5t, acr string
	opaque        bool
}

// tokenType is the token_type of the answer: a token bound to a certificate is a
// bearer token still.
func (w want) tokenType() string {
	if w.jkt != "" {
		return "DPoP" // RFC 9449 section 5
	}
	return "Bearer"
}

// bind adds what the token is bound to, and the login.
//
// RFC 8705 section 3.1: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
// RFC 9449 section 6.1: https://www.rfc-editor.org/rfc/rfc9449#section-6.1
func (w want) bind(claims jwkstest.Claims) {
	if w.acr != "" {
		claims["acr"] = w.acr
	}
	cnf := map[string]any{}
	if w.jkt != "" {
		cnf["jkt"] = w.jkt
	}
	if w.x5t != "" {
		cnf["x5t#S256"] = w.x5t
	}
	if len(cnf) > 0 {
		claims["cnf"] = cnf
	}
}

// wanted reads what a request asks for.
func (s *Server) wanted(r *http.Request) (w want, refused *refusal) {
	for name, values := range r.URL.Query() {
		switch {
		case !strings.HasPrefix(name, "dev_"):
		case len(values) > 1:
			return w, duplicated
		case name == "dev_format" && values[0] == "opaque":
			w.opaque = true
		case name == "dev_certificate" && isThumbprint(values[0]):
			w.x5t = values[0]
		case name == "dev_acr" && isWord(values[0]):
			w.acr = values[0]
		default:
			return w, badRequest("of the query, dev_format=opaque, dev_acr with one word and dev_certificate with a SHA-256 thumbprint in base64url are known")
		}
	}
	w.jkt, refused = s.proof(r)
	return w, refused
}

// isWord reports whether a value fits among others with spaces between.
func isWord(text string) bool {
	return text != "" && len(text) <= 128 && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isThumbprint(text string) bool {
	sum, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(sum) == 32 && len(text) == 43
}
