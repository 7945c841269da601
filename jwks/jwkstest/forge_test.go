package jwkstest_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"hash"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func TestForgeriesFitIssuersOfAllKinds(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]jwkstest.Option{
		"RSA keys without alg":      {jwkstest.JWK{"alg": nil}},
		"PSS keys without alg":      {jwkstest.JWK{"alg": nil}, jwkstest.WithAlgorithm("PS256")},
		"a name with a port":        {jwkstest.WithName("https://login.example:8443/t~1/"), jwkstest.WithAlgorithm("EdDSA")},
		"a name over http":          {jwkstest.WithName("http://localhost/realm"), jwkstest.WithAlgorithm("EdDSA")},
		"a name that is no address": {jwkstest.WithName("accounts"), jwkstest.WithAlgorithm("EdDSA")},
		"several audiences":         {jwkstest.WithAudience("https://api.example/", "other"), jwkstest.WithAlgorithm("EdDSA")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, append(options, jwkstest.WithoutServer())...)
			v := newVerifier(t, iss, iss.KeySet())
			_, err := v.Verify(t.Context(), iss.Token())
			require.NoError(t, err)
			for name, f := range iss.Forgeries() {
				_, err := v.Verify(t.Context(), f.Token)
				assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
			}
		})
	}
}

func TestEveryForgeryIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	for _, alg := range forgedAlgorithms {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm(alg), jwkstest.WithAudience("api://orders"))
			v := newVerifier(t, iss, iss.KeySet())
			forgeries := iss.Forgeries()
			for _, known := range []string{alg, "ES256", "EdDSA"} {
				_, err := v.Verify(t.Context(), iss.Token(jwkstest.WithAlgorithm(known)))
				require.NoError(t, err, "what the forgeries are made of is good")
			}
			names := map[string]bool{}
			for name, f := range forgeries {
				assert.False(t, names[name], "two are called %q", name)
				names[name] = true
				assert.NotEmpty(t, f.Hole, name)
				_, err := v.Verify(t.Context(), f.Token)
				assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
			}
			assert.Greater(t, len(names), 400)
			assert.Zero(t, iss.Fetches()+iss.DiscoveryFetches()+iss.Strays())
		})
	}
}

func TestAFetcherRefusesEveryForgeryAndFollowsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName("https://login.example/tenant/v2.0/"))
		fetcher := must(jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer(), Client: iss.Client()}))
		defer fetcher.Close()
		v := newVerifier(t, iss, fetcher)
		for name, f := range iss.Forgeries() {
			_, err := v.Verify(t.Context(), f.Token)
			assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
		}
		assert.Zero(t, iss.Strays(), "nothing that a header points at was fetched")
		assert.LessOrEqual(t, iss.Fetches(), 6, "the first one, and a burst for unknown kids")
	})
}

// What the issuer signed itself must carry a good signature, or the forgery would be refused for less than it claims.
func TestForgeriesThatAreNotAboutTheSignatureAreWellSigned(t *testing.T) {
	t.Parallel()
	about := map[reason.Code]bool{
		reason.CriticalHeader: true, reason.UnsupportedType: true, reason.MalformedClaims: true, reason.MissingClaim: true,
		reason.Expired: true, reason.NotYetValid: true, reason.IssuedInFuture: true, reason.WrongAudience: true, reason.UnsupportedBinding: true,
		reason.UnknownIssuer: true,
	}
	for _, alg := range []string{"RS256", "EdDSA"} {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm(alg))
		signed := 0
		for name, f := range iss.Forgeries() {
			if !about[f.Reason] || name == "b64: false, signed over the text" || name == "key: another issuer's, in its own name" {
				continue
			}
			assert.True(t, verifiedBy(t, f.Token, iss.Key().Public(), alg), name)
			signed++
		}
		assert.Greater(t, signed, 150)
	}
}

func TestForgeriesAreMadeOfTheTokenThatTheAPIAccepts(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	for name, f := range iss.Forgeries(jwkstest.Claims{"scope": "orders.read"}, jwkstest.WithAudience("api://orders")) {
		if f.Reason != reason.Expired {
			continue
		}
		_, claims := open(t, f.Token)
		assert.Equal(t, "orders.read", claims["scope"], name)
		assert.Equal(t, "api://orders", claims["aud"], name)
	}
}

func TestIteratingMayStop(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	seen := 0
	for range iss.Forgeries() {
		seen++
		if seen == 10 {
			break
		}
	}
	assert.Equal(t, 10, seen)
	published := len(iss.Published())
	for range iss.Forgeries() {
		break
	}
	assert.Len(t, iss.Published(), published, "the second time nothing is published")
}

func TestTheAttackersKeysAreThereForWhoFollowsAHeader(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("EdDSA"))
	pointed := 0
	for name, f := range iss.Forgeries() {
		if name != "header: jku" && name != "header: jku of the issuer's kid" {
			continue
		}
		header, _ := open(t, f.Token)
		_, body := fetch(t, http.DefaultClient, header["jku"].(string))
		input, signature := split(t, f.Token)
		found := false
		for _, k := range must(jwks.ParseJWKS([]byte(body))) {
			found = found || k.ID() == header["kid"] && k.Verify("EdDSA", []byte(input), signature) == nil
		}
		assert.True(t, found, "%s: it would get in", name)
		pointed++
	}
	assert.Equal(t, 2, pointed)
	assert.Equal(t, 2, iss.Strays())
}

// A forgery is worth nothing if nobody would fall for it. Here are those who would: each verifier below has one hole, and
// lets in exactly the forgeries that are made for it.

// bag is an issuer, its forgeries, and what everybody can read of its keys.
type bag struct {
	iss   *jwkstest.Issuer
	all   map[string]jwkstest.Forgery
	set   string // the JWK Set as it is served
	first string // its first key
}

func newBag(t *testing.T, alg string) bag {
	t.Helper()
	b := bag{iss: jwkstest.New(t, jwkstest.WithAlgorithm(alg)), all: map[string]jwkstest.Forgery{}}
	for name, f := range b.iss.Forgeries() {
		b.all[name] = f
	}
	_, b.set = fetch(t, http.DefaultClient, b.iss.JWKSURL())
	var parsed struct{ Keys []json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(b.set), &parsed))
	b.first = string(parsed.Keys[0])
	return b
}

func (b bag) named(t *testing.T, prefix string) (found []jwkstest.Forgery) {
	t.Helper()
	for name, f := range b.all {
		if strings.HasPrefix(name, prefix) {
			found = append(found, f)
		}
	}
	require.NotEmpty(t, found, prefix)
	return found
}

func macs(t *testing.T, token string, h func() hash.Hash, key []byte) bool {
	t.Helper()
	input, signature := split(t, token)
	m := hmac.New(h, key)
	m.Write([]byte(input))
	return hmac.Equal(m.Sum(nil), signature)
}

func TestWhoTakesAPublicKeyForASecretFallsForIt(t *testing.T) {
	t.Parallel()
	b := newBag(t, "RS256")
	public := b.iss.Key().Public().(*rsa.PublicKey)
	pkix := must(x509.MarshalPKIXPublicKey(public))
	pkcs1 := x509.MarshalPKCS1PublicKey(public)
	text := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	for name, secret := range map[string]string{
		"PKIX PEM":                            text("PUBLIC KEY", pkix),
		"PKIX PEM without its last newline":   strings.TrimSpace(text("PUBLIC KEY", pkix)),
		"PKIX PEM with CR LF":                 strings.ReplaceAll(text("PUBLIC KEY", pkix), "\n", "\r\n"),
		"the base64 between the PEM lines":    base64.StdEncoding.EncodeToString(pkix),
		"PKIX DER":                            string(pkix),
		"PKCS 1 PEM":                          text("RSA PUBLIC KEY", pkcs1),
		"PKCS 1 PEM without its last newline": strings.TrimSpace(text("RSA PUBLIC KEY", pkcs1)),
		"PKCS 1 DER":                          string(pkcs1),
		"its JWK":                             b.first,
	} {
		f := b.all["HS256: keyed with the public key as "+name]
		assert.True(t, macs(t, f.Token, sha256.New, []byte(secret)), name)
	}
	jwk := b.iss.Key().JWK()
	bare := `{"e":"` + jwk["e"].(string) + `","kty":"RSA","n":"` + jwk["n"].(string) + `"}`
	for name, secret := range map[string]string{
		"keyed with the public key as its bare JWK": bare,
		"keyed with the whole JWK Set":              b.set,
		"keyed with the modulus":                    string(public.N.Bytes()),
		"keyed with the modulus as base64url":       jwk["n"].(string),
		"keyed with the modulus as decimal number":  public.N.String(),
		"keyed with nothing":                        "",
		"keyed with the word secret":                "secret",
		"keyed with the kid":                        "key-1",
		"keyed with the audience":                   "api://test",
		"of a null device, which the kid names":     "",
		"of what the kid makes a database answer":   "secret",
	} {
		f, ok := b.all["HS256: "+name]
		require.True(t, ok, name)
		assert.True(t, macs(t, f.Token, sha256.New, []byte(secret)), name)
	}
	assert.True(t, macs(t, b.all["HS384: keyed with the public key as PKIX PEM"].Token, sha512.New384, []byte(text("PUBLIC KEY", pkix))))
	assert.True(t, macs(t, b.all["HS512: keyed with the public key as PKIX PEM"].Token, sha512.New, []byte(text("PUBLIC KEY", pkix))))

	published := b.all["HS256: keyed with a symmetric key out of the JWK Set"].Token
	header, _ := open(t, published)
	var set struct {
		Keys []struct{ Kty, Kid, K string }
	}
	require.NoError(t, json.Unmarshal([]byte(b.set), &set))
	for _, k := range set.Keys {
		if k.Kid == header["kid"] {
			assert.Equal(t, "oct", k.Kty)
			assert.True(t, macs(t, published, sha256.New, raw64(t, k.K)))
			return
		}
	}
	assert.Fail(t, "the set holds no such secret")
}

func TestWhoTrustsTheKeyInTheTokenFallsForIt(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "ES256"} {
		b := newBag(t, alg)
		fell := 0
		for name, f := range b.all {
			if !strings.HasPrefix(name, "header: jwk") && !strings.HasPrefix(name, "header: x5c") {
				continue
			}
			header, _ := open(t, f.Token)
			key := broughtAlong(t, header)
			input, signature := split(t, f.Token)
			assert.NoError(t, key.Verify(alg, []byte(input), signature), "%s: %s", alg, name)
			fell++
		}
		assert.Equal(t, 7, fell)
	}
}

// broughtAlong is the key in the header, in whichever form it is there.
func broughtAlong(t *testing.T, header map[string]any) *jwks.Key {
	t.Helper()
	if chain, ok := header["x5c"].([]any); ok {
		cert := must(x509.ParseCertificate(must(base64.StdEncoding.DecodeString(chain[0].(string)))))
		return must(jwks.NewKey("", "", cert.PublicKey))
	}
	value := header["jwk"]
	if value == nil {
		value = header["jwks"]
	}
	keys := must(jwks.ParseJWKS(must(json.Marshal(value))))
	require.Len(t, keys, 1)
	return keys[0]
}

func TestTheCertificatesBehindX5UAreThere(t *testing.T) {
	t.Parallel()
	b := newBag(t, "EdDSA")
	token := b.all["header: x5u"].Token
	header, _ := open(t, token)
	_, body := fetch(t, http.DefaultClient, header["x5u"].(string))
	input, signature := split(t, token)
	for block, rest := pem.Decode([]byte(body)); block != nil; block, rest = pem.Decode(rest) {
		key := must(jwks.NewKey("", "", must(x509.ParseCertificate(block.Bytes)).PublicKey))
		if key.Verify("EdDSA", []byte(input), signature) == nil {
			return
		}
	}
	assert.Fail(t, "none of the certificates fits")
}

func TestWhoReadsNoneInAnyCaseFallsForIt(t *testing.T) {
	t.Parallel()
	fell := 0
	for name, f := range newBag(t, "EdDSA").all {
		if !strings.HasPrefix(name, "alg none: ") || !strings.HasSuffix(name, ", no signature") {
			continue
		}
		header, claims := open(t, f.Token)
		if strings.EqualFold(strings.TrimSpace(header["alg"].(string)), "none") {
			fell++
		}
		assert.Equal(t, "test-client", claims["sub"])
		assert.True(t, strings.HasSuffix(f.Token, "."), name)
	}
	assert.Equal(t, 7, fell)
}

func TestWhoParsesRSAPaddingFallsForIt(t *testing.T) {
	t.Parallel()
	b := newBag(t, "RS256")
	public := b.iss.Key().Public().(*rsa.PublicKey)
	e, size := big.NewInt(int64(public.E)), public.Size()
	fell := 0
	for name, f := range b.all {
		if !strings.HasPrefix(name, "RSA signature: ") {
			continue
		}
		input, signature := split(t, f.Token)
		s := new(big.Int).SetBytes(signature)
		block := new(big.Int).Exp(s, e, public.N).FillBytes(make([]byte, size))
		sum := sha256.Sum256([]byte(input))
		if bytes.Contains(block, sum[:]) { // found somewhere, by who looks for it
			fell++
		}
		if strings.HasSuffix(name, "plus the modulus") {
			key := must(jwks.NewKey("", "", public))
			assert.NoError(t, key.Verify("RS256", []byte(input), s.Mod(s, public.N).FillBytes(make([]byte, size))), "without a check of the range it is the same number")
		}
	}
	assert.Equal(t, 10, fell, "nine paddings around the hash, and the number plus the modulus")
}

func TestWhoReadsECDSASignaturesLenientlyFallsForIt(t *testing.T) {
	t.Parallel()
	b := newBag(t, "ES256")
	public := b.iss.Key().Public().(*ecdsa.PublicKey)
	for name, hashed := range map[string]func(string) []byte{
		"r and s too wide":                   hash256,
		"r and s as wide as another curve's": hash256,
		"over the hash of ES384":             func(s string) []byte { h := sha512.Sum384([]byte(s)); return h[:] },
		"over the hash of ES512":             func(s string) []byte { h := sha512.Sum512([]byte(s)); return h[:] },
	} {
		input, signature := split(t, b.all["ECDSA signature: "+name].Token)
		half := len(signature) / 2
		r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
		assert.True(t, ecdsa.Verify(public, hashed(input), r, s), name)
	}
	input, signature := split(t, b.all["ECDSA signature: as DER"].Token)
	assert.True(t, ecdsa.VerifyASN1(public, hash256(input), signature))

	input, signature = split(t, b.all["ECDSA signature: r and s swapped"].Token)
	r, s := new(big.Int).SetBytes(signature[32:]), new(big.Int).SetBytes(signature[:32])
	assert.True(t, ecdsa.Verify(public, hash256(input), r, s))

	for _, f := range b.named(t, "ECDSA signature: r and s are zero") {
		_, signature := split(t, f.Token)
		assert.Equal(t, make([]byte, 64), signature)
	}
}

func hash256(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

func TestWhoDecodesLenientlyFallsForIt(t *testing.T) {
	t.Parallel()
	b := newBag(t, "EdDSA")
	key := must(jwks.NewKey("", "", b.iss.Key().Public()))
	fell := 0
	for name, f := range b.all {
		rest, ok := strings.CutPrefix(name, "base64url: ")
		if !ok {
			continue
		}
		dot := strings.LastIndexByte(f.Token, '.')
		// Go's own decoder skips CR and LF and takes spare bits; padding and the other alphabet are common favours.
		favour := strings.NewReplacer("=", "", "+", "-", "/", "_")
		signature, err := base64.RawURLEncoding.DecodeString(favour.Replace(f.Token[dot+1:]))
		if err != nil {
			continue
		}
		assert.NoError(t, key.Verify("EdDSA", []byte(f.Token[:dot]), signature), rest)
		fell++
	}
	assert.Greater(t, fell, 25)
}
