package jwkstest_test

import (
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// seededIssuer returns an issuer whose tokens are the same again.
func seededIssuer(t *testing.T, seed string) *jwkstest.Issuer {
	t.Helper()
	return jwkstest.New(t, jwkstest.WithSeed(seed), jwkstest.WithoutServer(), jwkstest.WithName("https://issuer.example"),
		jwkstest.WithAlgorithm("ES256"), jwkstest.Claims{"jti": "1"},
		jwkstest.WithClock(func() time.Time { return time.Unix(1700000000, 0) }))
}

func TestSeed(t *testing.T) {
	t.Parallel()
	one, two, other := seededIssuer(t, "a"), seededIssuer(t, "a"), seededIssuer(t, "b")
	for _, alg := range []string{"ES256", "ES384", "ES512", "EdDSA", "PS256", "RS256", "HS256"} {
		option := jwkstest.WithAlgorithm(alg)
		assert.Equal(t, one.Token(option), two.Token(option), "the same seed signs the same %s", alg)
		assert.NotEqual(t, one.Token(option), other.Token(option), "another seed has another key for %s", alg)
		assert.Contains(t, one.Published()[len(one.Published())-1].ID(), "test-", "a kid says that its key is no secret")
	}
	first, second := one.NewKey("ES256"), one.NewKey("ES256")
	assert.NotEqual(t, first.JWK()["x"], second.JWK()["x"], "no two keys of a seed are the same")
}

func TestSeedOfForgeries(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "EdDSA", "PS256"} {
		option := jwkstest.WithAlgorithm(alg)
		one, two := maps.Collect(seededIssuer(t, "a").Forgeries(option)), maps.Collect(seededIssuer(t, "a").Forgeries(option))
		for name, forgery := range one {
			assert.Equal(t, forgery.Token, two[name].Token, "%s: %s", alg, name)
		}
	}
}

func TestSeedOfProofs(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		forged := func() map[string]jwkstest.ProofForgery {
			iss := seededIssuer(t, "a")
			prover := iss.NewProver(alg)
			return maps.Collect(prover.ForgedProofs(http.MethodGet, "https://api.example/orders", iss.Token(prover.Bound()), jwkstest.Claims{"jti": "2"}))
		}
		two := forged()
		for name, forgery := range forged() {
			assert.Equal(t, forgery.Proofs, two[name].Proofs, "%s: %s", alg, name)
		}
	}
}
