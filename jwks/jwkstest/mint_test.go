package jwkstest_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// open reads header and claims without checking anything.
func open(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	for i, to := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, to))
	}
	return header, claims
}

// signedBy reports whether the token verifies under the key, by code that this package knows nothing of.
func signedBy(t *testing.T, token string, key *jwkstest.Key) bool {
	t.Helper()
	compact, err := jose.Split(token)
	require.NoError(t, err)
	h, err := compact.HeaderWith(nil)
	require.NoError(t, err)
	sig, err := compact.SignatureWith(nil)
	require.NoError(t, err)
	inner, err := jose.NewKey(key.Public())
	require.NoError(t, err)
	return inner.Verify(h.Algorithm, compact.SigningInput(), sig) == nil
}

func TestATokenIsAnAccessTokenUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithClock(func() time.Time { return now }))
	token := iss.Token()

	header, claims := open(t, token)
	assert.Equal(t, map[string]any{"alg": "RS256", "kid": "key-1", "typ": "at+jwt"}, header)
	assert.NotEmpty(t, claims["jti"])
	delete(claims, "jti")
	assert.Equal(t, map[string]any{
		"iss": iss.Issuer(), "aud": "api://test", "sub": "test-client", "client_id": "test-client",
		"iat": 1_800_000_000.0, "exp": 1_800_003_600.0,
	}, claims)
	assert.True(t, signedBy(t, token, iss.Key()))
	assert.NotEqual(t, token, iss.Token(), "no two tokens are the same")
}

func TestEveryAlgorithmSignsWhatAnotherLibraryAccepts(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		token := iss.Token(jwkstest.WithAlgorithm(alg))
		header, _ := open(t, token)
		assert.Equal(t, alg, header["alg"])
		var key *jwkstest.Key
		for _, k := range iss.Published() {
			if k.ID() == header["kid"] {
				key = k
			}
		}
		require.NotNil(t, key, "%s: the key was published", alg)
		assert.Equal(t, alg, key.Algorithm())
		assert.True(t, signedBy(t, token, key), alg)
		again, _ := open(t, iss.Token(jwkstest.WithAlgorithm(alg)))
		assert.Equal(t, header["kid"], again["kid"], "the same key signs again")
	}
}

func TestAnHMACSecretIsPublishedOnlyOnPurpose(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	key := iss.NewKey("HS256")
	secret, err := jose.NewSecret("HS256", key.Secret())
	require.NoError(t, err)
	compact, err := jose.Split(iss.Token(jwkstest.WithKey(key)))
	require.NoError(t, err)
	sig, err := compact.SignatureWith(nil)
	require.NoError(t, err)

	require.NoError(t, secret.Verify("HS256", compact.SigningInput(), sig))
	assert.Nil(t, key.Public())
	assert.Len(t, iss.Published(), 1, "the RSA key alone")
}

func TestOptionsReplaceAndNilLeavesOut(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"), jwkstest.WithAudience("api://orders"),
		jwkstest.Claims{"scope": "a", "tid": "t1"}, jwkstest.Header{"x": "y"})
	assert.Equal(t, "api://orders", iss.Audience())

	header, claims := open(t, iss.Token(
		jwkstest.Claims{"scope": "a b", "jti": nil, "exp": time.Unix(5, 0)},
		jwkstest.Header{"typ": nil, "kid": "other"}, jwkstest.WithAudience("a", "b")))
	assert.Equal(t, map[string]any{"alg": "EdDSA", "kid": "other", "x": "y"}, header)
	assert.Equal(t, "a b", claims["scope"])
	assert.Equal(t, "t1", claims["tid"])
	assert.Equal(t, []any{"a", "b"}, claims["aud"])
	assert.EqualValues(t, 5, claims["exp"])
	assert.NotContains(t, claims, "jti")

	_, claims = open(t, iss.Token())
	assert.Equal(t, "a", claims["scope"], "an earlier token changed nothing")
	assert.Equal(t, "api://orders", claims["aud"])
}

func TestRawTextIsSignedAsItIs(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	header, payload := `{"alg":"ES256","alg":"none"}`, "\xef\xbb\xbf{}"
	token := iss.Token(jwkstest.WithRawHeader(header), jwkstest.WithRawPayload(payload), jwkstest.Claims{"ignored": true})
	want := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	assert.True(t, strings.HasPrefix(token, want+"."))

	input := open64(`{"alg":"ES256"}`) + "==." + open64(`{}`)
	token = iss.Sign(input)
	compact, err := jose.Split(token)
	require.NoError(t, err)
	assert.Equal(t, input, string(compact.SigningInput()))
	sig, err := compact.SignatureWith(nil)
	require.NoError(t, err)
	key, err := jose.NewKey(iss.Key().Public())
	require.NoError(t, err)
	assert.NoError(t, key.Verify("ES256", []byte(input), sig))
}

func open64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func raw64(t *testing.T, part string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(part)
	require.NoError(t, err)
	return data
}
