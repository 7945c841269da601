package jwkstest_test

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestWithJWKNamesEveryKeyByItsPublicHalf(t *testing.T) {
	t.Parallel()
	named := func(pub crypto.PublicKey) string {
		der, err := x509.MarshalPKIXPublicKey(pub)
		require.NoError(t, err)
		sum := sha256.Sum256(der)
		return hex.EncodeToString(sum[:])
	}
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"),
		jwkstest.WithJWK(func(pub crypto.PublicKey) jwkstest.JWK {
			return jwkstest.JWK{"kid": named(pub), "alg": nil, "use": "enc"}
		}),
		jwkstest.JWK{"use": "sig"})
	for _, k := range []*jwkstest.Key{iss.Key(), iss.Rotate(), iss.NewKey("RS256")} {
		assert.Equal(t, named(k.Public()), k.ID())
		assert.Equal(t, k.ID(), k.JWK()["kid"])
		assert.Nil(t, k.JWK()["alg"])
		assert.Equal(t, "sig", k.JWK()["use"], "a JWK option wins")
	}
	secret := iss.NewKey("HS256")
	assert.Equal(t, "HS256", secret.JWK()["alg"], "a secret has no public half")
}
