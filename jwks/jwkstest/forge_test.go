package jwkstest_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func TestEveryForgeryIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	rows := map[string][]jwkstest.Option{
		"RSA keys without alg":      {jwkstest.JWK{"alg": nil}},
		"PSS keys without alg":      {jwkstest.JWK{"alg": nil}, jwkstest.WithAlgorithm("PS256")},
		"a name with a port":        {jwkstest.WithName("https://login.example:8443/t~1/"), jwkstest.WithAlgorithm("EdDSA")},
		"a name over http":          {jwkstest.WithName("http://localhost/realm"), jwkstest.WithAlgorithm("EdDSA")},
		"a name that is no address": {jwkstest.WithName("accounts"), jwkstest.WithAlgorithm("EdDSA")},
		"several audiences":         {jwkstest.WithAudience("https://api.example/", "other"), jwkstest.WithAlgorithm("EdDSA")},
	}
	for _, alg := range forgedAlgorithms {
		rows[alg] = []jwkstest.Option{jwkstest.WithAlgorithm(alg)}
	}
	for name, options := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			iss := jwkstest.New(t, options...)
			v := newVerifier(iss, iss.KeySet())
			forgeries, all := iss.Forgeries(), map[string]jwkstest.Forgery{}
			for _, known := range []string{iss.Key().Algorithm(), "ES256", "EdDSA"} {
				_, err := v.Verify(t.Context(), iss.Token(jwkstest.WithAlgorithm(known)))
				require.NoError(t, err, "what the forgeries are made of is good")
			}
			for name, f := range forgeries {
				assert.NotContains(t, all, name)
				all[name] = f
				assert.NotEmpty(t, f.Hole, name)
				_, err := v.Verify(t.Context(), f.Token)
				assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
			}
			assert.Greater(t, len(all), 400)
			assert.Zero(t, iss.Fetches()+iss.DiscoveryFetches()+iss.Strays())

			// To forge is slow under the race detector, so what else is asked of the same ones is asked here.
			switch name {
			case "RS256", "EdDSA":
				t.Run("what is not about the signature is well signed", func(t *testing.T) { testWellSigned(t, iss, all) })
			}
			for _, h := range holes {
				if slices.Contains(h.algs, name) {
					t.Run(h.name, func(t *testing.T) { h.test(t, iss, all) })
				}
			}
			if name == "RS256" {
				t.Run("what is public is taken for a secret", func(t *testing.T) { testPublicSecrets(t, iss, all) })
			}
		})
	}
}

func TestAFetcherRefusesEveryForgeryAndFollowsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName("https://login.example/tenant/v2.0/"), jwkstest.WithAlgorithm("ES256"))
		fetcher := must(jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer(), Client: iss.Client()}))
		defer fetcher.Close()
		v := newVerifier(iss, fetcher)
		for name, f := range iss.Forgeries() {
			_, err := v.Verify(t.Context(), f.Token)
			assert.Equal(t, f.Reason, whyNot(t, err), "%s: %v", name, err)
		}
		assert.Zero(t, iss.Strays(), "nothing that a header points at was fetched")
		assert.LessOrEqual(t, iss.Fetches(), 6, "the first one, and a burst for unknown kids")
	})
}

// testWellSigned: what the issuer signed itself must carry a good signature, or the forgery would be refused for less
// than it claims.
func testWellSigned(t *testing.T, iss *jwkstest.Issuer, forgeries map[string]jwkstest.Forgery) {
	t.Helper()
	about := map[reason.Code]bool{
		reason.CriticalHeader: true, reason.UnsupportedType: true, reason.MalformedClaims: true, reason.MissingClaim: true,
		reason.Expired: true, reason.NotYetValid: true, reason.IssuedInFuture: true, reason.WrongAudience: true, reason.UnsupportedBinding: true,
		reason.UnknownIssuer: true,
	}
	signed := 0
	for name, f := range forgeries {
		if !about[f.Reason] || name == "b64: false, signed over the text" || name == "key: another issuer's, in its own name" {
			continue
		}
		assert.True(t, verifiedBy(f.Token, iss.Key().Public(), iss.Key().Algorithm()), name)
		signed++
	}
	assert.Greater(t, signed, 150)
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
	var published []int
	for range 2 {
		for range iss.Forgeries() {
			break
		}
		published = append(published, len(iss.Published()))
	}
	assert.Equal(t, published[0], published[1], "the second time nothing is published")
}

// A hole is what a verifier may do wrong. It lets in exactly the forgeries that are made for it: one that gets through
// nowhere would be worth nothing.
type hole struct {
	name  string
	algs  []string
	names string // of the forgeries
	falls func(t *testing.T, key *jwkstest.Key, name, token string) bool
	want  int
}

var holes = []hole{
	{"the key in the token is trusted", []string{"RS256", "ES256"}, "^header: (jwk|x5c)", believesKeyInToken, 7},
	{"an address is followed", []string{"EdDSA"}, "^header: (jku|x5u)( of the issuer's kid)?$", followsAddress, 4},
	{"none is read in any case", []string{"EdDSA"}, "^alg none: .*, no signature$", acceptsNone, 7},
	{"RSA padding is parsed", []string{"RS256"}, "^RSA signature: ", parsesPadding, 10},
	{
		"ECDSA signatures are read leniently",
		[]string{"ES256"},
		"^ECDSA signature: (as DER$|over the hash of|r and s (are zero|swapped|too wide|as wide as))", readsECDSALeniently, 7,
	},
	{"base64 is decoded leniently", []string{"EdDSA"}, "^base64url: ", decodesLeniently, 30},
}

func (h hole) test(t *testing.T, iss *jwkstest.Issuer, forgeries map[string]jwkstest.Forgery) {
	t.Helper()
	names, fell := regexp.MustCompile(h.names), []string(nil)
	for name, f := range forgeries {
		if names.MatchString(name) && h.falls(t, iss.Key(), name, f.Token) {
			fell = append(fell, name)
		}
	}
	assert.Len(t, fell, h.want)
}

func believesKeyInToken(t *testing.T, issuers *jwkstest.Key, _, token string) bool {
	t.Helper()
	header, _ := open(t, token)
	if chain, ok := header["x5c"].([]any); ok {
		cert := must(x509.ParseCertificate(must(base64.StdEncoding.DecodeString(chain[0].(string)))))
		return verifiedBy(token, cert.PublicKey, issuers.Algorithm())
	}
	value := header["jwk"]
	if value == nil {
		value = header["jwks"]
	}
	keys := must(jwks.ParseJWKS(must(json.Marshal(value))))
	return verifies(keys[0], issuers.Algorithm(), token)
}

func followsAddress(t *testing.T, issuers *jwkstest.Key, _, token string) bool {
	t.Helper()
	header, _ := open(t, token)
	if at, ok := header["jku"].(string); ok {
		_, body := fetch(t, http.DefaultClient, at)
		return slices.ContainsFunc(must(jwks.ParseJWKS([]byte(body))), func(k *jwks.Key) bool {
			return k.ID() == header["kid"] && verifies(k, issuers.Algorithm(), token)
		})
	}
	_, body := fetch(t, http.DefaultClient, header["x5u"].(string))
	for block, rest := pem.Decode([]byte(body)); block != nil; block, rest = pem.Decode(rest) {
		if verifiedBy(token, must(x509.ParseCertificate(block.Bytes)).PublicKey, issuers.Algorithm()) {
			return true
		}
	}
	return false
}

func acceptsNone(t *testing.T, _ *jwkstest.Key, _, token string) bool {
	t.Helper()
	header, claims := open(t, token)
	assert.Equal(t, "test-client", claims["sub"])
	assert.True(t, strings.HasSuffix(token, "."))
	return strings.EqualFold(strings.TrimSpace(header["alg"].(string)), "none")
}

// parsesPadding finds the hash anywhere: in nine paddings around it, and under the number plus the modulus.
func parsesPadding(t *testing.T, issuers *jwkstest.Key, name, token string) bool {
	t.Helper()
	public := issuers.Public().(*rsa.PublicKey)
	input, signature := split(token)
	s := new(big.Int).SetBytes(signature)
	block := new(big.Int).Exp(s, big.NewInt(int64(public.E)), public.N).FillBytes(make([]byte, public.Size()))
	if strings.HasSuffix(name, "plus the modulus") {
		same := s.Mod(s, public.N).FillBytes(make([]byte, public.Size()))
		assert.NoError(t, must(jwks.NewKey("", "", public)).Verify("RS256", []byte(input), same), "without a check of the range it is the same number")
	}
	return bytes.Contains(block, sum(crypto.SHA256, input))
}

func readsECDSALeniently(t *testing.T, issuers *jwkstest.Key, name, token string) bool {
	t.Helper()
	public := issuers.Public().(*ecdsa.PublicKey)
	input, signature := split(token)
	hash, half := crypto.SHA256, len(signature)/2
	r, s := new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:])
	switch strings.TrimPrefix(name, "ECDSA signature: ") {
	case "as DER":
		return ecdsa.VerifyASN1(public, sum(hash, input), signature)
	case "r and s are zero":
		return bytes.Equal(signature, make([]byte, 64))
	case "r and s swapped":
		r, s = s, r
	case "over the hash of ES384":
		hash = crypto.SHA384
	case "over the hash of ES512":
		hash = crypto.SHA512
	}
	return ecdsa.Verify(public, sum(hash, input), r, s)
}

// decodesLeniently skips CR, LF and padding, and takes spare bits and the other alphabet, as Go's own decoder and common favours do.
func decodesLeniently(t *testing.T, issuers *jwkstest.Key, name, token string) bool {
	t.Helper()
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(strings.NewReplacer("=", "", "+", "-", "/", "_").Replace(token[dot+1:]))
	if err != nil {
		return false
	}
	assert.NoError(t, must(jwks.NewKey("", "", issuers.Public())).Verify("EdDSA", []byte(token[:dot]), signature), name)
	return true
}

func sum(hash crypto.Hash, input string) []byte {
	h := hash.New()
	h.Write([]byte(input))
	return h.Sum(nil)
}

func testPublicSecrets(t *testing.T, iss *jwkstest.Issuer, forgeries map[string]jwkstest.Forgery) {
	t.Helper()
	_, set := fetch(t, http.DefaultClient, iss.JWKSURL())
	var raw struct{ Keys []json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(set), &raw))
	var members struct{ Keys []map[string]string }
	require.NoError(t, json.Unmarshal([]byte(set), &members))
	signing := members.Keys[0]
	published, _ := open(t, forgeries["HS256: keyed with a symmetric key out of the JWK Set"].Token)
	at := slices.IndexFunc(members.Keys, func(k map[string]string) bool { return k["kid"] == published["kid"] })
	assert.Equal(t, "oct", members.Keys[at]["kty"])

	public := iss.Key().Public().(*rsa.PublicKey)
	pkix, pkcs1 := must(x509.MarshalPKIXPublicKey(public)), x509.MarshalPKCS1PublicKey(public)
	pkixPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}))
	pkcs1PEM := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}))
	for name, secret := range map[string]string{
		"HS256: keyed with the public key as PKIX PEM":                            pkixPEM,
		"HS384: keyed with the public key as PKIX PEM":                            pkixPEM,
		"HS512: keyed with the public key as PKIX PEM":                            pkixPEM,
		"HS256: keyed with the public key as PKIX PEM without its last newline":   strings.TrimSpace(pkixPEM),
		"HS256: keyed with the public key as PKIX PEM with CR LF":                 strings.ReplaceAll(pkixPEM, "\n", "\r\n"),
		"HS256: keyed with the public key as the base64 between the PEM lines":    base64.StdEncoding.EncodeToString(pkix),
		"HS256: keyed with the public key as PKIX DER":                            string(pkix),
		"HS256: keyed with the public key as PKCS 1 PEM":                          pkcs1PEM,
		"HS256: keyed with the public key as PKCS 1 PEM without its last newline": strings.TrimSpace(pkcs1PEM),
		"HS256: keyed with the public key as PKCS 1 DER":                          string(pkcs1),
		"HS256: keyed with the public key as its JWK":                             string(raw.Keys[0]),
		"HS256: keyed with the public key as its bare JWK":                        `{"e":"` + signing["e"] + `","kty":"RSA","n":"` + signing["n"] + `"}`,
		"HS256: keyed with the whole JWK Set":                                     set,
		"HS256: keyed with the modulus":                                           string(public.N.Bytes()),
		"HS256: keyed with the modulus as base64url":                              signing["n"],
		"HS256: keyed with the modulus as decimal number":                         public.N.String(),
		"HS256: keyed with nothing":                                               "",
		"HS256: keyed with the word secret":                                       "secret",
		"HS256: keyed with the kid":                                               "key-1",
		"HS256: keyed with the audience":                                          "api://test",
		"HS256: keyed with a symmetric key out of the JWK Set":                    string(raw64(members.Keys[at]["k"])),
		"HS256: of a null device, which the kid names":                            "",
		"HS256: of what the kid makes a database answer":                          "secret",
	} {
		hash := map[string]crypto.Hash{"HS256": crypto.SHA256, "HS384": crypto.SHA384, "HS512": crypto.SHA512}[name[:5]]
		input, signature := split(forgeries[name].Token)
		m := hmac.New(hash.New, []byte(secret))
		m.Write([]byte(input))
		assert.True(t, hmac.Equal(m.Sum(nil), signature), name)
	}
}
