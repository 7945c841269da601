package mtls

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// Format is how a proxy writes a certificate into a header.
type Format int

const (
	// ByteSequence is DER in base64 between colons, as in Client-Cert. Parameters
	// behind it are refused.
	//
	// RFC 9440 section 2.1: https://www.rfc-editor.org/rfc/rfc9440#section-2.1
	ByteSequence Format = iota
	// EscapedPEM is PEM with percent escapes, as in nginx's
	// $ssl_client_escaped_cert. A plus is a plus.
	EscapedPEM
)

// decoders returns what a header holds. They are strict: what one part reads
// and another does not is no certificate.
var decoders = map[Format]func(value string) (der []byte, ok bool){
	ByteSequence: byteSequence,
	EscapedPEM:   escapedPEM,
}

// base64Std has padding, and refuses spare bits that are not zero.
var base64Std = base64.StdEncoding.Strict()

// byteSequence reads a structured field of one byte sequence.
//
// RFC 8941 section 4.2.7: https://www.rfc-editor.org/rfc/rfc8941#section-4.2.7
func byteSequence(value string) ([]byte, bool) {
	value = strings.Trim(value, " ")
	if len(value) < 2 || value[0] != ':' || value[len(value)-1] != ':' {
		return nil, false
	}
	value = value[1 : len(value)-1]
	if strings.ContainsAny(value, "\r\n") { // which the decoder skips
		return nil, false
	}
	der, err := base64Std.DecodeString(value)
	return der, err == nil
}

// escapedPEM reads one block and nothing around it but the line end behind it.
//
// RFC 7468 section 5: https://www.rfc-editor.org/rfc/rfc7468#section-5
func escapedPEM(value string) ([]byte, bool) {
	text, err := url.PathUnescape(value)
	if err != nil {
		return nil, false
	}
	text, begins := strings.CutPrefix(text, "-----BEGIN CERTIFICATE-----")
	text, ends := strings.CutSuffix(strings.TrimRight(text, "\r\n"), "-----END CERTIFICATE-----")
	if !begins || !ends {
		return nil, false
	}
	der, err := base64Std.DecodeString(text) // which skips line ends
	return der, err == nil
}

// taken are headers that mean something else.
var taken = map[string]bool{"Authorization": true, "Cookie": true, "Host": true, "Dpop": true}

// isName reports whether s can be the name of a header (RFC 9110 section 5.1).
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
