package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"math"
)

// Bounds of an RSA key. Below, it can be factored (RFC 7518 section 3.3);
// above, a hostile key set could make every check cost milliseconds.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// Key types (RFC 7518 section 6.1, RFC 8037 section 2).
const (
	RSA = "RSA"
	EC  = "EC"
	OKP = "OKP"
	Oct = "oct"
)

// algorithm is what a signature algorithm asks of a key and how it is computed.
// RFC 7518 section 3.1: https://www.rfc-editor.org/rfc/rfc7518#section-3.1
type algorithm struct {
	name  string
	kty   string
	curve string      // EC and OKP
	hash  crypto.Hash // not of EdDSA, which takes the input as it is
	pss   bool        // RSA: PSS in the place of PKCS #1 v1.5
	size  int         // EC and OKP: bytes of the signature; oct: of the hash, which is the least size of the secret too
}

// algorithms has those first that most tokens are signed with: each check looks
// one up.
var algorithms = [...]algorithm{
	{name: "RS256", kty: RSA, hash: crypto.SHA256},
	{name: "ES256", kty: EC, curve: "P-256", hash: crypto.SHA256, size: 64},
	{name: "EdDSA", kty: OKP, curve: "Ed25519", size: ed25519.SignatureSize},
	{name: "PS256", kty: RSA, hash: crypto.SHA256, pss: true},
	{name: "RS384", kty: RSA, hash: crypto.SHA384},
	{name: "RS512", kty: RSA, hash: crypto.SHA512},
	{name: "PS384", kty: RSA, hash: crypto.SHA384, pss: true},
	{name: "PS512", kty: RSA, hash: crypto.SHA512, pss: true},
	{name: "ES384", kty: EC, curve: "P-384", hash: crypto.SHA384, size: 96},
	{name: "ES512", kty: EC, curve: "P-521", hash: crypto.SHA512, size: 132},
	// RFC 9864 names the curve in the algorithm; over Ed25519 it is the same one.
	{name: "Ed25519", kty: OKP, curve: "Ed25519", size: ed25519.SignatureSize},
	{name: "HS256", kty: Oct, hash: crypto.SHA256, size: sha256.Size},
	{name: "HS384", kty: Oct, hash: crypto.SHA384, size: sha512.Size384},
	{name: "HS512", kty: Oct, hash: crypto.SHA512, size: sha512.Size},
}

// algorithmOf returns the algorithm of that name, nil if there is none. Names are
// case-sensitive; `none` is not one (RFC 7515 section 4.1.1).
func algorithmOf(name string) *algorithm {
	for i := range algorithms {
		if algorithms[i].name == name {
			return &algorithms[i]
		}
	}
	return nil
}

// Known reports whether alg is a signature algorithm that is implemented.
func Known(alg string) bool { return algorithmOf(alg) != nil }

// Symmetric reports whether alg is an HMAC.
func Symmetric(alg string) bool { return typeOf(alg) == Oct }

// ForRSA reports whether alg is one of those that an RSA key can be used with.
func ForRSA(alg string) bool { return typeOf(alg) == RSA }

// typeOf returns the kty of the keys that alg is used with, "" if alg is unknown.
func typeOf(alg string) string {
	if a := algorithmOf(alg); a != nil {
		return a.kty
	}
	return ""
}

// Canonical maps the two names of Ed25519 signatures onto one.
func Canonical(alg string) string {
	if alg == "Ed25519" {
		return "EdDSA"
	}
	return alg
}

// ErrSignature reports a signature that does not verify.
var ErrSignature = errors.New("jose: the signature does not verify")

// Names are what tokens may name a key by, as its JWK states them; each may be "".
type Names struct {
	ID               string // kid
	Thumbprint       string // x5t
	ThumbprintSHA256 string // x5t#S256
}

// Key is one key, converted once and bound to what it may be used for.
// It is immutable once made.
type Key struct {
	Names
	Algorithm string // the alg that the key is declared for, "" for any that fits
	Issuer    string // the JWK's own issuer member, as Entra has it

	kty    string
	curve  string
	bits   int
	public any // as the primitive wants it: *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey, []byte
}

// NewKey takes a public key of the standard library.
func NewKey(public any) (Key, error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return newRSA(k)
	case *ecdsa.PublicKey:
		return newEC(k)
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return Key{}, errors.New("jose: an Ed25519 key has 32 bytes")
		}
		if err := checkEd25519(k); err != nil {
			return Key{}, err
		}
		return Key{kty: OKP, curve: "Ed25519", bits: 256, public: k}, nil
	default:
		return Key{}, fmt.Errorf("jose: %T is no public key: give an *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey", public)
	}
}

func newRSA(k *rsa.PublicKey) (Key, error) {
	if k == nil || k.N == nil {
		return Key{}, errors.New("jose: empty RSA key")
	}
	bits := k.N.BitLen()
	if bits < minRSABits || bits > maxRSABits {
		return Key{}, forbidden("jose: RSA key of %d bits: %d to %d are accepted", bits, minRSABits, maxRSABits)
	}
	if k.N.Bit(0) == 0 {
		return Key{}, errors.New("jose: RSA key with an even modulus n")
	}
	if k.E < 3 || k.E > math.MaxInt32 || k.E%2 == 0 {
		return Key{}, forbidden("jose: RSA key whose exponent e is even, below 3 or above 2^31-1")
	}
	return Key{kty: RSA, bits: bits, public: k}, nil
}

func newEC(k *ecdsa.PublicKey) (Key, error) {
	if k == nil || k.Curve == nil {
		return Key{}, errors.New("jose: empty EC key")
	}
	curve := k.Params().Name
	if _, ok := ecAlgorithms[curve]; !ok {
		return Key{}, fmt.Errorf("jose: EC curve %q: P-256, P-384 and P-521 are accepted", curve)
	}
	if _, err := k.ECDH(); err != nil {
		return Key{}, errors.New("jose: EC key that is not a point on its curve")
	}
	return Key{kty: EC, curve: curve, bits: k.Params().BitSize, public: k}, nil
}

var ecAlgorithms = map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}

// NewSecret takes an HMAC secret for one algorithm, at least as long as its
// hash (RFC 7518 section 3.2). The secret is copied.
func NewSecret(alg string, secret []byte) (Key, error) {
	if !Symmetric(alg) {
		return Key{}, fmt.Errorf("jose: %q is no HMAC algorithm: use HS256, HS384 or HS512", alg)
	}
	if least := algorithmOf(alg).size; len(secret) < least {
		return Key{}, fmt.Errorf("jose: a secret of %d bytes is too short for %s: at least %d", len(secret), alg, least)
	}
	return Key{Algorithm: alg, kty: Oct, bits: 8 * len(secret), public: append([]byte(nil), secret...)}, nil
}

// Type returns the kty.
func (k *Key) Type() string { return k.kty }

// Curve returns the crv of an EC or OKP key, "" of any other.
func (k *Key) Curve() string { return k.curve }

// Bits returns the size of the key.
func (k *Key) Bits() int { return k.bits }

// Fits reports whether alg may be used with the key: its type, its curve and
// its declared alg decide.
func (k *Key) Fits(alg string) bool {
	a := algorithmOf(alg)
	if a == nil || a.kty != k.kty || a.curve != k.curve {
		return false
	}
	return k.Algorithm == "" || Canonical(k.Algorithm) == Canonical(alg)
}

// Verify checks signature over input. The length is checked first, exactly:
// neither DER nor padded nor truncated forms reach the primitive.
func (k *Key) Verify(alg string, input, signature []byte) error {
	if !k.Fits(alg) {
		return ErrSignature
	}
	a := algorithmOf(alg)
	if len(signature) != k.signatureSize(a) || !k.verify(a, input, signature) {
		return ErrSignature
	}
	return nil
}

func (k *Key) signatureSize(a *algorithm) int {
	if k.kty == RSA {
		return (k.bits + 7) / 8
	}
	return a.size
}

// saltAsLongAsHash is the only salt that RFC 7518 section 3.5 allows:
// https://www.rfc-editor.org/rfc/rfc7518#section-3.5
var saltAsLongAsHash = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}

// verify is the signature check alone, of an algorithm that fits the key.
func (k *Key) verify(a *algorithm, input, signature []byte) bool {
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		if a.pss {
			return rsa.VerifyPSS(public, a.hash, digest(a.hash, input), signature, saltAsLongAsHash) == nil
		}
		return rsa.VerifyPKCS1v15(public, a.hash, digest(a.hash, input), signature) == nil
	case *ecdsa.PublicKey:
		var der [maxDER]byte
		return ecdsa.VerifyASN1(public, digest(a.hash, input), appendDER(der[:0], signature))
	case ed25519.PublicKey:
		return ed25519.Verify(public, input, signature)
	case []byte:
		mac := hmac.New(a.hash.New, public)
		mac.Write(input)
		return hmac.Equal(mac.Sum(nil), signature)
	}
	return false
}

// maxDER is the longest ECDSA signature in DER, of P-521: two integers of 66
// bytes, each with a zero byte in front, with their tags and lengths.
const maxDER = 3 + 2*(2+1+66)

// appendDER appends r || s as the ASN.1 structure that crypto/ecdsa reads. The
// other way, through two big.Int, allocates 16 times.
//
// RFC 7518 section 3.4: https://www.rfc-editor.org/rfc/rfc7518#section-3.4
func appendDER(der, signature []byte) []byte {
	r, s := integer(signature[:len(signature)/2]), integer(signature[len(signature)/2:])
	der = append(der, 0x30)
	length := 2 + r.size + 2 + s.size
	if length > 0x7f {
		der = append(der, 0x81)
	}
	der = append(der, byte(length)) //nolint:gosec // G115: at most maxDER
	return s.append(r.append(der))
}

// derInteger is an ASN.1 INTEGER that is not negative.
type derInteger struct {
	digits []byte // without leading zeros
	size   int    // of its contents
}

func integer(number []byte) derInteger {
	digits := bytes.TrimLeft(number, "\x00")
	if len(digits) == 0 || digits[0] >= 0x80 { // zero, or it would read as negative
		return derInteger{digits, len(digits) + 1}
	}
	return derInteger{digits, len(digits)}
}

func (n derInteger) append(der []byte) []byte {
	der = append(der, 0x02, byte(n.size)) //nolint:gosec // G115: at most 67
	if n.size > len(n.digits) {
		der = append(der, 0)
	}
	return append(der, n.digits...)
}

func digest(hash crypto.Hash, input []byte) []byte {
	switch hash { //nolint:exhaustive // those of the table
	case crypto.SHA256:
		sum := sha256.Sum256(input)
		return sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(input)
		return sum[:]
	default:
		sum := sha512.Sum512(input)
		return sum[:]
	}
}

// SameMaterial reports whether two keys are the same key, whatever their ids.
func (k *Key) SameMaterial(other *Key) bool {
	switch pub := k.public.(type) {
	case []byte:
		secret, ok := other.public.([]byte)
		return ok && subtle.ConstantTimeCompare(pub, secret) == 1
	case interface{ Equal(crypto.PublicKey) bool }:
		return pub.Equal(other.public)
	}
	return false
}
