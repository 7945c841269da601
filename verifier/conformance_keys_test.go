package verifier_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func TestConformanceOfKeys(t *testing.T) {
	t.Parallel()
	badSignature := func(token func(*world) string) row {
		return row{token: token, want: reason.BadSignature, check: "signature", kid: `"key-1"`}
	}
	rewritten := func(change func(r, s *big.Int, raw []byte) []byte) func(*world) string {
		return func(w *world) string {
			token := w.Token()
			_, _, signature := parts(token)
			raw := decode(signature)
			half := len(raw) / 2
			return resigned(token, change(new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:]), raw))
		}
	}
	lengths := table{
		"DER fails": badSignature(rewritten(func(r, s *big.Int, _ []byte) []byte {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
			if err != nil {
				panic(err)
			}
			return der
		})),
		"halves with a zero more fail": badSignature(rewritten(func(_, _ *big.Int, raw []byte) []byte {
			return append(append([]byte{0}, raw[:32]...), append([]byte{0}, raw[32:]...)...)
		})),
		"a byte more fails": badSignature(rewritten(func(_, _ *big.Int, raw []byte) []byte { return append(raw, 0) })),
		"a byte less fails": badSignature(rewritten(func(_, _ *big.Int, raw []byte) []byte { return raw[:63] })),
		"zeros fail":        badSignature(rewritten(func(_, _ *big.Int, _ []byte) []byte { return make([]byte, 64) })),
		"P-256 with ES384": {
			setup: algorithms("ES256", "ES384"), token: with(jwkstest.Header{"alg": "ES384"}),
			want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-1"`,
		},
		"P-256 published for ES384 is no key": {
			setup: algorithms("ES256", "ES384"),
			token: signedBy("ES256", jwkstest.JWK{"alg": "ES384"}),
			want:  reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-2"`,
		},
	}
	for alg, n := range map[string]int{"ES256": 64, "ES384": 96, "ES512": 132} {
		lengths[alg] = row{setup: algorithms(alg), token: func(w *world) string {
			token := w.Token(jwkstest.WithAlgorithm(alg))
			_, _, signature := parts(token)
			if len(decode(signature)) != n {
				panic("a signature of another length")
			}
			return token
		}}
	}
	weak := func(w *world) string {
		private, err := rsa.GenerateKey(rand.Reader, 1024)
		if err != nil {
			panic(err)
		}
		w.Publish(w.KeyFrom("RS256", private))
		return w.Token(jwkstest.WithAlgorithm("RS256"))
	}
	unusable := func(token func(*world) string) row {
		return row{token: token, want: reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-2"`}
	}
	rules{
		"24 RSA of less than 2048 bits is no key":      {"1024 bits": unusable(weak)},
		"25 an ECDSA signature has exactly its length": lengths,
		"26 use, key_ops and alg of the JWK are honoured": {
			"use enc":           unusable(signedBy("ES256", jwkstest.JWK{"use": "enc"})),
			"key_ops sign":      unusable(signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{"sign"}})),
			"key_ops none":      unusable(signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{}})),
			"alg of a stranger": unusable(signedBy("ES256", jwkstest.JWK{"alg": "ECDH-ES"})),
			"key_ops verify":    {token: signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{"sign", "verify"}})},
			"nothing said":      {token: signedBy("ES256", jwkstest.JWK{"use": nil, "alg": nil})},
			"alg of another RSA": {
				setup: algorithms("RS256", "PS256"),
				token: func(w *world) string {
					w.Publish(w.NewKey("RS256", jwkstest.JWK{"alg": "PS256"}))
					return w.Token(jwkstest.WithAlgorithm("RS256"))
				},
				want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
			},
			"a private key that is published": unusable(signedBy("ES256", jwkstest.JWK{"d": "AAAA"})),
		},
		"27 an unknown kty does not break the set": {
			"its own tokens": unusable(signedBy("ES256", jwkstest.JWK{"kty": "AKP"})),
			"those of others": {setup: func(w *world) {
				w.Publish(w.NewKey("EdDSA", jwkstest.JWK{"kty": "AKP"}), w.NewKey("ES256", jwkstest.JWK{"crv": "secp256k1"}), w.NewKey("HS256"))
			}},
		},
		"28 an algorithm is bound to the issuer and to the key": {
			"the allowlist": {setup: algorithms("RS256"), want: reason.UnsupportedAlg, check: "algorithm", detail: foreign},
			"RS256 to HS256, and HS256 is not allowed": unsupportedAlg(confused),
			"RS256 to HS256, though it is": {
				setup: algorithms("RS256", "HS256"), token: confused,
				want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
			},
			"PS256 on an RS256 key": {
				token: func(w *world) string {
					key := w.NewKey("RS256")
					w.Publish(key)
					return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm("PS256"), jwkstest.Header{"alg": "PS256"})
				},
				want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
			},
		},
	}.run(t)

	t.Run("24 an HMAC secret is at least as long as its hash", func(t *testing.T) {
		t.Parallel()
		for alg, n := range map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} {
			_, err := jwks.NewSecret("k", alg, make([]byte, n-1))
			assert.Error(t, err, alg)
			_, err = jwks.NewSecret("k", alg, make([]byte, n))
			assert.NoError(t, err, alg)
		}
	})
}

// signedBy publishes another key, with these members, and signs with it.
func signedBy(alg string, members jwkstest.JWK) func(*world) string {
	return func(w *world) string {
		key := w.NewKey(alg, members)
		w.Publish(key)
		return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm(alg))
	}
}

// confused is signed by HMAC, with the text of the public RSA key as the secret.
func confused(w *world) string {
	key := w.NewKey("RS256")
	w.Publish(key)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	header := encode(`{"alg":"HS256","typ":"at+jwt","kid":"` + key.ID() + `"}`)
	_, payload, _ := parts(w.Token())
	return header + "." + payload + "." + hmac256(public, header+"."+payload)
}

func TestConformanceOfHeadersThatPointAtKeys(t *testing.T) {
	t.Parallel()
	t.Run("29 jwk, jku, x5u and x5c are never trusted", func(t *testing.T) {
		t.Parallel()
		w := onSocket(t) // which would hear whoever follows an address
		w.issuer().Keys = w.fetcher(t)
		v := w.verifier(t)
		_, got := verify(t, v, w.Token())
		require.Empty(t, got)
		fetches := w.Fetches()

		attacker := w.NewKey("ES256", jwkstest.JWK{"kid": "key-1"})
		address := w.URL() + "/attacker.json"
		for name, header := range map[string]jwkstest.Header{
			"jwk":     {"jwk": attacker.JWK()},
			"jku":     {"jku": address},
			"x5u":     {"x5u": address},
			"x5c":     {"x5c": []string{base64.StdEncoding.EncodeToString([]byte("certificate"))}},
			"all":     {"jwk": attacker.JWK(), "jku": address, "x5u": address, "x5c": []string{"AAAA"}},
			"garbage": {"jwk": 7, "jku": []int{1}, "x5u": "::", "x5c": "x"},
		} {
			forged := w.Token(jwkstest.WithKey(attacker), header)
			_, got := verify(t, v, forged)
			assert.Equal(t, reason.BadSignature, got, name)
			assert.Equal(t, reason.BadSignature, v.Explain(t.Context(), forged).Reason, name)
			_, got = verify(t, v, w.Token(header))
			assert.Empty(t, got, "%s beside a good signature changes nothing", name)
		}
		assert.Zero(t, w.Strays(), "nothing that a header points at is asked for")
		assert.Equal(t, fetches, w.Fetches())
	})
}
