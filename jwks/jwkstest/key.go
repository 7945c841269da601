package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"maps"
	"math/big"
	"slices"
)

// Key is a private key and how it is published. It is immutable; an [Issuer]
// makes it and owns it.
type Key struct {
	id      string
	alg     string
	private any // *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey, secret
	jwk     JWK
}

// ID is the kid, "" if the key is published without one.
func (k *Key) ID() string { return k.id }

// Algorithm is the alg that the key signs with.
func (k *Key) Algorithm() string { return k.alg }

// Public is the public key, nil for an HMAC secret.
func (k *Key) Public() crypto.PublicKey {
	if s, ok := k.private.(crypto.Signer); ok {
		return s.Public()
	}
	return nil
}

// Secret is a copy of an HMAC secret, nil for any other key.
func (k *Key) Secret() []byte {
	s, _ := k.private.(secret)
	return slices.Clone(s)
}

// JWK is a copy of the key as it is published (RFC 7517 section 4).
func (k *Key) JWK() JWK { return maps.Clone(k.jwk) }

// NewKey makes a key that nobody knows yet: see [Issuer.Publish] and [WithKey].
// Its kid is key-1, key-2 and so on. Members change how it is published: a kid
// of nil leaves the kid out of its tokens too. With alg HS256, HS384 or HS512
// it is a random secret.
func (iss *Issuer) NewKey(alg string, members ...JWK) *Key {
	private, err := iss.generate(alg)
	if err != nil {
		iss.fail("%v", err)
	}
	return iss.keyOf(alg, private, members)
}

// KeyFrom is NewKey of a private key made elsewhere: *rsa.PrivateKey,
// *ecdsa.PrivateKey or ed25519.PrivateKey.
func (iss *Issuer) KeyFrom(alg string, private crypto.Signer, members ...JWK) *Key {
	return iss.keyOf(alg, private, members)
}

func (iss *Issuer) keyOf(alg string, private any, members []JWK) *Key {
	iss.mu.Lock()
	iss.made++
	kid := fmt.Sprintf("key-%d", iss.made)
	iss.mu.Unlock()
	public, err := publicMembers(private)
	if err != nil {
		iss.fail("%v", err)
	}
	jwk := merge(JWK{"kid": kid, "use": "sig", "alg": alg}, public)
	if signer, ok := private.(crypto.Signer); ok && iss.jwkOf != nil {
		jwk = merge(jwk, iss.jwkOf(signer.Public()))
	}
	jwk = merge(jwk, iss.jwk)
	for _, m := range members {
		jwk = merge(jwk, m)
	}
	id, _ := jwk["kid"].(string)
	return &Key{id: id, alg: alg, private: private, jwk: jwk}
}

func (iss *Issuer) generate(alg string) (any, error) {
	a, ok := algorithms[alg]
	if !ok {
		return nil, fmt.Errorf("there is no algorithm %q", alg)
	}
	switch a.kind {
	case ec:
		return ecdsa.GenerateKey(a.curve, rand.Reader)
	case ed:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	case mac:
		s := make(secret, a.hash.Size())
		_, err := rand.Read(s)
		return s, err
	default:
		private, err := borrow()
		if err != nil {
			return nil, err
		}
		iss.mu.Lock()
		defer iss.mu.Unlock()
		iss.borrowed = append(iss.borrowed, private)
		return private, nil
	}
}

// publicMembers are the members that describe the key itself (RFC 7518 section
// 6, RFC 8037 section 2). A secret is its own public half: whoever publishes it
// does so on purpose.
func publicMembers(private any) (JWK, error) {
	switch k := private.(type) {
	case *rsa.PrivateKey:
		return JWK{"kty": "RSA", "n": encode(string(k.N.Bytes())), "e": encode(string(big.NewInt(int64(k.E)).Bytes()))}, nil
	case *ecdsa.PrivateKey:
		point, err := k.PublicKey.Bytes() // 4 || x || y
		if err != nil {
			return nil, err
		}
		half := (len(point) - 1) / 2
		return JWK{"kty": "EC", "crv": k.Params().Name, "x": encode(string(point[1 : 1+half])), "y": encode(string(point[1+half:]))}, nil
	case ed25519.PrivateKey:
		return JWK{"kty": "OKP", "crv": "Ed25519", "x": encode(string(k[ed25519.SeedSize:]))}, nil
	case secret:
		return JWK{"kty": "oct", "k": encode(string(k))}, nil
	}
	return nil, fmt.Errorf("%T is no private key: give an *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey", private)
}
