package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

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
		assert.False(t, k.SameMaterial(&keys[(i+1)%5]))
	}
	single, _, err := jose.ParseSet(must(json.Marshal(jwkOf(t, &p256().PublicKey, nil))))
	require.NoError(t, err)
	require.Len(t, single, 1, "a JWK alone is a set of one")
}

func TestWhatIsNoSetIsAnError(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`<html>`: "not a JWK Set", `[]`: "not a JWK Set", `{}`: `no "keys"`, `{"keys":{}}`: "no array", `{"keys":[],"keys":[]}`: "duplicate",
		`{"keys":[` + strings.Repeat(`{},`, 256) + `{}]}`: "more than 256",
		`{"keys":null}`: `no "keys"`, "\ufeff\ufeff{\"keys\":[]}": "not a JWK Set",
	} {
		_, _, err := jose.ParseSet([]byte(text))
		require.ErrorContains(t, err, want)
	}
	keys, skipped, err := jose.ParseSet([]byte(`{"keys":[1,null,"x"]}`))
	require.NoError(t, err)
	assert.Empty(t, keys)
	require.Len(t, skipped, 3)
	assert.EqualError(t, skipped[2], "key 2: not a JSON object")
}

func TestAJWKIsReadInEverySpellingThatIsHarmless(t *testing.T) {
	t.Parallel()
	rsaJWK := func(extra map[string]any) map[string]any { return jwkOf(t, &rsaKey().PublicKey, extra) }
	n, e := rsaKey().N.Bytes(), []byte{1, 0, 1}
	short := p256()
	for short.X.BitLen() > 248 { // a coordinate that begins with a zero
		short = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	}
	x := must(short.PublicKey.Bytes())[1:33]
	null := map[string]any{"use": nil, "key_ops": nil, "alg": nil, "issuer": nil, "d": nil, "p": nil, "k": nil, "x5c": nil, "crv": nil}
	for name, row := range map[string]struct {
		jwk    map[string]any
		public interface{ Equal(crypto.PublicKey) bool }
	}{
		"the standard alphabet":                {rsaJWK(map[string]any{"n": base64.RawStdEncoding.EncodeToString(n)}), &rsaKey().PublicKey},
		"padding":                              {rsaJWK(map[string]any{"n": base64.URLEncoding.EncodeToString(n)}), &rsaKey().PublicKey},
		"the standard alphabet with padding":   {rsaJWK(map[string]any{"n": base64.StdEncoding.EncodeToString(n)}), &rsaKey().PublicKey},
		"zeros before a modulus":               {rsaJWK(map[string]any{"n": b64(append(make([]byte, 3), n...))}), &rsaKey().PublicKey},
		"zeros before an exponent":             {rsaJWK(map[string]any{"e": b64(append(make([]byte, 5), e...))}), &rsaKey().PublicKey},
		"a coordinate shorter than the field":  {jwkOf(t, &short.PublicKey, map[string]any{"x": b64(x[1:])}), &short.PublicKey},
		"zeros before a coordinate":            {jwkOf(t, &short.PublicKey, map[string]any{"x": b64(append(make([]byte, 2), x...))}), &short.PublicKey},
		"members that are null":                {rsaJWK(null), &rsaKey().PublicKey},
		"members that nobody reads":            {rsaJWK(map[string]any{"x5c": 7, "crv": 7, "x": 7, "N": "x", "KTY": "EC", "x5t": []int{}, "x5t#S256": 7, "x5u": true, "D": "AQ", "jku": map[string]any{}}), &rsaKey().PublicKey},
		"a curve's name beside another's":      {jwkOf(t, &p521().PublicKey, map[string]any{"Crv": "P-256", "n": "AA"}), &p521().PublicKey},
		"an Ed25519 key in the other alphabet": {jwkOf(t, edKey().Public(), map[string]any{"x": base64.StdEncoding.EncodeToString(edKey().Public().(ed25519.PublicKey))}), edKey().Public().(ed25519.PublicKey)},
	} {
		keys, skipped, err := jose.ParseSet(set(t, row.jwk))
		require.NoError(t, err, name)
		require.Empty(t, skipped, name)
		require.Len(t, keys, 1, name)
		want := must(jose.NewKey(row.public))
		assert.True(t, keys[0].SameMaterial(&want), name)
		assert.Empty(t, keys[0].Algorithm, name)
	}
	keys, _, err := jose.ParseSet(set(t, rsaJWK(map[string]any{"kid": nil})))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	assert.Empty(t, keys[0].ID, "a kid that is null is absent")
}

func TestAJWKIsReadInNoOtherSpelling(t *testing.T) {
	t.Parallel()
	n, x := b64(rsaKey().N.Bytes()), b64(must(p256().PublicKey.Bytes())[1:33])
	rsaJWK := func(extra map[string]any) map[string]any { return jwkOf(t, &rsaKey().PublicKey, extra) }
	ecJWK := func(extra map[string]any) map[string]any { return jwkOf(t, &p256().PublicKey, extra) }
	edJWK := func(x any) map[string]any { return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": x} }
	for name, row := range map[string]struct {
		jwk  map[string]any
		want string
	}{
		"a line end":                         {rsaJWK(map[string]any{"n": n[:8] + "\n" + n[8:]}), "n is not base64url"},
		"a line end of two bytes":            {rsaJWK(map[string]any{"n": n + "\r\n"}), "n is not base64url"},
		"a line end before padding":          {rsaJWK(map[string]any{"e": "AQA\n="}), "e is not base64url"},
		"a space":                            {ecJWK(map[string]any{"x": " " + x}), "x is not base64url"},
		"padding that is too long":           {ecJWK(map[string]any{"y": "AAAAA==="}), "y is not base64url"},
		"padding where none belongs":         {rsaJWK(map[string]any{"e": "AQAB===="}), "e is not base64url"},
		"padding of another length":          {rsaJWK(map[string]any{"e": "AQA=="}), "e is not base64url"},
		"spare bits":                         {rsaJWK(map[string]any{"e": "AQABAB"}), "e is not base64url"},
		"a letter left over":                 {ecJWK(map[string]any{"x": "AAAAA"}), "x is not base64url"},
		"the name in another case":           {map[string]any{"kty": "RSA", "N": n, "e": "AQAB"}, "n is missing"},
		"a modulus that is null":             {rsaJWK(map[string]any{"n": nil}), "n is missing"},
		"a modulus that is empty":            {rsaJWK(map[string]any{"n": ""}), "n is missing"},
		"a modulus of zero":                  {rsaJWK(map[string]any{"n": "AAAA"}), "RSA key of 0 bits"},
		"a modulus that is a number":         {rsaJWK(map[string]any{"n": 5}), "n is no string"},
		"an exponent of zero":                {rsaJWK(map[string]any{"e": "AA"}), "exponent e"},
		"an exponent whose low bits are 3":   {rsaJWK(map[string]any{"e": b64([]byte{1, 0, 0, 0, 0, 0, 0, 0, 3})}), "e is above 2^31-1"},
		"a curve in another case":            {ecJWK(map[string]any{"crv": "p-256"}), `crv "p-256"`},
		"a curve of another type":            {ecJWK(map[string]any{"crv": "Ed25519"}), `crv "Ed25519"`},
		"an EC curve of an OKP key":          {map[string]any{"kty": "OKP", "crv": "P-256", "x": x}, `crv "P-256"`},
		"no y":                               {ecJWK(map[string]any{"y": nil}), "y is missing"},
		"a coordinate that is too long":      {ecJWK(map[string]any{"x": b64(append([]byte{1}, make([]byte, 32)...))}), "x is longer than a coordinate of P-256"},
		"an Ed25519 key that is too short":   {edJWK(b64(make([]byte, 31))), "32 bytes"},
		"an Ed25519 key with a zero before":  {edJWK(b64(append([]byte{0}, edKey().Public().(ed25519.PublicKey)...))), "32 bytes"},
		"an Ed25519 key that is null":        {edJWK(nil), "x is missing"},
		"a private member beside a null one": {rsaJWK(map[string]any{"d": nil, "p": "AQ"}), `private member "p"`},
	} {
		keys, skipped, err := jose.ParseSet(set(t, row.jwk))
		require.NoError(t, err, name)
		require.Empty(t, keys, name)
		require.Len(t, skipped, 1, name)
		assert.ErrorContains(t, skipped[0], row.want, name)
	}
}
