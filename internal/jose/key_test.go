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
	"encoding/asn1"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

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
	for n := range sha256.Size { // the size is checked before the comparison
		assert.ErrorIs(t, key.Verify("HS256", input, mac.Sum(nil)[:n]), jose.ErrSignature, "%d bytes of it", n)
	}
	assert.ErrorIs(t, key.Verify("HS256", input, append(mac.Sum(nil), 0)), jose.ErrSignature)
	assert.ErrorIs(t, key.Verify("HS384", input, mac.Sum(nil)), jose.ErrSignature, "bound to its alg")

	secret[0] ^= 1
	require.NoError(t, key.Verify("HS256", input, mac.Sum(nil)), "the secret was copied")
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
		"8193 bits":     {pub(8193, 65537), "8193 bits"},
		"e is one":      {pub(2048, 1), "exponent e"},
		"e is even":     {pub(2048, 4), "exponent e"},
		"e is huge":     {pub(2048, 1<<33+1), "exponent e"},
		"n is even":     {&rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 3}, "even modulus n"},
		"nothing in it": {&rsa.PublicKey{}, "empty"},
		"nil":           {nil, "empty"},
	} {
		_, err := jose.NewKey(k.key)
		require.ErrorContains(t, err, k.want, name)
	}
	for name, k := range map[string]*rsa.PublicKey{
		"the least size": pub(2048, 65537), "the greatest size": pub(8192, 65537), "the least exponent": pub(2048, 3), "the greatest exponent": pub(2048, math.MaxInt32),
	} {
		_, err := jose.NewKey(k)
		assert.NoError(t, err, name)
	}
}

func TestKeysOfOtherKindsAreRefused(t *testing.T) {
	t.Parallel()
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))
	for want, k := range map[string]any{
		"no public key": "secret", `curve "P-224"`: &p224.PublicKey, "32 bytes": ed25519.PublicKey("short"),
		"empty EC": &ecdsa.PublicKey{}, "jose: empty EC key": (*ecdsa.PublicKey)(nil), "not a point": &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}, //nolint:staticcheck // SA1019: only by hand does a point miss its curve
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

// RFC 7518 section 3.5: https://www.rfc-editor.org/rfc/rfc7518#section-3.5
func TestTheSaltOfPSSIsAsLongAsTheHash(t *testing.T) {
	t.Parallel()
	key := must(jose.NewKey(&rsaKey().PublicKey))
	digest := sha256.Sum256(input)
	for salt, ok := range map[int]bool{32: true, 31: false, 33: false, 0: false, 20: false, 222: false} {
		options := &rsa.PSSOptions{SaltLength: salt}
		if salt == 0 {
			options.SaltLength = rsa.PSSSaltLengthAuto // the longest
		}
		err := key.Verify("PS256", input, must(rsa.SignPSS(rand.Reader, rsaKey(), crypto.SHA256, digest[:], options)))
		assert.Equal(t, ok, err == nil, "a salt of %d bytes", salt)
	}
}

// What jwx's primitive needed beyond the standard library's own, a check of a known key must not need again.
func TestACheckAllocatesWhatTheStandardLibraryDoes(t *testing.T) {
	for alg, most := range map[string]float64{"RS256": 10, "ES256": 22, "EdDSA": 0} {
		public, signature := sign(t, alg)
		key := must(jose.NewKey(public))
		assert.LessOrEqual(t, testing.AllocsPerRun(20, func() { _ = key.Verify(alg, input, signature) }), most, alg)
	}
}
