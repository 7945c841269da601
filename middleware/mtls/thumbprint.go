package mtls

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
)

// base64URL has no padding, and refuses spare bits that are not zero.
//
// RFC 8705 section 3.1: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
var base64URL = base64.RawURLEncoding.Strict()

// Thumbprint returns the value of x5t#S256 for a certificate.
//
// RFC 8705 section 3.1: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
func Thumbprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return base64URL.EncodeToString(sum[:])
}

// thumbprint is a SHA-256 digest of a certificate in DER.
type thumbprint [sha256.Size]byte

// parseThumbprint reads the claim. The length is compared before anything is
// decoded: the decoder of the standard library skips line ends.
func parseThumbprint(claim any) (t thumbprint, ok bool) {
	text, ok := claim.(string)
	if !ok || len(text) != base64URL.EncodedLen(len(t)) {
		return t, false
	}
	n, err := base64URL.Decode(t[:], []byte(text))
	return t, err == nil && n == len(t)
}

// is reports whether the certificate has this thumbprint. That it is one need
// not be checked, for nothing else has it.
//
// RFC 8705 section 7.2: https://www.rfc-editor.org/rfc/rfc8705#section-7.2
func (t thumbprint) is(der []byte) bool {
	sum := sha256.Sum256(der)
	return subtle.ConstantTimeCompare(sum[:], t[:]) == 1
}
