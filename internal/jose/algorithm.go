package jose

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
	verifier primitive
}

// primitive checks signatures of one algorithm, made by a key of its type.
type primitive interface {
	Verify(input, signature []byte, key any) error
}

var algorithms = map[string]algorithm{
	"RS256": {kty: RSA, verifier: newPrimitive("RS256")},
	"RS384": {kty: RSA, verifier: newPrimitive("RS384")},
	"RS512": {kty: RSA, verifier: newPrimitive("RS512")},
	"PS256": {kty: RSA, verifier: newPrimitive("PS256")},
	"PS384": {kty: RSA, verifier: newPrimitive("PS384")},
	"PS512": {kty: RSA, verifier: newPrimitive("PS512")},
	"ES256": {kty: EC, curve: "P-256", size: 64, verifier: newPrimitive("ES256")},
	"ES384": {kty: EC, curve: "P-384", size: 96, verifier: newPrimitive("ES384")},
	"ES512": {kty: EC, curve: "P-521", size: 132, verifier: newPrimitive("ES512")},
	"EdDSA": {kty: OKP, curve: "Ed25519", size: 64, verifier: newPrimitive("EdDSA")},
	// RFC 9864 names the curve in the algorithm; over Ed25519 it is the same one.
	"Ed25519": {kty: OKP, curve: "Ed25519", size: 64, verifier: newPrimitive("EdDSA")},
	"HS256":   {kty: Oct, size: 32, verifier: newPrimitive("HS256")},
	"HS384":   {kty: Oct, size: 48, verifier: newPrimitive("HS384")},
	"HS512":   {kty: Oct, size: 64, verifier: newPrimitive("HS512")},
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
