package jose

import (
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// Key types (RFC 7518 section 6.1, RFC 8037 section 2).
const (
	RSA = "RSA"
	EC  = "EC"
	OKP = "OKP"
	Oct = "oct"
)

// algorithm is what a signature algorithm asks of a key (RFC 7518 section 3.1).
type algorithm struct {
	kty      string
	curve    string // EC and OKP
	size     int    // EC and OKP: bytes of the signature; oct: least bytes of the secret
	verifier jws.Verifier
}

var algorithms = map[string]algorithm{
	"RS256": {kty: RSA, verifier: primitive(jwa.RS256)},
	"RS384": {kty: RSA, verifier: primitive(jwa.RS384)},
	"RS512": {kty: RSA, verifier: primitive(jwa.RS512)},
	"PS256": {kty: RSA, verifier: primitive(jwa.PS256)},
	"PS384": {kty: RSA, verifier: primitive(jwa.PS384)},
	"PS512": {kty: RSA, verifier: primitive(jwa.PS512)},
	"ES256": {kty: EC, curve: "P-256", size: 64, verifier: primitive(jwa.ES256)},
	"ES384": {kty: EC, curve: "P-384", size: 96, verifier: primitive(jwa.ES384)},
	"ES512": {kty: EC, curve: "P-521", size: 132, verifier: primitive(jwa.ES512)},
	"EdDSA": {kty: OKP, curve: "Ed25519", size: 64, verifier: primitive(jwa.EdDSA)},
	// RFC 9864 names the curve in the algorithm; over Ed25519 it is the same one.
	"Ed25519": {kty: OKP, curve: "Ed25519", size: 64, verifier: primitive(jwa.EdDSA)},
	"HS256":   {kty: Oct, size: 32, verifier: primitive(jwa.HS256)},
	"HS384":   {kty: Oct, size: 48, verifier: primitive(jwa.HS384)},
	"HS512":   {kty: Oct, size: 64, verifier: primitive(jwa.HS512)},
}

func primitive(alg jwa.SignatureAlgorithm) jws.Verifier {
	v, err := jws.NewVerifier(alg)
	if err != nil {
		panic("jose: " + err.Error()) // an algorithm of the table above: a build that cannot work
	}
	return v
}

// Known reports whether alg is a signature algorithm that is implemented.
// Names are case-sensitive; `none` is not one (RFC 7515 section 4.1.1).
func Known(alg string) bool {
	_, ok := algorithms[alg]
	return ok
}

// Symmetric reports whether alg is an HMAC.
func Symmetric(alg string) bool { return algorithms[alg].kty == Oct }

// Canonical maps the two names of Ed25519 signatures onto one.
func Canonical(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}
