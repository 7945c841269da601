package devauth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dpopKey is a client's key for proofs.
type dpopKey struct {
	private *ecdsa.PrivateKey
	jwk     map[string]any
}

func newDPoPKey(t *testing.T) *dpopKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	point, err := private.PublicKey.Bytes()
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	return &dpopKey{private, map[string]any{"kty": "EC", "crv": "P-256", "x": encode(point[1:33]), "y": encode(point[33:])}}
}

// thumbprint is that of RFC 7638, written out.
func (k *dpopKey) thumbprint() string {
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + k.jwk["x"].(string) + `","y":"` + k.jwk["y"].(string) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// proof makes a proof for a token request, with edited members; nil removes one.
func (k *dpopKey) proof(t *testing.T, h *harness, url string, header, claims map[string]any) string {
	t.Helper()
	part := func(members, edits map[string]any) string {
		maps.Copy(members, edits)
		maps.DeleteFunc(members, func(_ string, value any) bool { return value == nil })
		text, err := json.Marshal(members)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := part(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": k.jwk}, header) + "." +
		part(map[string]any{"jti": rand.Text(), "htm": "POST", "htu": url, "iat": h.clock().Unix()}, claims)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	require.NoError(t, err)
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// request is the documented request of a scheme for everything, with a query and
// DPoP lines.
func (h *harness) request(scheme devauth.Scheme, query string, proofs ...string) *http.Request {
	h.t.Helper()
	r, err := h.TokenRequest(h.client(scheme, devauth.AllLevels)).Request(h.t.Context())
	require.NoError(h.t, err)
	r.URL.RawQuery = query
	if proofs != nil {
		r.Header["Dpop"] = proofs
	}
	return r
}

func TestAProofBindsTheTokenOfEveryScheme(t *testing.T) {
	t.Parallel()
	h, key := start(t), newDPoPKey(t)
	for _, scheme := range devauth.Schemes {
		a := testkit.Do(t, h.request(scheme, "", key.proof(t, h, h.issuer(scheme).TokenURL, nil, nil)))
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		assert.Equal(t, "DPoP", a.Members(t)["token_type"], scheme)
		token := h.granted(scheme, a, nil)
		assert.Equal(t, map[string]any{"jkt": key.thumbprint()}, token.claims["cnf"], scheme)

		plain := testkit.Do(t, h.request(scheme, ""))
		assert.Equal(t, "Bearer", plain.Members(t)["token_type"], scheme)
		assert.NotContains(t, h.granted(scheme, plain, nil).claims, "cnf", "a token without a proof is not bound")
	}
}

func TestAProofOfRFC9449IsReadByItsThumbprint(t *testing.T) {
	t.Parallel()
	// The key and the thumbprint of RFC 9449 sections 4.1 and 6.1.
	key := &dpopKey{jwk: map[string]any{"x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}}
	assert.Equal(t, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", key.thumbprint())
}

func TestProofsThatAreNone(t *testing.T) {
	t.Parallel()
	h, key, other := start(t), newDPoPKey(t), newDPoPKey(t)
	url := h.issuer(devauth.Messaging).TokenURL
	proof := func(header, claims map[string]any) string { return key.proof(t, h, url, header, claims) }
	m := func(name string, value any) map[string]any { return map[string]any{name: value} }
	with := func(jwk map[string]any, name string, value any) map[string]any {
		jwk = maps.Clone(jwk)
		jwk[name] = value
		return m("jwk", jwk)
	}
	used := proof(nil, nil)
	require.Equal(t, http.StatusOK, testkit.Do(t, h.request(devauth.Messaging, "", used)).Status)
	now := h.clock()
	const (
		noJWT, typ, alg = "the proof is no signed JWT", "typ is not dpop+jwt", "alg is none of ES256, EdDSA, PS256, RS256"
		jwk, signature  = "jwk is no public key of an elliptic curve, Ed25519 or RSA", "the signature is not that of jwk"
		htm, htu        = "htm is not POST", "htu is not the address of this token endpoint"
		iat, jti        = "iat is missing, or more than a minute off", "jti is missing"
	)
	for name, row := range map[string]struct {
		proofs []string
		want   string
	}{
		"two":                       {[]string{proof(nil, nil), proof(nil, nil)}, "there is more than one DPoP header"},
		"used before":               {[]string{used}, "the proof was used before"},
		"empty":                     {[]string{""}, noJWT},
		"no JWT":                    {[]string{"a.b"}, noJWT},
		"padded":                    {[]string{proof(nil, nil) + "="}, noJWT},
		"no JSON":                   {[]string{"e30.eA.AA"}, noJWT},
		"another typ":               {[]string{proof(m("typ", "JWT"), nil)}, typ},
		"no typ":                    {[]string{proof(m("typ", nil), nil)}, typ},
		"alg none":                  {[]string{proof(m("alg", "none"), nil)}, alg},
		"symmetric":                 {[]string{proof(m("alg", "HS256"), nil)}, alg},
		"an alg that does not fit":  {[]string{proof(m("alg", "RS256"), nil)}, signature},
		"no jwk":                    {[]string{proof(m("jwk", nil), nil)}, jwk},
		"a private jwk":             {[]string{proof(with(key.jwk, "d", "AA"), nil)}, jwk},
		"a symmetric jwk":           {[]string{proof(with(map[string]any{"kty": "oct"}, "k", "AA"), nil)}, jwk},
		"a jwk of an unknown type":  {[]string{proof(with(key.jwk, "kty", "AKP"), nil)}, jwk},
		"half a jwk":                {[]string{proof(with(key.jwk, "y", 1), nil)}, jwk},
		"another key":               {[]string{proof(m("jwk", other.jwk), nil)}, signature},
		"changed":                   {[]string{used[:len(used)-8] + "AAAAAAAA"}, signature},
		"another method":            {[]string{proof(nil, m("htm", "post"))}, htm},
		"another endpoint":          {[]string{proof(nil, m("htu", h.issuer(devauth.Bokbasen).TokenURL))}, htu},
		"another host":              {[]string{proof(nil, m("htu", "http://issuer.example/oauth/v2/token"))}, htu},
		"another scheme":            {[]string{proof(nil, m("htu", "https"+strings.TrimPrefix(url, "http")))}, htu},
		"no htu":                    {[]string{proof(nil, m("htu", nil))}, htu},
		"no iat":                    {[]string{proof(nil, m("iat", nil))}, iat},
		"old":                       {[]string{proof(nil, m("iat", now.Add(-61*time.Second).Unix()))}, iat},
		"of the future":             {[]string{proof(nil, m("iat", now.Add(61*time.Second).Unix()))}, iat},
		"no jti":                    {[]string{proof(nil, m("jti", nil))}, jti},
		"the htu may have a query":  {[]string{proof(nil, m("htu", url+"?x=1#y"))}, ""},
		"and iat may be a fraction": {[]string{proof(nil, m("iat", float64(now.Unix())+0.5))}, ""},
		"a minute old is fine":      {[]string{proof(nil, m("iat", now.Add(-time.Minute).Unix()))}, ""},
	} {
		a := testkit.Do(t, h.request(devauth.Messaging, "", row.proofs...))
		if row.want == "" {
			assert.Equal(t, http.StatusOK, a.Status, name)
			continue
		}
		assert.Equal(t, http.StatusBadRequest, a.Status, name)
		assert.Equal(t, map[string]any{"error": "invalid_dpop_proof", "error_description": row.want}, a.Members(t), name)
		assert.Equal(t, "no-store", a.Header.Get("Cache-Control"), name)
	}
}

func TestAProofIsForgottenOnceItIsTooOldAnyway(t *testing.T) {
	t.Parallel()
	h, key := start(t), newDPoPKey(t)
	proof := key.proof(t, h, h.issuer(devauth.Messaging).TokenURL, nil, map[string]any{"iat": h.clock().Add(time.Minute).Unix()})
	require.Equal(t, http.StatusOK, testkit.Do(t, h.request(devauth.Messaging, "", proof)).Status)
	h.advance(2 * time.Minute)
	a := testkit.Do(t, h.request(devauth.Messaging, "", proof))
	assert.Equal(t, "the proof was used before", a.Members(t)["error_description"], "it is remembered as long as it is good")
	h.advance(2 * time.Second)
	a = testkit.Do(t, h.request(devauth.Messaging, "", proof))
	assert.Equal(t, "iat is missing, or more than a minute off", a.Members(t)["error_description"])
}
