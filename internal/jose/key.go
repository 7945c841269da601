package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
)

// Bounds of an RSA key. Below, it can be factored (RFC 7518 section 3.3);
// above, a hostile key set could make every check cost milliseconds.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// ErrSignature reports a signature that does not verify.
var ErrSignature = errors.New("jose: the signature does not verify")

// Key is one key, converted once and bound to what it may be used for.
// It is immutable once made.
type Key struct {
	ID        string // kid
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
		return Key{}, fmt.Errorf("jose: RSA key of %d bits: %d to %d are accepted", bits, minRSABits, maxRSABits)
	}
	if k.E < 3 || k.E > math.MaxInt32 || k.E%2 == 0 || k.N.Bit(0) == 0 {
		return Key{}, errors.New("jose: RSA key with an impossible modulus or exponent")
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
	if least := algorithms[alg].size; len(secret) < least {
		return Key{}, fmt.Errorf("jose: a secret of %d bytes is too short for %s: at least %d", len(secret), alg, least)
	}
	return Key{Algorithm: alg, kty: Oct, bits: 8 * len(secret), public: append([]byte(nil), secret...)}, nil
}

// Type is the kty.
func (k *Key) Type() string { return k.kty }

// Curve is the crv of an EC or OKP key, else "".
func (k *Key) Curve() string { return k.curve }

// Bits is the size of the key.
func (k *Key) Bits() int { return k.bits }

// Fits reports whether alg may be used with the key: its type, its curve and
// its declared alg decide.
func (k *Key) Fits(alg string) bool {
	a, ok := algorithms[alg]
	if !ok || a.kty != k.kty || a.curve != k.curve {
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
	a := algorithms[alg]
	if len(signature) != k.signatureSize(a) {
		return ErrSignature
	}
	if a.verifier.Verify(input, signature, k.public) != nil {
		return ErrSignature
	}
	return nil
}

func (k *Key) signatureSize(a algorithm) int {
	if k.kty == RSA {
		return (k.bits + 7) / 8
	}
	return a.size // of an HMAC the hash's, which is the least size of its secret too
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

// Thumbprint is the JWK thumbprint with SHA-256 (RFC 7638); "" for a secret,
// which must not be told.
func (k *Key) Thumbprint() string {
	var doc string
	switch pub := k.public.(type) {
	case *rsa.PublicKey:
		doc = fmt.Sprintf(`{"e":%q,"kty":"RSA","n":%q}`, b64(big.NewInt(int64(pub.E)).Bytes()), b64(pub.N.Bytes()))
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 4 || X || Y
		if err != nil {
			return ""
		}
		half := len(point) / 2
		doc = fmt.Sprintf(`{"crv":%q,"kty":"EC","x":%q,"y":%q}`, k.curve, b64(point[1:1+half]), b64(point[1+half:]))
	case ed25519.PublicKey:
		doc = fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":%q}`, b64(pub))
	default:
		return ""
	}
	sum := sha256.Sum256([]byte(doc))
	return b64(sum[:])
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
