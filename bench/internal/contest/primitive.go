package contest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// Primitive does one cryptographic operation and reports whether it succeeds.
type Primitive func() bool

// Bare returns the floor of every check: decoding the token's signature,
// hashing, and the standard library's own call. Nothing is parsed or looked up.
func Bare(f *fixture.Fixture) Primitive {
	dot := strings.LastIndexByte(f.Good, '.')
	input, encoded := []byte(f.Good[:dot]), f.Good[dot+1:]
	var verify func(signature []byte) bool
	switch key := f.Public.(type) {
	case *rsa.PublicKey:
		verify = func(signature []byte) bool {
			sum := sha256.Sum256(input)
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
		}
	case *ecdsa.PublicKey:
		// What a token carries is r || s (RFC 7518 section 3.4). The faster of the two calls wants ASN.1: the
		// conversion is left out, so that no check can be below this floor.
		signature := fixture.Must(base64.RawURLEncoding.DecodeString(encoded))
		half := len(signature) / 2
		der := fixture.Must(asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])}))
		verify = func([]byte) bool {
			sum := sha256.Sum256(input)
			return ecdsa.VerifyASN1(key, sum[:], der)
		}
	case ed25519.PublicKey:
		verify = func(signature []byte) bool { return ed25519.Verify(key, input, signature) }
	default:
		panic(fmt.Sprintf("contest: %T", key))
	}
	return func() bool {
		signature, err := base64.RawURLEncoding.DecodeString(encoded)
		return err == nil && verify(signature)
	}
}

// SHA256 returns one pass of the hash over the whole token.
func SHA256(f *fixture.Fixture) Primitive {
	token := []byte(f.Good)
	want := sha256.Sum256(token)
	return func() bool {
		got := sha256.Sum256(token)
		return bytes.Equal(got[:], want[:])
	}
}
