package jwkstest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

// keys: a jwk that is none, or that no proof may have.
func (f *proofForger) keys() (out []forgedProof) {
	jwk := f.p.jwk()
	one := func(name string, value any) {
		out = append(out, f.made("jwk: "+name, holeProofJWK, Header{"jwk": value}))
	}
	one("none", nil)
	one("null", rawNull)
	one("an empty object", JWK{})
	one("a string", f.p.Thumbprint())
	one("in an array", []any{jwk})
	one("a JWK Set", map[string]any{"keys": []any{jwk}})
	one("a thumbprint alone", JWK{"kid": f.p.Thumbprint()})
	one("a certificate alone", JWK{"kty": jwk["kty"], "x5c": []string{"AA=="}})
	one("without kty", merge(jwk, JWK{"kty": rawNull}))
	one("kty in other case", merge(jwk, JWK{"kty": folded(fmt.Sprint(jwk["kty"]))}))
	one("kty of a secret", merge(jwk, JWK{"kty": "oct"}))
	one("for encryption", merge(jwk, JWK{"use": "enc"}))
	one("for signing alone", merge(jwk, JWK{"key_ops": []string{"sign"}}))
	one("for another algorithm", merge(jwk, JWK{"alg": "ES512", "x512": 1}))
	one("of another key", f.attacker.jwk())
	out[len(out)-1].Hole, out[len(out)-1].Reason = holeJkt, reason.UnsupportedBinding
	for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
		one("with the private member "+member, merge(jwk, JWK{member: encode("private")}))
	}
	one("with the private members of several primes", merge(jwk, JWK{"oth": []any{}}))
	out = append(out, f.made("jwk: in jku, on a server of the attacker's", holeProofJWK, Header{"jwk": nil, "jku": f.p.iss.address() + attackerPath + "/jwks"}),
		f.made("jwk: in kid", holeProofJWK, Header{"jwk": nil, "kid": f.p.Thumbprint()}))
	for name, value := range jwk {
		if text, ok := value.(string); ok && len(text) > 10 {
			one(name+" missing", merge(jwk, JWK{name: rawNull}))
			one(name+" with padding", merge(jwk, JWK{name: text + "="}))
			one(name+" with a line end in it", merge(jwk, JWK{name: middle("\n")(text)}))
			one(name+" with a zero before", merge(jwk, JWK{name: encode("\x00" + decode(text))}))
			one(name+" cut short", merge(jwk, JWK{name: encode(decode(text)[1:])}))
			one(name+" in a list", merge(jwk, JWK{name: []string{text}}))
		}
	}
	return out
}

// signedBy makes a proof with a key of the forger's own making, whose JWK is as given.
func (f *proofForger) signedBy(name string, jwk JWK) forgedProof {
	return f.made(name, holeProofJWK, Header{"jwk": jwk})
}

func (f *proofForger) ecKeys() []forgedProof {
	private, ok := f.p.key.private.(*ecdsa.PrivateKey)
	if !ok {
		return nil
	}
	jwk, size := f.p.jwk(), (private.Params().BitSize+7)/8
	zero := encode(strings.Repeat("\x00", size))
	return []forgedProof{
		f.signedBy("EC key: the point at infinity", merge(jwk, JWK{"x": zero, "y": zero})),
		f.signedBy("EC key: a point beside the curve", merge(jwk, JWK{"y": jwk["x"]})),
		f.signedBy("EC key: on another curve", merge(jwk, JWK{"crv": "secp256k1"})),
		f.signedBy("EC key: of a curve of another size", merge(jwk, JWK{"crv": map[bool]string{true: "P-384", false: "P-256"}[size == 32]})),
		f.signedBy("EC key: x beyond the field", merge(jwk, JWK{"x": encode(strings.Repeat("\xff", size))})),
	}
}

func (f *proofForger) rsaKeys() []forgedProof {
	private, ok := f.p.key.private.(*rsa.PrivateKey)
	if !ok {
		return nil
	}
	jwk := f.p.jwk()
	number := func(n *big.Int) string { return encode(string(n.Bytes())) }
	return []forgedProof{
		f.signedBy("RSA key: of 1024 bits", merge(jwk, JWK{"n": number(new(big.Int).Rsh(private.N, 1024))})),
		f.signedBy("RSA key: of 16384 bits", merge(jwk, JWK{"n": encode("\x80" + strings.Repeat("\x00", 2046) + "\x01")})),
		f.signedBy("RSA key: an exponent of one", merge(jwk, JWK{"e": "AQ"})),
		f.signedBy("RSA key: an even exponent", merge(jwk, JWK{"e": encode("\x01\x00\x00")})),
		f.signedBy("RSA key: an exponent of five bytes", merge(jwk, JWK{"e": encode("\x01\x00\x00\x00\x01")})),
		f.signedBy("RSA key: an even modulus", merge(jwk, JWK{"n": number(new(big.Int).Sub(private.N, big.NewInt(1)))})),
	}
}

func (f *proofForger) edKeys() []forgedProof {
	if _, ok := f.p.key.private.(ed25519.PrivateKey); !ok {
		return nil
	}
	jwk := f.p.jwk()
	weak := func(name string, x []byte) forgedProof {
		header := Header{"jwk": merge(jwk, JWK{"x": encode(string(x))})}
		input, _ := split(f.good(header))
		return invalidProof("Ed25519 key: "+name, holeProofJWK, input+"."+encode("\x01"+strings.Repeat("\x00", 63)))
	}
	return []forgedProof{
		weak("the neutral point, under which anything verifies", append([]byte{1}, make([]byte, 31)...)),
		weak("of order four", make([]byte, 32)),
		weak("beyond the field", []byte(strings.Repeat("\xff", 32))),
		f.signedBy("Ed25519 key: of another curve", merge(jwk, JWK{"crv": "X25519"})),
	}
}
