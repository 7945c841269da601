package jwkstest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestAKeyMadeElsewhereSigns(t *testing.T) {
	t.Parallel()
	private := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	key := iss.KeyFrom("ES384", private, jwkstest.JWK{"kid": "mine"})
	assert.True(t, private.PublicKey.Equal(key.Public()))
	assert.Nil(t, key.Secret())
	token := iss.Token(jwkstest.WithKey(key))
	header, _ := open(t, token)
	assert.Equal(t, "mine", header["kid"])
	assert.True(t, signedBy(token, key))
}

func TestTheKeySetFollowsTheIssuer(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	set := iss.KeySet()
	require.True(t, set.Snapshot().Usable())
	key := must(set.Snapshot().Key("key-1", "ES256"))
	assert.True(t, verifies(key, "ES256", iss.Token()))

	iss.Rotate()
	key, err := set.Snapshot().Key("key-2", "ES256")
	require.NoError(t, err)
	assert.True(t, verifies(key, "ES256", iss.Token()))

	iss.Replace("key-2")
	assert.False(t, verifies(key, "ES256", iss.Token()))

	iss.Remove("key-1")
	require.NoError(t, set.Refresh(t.Context(), "key-1"))
	_, err = set.Snapshot().Key("key-1", "ES256")
	require.ErrorIs(t, err, jwks.ErrNoKey)

	iss.Remove("key-2")
	assert.False(t, set.Snapshot().Usable())
}

func TestAnHMACSecretIsPublishedOnlyOnPurpose(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	key := iss.NewKey("HS256")
	input, signature := split(iss.Token(jwkstest.WithKey(key)))
	require.NoError(t, must(jwks.NewSecret("", "HS256", key.Secret())).Verify("HS256", []byte(input), signature))
	assert.Nil(t, key.Public())
	assert.Len(t, iss.Published(), 1, "the RSA key alone")
}

func TestKeysAreRotatedRemovedAndReplaced(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	first := iss.Key()

	next := iss.NewKey("ES256")
	iss.Publish(next)
	assert.Equal(t, []string{"key-1", "key-2"}, kids(t, iss, iss.Client()))
	header, _ := open(t, iss.Token())
	assert.Equal(t, "key-1", header["kid"], "published is not used")
	iss.Use(next)
	assert.True(t, signedBy(iss.Token(), next))

	third := iss.Rotate()
	assert.Equal(t, []string{"key-1", "key-2", "key-3"}, kids(t, iss, iss.Client()))
	assert.True(t, signedBy(iss.Token(), third))
	assert.True(t, signedBy(iss.Token(jwkstest.WithKey(first)), first))

	iss.Remove("key-1")
	assert.Equal(t, []string{"key-2", "key-3"}, kids(t, iss, iss.Client()))

	fourth := iss.Replace("key-3")
	assert.Equal(t, []string{"key-2", "key-3"}, kids(t, iss, iss.Client()))
	token := iss.Token()
	assert.True(t, signedBy(token, fourth))
	assert.False(t, signedBy(token, third))
}

func TestKeysArePublishedAsToldTo(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.JWK{"alg": nil, "issuer": "https://login.example/{tenantid}/v2.0"})
	nameless := iss.NewKey("ES256", jwkstest.JWK{"kid": nil, "key_ops": []string{"verify"}})
	iss.Publish(nameless)
	_, body := fetch(t, iss.Client(), iss.JWKSURL())
	keys, _, err := jose.ParseSet([]byte(body))
	require.NoError(t, err)
	require.Len(t, keys, 2)
	assert.Empty(t, keys[0].Algorithm)
	assert.Equal(t, "https://login.example/{tenantid}/v2.0", keys[0].Issuer)
	assert.Empty(t, keys[1].ID)
	header, _ := open(t, iss.Token(jwkstest.WithKey(nameless)))
	assert.NotContains(t, header, "kid")
}
