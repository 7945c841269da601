package jwkstest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.SHA256
	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512
	"encoding/asn1"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"sync"

	"github.com/sallyport-go/sallyport/jwks"
)

// Key is a private key and how it is published. It is immutable; an [Issuer] makes it and owns it.
type Key struct {
	id      string
	alg     string
	private any // *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey, secret
	seed    string
	jwk     JWK
}

// ID returns the kid, "" if the key is published without one.
func (k *Key) ID() string { return k.id }

// Algorithm returns the alg that the key signs with.
func (k *Key) Algorithm() string { return k.alg }

// Public returns the public key, nil for an HMAC secret.
func (k *Key) Public() crypto.PublicKey {
	if s, ok := k.private.(crypto.Signer); ok {
		return s.Public()
	}
	return nil
}

// Secret returns a copy of an HMAC secret, nil for any other key.
func (k *Key) Secret() []byte {
	s, _ := k.private.(secret)
	return slices.Clone(s)
}

// JWK returns a copy of the key as it is published (RFC 7517 section 4).
func (k *Key) JWK() JWK { return maps.Clone(k.jwk) }

// NewKey returns a key that is not yet published: see [Issuer.Publish] and [WithKey]. Its kid is key-1, key-2 and so
// on. Members change how it is published: a kid of nil leaves the kid out of its tokens too. With alg HS256, HS384 or
// HS512 it is a random secret.
func (iss *Issuer) NewKey(alg string, members ...JWK) *Key {
	private, err := iss.generate(alg)
	iss.check(err)
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
	kid := iss.kid(alg, iss.made)
	iss.mu.Unlock()
	public, err := publicMembers(private)
	iss.check(err)
	jwk := merge(JWK{"kid": kid, "use": "sig", "alg": alg}, public)
	if signer, ok := private.(crypto.Signer); ok && iss.jwkOf != nil {
		jwk = merge(jwk, iss.jwkOf(signer.Public()))
	}
	jwk = merge(jwk, iss.jwk)
	for _, m := range members {
		jwk = merge(jwk, m)
	}
	id, _ := jwk["kid"].(string)
	return &Key{id: id, alg: alg, private: private, seed: iss.seed, jwk: jwk}
}

func (iss *Issuer) generate(alg string) (any, error) {
	a, ok := algorithms[alg]
	if !ok {
		return nil, fmt.Errorf("there is no algorithm %q", alg)
	}
	if iss.seed != "" {
		return iss.seeded(a)
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

// publicMembers are the members that describe the key itself (RFC 7518 section 6, RFC 8037 section 2). They hold an
// HMAC secret itself: publish such a key only on purpose.
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
			return rsa.SignPSS(k.salt(rand.Reader, input), private, a.hash, a.sum(input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
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

// signEC writes r and s, each as wide as the curve (RFC 7518 section 3.4). They follow from the key and the hash
// (RFC 6979 section 3.2), so that a token is the same again where its claims are.
func signEC(private *ecdsa.PrivateKey, sum []byte) ([]byte, error) {
	hash := map[int]crypto.Hash{32: crypto.SHA256, 48: crypto.SHA384, 64: crypto.SHA512}[len(sum)]
	der, err := private.Sign(nil, sum, hash)
	if err != nil {
		return nil, err
	}
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, err
	}
	return wide(sig.R, sig.S, (private.Params().BitSize+7)/8), nil
}

// wide writes r and s with half bytes each.
func wide(r, s *big.Int, half int) []byte {
	return slices.Concat(r.FillBytes(make([]byte, half)), s.FillBytes(make([]byte, half)))
}

// idle are the RSA keys of issuers that have ended: making one takes a tenth
// of a second and more. No two live issuers share one.
var idle struct {
	sync.Mutex
	keys []*rsa.PrivateKey
}

func borrow() (*rsa.PrivateKey, error) {
	idle.Lock()
	if last := len(idle.keys) - 1; last >= 0 {
		key := idle.keys[last]
		idle.keys = idle.keys[:last]
		idle.Unlock()
		return key, nil
	}
	idle.Unlock()
	return rsa.GenerateKey(rand.Reader, 2048)
}

func giveBack(keys []*rsa.PrivateKey) {
	idle.Lock()
	defer idle.Unlock()
	idle.keys = append(idle.keys, keys...)
}

// Rotate makes a key of the same algorithm as the signing one, publishes it and
// signs with it from now on. The old one stays published.
func (iss *Issuer) Rotate() *Key {
	key := iss.NewKey(iss.Key().alg)
	iss.Publish(key)
	iss.Use(key)
	return key
}

// Key returns the key that signs.
func (iss *Issuer) Key() *Key {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return iss.signing
}

// Publish adds keys to the end of the set. The signing key stays the same:
// a careful issuer publishes a key well before it uses it.
func (iss *Issuer) Publish(keys ...*Key) {
	iss.change(func() { iss.published = append(iss.published, keys...) })
}

// Use signs with key from now on, published or not.
func (iss *Issuer) Use(key *Key) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	iss.signing = key
}

// Remove takes the keys of that kid out of the set. The signing key signs on, even if it is gone.
func (iss *Issuer) Remove(kid string) {
	iss.change(func() {
		iss.published = slices.DeleteFunc(slices.Clone(iss.published), func(k *Key) bool { return k.id == kid })
	})
}

// Replace puts other material in the place of the published key of that kid,
// as an issuer does that has lost its keys. If it signed, the new one does.
func (iss *Issuer) Replace(kid string) *Key {
	published := iss.Published()
	at := slices.IndexFunc(published, func(k *Key) bool { return k.id == kid })
	if at < 0 {
		iss.fail("no key of kid %q is published", kid)
	}
	old := published[at]
	private, err := iss.generate(old.alg)
	iss.check(err)
	public, err := publicMembers(private)
	iss.check(err)
	key := &Key{id: old.id, alg: old.alg, private: private, seed: old.seed, jwk: merge(old.jwk, public)}
	iss.change(func() {
		iss.published = slices.Clone(iss.published)
		if i := slices.Index(iss.published, old); i >= 0 {
			iss.published[i] = key
		}
		if iss.signing == old {
			iss.signing = key
		}
	})
	return key
}

// Published returns the keys in the set, in its order.
func (iss *Issuer) Published() []*Key {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	return slices.Clone(iss.published)
}

// newest returns the key that was published last to sign with alg; iss.mu is held.
func (iss *Issuer) newest(alg string) *Key {
	for _, k := range slices.Backward(iss.published) {
		if use := k.jwk["use"]; k.alg == alg && (use == "sig" || use == nil) {
			return k
		}
	}
	return nil
}

func (iss *Issuer) change(set func()) {
	iss.mu.Lock()
	defer iss.mu.Unlock()
	set()
	iss.snap()
}

// KeySet returns a key set without any fetching: what a [jwks.Fetcher] would have if it fetched at every moment. It
// follows Publish, Remove, Replace and Rotate at once, and knows nothing of faults. Keys that cannot check a
// signature are not in it, as they would be skipped by a Fetcher.
func (iss *Issuer) KeySet() jwks.KeySet { return keySet{iss} }

type keySet struct{ iss *Issuer }

// Snapshot returns the keys that are published now.
func (s keySet) Snapshot() *jwks.Snapshot { return s.iss.snapshot.Load() }

// Refresh does nothing.
func (s keySet) Refresh(context.Context, string) error { return nil }

// snap makes the snapshot; iss.mu is held.
func (iss *Issuer) snap() {
	var cfg jwks.SnapshotConfig
	for _, k := range iss.published {
		text, err := marshal(jwkSet([]*Key{k}))
		if err != nil {
			continue
		}
		usable, err := jwks.ParseJWKS(text)
		if err != nil {
			cfg.Skipped = append(cfg.Skipped, err)
		}
		cfg.Keys = append(cfg.Keys, usable...)
	}
	iss.snapshot.Store(jwks.NewSnapshot(cfg))
}
