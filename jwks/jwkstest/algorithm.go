package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"fmt"
)

// algorithm is how one alg signs (RFC 7518 section 3.1, RFC 8037 section 3.1).
type algorithm struct {
	kind  kind
	hash  crypto.Hash
	curve elliptic.Curve
}

type kind int

const (
	pkcs1 kind = iota + 1
	pss
	ec
	ed
	mac
)

var algorithms = map[string]algorithm{
	"RS256": {kind: pkcs1, hash: crypto.SHA256},
	"RS384": {kind: pkcs1, hash: crypto.SHA384},
	"RS512": {kind: pkcs1, hash: crypto.SHA512},
	"PS256": {kind: pss, hash: crypto.SHA256},
	"PS384": {kind: pss, hash: crypto.SHA384},
	"PS512": {kind: pss, hash: crypto.SHA512},
	"ES256": {kind: ec, hash: crypto.SHA256, curve: elliptic.P256()},
	"ES384": {kind: ec, hash: crypto.SHA384, curve: elliptic.P384()},
	"ES512": {kind: ec, hash: crypto.SHA512, curve: elliptic.P521()},
	"EdDSA": {kind: ed},
	"HS256": {kind: mac, hash: crypto.SHA256},
	"HS384": {kind: mac, hash: crypto.SHA384},
	"HS512": {kind: mac, hash: crypto.SHA512},
}

// secret is a symmetric key.
type secret []byte

// sign makes the signature of input with alg, which need not be the key's own.
func (k *Key) sign(alg string, input []byte) ([]byte, error) {
	a, ok := algorithms[alg]
	if !ok {
		return nil, fmt.Errorf("there is no algorithm %q", alg)
	}
	switch private := k.private.(type) {
	case *rsa.PrivateKey:
		switch a.kind {
		case pkcs1:
			return rsa.SignPKCS1v15(nil, private, a.hash, a.sum(input))
		case pss:
			return rsa.SignPSS(rand.Reader, private, a.hash, a.sum(input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
	case *ecdsa.PrivateKey:
		if a.kind == ec {
			return signEC(private, a.sum(input))
		}
	case ed25519.PrivateKey:
		if a.kind == ed {
			return ed25519.Sign(private, input), nil
		}
	case secret:
		if a.kind == mac {
			return a.mac(private, input), nil
		}
	}
	return nil, fmt.Errorf("a key for %s cannot sign %s", k.alg, alg)
}

func (a algorithm) sum(input []byte) []byte {
	h := a.hash.New()
	h.Write(input)
	return h.Sum(nil)
}

func (a algorithm) mac(secret, input []byte) []byte {
	h := hmac.New(a.hash.New, secret)
	h.Write(input)
	return h.Sum(nil)
}

// signEC writes r and s, each as wide as the curve (RFC 7518 section 3.4).
func signEC(private *ecdsa.PrivateKey, sum []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, private, sum)
	if err != nil {
		return nil, err
	}
	half := (private.Params().BitSize + 7) / 8
	out := make([]byte, 2*half)
	r.FillBytes(out[:half])
	s.FillBytes(out[half:])
	return out, nil
}
