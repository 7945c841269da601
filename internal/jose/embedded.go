package jose

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// HeaderObject decodes the protected header and indexes its members in scratch,
// for what needs more of it than [Header] has.
func (c Compact) HeaderObject(scratch []strictjson.Member) (strictjson.Object, error) {
	data, err := decode(nil, c.token[:c.headerEnd])
	if err != nil {
		return strictjson.Object{}, err
	}
	obj, err := strictjson.ParseWith(scratch, data)
	if err != nil {
		return strictjson.Object{}, &headerError{err}
	}
	return obj, nil
}

// Embedded reads the JWK in the header of a proof, and returns its key and its
// thumbprint (RFC 7638). A client made it for this use, so that nothing is
// forgiven: members are base64url in their one spelling and of their exact length,
// and none is private.
//
// The key is good for a check by [Key.Verify] alone: that an Ed25519 key is a
// point of its curve is left to that check, which finds it out anyway.
func Embedded(jwk strictjson.Value) (Key, [sha256.Size]byte, error) {
	var e embedded
	if err := e.read(jwk); err != nil {
		return Key{}, [sha256.Size]byte{}, err
	}
	k, err := e.key()
	if err != nil {
		return Key{}, [sha256.Size]byte{}, err
	}
	k.Algorithm = e.alg
	if e.alg != "" && !k.Fits(e.alg) {
		return Key{}, [sha256.Size]byte{}, fmt.Errorf("alg %s does not fit the key", quote.Text(e.alg))
	}
	return k, e.thumbprint(), nil
}

// embedded is the members of a JWK that are read.
type embedded struct{ kty, crv, x, y, n, e, alg, use string }

func (e *embedded) read(jwk strictjson.Value) error {
	if jwk.Kind() != '{' {
		return errors.New("jwk is no object")
	}
	for name, value := range jwk.Members() {
		if slices.Contains(privateMembers, name) {
			return fmt.Errorf("holds the private member %q", name)
		}
		if name == "key_ops" {
			if ops, err := value.Strings(); err != nil || !slices.Contains(ops, "verify") {
				return errors.New("key_ops does not hold verify")
			}
		}
		to := e.field(name)
		if to == nil {
			continue
		}
		text, err := value.Text()
		if err != nil {
			return fmt.Errorf("%s is no string", name)
		}
		*to = text
	}
	if e.use != "" && e.use != "sig" {
		return errors.New("use is not sig")
	}
	return nil
}

// privateMembers are those of RFC 7518 sections 6.2.2, 6.3.2 and 6.4, and of keys
// that came later.
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"}

// field returns where a member is kept, nil for one that nobody reads.
func (e *embedded) field(name string) *string {
	switch name {
	case "kty":
		return &e.kty
	case "crv":
		return &e.crv
	case "x":
		return &e.x
	case "y":
		return &e.y
	case "n":
		return &e.n
	case "e":
		return &e.e
	case "alg":
		return &e.alg
	case "use":
		return &e.use
	}
	return nil
}

func (e *embedded) key() (Key, error) {
	switch e.kty {
	case EC:
		return e.ec()
	case OKP:
		return e.okp()
	case RSA:
		return e.rsa()
	default:
		return Key{}, fmt.Errorf("kty %s cannot check a signature here", quote.Text(e.kty))
	}
}

// RFC 7518 section 6.2.1: https://www.rfc-editor.org/rfc/rfc7518#section-6.2.1
func (e *embedded) ec() (Key, error) {
	var curve elliptic.Curve
	switch e.crv {
	case "P-256":
		curve = elliptic.P256()
	case "P-384":
		curve = elliptic.P384()
	case "P-521":
		curve = elliptic.P521()
	default:
		return Key{}, fmt.Errorf("crv %s cannot check a signature here", quote.Text(e.crv))
	}
	size := coordinateBytes[e.crv]
	var space [1 + 2*66]byte
	point := append(space[:0], 4) // uncompressed: SEC 1 section 2.3.3
	for _, coordinate := range [...]string{e.x, e.y} {
		data, err := decode(space[len(point):len(point):cap(space)], coordinate)
		if err != nil || len(data) != size {
			return Key{}, fmt.Errorf("x and y are not %d bytes each in base64url", size)
		}
		point = point[:len(point)+size]
	}
	public, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return Key{}, errors.New("x and y are not a point on the curve")
	}
	return Key{kty: EC, curve: e.crv, bits: curve.Params().BitSize, public: public}, nil
}

// RFC 8037 section 2: https://www.rfc-editor.org/rfc/rfc8037#section-2
func (e *embedded) okp() (Key, error) {
	if e.crv != "Ed25519" {
		return Key{}, fmt.Errorf("crv %s cannot check a signature here", quote.Text(e.crv))
	}
	x, err := decode(nil, e.x)
	if err != nil || len(x) != ed25519.PublicKeySize {
		return Key{}, errors.New("x is not 32 bytes in base64url")
	}
	if weakEd25519(x) {
		return Key{}, errors.New("x is a point of small order, or is written in another way than its own")
	}
	return Key{kty: OKP, curve: "Ed25519", bits: 256, public: ed25519.PublicKey(x)}, nil
}

// RFC 7518 section 6.3.1: https://www.rfc-editor.org/rfc/rfc7518#section-6.3.1
func (e *embedded) rsa() (Key, error) {
	n, err := decode(nil, e.n)
	if err != nil || len(n) == 0 || n[0] == 0 || len(n) > maxRSABits/8 {
		return Key{}, fmt.Errorf("n is no number of up to %d bits in base64url", maxRSABits)
	}
	exponent, err := decode(nil, e.e)
	if err != nil || len(exponent) == 0 || len(exponent) > 4 || exponent[0] == 0 {
		return Key{}, errors.New("e is no number below 2^31 in base64url")
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(n)}
	for _, digit := range exponent {
		public.E = public.E<<8 | int(digit)
	}
	return newRSA(public)
}

// thumbprint is over the required members in the order of their names, whose
// values need no escape: each was decoded, or is one of a few words.
//
// RFC 7638 section 3: https://www.rfc-editor.org/rfc/rfc7638#section-3
// RFC 8037 appendix A.3: https://www.rfc-editor.org/rfc/rfc8037#appendix-A.3
func (e *embedded) thumbprint() [sha256.Size]byte {
	var space [512]byte
	text := space[:0]
	switch e.kty {
	case EC:
		text = append(append(text, `{"crv":"`...), e.crv...)
		text = append(append(text, `","kty":"EC","x":"`...), e.x...)
		text = append(append(text, `","y":"`...), e.y...)
	case OKP:
		text = append(append(text, `{"crv":"`...), e.crv...)
		text = append(append(text, `","kty":"OKP","x":"`...), e.x...)
	default:
		text = append(append(text, `{"e":"`...), e.e...)
		text = append(append(text, `","kty":"RSA","n":"`...), e.n...)
	}
	return sha256.Sum256(append(text, `"}`...))
}
