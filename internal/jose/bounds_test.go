package jose_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

func TestAKeyFitsTheAlgorithmsOfItsTypeAndCurveOnly(t *testing.T) {
	t.Parallel()
	rs := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	declared := must(jose.NewKey(&rsaKey().PublicKey))
	declared.Algorithm = "PS384"
	edwards := must(jose.NewKey(edKey().Public()))
	edwards.Algorithm = "Ed25519"
	for name, row := range map[string]struct {
		key  jose.Key
		fits []string
	}{
		"RSA":                      {must(jose.NewKey(&rsaKey().PublicKey)), rs},
		"RSA declared for one":     {declared, []string{"PS384"}},
		"P-256":                    {must(jose.NewKey(&p256().PublicKey)), []string{"ES256"}},
		"P-384":                    {must(jose.NewKey(&p384().PublicKey)), []string{"ES384"}},
		"P-521":                    {must(jose.NewKey(&p521().PublicKey)), []string{"ES512"}},
		"Ed25519 under both names": {must(jose.NewKey(edKey().Public())), []string{"EdDSA", "Ed25519"}},
		"Ed25519 declared for one": {edwards, []string{"EdDSA", "Ed25519"}},
		"a secret":                 {must(jose.NewSecret("HS256", make([]byte, 64))), []string{"HS256"}},
		"no key at all":            {jose.Key{}, nil},
	} {
		for _, alg := range append(slices.Clone(asymmetric), "HS256", "HS384", "HS512", "none", "", "rs256", "ES256K", "RSA-OAEP") {
			assert.Equal(t, slices.Contains(row.fits, alg), row.key.Fits(alg), "%s as %q", name, alg)
		}
	}
}

func TestKeysTellTheirSize(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		key         jose.Key
		kind, curve string
		bits        int
	}{
		"RSA":      {must(jose.NewKey(&rsaKey().PublicKey)), "RSA", "", 2048},
		"P-521":    {must(jose.NewKey(&p521().PublicKey)), "EC", "P-521", 521},
		"Ed25519":  {must(jose.NewKey(edKey().Public())), "OKP", "Ed25519", 256},
		"a secret": {must(jose.NewSecret("HS384", make([]byte, 50))), "oct", "", 400},
	} {
		assert.Equal(t, row.kind, row.key.Type(), name)
		assert.Equal(t, row.curve, row.key.Curve(), name)
		assert.Equal(t, row.bits, row.key.Bits(), name)
	}
}

func TestRSABoundsAreInclusive(t *testing.T) {
	t.Parallel()
	pub := func(bits uint, e int) *rsa.PublicKey {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: e}
	}
	for name, k := range map[string]*rsa.PublicKey{
		"the least size": pub(2048, 65537), "the greatest size": pub(8192, 65537), "the least exponent": pub(2048, 3), "the greatest exponent": pub(2048, math.MaxInt32),
	} {
		_, err := jose.NewKey(k)
		assert.NoError(t, err, name)
	}
	_, err := jose.NewKey(pub(8193, 65537))
	require.ErrorContains(t, err, "8193 bits")
	var none *ecdsa.PublicKey
	_, err = jose.NewKey(none)
	require.ErrorContains(t, err, "empty EC key")
}

func TestTheSameMaterialIsTold(t *testing.T) {
	t.Parallel()
	secret := slices.Repeat([]byte("s"), 40)
	one, same := must(jose.NewSecret("HS256", secret)), must(jose.NewSecret("HS256", secret))
	other := must(jose.NewSecret("HS256", slices.Repeat([]byte("t"), 40)))
	public := must(jose.NewKey(&p256().PublicKey))
	assert.True(t, one.SameMaterial(&same))
	assert.False(t, one.SameMaterial(&other))
	assert.False(t, one.SameMaterial(&public))
	assert.False(t, public.SameMaterial(&one))
	var none jose.Key
	assert.False(t, none.SameMaterial(&none), "no key is the same as none")
}

func TestThumbprintsOfTheOtherTypes(t *testing.T) {
	t.Parallel()
	// RFC 8037 appendix A.3.
	keys, _, err := jose.ParseSet([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	assert.Equal(t, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", keys[0].Thumbprint())

	// RFC 7638 section 3.2: of an EC key crv, kty, x and y, in that order, without white space.
	point := must(p384().PublicKey.Bytes())
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-384","kty":"EC","x":"%s","y":"%s"}`, b64(point[1:49]), b64(point[49:])))
	ec := must(jose.NewKey(&p384().PublicKey))
	assert.Equal(t, b64(sum[:]), ec.Thumbprint())
}

func TestEverySkippedKeySaysWhichRuleItBreaks(t *testing.T) {
	t.Parallel()
	ec := func(extra map[string]any) map[string]any { return jwkOf(t, &p256().PublicKey, extra) }
	for want, key := range map[string]any{
		"not a JSON object":                               7,
		`alg "ECDH-ES" is not implemented`:                ec(map[string]any{"alg": "ECDH-ES"}),
		`alg "HS256" is not implemented`:                  ec(map[string]any{"alg": "HS256"}),
		`alg "ES384" does not fit a key of type EC P-256`: ec(map[string]any{"alg": "ES384"}),
		"unusable EC key: ":                               ec(map[string]any{"x": 1}),
		"unusable RSA key: ":                              map[string]any{"kty": "RSA", "n": "AQAB"},
	} {
		keys, skipped, err := jose.ParseSet(must(json.Marshal(map[string]any{"keys": []any{key}})))
		require.NoError(t, err)
		assert.Empty(t, keys)
		require.Len(t, skipped, 1)
		assert.ErrorContains(t, skipped[0], "key 0: "+want)
	}
}

// The size of a signature is checked before the primitive sees it. An HMAC cut short must not pass for one.
func TestAnHMACIsAsLongAsItsHash(t *testing.T) {
	t.Parallel()
	secret := make([]byte, 32)
	key := must(jose.NewSecret("HS256", secret))
	mac := hmac.New(sha256.New, secret)
	mac.Write(input)
	whole := mac.Sum(nil)
	require.NoError(t, key.Verify("HS256", input, whole))
	for n := range whole {
		require.ErrorIs(t, key.Verify("HS256", input, whole[:n]), jose.ErrSignature)
	}
	require.ErrorIs(t, key.Verify("HS256", input, append(whole, 0)), jose.ErrSignature)
}

// Go's decoder skips line ends, and what is left may have the length that the text promised.
func TestNoLineEndHidesInAPartOfAnyLength(t *testing.T) {
	t.Parallel()
	for n := range 25 {
		part := b64(slices.Repeat([]byte{'x'}, n))
		for at := range len(part) + 1 {
			for _, end := range []string{"\n", "\r", "\r\n", "\n\n\n", "\n\n\n\n"} {
				c, err := jose.Split("e30.e30." + part[:at] + end + part[at:])
				require.NoError(t, err)
				_, err = c.Signature()
				require.ErrorIs(t, err, jose.ErrEncoding, "%q at %d of %d letters", end, at, len(part))
			}
		}
	}
}
