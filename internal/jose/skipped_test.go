package jose_test

import (
	"crypto/rand"
	"crypto/rsa"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

func TestRow110ASkippedKeyIsUnreadableOrForbidden(t *testing.T) {
	t.Parallel()
	type jwk = map[string]any
	rsaJWK := func(extra jwk) jwk { return jwkOf(t, &rsaKey().PublicKey, extra) }
	ec := func(extra jwk) jwk { return jwkOf(t, &p256().PublicKey, extra) }
	ed := func(extra jwk) jwk { return jwkOf(t, edKey().Public(), extra) }
	weak := must(rsa.GenerateKey(rand.Reader, 1024))
	long := strings.Repeat("k", 65)
	for name, row := range map[string]struct {
		jwk        jwk
		unreadable bool
		fits       string // algorithms that what can be read allows
		not        string // some that it does not
		why        string
	}{
		"a damaged modulus":                    {rsaJWK(jwk{"n": "!!"}), true, "RS256 PS512", "ES256", "n is not base64url"},
		"an exponent that is a number":         {rsaJWK(jwk{"e": 7}), true, "RS256", "ES256", "e is no string"},
		"a damaged key for one alg":            {rsaJWK(jwk{"n": "!!", "alg": "PS256"}), true, "PS256", "RS256 ES256", "n is not base64url"},
		"a damaged coordinate":                 {ec(jwk{"x": b64([]byte{1})}), true, "ES256", "RS256 ES384", "not a point"},
		"a damaged Ed25519 key":                {ed(jwk{"x": "AA"}), true, "EdDSA Ed25519", "RS256", "32 bytes"},
		"no curve":                             {ec(jwk{"crv": nil}), true, "ES256 ES384 ES512", "RS256", "crv is missing"},
		"a curve that is no text":              {ec(jwk{"crv": 256}), true, "ES256 ES384", "RS256", "crv is no string"},
		"an even modulus":                      {rsaJWK(jwk{"n": b64(append(rsaKey().N.Bytes()[:255], 2))}), true, "RS256", "ES256", "even modulus"},
		"an alg that is not known":             {rsaJWK(jwk{"alg": "RSA256"}), true, "RS256 PS256", "ES256", `alg "RSA256" is not known`},
		"an alg in another case":               {ec(jwk{"alg": "es256"}), true, "ES256", "RS256", `alg "es256" is not known`},
		"an alg that is no text":               {rsaJWK(jwk{"alg": 7}), true, "RS256", "ES256", "alg is no string"},
		"a kid that is no text":                {rsaJWK(jwk{"kid": 7}), true, "RS256", "ES256", "kid is no string"},
		"a use that is no text":                {rsaJWK(jwk{"use": 7}), true, "RS256", "ES256", "use is no string"},
		"key_ops that are no list":             {rsaJWK(jwk{"key_ops": "verify"}), true, "RS256", "ES256", "key_ops is no array"},
		"only a certificate":                   {jwk{"kty": "RSA", "kid": "k", "x5c": []string{"MII"}}, true, "RS256", "ES256", "n is missing, and x5c, which is there, is not read"},
		"only a certificate of an Ed25519 key": {jwk{"kty": "OKP", "crv": "Ed25519", "kid": "k", "x5c": 7}, true, "EdDSA", "RS256", "x5c, which is there, is not read"},
		"only a certificate of an EC key":      {jwk{"kty": "EC", "kid": "k", "x5c": []string{"MII"}}, true, "ES256", "RS256", "crv is missing, and x5c, which is there, is not read"},

		"for encryption":                        {rsaJWK(jwk{"use": "enc"}), false, "", "", `use is "enc", not sig`},
		"for encryption, and damaged":           {rsaJWK(jwk{"use": "enc", "n": "!!"}), false, "", "", `use is "enc", not sig`},
		"for other operations":                  {rsaJWK(jwk{"key_ops": []string{"encrypt"}}), false, "", "", "key_ops does not hold verify"},
		"for an alg of encryption":              {rsaJWK(jwk{"alg": "RSA-OAEP-256"}), false, "", "", `alg "RSA-OAEP-256" is not implemented`},
		"for an alg of another type":            {ec(jwk{"alg": "RS256"}), false, "", "", `alg "RS256" does not fit a key of type EC P-256`},
		"of few bits":                           {jwkOf(t, &weak.PublicKey, nil), false, "", "", "1024 bits"},
		"104 of an exponent of one":             {rsaJWK(jwk{"e": "AQ"}), false, "", "", "exponent e"},
		"104 of an even exponent":               {rsaJWK(jwk{"e": b64([]byte{1, 0, 0})}), false, "", "", "exponent e"},
		"104 of an exponent of 32 bits":         {rsaJWK(jwk{"e": b64([]byte{0x80, 0, 0, 1})}), false, "", "", "exponent e"},
		"104 of an exponent of 33 bits":         {rsaJWK(jwk{"e": b64([]byte{1, 0, 0, 0, 1})}), false, "", "", "e is above 2^31-1"},
		"104 of small order":                    {ed(jwk{"x": b64(make([]byte, 32))}), false, "", "", "x that is a point of small order"},
		"with its private part":                 {ec(jwk{"d": "AQ", "x": "!!"}), false, "", "", `private member "d"`},
		"of a type for post-quantum signatures": {jwk{"kty": "AKP", "kid": "k", "alg": "ML-DSA-44", "pub": "AA"}, false, "", "", `kty "AKP"`},
		"of Bitcoin's curve":                    {ec(jwk{"crv": "secp256k1", "alg": "ES256K"}), false, "", "", `alg "ES256K" is not implemented`},
		"of Bitcoin's curve without alg":        {ec(jwk{"crv": "secp256k1"}), false, "", "", `crv "secp256k1" cannot`},
		"for key agreement":                     {jwk{"kty": "OKP", "crv": "X25519", "x": b64(make([]byte, 32))}, false, "", "", `crv "X25519" cannot check a signature here`},
		"for an alg of another curve":           {ec(jwk{"alg": "ES384"}), false, "", "", `alg "ES384" does not fit a key of type EC P-256`},
		"for no alg":                            {ec(jwk{"alg": "none"}), false, "", "", `alg "none"`},
		"for an alg of secrets":                 {ec(jwk{"alg": "HS256"}), false, "", "", `alg "HS256" is not implemented`},
		"of a curve that nobody knows":          {ec(jwk{"crv": "P-255"}), false, "", "", `unusable EC key: crv "P-255"`},
		"of no type":                            {jwk{"kid": "x"}, false, "", "", `kty ""`},
		"that is a secret":                      {jwk{"kty": "oct", "k": b64(make([]byte, 64))}, false, "", "", `kty "oct"`},
		"of Ed448":                              {ed(jwk{"crv": "Ed448"}), false, "", "", `crv "Ed448" cannot`},
	} {
		keys, skipped, err := jose.ParseSet(set(t, row.jwk, ec(jwk{"kid": "good"})))
		require.NoError(t, err, name)
		require.Len(t, keys, 1, name)
		assert.Equal(t, "good", keys[0].ID, name)
		require.Len(t, skipped, 1, name)
		assert.ErrorContains(t, skipped[0], "key 0", name)
		var s *jose.Skipped
		require.ErrorAs(t, skipped[0], &s, name)
		assert.Equal(t, row.unreadable, s.Unreadable, name)
		assert.ErrorContains(t, s, row.why, name)
		for _, alg := range asymmetric {
			if strings.Contains(" "+row.fits+" ", " "+alg+" ") {
				assert.True(t, s.MayFit(alg, false), "%s: %s", name, alg)
				assert.Equal(t, strings.Contains(row.why, "known") || name == "a damaged key for one alg", s.MayFit(alg, true), "%s: %s", name, alg)
			}
			if !row.unreadable {
				assert.False(t, s.MayFit(alg, false), "%s: %s", name, alg)
			}
		}
		for _, alg := range strings.Fields(row.not + " HS256 none") {
			assert.False(t, s.MayFit(alg, false), "%s: %s", name, alg)
		}
	}

	_, skipped, err := jose.ParseSet(set(t, rsaJWK(jwk{"kid": long, "alg": "\x1b[2J" + long, "x5t": "t", "x5t#S256": "s"})))
	require.NoError(t, err)
	var s *jose.Skipped
	require.ErrorAs(t, skipped[0], &s)
	assert.EqualError(t, s, `key 0 (kid "`+long[:64]+`"...): alg "\x1b[2J`+long[:60]+`"... is not known`, "what the issuer writes is quoted and cut")
	assert.Equal(t, []string{long, "t", "s"}, []string{s.ID, s.Thumbprint, s.ThumbprintSHA256})
}

func TestAByteOrderMarkBeforeASetIsSkipped(t *testing.T) {
	t.Parallel()
	keys, _, err := jose.ParseSet(append([]byte("\ufeff"), set(t, jwkOf(t, &p256().PublicKey, nil))...))
	require.NoError(t, err)
	assert.Len(t, keys, 1)
}
