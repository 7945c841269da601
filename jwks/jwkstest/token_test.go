package jwkstest_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

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
	assert.True(t, signedBy(token, iss.Key()))
	assert.NotEqual(t, token, iss.Token(), "no two tokens are the same")
}

func TestEveryAlgorithmSignsWhatAnotherLibraryAccepts(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		token := iss.Token(jwkstest.WithAlgorithm(alg))
		header, _ := open(t, token)
		assert.Equal(t, alg, header["alg"])
		at := slices.IndexFunc(iss.Published(), func(k *jwkstest.Key) bool { return k.ID() == header["kid"] })
		require.NotEqual(t, -1, at, "%s: the key was published", alg)
		key := iss.Published()[at]
		assert.Equal(t, alg, key.Algorithm())
		assert.True(t, signedBy(token, key), alg)
		again, _ := open(t, iss.Token(jwkstest.WithAlgorithm(alg)))
		assert.Equal(t, header["kid"], again["kid"], "the same key signs again")
	}
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
	encode := base64.RawURLEncoding.EncodeToString
	want := encode([]byte(header)) + "." + encode([]byte(payload))
	assert.True(t, strings.HasPrefix(token, want+"."))

	input := encode([]byte(`{"alg":"ES256"}`)) + "==." + encode([]byte(`{}`))
	token = iss.Sign(input)
	assert.True(t, strings.HasPrefix(token, input+"."))
	assert.True(t, verifiedBy(token, iss.Key().Public(), "ES256"))
}
