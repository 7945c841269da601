package corpus

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/reason"
)

func encoded(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func number(n *big.Int) string { return encoded(n.Bytes()) }

func hmacSHA256(secret, input []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write(input)
	return h.Sum(nil)
}

// rsaKey is a key that package crypto/rsa would not make or not use.
type rsaKey struct{ N, E, D *big.Int }

// newRSA returns a key of two primes that follow from its size. Where e has no inverse there is no D.
func newRSA(bits int, e int64) rsaKey {
	one := big.NewInt(1)
	p, q := prime(fmt.Sprint("p of ", bits), bits/2), prime(fmt.Sprint("q of ", bits), bits/2)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	k := rsaKey{N: new(big.Int).Mul(p, q), E: big.NewInt(e)}
	k.D = new(big.Int).ModInverse(k.E, phi)
	return k
}

var strongRSA = sync.OnceValue(func() rsaKey { return newRSA(3072, 65537) })

// prime returns a prime that follows from a name, with its two highest bits set.
func prime(name string, bits int) *big.Int {
	var data []byte
	for i := uint32(0); len(data) < bits/8; i++ {
		block := sha256.Sum256(binary.BigEndian.AppendUint32([]byte("sallyport corpus: "+name), i))
		data = append(data, block[:]...)
	}
	p := new(big.Int).SetBytes(data[:bits/8])
	p.SetBit(p.SetBit(p.SetBit(p, bits-1, 1), bits-2, 1), 0, 1)
	e := big.NewInt(65537)
	for two := big.NewInt(2); !p.ProbablyPrime(20) || new(big.Int).Mod(p, e).Cmp(big.NewInt(1)) == 0; {
		p.Add(p, two)
	}
	return p
}

// input returns the header and payload of a token of that kid.
func (k *setKeys) input(alg, kid, jti string) string {
	token := k.Token(header{"alg": alg, "kid": kid}, claim{"jti": jti})
	return token[:strings.LastIndexByte(token, '.')]
}

// token returns a token by RS256: EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) to the power of D.
func (r rsaKey) token(k *setKeys, kid string) string {
	const sha256ID = "3031300d060960864801650304020105000420"
	input := k.input("RS256", kid, "corpus")
	sum, id := sha256.Sum256([]byte(input)), must(hex.DecodeString(sha256ID))
	size := (r.N.BitLen() + 7) / 8
	block := "\x00\x01" + strings.Repeat("\xff", size-3-len(id)-len(sum)) + "\x00" + string(id) + string(sum[:])
	m := new(big.Int).SetBytes([]byte(block))
	if r.D != nil {
		m.Exp(m, r.D, r.N)
	}
	return input + "." + encoded(m.FillBytes(make([]byte, size)))
}

// must is for what is written here.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

const (
	weakWhy = "whoever finds the private key by computing, or needs none, makes tokens once an issuer publishes such a key"
	weakRSA = "RFC 7518 3.3"
	weakExp = "RFC 8017 3.1"
	inputs  = "RFC 8725 3.4"
)

// weakRSA: keys that are too short, or whose exponent is no secret's counterpart. The signatures are right.
func (k *setKeys) weakRSA() (out []setRow) {
	add := func(name, file, section string, key rsaKey) {
		kid := "test-" + file
		out = append(out, setRow{
			name: name, file: file, set: k.beside(members{"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": number(key.N), "e": number(key.E)}),
			token: key.token(k, kid), reason: reason.UnusableKey, section: section, why: weakWhy,
		})
	}
	add("RSA of 512 bits", "rsa-512", weakRSA, newRSA(512, 65537))
	add("RSA of 768 bits", "rsa-768", weakRSA, newRSA(768, 65537))
	add("RSA of 1024 bits", "rsa-1024", weakRSA, newRSA(1024, 65537))
	add("RSA of 1536 bits", "rsa-1536", weakRSA, newRSA(1536, 65537))
	add("RSA with an exponent of one, whose signature is the padded hash", "rsa-e-1", weakExp, newRSA(2048, 1))
	add("RSA with an even exponent", "rsa-e-2", weakExp, newRSA(2048, 2))
	return out
}

// weakEC: points that are none. The one at infinity has a signature that fits every equation: r is the x of the base
// point, s the hash.
func (k *setKeys) weakEC() (out []setRow) {
	jwk := func(changed members) any { return k.beside(with(k.ec, changed)) }
	x, y := k.ec.JWK()["x"], k.ec.JWK()["y"]
	zero, full := encoded(make([]byte, 32)), encoded([]byte(strings.Repeat("\xff", 32)))
	input := k.input("ES256", k.ec.ID(), "corpus")
	sum := sha256.Sum256([]byte(input))
	base := must(hex.DecodeString("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"))
	none := input + "." + encoded(append(base, sum[:]...))
	const off = "a point beside the curve is calculated with"
	return []setRow{
		{name: "EC: the point at infinity, and a signature that fits it", file: "ec-infinity", set: jwk(members{"x": zero, "y": zero}), token: none, reason: reason.KeysUnavailable, section: inputs, why: weakWhy},
		{name: "EC: a point beside the curve", file: "ec-beside", set: jwk(members{"y": x}), token: k.by(k.ec), reason: reason.KeysUnavailable, section: inputs, why: off},
		{name: "EC: x beyond the field", file: "ec-x-beyond", set: jwk(members{"x": full}), token: k.by(k.ec), reason: reason.KeysUnavailable, section: inputs, why: off},
		{name: "EC: y beyond the field", file: "ec-y-beyond", set: jwk(members{"y": full}), token: k.by(k.ec), reason: reason.KeysUnavailable, section: inputs, why: off},
		{name: "EC: called P-384", file: "ec-p384", set: jwk(members{"crv": "P-384"}), token: k.by(k.ec), reason: reason.UnusableKey, section: "RFC 7518 6.2.1", why: "the curve is taken from somewhere else than crv"},
		{name: "EC: called secp256k1", file: "ec-secp256k1", set: jwk(members{"crv": "secp256k1"}), token: k.by(k.ec), reason: reason.UnusableKey, section: "RFC 7518 6.2.1", why: "the curve is taken from somewhere else than crv"},
		{name: "EC: crv in other case", file: "ec-case", set: jwk(members{"crv": "p-256"}), token: k.by(k.ec), reason: reason.UnusableKey, section: "RFC 7518 6.2.1", why: "names have case"},
		{name: "EC: for ES384", file: "ec-es384", set: jwk(members{"alg": "ES384"}), token: k.by(k.ec), reason: reason.UnusableKey, section: "RFC 7518 3.4", why: "a key is used with an algorithm that it is not for"},
		{name: "EC: y negated", file: "ec-negated", set: jwk(members{"y": negated(y)}), token: k.by(k.ec), reason: reason.BadSignature, section: "RFC 7515 5.2", why: "half of the key is not looked at"},
	}
}

// negated returns the other y of the same x on P-256.
func negated(y any) string {
	p, _ := new(big.Int).SetString("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", 16)
	text, _ := y.(string)
	return encoded(p.Sub(p, new(big.Int).SetBytes(decoded(text))).FillBytes(make([]byte, 32)))
}

// smallOrder are all encodings of the eight points of small order on edwards25519.
var smallOrder = []struct{ name, x string }{
	{"of order one", "0100000000000000000000000000000000000000000000000000000000000000"},
	{"of order one, with a sign", "0100000000000000000000000000000000000000000000000000000000000080"},
	{"of order one, beyond the field", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"of order one, beyond the field and with a sign", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"of order two", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"of order two, with a sign", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"of order four", "0000000000000000000000000000000000000000000000000000000000000000"},
	{"of order four, the other", "0000000000000000000000000000000000000000000000000000000000000080"},
	{"of order four, beyond the field", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	{"of order four, the other beyond the field", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	{"of order eight, the first", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
	{"of order eight, the second", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"},
	{"of order eight, the third", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
	{"of order eight, the fourth", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"},
}

// weakEd: points under which a signature of S zero and the neutral R is right for each message whose hash is a multiple
// of eight. No private key is needed.
func (k *setKeys) weakEd() (out []setRow) {
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	signature := "\x01" + strings.Repeat("\x00", 63)
	for i, point := range smallOrder {
		x, kid := must(hex.DecodeString(point.x)), fmt.Sprint("test-small-", i)
		var input string
		for n := 0; ; n++ {
			input = k.input("EdDSA", kid, fmt.Sprint("corpus-", n))
			sum := sha512.Sum512([]byte(signature[:32] + string(x) + input))
			for l, r := 0, len(sum)-1; l < r; l, r = l+1, r-1 { // little-endian (RFC 8032 section 5.1.7)
				sum[l], sum[r] = sum[r], sum[l]
			}
			if h := new(big.Int).SetBytes(sum[:]); h.Mod(h, order).Uint64()%8 == 0 {
				break
			}
		}
		code := reason.UnusableKey
		if strings.Contains(point.name, "beyond the field") {
			code = reason.KeysUnavailable // it is no encoding of a point (RFC 8032 section 5.1.3)
		}
		out = append(out, setRow{
			name: "Ed25519: a point " + point.name, file: fmt.Sprintf("ed-small-order-%02d", i),
			set:   k.beside(members{"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": encoded(x)}),
			token: input + "." + encoded([]byte(signature)), reason: code, section: inputs, why: weakWhy,
		})
	}
	return out
}
