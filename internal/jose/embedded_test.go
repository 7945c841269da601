package jose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// publicJWK is a key as a client writes it into a proof.
func publicJWK(public crypto.PublicKey) map[string]any {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return map[string]any{"kty": "RSA", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
	case *ecdsa.PublicKey:
		point := must(k.Bytes())
		size := len(point) / 2
		return map[string]any{"kty": "EC", "crv": k.Params().Name, "x": b64(point[1 : 1+size]), "y": b64(point[1+size:])}
	case ed25519.PublicKey:
		return map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(k)}
	}
	panic("no such key")
}

func embedded(t *testing.T, jwk any) (jose.Key, [32]byte, error) {
	t.Helper()
	text, ok := jwk.(string)
	if !ok {
		text = string(must(json.Marshal(jwk)))
	}
	obj := must(strictjson.Parse([]byte(`{"jwk":` + text + `}`)))
	v, _ := obj.Get("jwk")
	return jose.Embedded(v)
}

func TestAnEmbeddedKeyChecksWhatItSigned(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "EdDSA", "Ed25519"} {
		public, signature := sign(t, alg)
		k, _, err := embedded(t, publicJWK(public))
		require.NoError(t, err, alg)
		require.NoError(t, k.Verify(alg, input, signature), alg)
		signature[0] ^= 1
		require.ErrorIs(t, k.Verify(alg, input, signature), jose.ErrSignature, alg)
	}
}

func TestTheThumbprintIsThatOfTheStandards(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ jwk, want string }{
		"RFC 7638 section 3.1": {
			`{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`,
			"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		},
		"RFC 8037 appendix A.3": {
			`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`,
			"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		},
		"RFC 9449 section 6.1": {
			`{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`,
			"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
		},
	} {
		_, thumbprint, err := embedded(t, row.jwk)
		require.NoError(t, err, name)
		assert.Equal(t, row.want, base64.RawURLEncoding.EncodeToString(thumbprint[:]), name)
	}
}

func TestEmbeddedKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	ec, rsaJWK, ed := publicJWK(&p256().PublicKey), publicJWK(&rsaKey().PublicKey), publicJWK(edKey().Public())
	with := func(jwk map[string]any, members ...any) map[string]any {
		out := map[string]any{}
		for name, value := range jwk {
			out[name] = value
		}
		for i := 0; i < len(members); i += 2 {
			out[members[i].(string)] = members[i+1]
		}
		return out
	}
	x := ec["x"].(string)
	rows := map[string]struct {
		jwk  any
		want string
	}{
		"no object":                      {`"key"`, "jwk is no object"},
		"an array":                       {`[]`, "jwk is no object"},
		"an HMAC secret":                 {map[string]any{"kty": "oct", "k": "AAAA"}, `holds the private member "k"`},
		"an oct without k":               {map[string]any{"kty": "oct"}, `kty "oct" cannot check a signature here`},
		"no kty":                         {with(ec, "kty", ""), `kty "" cannot`},
		"kty of another type":            {with(ec, "kty", 1), "kty is no string"},
		"kty in lower case":              {with(ec, "kty", "ec"), `kty "ec" cannot`},
		"an unknown curve":               {with(ec, "crv", "secp256k1"), `crv "secp256k1" cannot`},
		"the curve of another size":      {with(ec, "crv", "P-384"), "x and y are not 48 bytes each"},
		"no y":                           {with(ec, "y", ""), "x and y are not 32 bytes each"},
		"x with a zero in front":         {with(ec, "x", b64(append([]byte{0}, must(base64.RawURLEncoding.DecodeString(x))...))), "x and y are not 32 bytes each"},
		"x with padding":                 {with(ec, "x", x+"="), "x and y are not 32 bytes each"},
		"x with a line end":              {with(ec, "x", x[:8]+"\n"+x[8:]), "x and y are not 32 bytes each"},
		"a point that is not there":      {with(ec, "y", x), "not a point on the curve"},
		"the point at infinity":          {with(ec, "x", strings.Repeat("A", 43), "y", strings.Repeat("A", 43)), "not a point on the curve"},
		"X25519":                         {with(ed, "crv", "X25519"), `crv "X25519" cannot`},
		"Ed448":                          {with(ed, "crv", "Ed448"), `crv "Ed448" cannot`},
		"x too short":                    {with(ed, "x", b64(make([]byte, 31))), "x is not 32 bytes"},
		"a modulus of 1024 bits":         {with(rsaJWK, "n", b64(append([]byte{0x80}, must(base64.RawURLEncoding.DecodeString(rsaJWK["n"].(string)))[129:]...))), "RSA key of 1024 bits"},
		"a modulus of 16384 bits":        {with(rsaJWK, "n", b64(append([]byte{0x80}, make([]byte, 2047)...))), "n is no number of up to 8192 bits"},
		"an even modulus":                {with(rsaJWK, "n", b64(append([]byte{0x80}, make([]byte, 255)...))), "an even modulus"},
		"a modulus with a zero in front": {with(rsaJWK, "n", b64(append([]byte{0}, must(base64.RawURLEncoding.DecodeString(rsaJWK["n"].(string)))...))), "n is no number"},
		"an exponent of one":             {with(rsaJWK, "e", "AQ"), "exponent e is even, below 3 or above"},
		"an exponent of five bytes":      {with(rsaJWK, "e", b64([]byte{1, 0, 0, 0, 1})), "e is no number below 2^31"},
		"an exponent with a zero":        {with(rsaJWK, "e", b64([]byte{0, 1, 0, 1})), "e is no number below 2^31"},
		"for encryption":                 {with(ec, "use", "enc"), "use is not sig"},
		"for signing alone":              {with(ec, "key_ops", []string{"sign"}), "key_ops does not hold verify"},
		"for another algorithm":          {with(ec, "alg", "ES384"), "alg \"ES384\" does not fit the key"},
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		rows["private "+private] = struct {
			jwk  any
			want string
		}{with(ec, private, "AA"), "holds the private member"}
	}
	for name, row := range rows {
		_, _, err := embedded(t, row.jwk)
		assert.ErrorContains(t, err, row.want, name)
	}
}

// The quick check must agree with the one that computes.
func TestWeakEd25519KeysAreRefusedByEitherCheck(t *testing.T) {
	t.Parallel()
	y := func(text string) []byte {
		n, ok := new(big.Int).SetString(text, 16)
		require.True(t, ok)
		out := n.FillBytes(make([]byte, 32))
		for i := range 16 {
			out[i], out[31-i] = out[31-i], out[i]
		}
		return out
	}
	for _, weak := range []string{
		"0", "1", "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
		"05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826", "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed", "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee",
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		for _, sign := range []byte{0, 0x80} {
			k := y(weak)
			k[31] |= sign
			_, _, err := embedded(t, map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(k)})
			assert.ErrorContains(t, err, "small order", weak)
			_, err = jose.NewKey(ed25519.PublicKey(k))
			assert.Error(t, err, weak)
		}
	}
}

func TestTheObjectOfAHeader(t *testing.T) {
	t.Parallel()
	obj, err := must(jose.Split(b64([]byte(`{"alg":"ES256","jwk":{}}`)) + ".e30.AA")).HeaderObject(nil)
	require.NoError(t, err)
	v, ok := obj.Get("jwk")
	assert.True(t, ok)
	assert.Equal(t, "{}", v.Raw())
	for _, header := range []string{b64([]byte(`{"jwk":{"kty":"EC","kty":"OKP"}}`)), b64([]byte(`[]`)), "e30=", "e3\n0"} {
		_, err := must(jose.Split(header + ".e30.AA")).HeaderObject(nil)
		assert.Error(t, err, header)
	}
}
