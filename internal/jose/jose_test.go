package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// Keys made once for the whole binary: RSA is slow to generate.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
	edKey  = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

var input = []byte("eyJhbGciOiJub25lIn0.e30")

func sign(t *testing.T, alg string) (public any, signature []byte) {
	t.Helper()
	h256, h384, h512 := sha256.Sum256(input), sha512.Sum384(input), sha512.Sum512(input)
	pss := func(h crypto.Hash, sum []byte) []byte {
		return must(rsa.SignPSS(rand.Reader, rsaKey(), h, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
	}
	switch alg {
	case "RS256":
		return &rsaKey().PublicKey, must(rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA256, h256[:]))
	case "RS384":
		return &rsaKey().PublicKey, must(rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA384, h384[:]))
	case "RS512":
		return &rsaKey().PublicKey, must(rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA512, h512[:]))
	case "PS256":
		return &rsaKey().PublicKey, pss(crypto.SHA256, h256[:])
	case "PS384":
		return &rsaKey().PublicKey, pss(crypto.SHA384, h384[:])
	case "PS512":
		return &rsaKey().PublicKey, pss(crypto.SHA512, h512[:])
	case "ES256":
		return &p256().PublicKey, raw(p256(), h256[:], 32)
	case "ES384":
		return &p384().PublicKey, raw(p384(), h384[:], 48)
	case "ES512":
		return &p521().PublicKey, raw(p521(), h512[:], 66)
	case "EdDSA", "Ed25519":
		return edKey().Public(), ed25519.Sign(edKey(), input)
	}
	t.Fatalf("no signer for %s", alg)
	return nil, nil
}

func raw(k *ecdsa.PrivateKey, sum []byte, size int) []byte {
	r, s, err := ecdsa.Sign(rand.Reader, k, sum)
	if err != nil {
		panic(err)
	}
	out := make([]byte, 2*size)
	r.FillBytes(out[:size])
	s.FillBytes(out[size:])
	return out
}

var asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}

func TestEveryAlgorithmVerifiesItsOwnSignatureAndNoOther(t *testing.T) {
	t.Parallel()
	for _, alg := range asymmetric {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			public, sig := sign(t, alg)
			key := must(jose.NewKey(public))
			require.NoError(t, key.Verify(alg, input, sig))

			assert.ErrorIs(t, key.Verify(alg, append([]byte("x"), input...), sig), jose.ErrSignature, "other input")
			flipped := append([]byte(nil), sig...)
			flipped[len(flipped)/2] ^= 1
			assert.ErrorIs(t, key.Verify(alg, input, flipped), jose.ErrSignature, "flipped bit")
			assert.ErrorIs(t, key.Verify(alg, input, sig[:len(sig)-1]), jose.ErrSignature, "truncated")
			assert.ErrorIs(t, key.Verify(alg, input, append([]byte{0}, sig...)), jose.ErrSignature, "padded in front")
			assert.ErrorIs(t, key.Verify(alg, input, append(append([]byte(nil), sig...), 0)), jose.ErrSignature, "padded behind")
			assert.ErrorIs(t, key.Verify(alg, input, nil), jose.ErrSignature, "empty")
			assert.ErrorIs(t, key.Verify(alg, input, make([]byte, len(sig))), jose.ErrSignature, "zeros")
			for _, other := range append(asymmetric, "HS256", "none", strings.ToLower(alg), "") {
				if jose.Canonical(other) != jose.Canonical(alg) {
					assert.ErrorIs(t, key.Verify(other, input, sig), jose.ErrSignature, "as %q", other)
				}
			}
		})
	}
}

func TestAnHMACVerifiesWithItsSecretOnly(t *testing.T) {
	t.Parallel()
	secret := []byte("test-secret-test-secret-test-secret-")
	key := must(jose.NewSecret("HS256", secret))
	mac := hmac.New(sha256.New, secret)
	mac.Write(input)
	require.NoError(t, key.Verify("HS256", input, mac.Sum(nil)))
	assert.ErrorIs(t, key.Verify("HS256", input, mac.Sum(nil)[:31]), jose.ErrSignature)
	assert.ErrorIs(t, key.Verify("HS384", input, mac.Sum(nil)), jose.ErrSignature, "bound to its alg")

	secret[0] ^= 1
	require.NoError(t, key.Verify("HS256", input, mac.Sum(nil)), "the secret was copied")
	assert.Empty(t, key.Thumbprint(), "nothing about a secret is told")
}

func TestRow24SecretsAreAtLeastAsLongAsTheHash(t *testing.T) {
	t.Parallel()
	for alg, least := range map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} {
		_, err := jose.NewSecret(alg, make([]byte, least-1))
		require.ErrorContains(t, err, fmt.Sprintf("at least %d", least))
		_, err = jose.NewSecret(alg, make([]byte, least))
		require.NoError(t, err)
	}
	_, err := jose.NewSecret("RS256", make([]byte, 256))
	require.ErrorContains(t, err, "no HMAC algorithm")
}

func TestRow24RSAKeysAreBounded(t *testing.T) {
	t.Parallel()
	pub := func(bits uint, e int) *rsa.PublicKey {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: e}
	}
	for name, k := range map[string]struct {
		key  *rsa.PublicKey
		want string
	}{
		"1024 bits":     {pub(1024, 65537), "1024 bits"},
		"2047 bits":     {pub(2047, 65537), "2047 bits"},
		"16384 bits":    {pub(16384, 65537), "16384 bits"},
		"e is one":      {pub(2048, 1), "impossible"},
		"e is even":     {pub(2048, 4), "impossible"},
		"e is huge":     {pub(2048, 1<<33+1), "impossible"},
		"n is even":     {&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 3}, "impossible"},
		"nothing in it": {&rsa.PublicKey{}, "empty"},
		"nil":           {nil, "empty"},
	} {
		_, err := jose.NewKey(k.key)
		require.ErrorContains(t, err, k.want, name)
	}
	_, err := jose.NewKey(pub(2048, 65537))
	require.NoError(t, err)
}

func TestKeysOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	for want, k := range map[string]any{
		"no public key": "secret", `curve "P-224"`: &p224.PublicKey, "32 bytes": ed25519.PublicKey("short"),
		"empty EC": &ecdsa.PublicKey{}, "not a point": &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}, //nolint:staticcheck // SA1019: only by hand does a point miss its curve
	} {
		_, err := jose.NewKey(k)
		require.ErrorContains(t, err, want)
	}
}

func TestRow25ECDSASignaturesAreRawAndExact(t *testing.T) {
	t.Parallel()
	key := must(jose.NewKey(&p256().PublicKey))
	sum := sha256.Sum256(input)
	der := must(ecdsa.SignASN1(rand.Reader, p256(), sum[:]))
	assert.ErrorIs(t, key.Verify("ES256", input, der), jose.ErrSignature, "DER")
	var rs struct{ R, S *big.Int }
	_, err := asn1.Unmarshal(der, &rs)
	require.NoError(t, err)
	wide := make([]byte, 96)
	rs.R.FillBytes(wide[:48])
	rs.S.FillBytes(wide[48:])
	assert.ErrorIs(t, key.Verify("ES256", input, wide), jose.ErrSignature, "padded halves")
	assert.ErrorIs(t, key.Verify("ES384", input, wide), jose.ErrSignature, "P-256 key with ES384")
}

func TestSplitTakesThreePartsAndNothingElse(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]error{
		"a.b.c": nil, "": jose.ErrMalformed, "a": jose.ErrMalformed, "a.b": jose.ErrMalformed, ".b.c": jose.ErrMalformed,
		"a..c": jose.ErrMalformed, "a.b.": jose.ErrMalformed, "a.b.c.d": jose.ErrMalformed, "..": jose.ErrMalformed,
		"a.b.c.d.e": jose.ErrEncrypted, "a..c.d.e": jose.ErrEncrypted, "a.b.c.d.e.f": jose.ErrMalformed, strings.Repeat(".", 8192): jose.ErrMalformed,
	} {
		_, err := jose.Split(token)
		assert.ErrorIs(t, err, want, "%.20q", token)
	}
}

func TestRow16Base64URLIsCanonical(t *testing.T) {
	t.Parallel()
	good := b64([]byte(`{"alg":"ES256","x":"??>>"}`)) // encodes with both - and _
	require.Contains(t, good+b64([]byte{0xff, 0xfe}), "_")
	for name, part := range map[string]string{
		"padding": b64([]byte(`{"alg":"x" }`)) + "=", "CR": good[:4] + "\r" + good[4:], "LF": good[:4] + "\n" + good[4:], "LF at the end": good + "\n",
		"space": good[:4] + " " + good[4:], "plus": "+" + good[1:], "slash": "/" + good[1:], "NUL": good + "\x00", "UTF-8": "é" + good,
		"spare bits": b64([]byte("{}"))[:2] + "1", "one letter left": "AAAAA",
	} {
		c, err := jose.Split(part + ".e30.AA")
		require.NoError(t, err)
		_, err = c.Header()
		assert.ErrorIs(t, err, jose.ErrEncoding, name)

		c, err = jose.Split("e30." + part + ".AA")
		require.NoError(t, err)
		_, err = c.Payload()
		assert.ErrorIs(t, err, jose.ErrEncoding, name)

		c, err = jose.Split("e30.e30." + part)
		require.NoError(t, err)
		_, err = c.Signature()
		assert.ErrorIs(t, err, jose.ErrEncoding, name)
	}
}

func header(t *testing.T, text string) (jose.Header, error) {
	t.Helper()
	c, err := jose.Split(b64([]byte(text)) + ".e30.AA")
	require.NoError(t, err)
	return c.Header()
}

func TestHeadersAreReadStrictly(t *testing.T) {
	t.Parallel()
	h, err := header(t, `{"alg":"RS256","kid":"k","typ":"at+jwt","cty":"x","nonce":"n","jwk":{"kty":"oct"},"x5c":[1]}`)
	require.NoError(t, err)
	assert.Equal(t, jose.Header{Algorithm: "RS256", KeyID: "k", Type: "at+jwt", ContentType: "x", HasType: true}, h)

	h, err = header(t, `{"ALG":"RS256","crit":null,"b64":true}`)
	require.NoError(t, err)
	assert.Equal(t, jose.Header{Critical: true, Unencoded: true}, h, "names are case-sensitive, presence of crit and b64 is enough")

	for name, text := range map[string]string{
		"an array": `[]`, "a string": `"x"`, "nothing": ` `, "duplicate member": `{"alg":"RS256","alg":"none"}`, "escaped duplicate": `{"alg":"RS256","\u0061lg":"none"}`,
		"deep duplicate": `{"alg":"x","jwk":{"a":1,"a":2}}`, "alg a number": `{"alg":1}`, "alg null": `{"alg":null}`, "kid an array": `{"alg":"RS256","kid":["k"]}`,
		"typ an object": `{"typ":{}}`, "trailing data": `{}{}`, "trailing comma": `{"alg":"x",}`, "BOM": "\ufeff{}", "invalid UTF-8": "{\"kid\":\"\xff\"}", "UTF-16": "{\x00}\x00",
	} {
		_, err := header(t, text)
		assert.ErrorIs(t, err, jose.ErrHeader, name)
	}
}

func jwkOf(t *testing.T, public any, extra map[string]any) map[string]any {
	t.Helper()
	m := map[string]any{"kid": "k"}
	switch k := public.(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(k.Bytes())
		half := len(point) / 2
		m["kty"], m["crv"], m["x"], m["y"] = "EC", k.Params().Name, b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PublicKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64(k)
	}
	for name, v := range extra {
		m[name] = v
	}
	return m
}

func set(t *testing.T, keys ...map[string]any) []byte {
	t.Helper()
	return must(json.Marshal(map[string]any{"keys": keys}))
}

func TestASetYieldsItsUsableKeys(t *testing.T) {
	t.Parallel()
	data := set(t,
		jwkOf(t, &rsaKey().PublicKey, map[string]any{"kid": "r", "use": "sig", "alg": "PS256", "issuer": "https://i/{tenantid}"}),
		jwkOf(t, &p256().PublicKey, map[string]any{"kid": "e", "key_ops": []string{"sign", "verify"}}),
		jwkOf(t, &p384().PublicKey, nil), jwkOf(t, &p521().PublicKey, nil),
		jwkOf(t, edKey().Public(), map[string]any{"kid": "d", "alg": "Ed25519"}),
	)
	keys, skipped, err := jose.ParseSet(data)
	require.NoError(t, err)
	require.Empty(t, skipped)
	require.Len(t, keys, 5)
	assert.Equal(t, "r", keys[0].ID)
	assert.Equal(t, "https://i/{tenantid}", keys[0].Issuer)
	assert.True(t, keys[0].Fits("PS256"))
	assert.False(t, keys[0].Fits("RS256"), "declared for PS256")
	for i, alg := range []string{"PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		public, sig := sign(t, alg)
		require.NoError(t, keys[i].Verify(alg, input, sig))
		k := must(jose.NewKey(public))
		assert.True(t, k.SameMaterial(&keys[i]))
		assert.Equal(t, k.Thumbprint(), keys[i].Thumbprint())
		assert.False(t, k.SameMaterial(&keys[(i+1)%5]))
	}
	single, _, err := jose.ParseSet(must(json.Marshal(jwkOf(t, &p256().PublicKey, nil))))
	require.NoError(t, err)
	require.Len(t, single, 1, "a JWK alone is a set of one")
}

func TestRow26And27UnusableKeysAreSkippedWithTheirReason(t *testing.T) {
	t.Parallel()
	ec := func(extra map[string]any) map[string]any { return jwkOf(t, &p256().PublicKey, extra) }
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	for name, row := range map[string]struct {
		key  map[string]any
		want string
	}{
		"use enc":                      {ec(map[string]any{"use": "enc"}), `use is "enc"`},
		"key_ops without verify":       {ec(map[string]any{"key_ops": []string{"encrypt"}}), "key_ops does not hold verify"},
		"key_ops of another type":      {ec(map[string]any{"key_ops": "verify"}), "key_ops is no array"},
		"alg of encryption":            {ec(map[string]any{"alg": "ECDH-ES"}), `alg "ECDH-ES"`},
		"alg none":                     {ec(map[string]any{"alg": "none"}), `alg "none"`},
		"alg HS256 on a public key":    {ec(map[string]any{"alg": "HS256"}), `alg "HS256"`},
		"alg of another curve":         {ec(map[string]any{"alg": "ES384"}), `"ES384" does not fit`},
		"alg of another type":          {ec(map[string]any{"alg": "RS256"}), `"RS256" does not fit`},
		"unknown kty":                  {map[string]any{"kty": "AKP", "alg": "ML-DSA-44"}, `kty "AKP"`},
		"no kty":                       {map[string]any{"kid": "x"}, `kty ""`},
		"symmetric":                    {map[string]any{"kty": "oct", "k": b64(make([]byte, 64))}, `kty "oct"`},
		"private":                      {ec(map[string]any{"d": "AQ"}), `private member "d"`},
		"kid a number":                 {ec(map[string]any{"kid": 1}), "kid is no string"},
		"unknown curve":                {ec(map[string]any{"crv": "P-255"}), "unusable EC key"},
		"not on the curve":             {ec(map[string]any{"x": b64(make([]byte, 32))}), "key"},
		"a key for key agreement only": {map[string]any{"kty": "OKP", "crv": "X25519", "x": b64(make([]byte, 32))}, "no public key"},
		"RSA too small":                {jwkOf(t, &small.PublicKey, nil), "1024 bits"},
	} {
		keys, skipped, err := jose.ParseSet(set(t, row.key, ec(map[string]any{"kid": "good"})))
		require.NoError(t, err, name)
		require.Len(t, keys, 1, name)
		assert.Equal(t, "good", keys[0].ID, name)
		require.Len(t, skipped, 1, name)
		require.ErrorContains(t, skipped[0], row.want, name)
		assert.ErrorContains(t, skipped[0], "key 0", name)
	}
}

func TestWhatIsNoSetIsAnError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`<html>`: "not a JWK Set", `[]`: "not a JWK Set", `{}`: `no "keys"`, `{"keys":{}}`: "no array", `{"keys":[],"keys":[]}`: "duplicate",
		`{"keys":[` + strings.Repeat(`{},`, 256) + `{}]}`: "more than 256",
	} {
		_, _, err := jose.ParseSet([]byte(text))
		require.ErrorContains(t, err, want)
	}
	keys, skipped, err := jose.ParseSet([]byte(`{"keys":[1,null,"x"]}`))
	require.NoError(t, err)
	assert.Empty(t, keys)
	assert.Len(t, skipped, 3)
}

func TestTheThumbprintIsThatOfRFC7638(t *testing.T) {
	t.Parallel()
	// The example of RFC 7638 section 3.1.
	doc := `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	keys, _, err := jose.ParseSet([]byte(doc))
	require.NoError(t, err)
	assert.Equal(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", keys[0].Thumbprint())
}
