package jwks_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

var input = []byte("header.payload")

// Signatures over input.
func rs256() []byte {
	sum := sha256.Sum256(input)
	return must(rsa.SignPKCS1v15(nil, rsaKey(), crypto.SHA256, sum[:]))
}

func es256() []byte {
	sum := sha256.Sum256(input)
	r, s, err := ecdsa.Sign(rand.Reader, p256(), sum[:])
	return append(must(r, err).FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

func eddsa() []byte { return ed25519.Sign(ed("a"), input) }

// fits reports whether a snapshot of k alone has a key for alg.
func fits(k *jwks.Key, alg string) bool {
	_, err := jwks.NewSnapshot(jwks.SnapshotConfig{Keys: []*jwks.Key{k}}).Key(k.ID(), alg)
	return err == nil
}

func TestNewKey(t *testing.T) {
	type row struct {
		public     any
		alg, typ   string
		signature  []byte
		fits, fail []string
	}
	each(t, map[string]row{
		"RSA":     {&rsaKey().PublicKey, "RS256", "RSA", rs256(), []string{"RS256", "PS512"}, []string{"ES256", "HS256", "none", "rs256", ""}},
		"EC":      {&p256().PublicKey, "ES256", "EC", es256(), []string{"ES256"}, []string{"ES384", "RS256"}},
		"Ed25519": {edPublic("a"), "EdDSA", "OKP", eddsa(), []string{"EdDSA", "Ed25519"}, []string{"ES256"}},
	}, func(t *testing.T, row row) {
		k := must(jwks.NewKey("the-kid", "", row.public))
		assert.Equal(t, "the-kid", k.ID())
		assert.Equal(t, row.typ, k.Type())
		assert.Empty(t, k.Algorithm())
		assert.Empty(t, k.Issuer())
		for _, alg := range row.fits {
			assert.True(t, fits(k, alg), alg)
		}
		for _, alg := range row.fail {
			assert.False(t, fits(k, alg), "%q", alg)
		}
		require.NoError(t, k.Verify(row.alg, input, row.signature))
		require.ErrorIs(t, k.Verify(row.alg, []byte("other.payload"), row.signature), jwks.ErrSignature)
		require.ErrorIs(t, k.Verify(row.fail[0], input, row.signature), jwks.ErrSignature)
		require.ErrorIs(t, k.Verify(row.alg, input, nil), jwks.ErrSignature)

		bound := must(jwks.NewKey("", row.alg, row.public))
		assert.Equal(t, row.alg, bound.Algorithm())
		named := bound.WithID("b")
		assert.Empty(t, bound.ID())
		assert.Equal(t, "b", named.ID())
		require.NoError(t, named.Verify(row.alg, input, row.signature))
	})
}

func TestNewKeyRefuses(t *testing.T) {
	weak := &rsa.PublicKey{N: new(big.Int).Rsh(rsaKey().N, 1024), E: 65537}
	type row struct {
		alg    string
		public any
		says   string
	}
	each(t, map[string]row{
		"nothing":                    {"", nil, "no public key"},
		"a private key":              {"", rsaKey(), "*rsa.PrivateKey is no public key"},
		"an empty RSA key":           {"", &rsa.PublicKey{}, "empty RSA key"},
		"a nil RSA key":              {"", (*rsa.PublicKey)(nil), "empty RSA key"},
		"a nil EC key":               {"", (*ecdsa.PublicKey)(nil), "empty EC key"},
		"an EC key that is no point": {"", &ecdsa.PublicKey{Curve: elliptic.P256(), X: big.NewInt(1), Y: big.NewInt(1)}, "not a point"}, //nolint:staticcheck // SA1019: no other way makes a bad one
		"RSA of 1024 bits":           {"", weak, "1024 bits"},
		"a short Ed25519 key":        {"", ed25519.PublicKey("short"), "32 bytes"},
		"an alg of another type":     {"ES256", &rsaKey().PublicKey, `alg "ES256" does not fit`},
		"an alg of another curve":    {"ES256", &p384().PublicKey, "EC P-384"},
		"an alg that does not exist": {"none", &rsaKey().PublicKey, `alg "none"`},
		"an HMAC over a public key":  {"HS256", &rsaKey().PublicKey, `alg "HS256"`},
	}, func(t *testing.T, row row) {
		k, err := jwks.NewKey("kid", row.alg, row.public)
		require.ErrorContains(t, err, row.says)
		assert.True(t, strings.HasPrefix(err.Error(), "jwks: "), err)
		assert.Nil(t, k)
	})
}

func TestKeyIsNotChangedFromOutside(t *testing.T) {
	type row struct {
		make      func() (public any, spoil func())
		alg       string
		signature []byte
	}
	each(t, map[string]row{
		"RSA": {func() (any, func()) {
			p := &rsa.PublicKey{N: new(big.Int).Set(rsaKey().N), E: rsaKey().E}
			return p, func() { p.N.SetInt64(15) }
		}, "RS256", rs256()},
		"EC": {func() (any, func()) {
			p := must(ecdsa.ParseUncompressedPublicKey(elliptic.P256(), must(p256().PublicKey.Bytes())))
			return p, func() { p.X.SetInt64(15) } //nolint:staticcheck // SA1019: what it must not come to
		}, "ES256", es256()},
		"Ed25519": {func() (any, func()) {
			p := append(ed25519.PublicKey(nil), edPublic("a")...)
			return p, func() { clear(p) }
		}, "EdDSA", eddsa()},
	}, func(t *testing.T, row row) {
		public, spoil := row.make()
		k := must(jwks.NewKey("", "", public))
		spoil()
		assert.NoError(t, k.Verify(row.alg, input, row.signature))
	})
}

func TestNewSecret(t *testing.T) {
	t.Parallel()
	secret := []byte("0123456789abcdef0123456789abcdef")
	k := must(jwks.NewSecret("s", "HS256", secret))
	mac := hmac.New(sha256.New, secret)
	mac.Write(input)
	signature := mac.Sum(nil)
	clear(secret)
	require.NoError(t, k.Verify("HS256", input, signature), "the secret is copied")
	assert.Equal(t, "s", k.ID())
	assert.Equal(t, "oct", k.Type())
	assert.False(t, fits(k, "HS512"))

	_, err := jwks.NewSecret("s", "RS256", make([]byte, 64))
	require.ErrorContains(t, err, "use HS256")
}

func TestKeyPrintsNoSecret(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("tell-nobody!", 4)
	k := must(jwks.NewSecret("s", "HS256", []byte(secret)))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%t"} {
		for _, value := range []any{k, []any{k}, map[string]*jwks.Key{"k": k}} {
			text := fmt.Sprintf(verb, value)
			assert.NotContains(t, text, "tell")
			assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", "tell"))
			assert.NotContains(t, text, "116 101 108 108")
		}
	}
	assert.Equal(t, `jwks.Key(oct kid="s" alg="HS256")`, fmt.Sprint(k))
	var none *jwks.Key
	assert.Equal(t, "jwks.Key(nil)", fmt.Sprint(none))
}

func TestParseJWKS(t *testing.T) {
	entra := jwk("e", members{"issuer": "https://login.example/{tenantid}/v2.0", "x5t": "ignored", "use": "sig"})
	type row struct {
		data string
		want []string
	}
	each(t, map[string]row{
		"a set":                       {set(jwk("a"), rsaJWK("r"), ecJWK("e", p256())), []string{"a", "r", "e"}},
		"a single JWK":                {string(must(json.Marshal(jwk("a")))), []string{"a"}},
		"without a kid":               {set(jwk("a", members{"kid": nil})), []string{""}},
		"an unknown kty is skipped":   {set(members{"kty": "LWE", "kid": "q"}, jwk("a")), []string{"a"}},
		"unknown members are ignored": {set(entra), []string{"e"}},
	}, func(t *testing.T, row row) {
		data := []byte(row.data)
		keys := must(jwks.ParseJWKS(data))
		clear(data) // of which nothing is kept
		var got []string
		for _, k := range keys {
			got = append(got, k.ID())
		}
		assert.Equal(t, row.want, got)
		if row.want[0] == "a" {
			assert.NoError(t, keys[0].Verify("EdDSA", input, eddsa()))
		}
	})
	assert.Equal(t, "https://login.example/{tenantid}/v2.0", must(jwks.ParseJWKS([]byte(set(entra))))[0].Issuer())
}

func TestParseJWKSRefuses(t *testing.T) {
	many := make([]members, 300)
	for i := range many {
		many[i] = members{"kty": "LWE"}
	}
	type row struct {
		data string
		says string
	}
	each(t, map[string]row{
		"nothing":              {"", "not a JWK Set"},
		"another object":       {`{"issuer":"x"}`, `no "keys" member`},
		"an empty set":         {set(), "holds no keys"},
		"only unusable keys":   {set(jwk("b", members{"use": "enc"})), `use is "enc"`},
		"more than 256 keys":   {set(many...), "more than 256 keys"},
		"a weak RSA key alone": {set(members{"kty": "RSA", "n": b64(make([]byte, 256)), "e": "AQAB"}), "none of the 1 keys"},
		"a secret alone":       {set(members{"kty": "oct", "k": b64(make([]byte, 64))}), "none of the 1 keys"},
	}, func(t *testing.T, row row) {
		keys, err := jwks.ParseJWKS([]byte(row.data))
		require.ErrorContains(t, err, row.says)
		assert.True(t, strings.HasPrefix(err.Error(), "jwks: "), err)
		assert.Empty(t, keys)
	})
	_, err := jwks.ParseJWKS([]byte(set(many[:200]...)))
	assert.Less(t, len(err.Error()), 600, "a hostile set does not fill the log")
}

func TestParsePEM(t *testing.T) {
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkix := func(public any) string { return block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(public))) }
	pkcs1 := block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&rsaKey().PublicKey))
	private := block("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(p256())))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(-time.Hour)}
	certificate := block("CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template, template, &p256().PublicKey, p256())))
	type row struct {
		data        string
		types, says []string
	}
	each(t, map[string]row{
		"RSA":                   {pkix(&rsaKey().PublicKey), []string{"RSA"}, nil},
		"PKCS #1":               {pkcs1, []string{"RSA"}, nil},
		"EC":                    {pkix(&p256().PublicKey), []string{"EC"}, nil},
		"Ed25519":               {pkix(edPublic("a")), []string{"OKP"}, nil},
		"a certificate":         {certificate, []string{"EC"}, nil},
		"several, with text":    {"keys:\n" + pkix(edPublic("a")) + pkcs1, []string{"OKP", "RSA"}, nil},
		"nothing":               {"", nil, []string{"no PEM block found"}},
		"no PEM":                {"ssh-ed25519 AAAA", nil, []string{"no PEM block found"}},
		"a private key":         {private, nil, []string{"block 1", "public half only"}},
		"all mistakes at once":  {private + pkcs1 + block("DH PARAMETERS", nil), nil, []string{"block 1: a private key", "block 3: neither"}},
		"a damaged key":         {block("PUBLIC KEY", []byte("x")), nil, []string{"block 1"}},
		"a damaged certificate": {block("CERTIFICATE", []byte("x")), nil, []string{"block 1"}},
	}, func(t *testing.T, row row) {
		keys, err := jwks.ParsePEM([]byte(row.data))
		for _, says := range row.says {
			require.ErrorContains(t, err, says)
		}
		if row.says == nil {
			require.NoError(t, err)
		}
		var types []string
		for _, k := range keys {
			types = append(types, k.Type())
			assert.Empty(t, k.ID())
		}
		assert.Equal(t, row.types, types)
	})
}
