package jwks

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/quote"
)

// Key is the public key of a key pair that signs tokens or, given explicitly, an
// HMAC secret. It is immutable and safe for concurrent use. The key material is
// converted to a key of package crypto once.
//
// While an issuer publishes a key unchanged, every [Snapshot] of a [Fetcher]
// holds the identical *Key.
//
// The zero value verifies nothing.
type Key struct{ inner jose.Key }

// NewKey returns a key of an *rsa.PublicKey (2048 to 8192 bits), an
// *ecdsa.PublicKey (P-256, P-384, P-521) or an ed25519.PublicKey, which is
// copied. kid is the id that tokens name it by, "" if they name none; alg binds
// the key to one algorithm, "" to the one that its curve allows or, for RSA, to
// the first one of the issuer's list.
func NewKey(kid, alg string, public any) (*Key, error) {
	inner, err := jose.NewKey(detach(public))
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	inner.ID, inner.Algorithm = kid, alg
	if alg != "" && !inner.Fits(alg) {
		return nil, fmt.Errorf("jwks: alg %q does not fit the key: give one for %s %s, or none", alg, inner.Type(), inner.Curve())
	}
	return &Key{inner: inner}, nil
}

// NewSecret returns a key of an HMAC secret, which is copied. alg is HS256,
// HS384 or HS512, and the secret is at least as long as its hash (RFC 7518
// section 3.2). A secret that checks tokens can also make them: prefer a public
// key.
func NewSecret(kid, alg string, secret []byte) (*Key, error) {
	inner, err := jose.NewSecret(alg, secret)
	if err != nil {
		return nil, fmt.Errorf("jwks: %w", err)
	}
	inner.ID = kid
	return &Key{inner: inner}, nil
}

// ParseJWKS reads a JWK Set, or a single JWK, of at most 256 keys (RFC 7517).
// Keys that cannot check a signature are skipped: of another use, of an unknown
// type, too weak, private or symmetric. If none is left, the error says why
// each was skipped.
func ParseJWKS(data []byte) ([]*Key, error) {
	keys, _, err := parseSet(data)
	return keys, err
}

func parseSet(data []byte) (keys []*Key, skipped []error, err error) {
	inner, skipped, err := jose.ParseSet(bytes.Clone(data)) // the parser keeps what it reads
	if err != nil {
		return nil, nil, fmt.Errorf("jwks: %w", err)
	}
	if len(inner) == 0 {
		return nil, nil, noUsableKey(skipped)
	}
	for i := range inner {
		keys = append(keys, &Key{inner: inner[i]})
	}
	return keys, skipped, nil
}

// noUsableKey names the first few reasons; a hostile set has hundreds.
func noUsableKey(skipped []error) error {
	const most = 5
	if len(skipped) == 0 {
		return errors.New("jwks: the set holds no keys")
	}
	var listed []error
	for _, why := range skipped[:min(len(skipped), most)] {
		listed = append(listed, brief(why))
	}
	return fmt.Errorf("jwks: none of the %d keys in the set is usable: %w", len(skipped), errors.Join(listed...))
}

// ParsePEM reads one or more public keys: blocks of type PUBLIC KEY,
// RSA PUBLIC KEY or CERTIFICATE, of which only the key counts, not the dates.
// The keys have no kid. If tokens name one, give it with [Key.WithID].
func ParsePEM(data []byte) ([]*Key, error) {
	var keys []*Key
	var errs []error
	for n := 1; ; n++ {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		key, err := parseBlock(block)
		if err != nil {
			errs = append(errs, fmt.Errorf("jwks: PEM block %d: %w", n, err))
			continue
		}
		keys = append(keys, key)
	}
	switch {
	case len(errs) > 0:
		return nil, errors.Join(errs...)
	case len(keys) == 0:
		return nil, errors.New("jwks: no PEM block found: expected -----BEGIN PUBLIC KEY-----")
	}
	return keys, nil
}

func parseBlock(block *pem.Block) (*Key, error) {
	public, err := publicOf(block)
	if err != nil {
		return nil, err
	}
	return NewKey("", "", public)
}

func publicOf(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("a private key: give the public half only, an API that checks tokens needs no more")
	default:
		return nil, errors.New("neither PUBLIC KEY, RSA PUBLIC KEY nor CERTIFICATE")
	}
}

// WithID returns the same key under another kid.
func (k *Key) WithID(kid string) *Key {
	other := *k
	other.inner.ID = kid
	return &other
}

// ID returns the kid, "" if the key has none.
func (k *Key) ID() string { return k.inner.ID }

// Algorithm returns the alg that the key is declared for, "" if there is none.
func (k *Key) Algorithm() string { return k.inner.Algorithm }

// Type returns the kty: RSA, EC, OKP or oct.
func (k *Key) Type() string { return k.inner.Type() }

// Issuer returns the issuer member of the JWK, "" if there is none.
func (k *Key) Issuer() string { return k.inner.Issuer }

// fits reports whether type, curve and declared algorithm allow alg.
func (k *Key) fits(alg string) bool { return k.inner.Fits(alg) }

// Verify checks a signature over signingInput. The error is [ErrSignature].
func (k *Key) Verify(alg string, signingInput, signature []byte) error {
	if k.inner.Verify(alg, signingInput, signature) != nil {
		return ErrSignature
	}
	return nil
}

// Format prints what is public about the key, whatever the verb: an HMAC secret
// never reaches a log.
func (k *Key) Format(s fmt.State, _ rune) {
	if k == nil {
		_, _ = io.WriteString(s, "jwks.Key(nil)")
		return
	}
	_, _ = fmt.Fprintf(s, "jwks.Key(%s kid=%s alg=%q)", k.Type(), quote.Text(k.ID()), k.Algorithm())
}

// same reports whether other is the same key in every respect that matters to
// a token signed with it.
func (k *Key) same(other *jose.Key) bool {
	return k.inner.ID == other.ID && k.inner.Algorithm == other.Algorithm &&
		k.inner.Issuer == other.Issuer && k.inner.SameMaterial(other)
}

// detach copies a public key: changes to the original do not reach the Key.
func detach(public any) any {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if p != nil && p.N != nil {
			return &rsa.PublicKey{N: new(big.Int).Set(p.N), E: p.E}
		}
	case *ecdsa.PublicKey:
		if p != nil {
			return detachEC(p)
		}
	case ed25519.PublicKey:
		return slices.Clone(p)
	}
	return public
}

func detachEC(p *ecdsa.PublicKey) *ecdsa.PublicKey {
	point, err := p.Bytes()
	if err != nil {
		return p // not a point of its curve: refused by the caller
	}
	other, err := ecdsa.ParseUncompressedPublicKey(p.Curve, point)
	if err != nil {
		return p
	}
	return other
}
