package contest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// Primitive checks one signature over bytes that were cut and decoded before.
type Primitive func() bool

// Bare is the floor: the standard library's hash and signature check, in the
// form that it takes fastest. Nothing that checks tokens can cost less; jwx's
// primitives, which call it, do not.
func Bare(f *fixture.Fixture) (Primitive, error) {
	input, signature, err := cut(f.Good)
	if err != nil {
		return nil, err
	}
	switch key := f.Public.(type) {
	case *rsa.PublicKey:
		return func() bool {
			sum := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
		}, nil
	case *ecdsa.PublicKey:
		der, err := der(signature)
		if err != nil {
			return nil, err
		}
		return func() bool {
			sum := sha256.Sum256(input)
			return ecdsa.VerifyASN1(key, sum[:], der)
		}, nil
	case ed25519.PublicKey:
		return func() bool { return ed25519.Verify(key, input, signature) }, nil
	}
	return nil, fmt.Errorf("contest: %T", f.Public)
}

// JWXPrimitive is jwx v2's verifier, which takes a signature as a token has it.
func JWXPrimitive(f *fixture.Fixture) (Primitive, error) {
	input, signature, err := cut(f.Good)
	if err != nil {
		return nil, err
	}
	v, err := jws.NewVerifier(jwa.SignatureAlgorithm(f.Algorithm))
	if err != nil {
		return nil, err
	}
	return func() bool { return v.Verify(input, signature, f.Public) == nil }, nil
}

// SHA256 is one pass of the hash over the whole token.
func SHA256(f *fixture.Fixture) Primitive {
	token := []byte(f.Good)
	want := sha256.Sum256(token)
	return func() bool {
		got := sha256.Sum256(token)
		return bytes.Equal(got[:], want[:])
	}
}

func cut(token string) (input, signature []byte, err error) {
	dot := strings.LastIndexByte(token, '.')
	signature, err = base64.RawURLEncoding.DecodeString(token[dot+1:])
	return []byte(token[:dot]), signature, err
}

// der turns r || s of a JWS into the ASN.1 that crypto/ecdsa wants.
func der(signature []byte) ([]byte, error) {
	half := len(signature) / 2
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[:half]))
		b.AddASN1BigInt(new(big.Int).SetBytes(signature[half:]))
	})
	return b.Bytes()
}
