package contest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// TestEveryContestantChecksWhatItIsTimedFor: a check that lets a bad token through would be fast for nothing.
func TestEveryContestantChecksWhatItIsTimedFor(t *testing.T) {
	t.Parallel()
	ago := func(hours int) time.Time { return time.Now().Add(time.Duration(-hours) * time.Hour) }
	for _, alg := range fixture.Algorithms {
		f := fixture.New(alg)
		t.Cleanup(f.Close)
		bad := map[string]string{
			"an expired token":             f.Token(jwkstest.Claims{"iat": ago(3), "nbf": ago(3), "exp": ago(1)}),
			"a token for another audience": f.Token(jwkstest.WithAudience("11111111-2222-4333-8444-555555555555")),
			"a token of another issuer":    f.ForeignIssuer(),
			"a broken signature":           f.BadSignature(),
			"a member that is there twice": f.RepeatedMember(),
		}
		for _, c := range contest.All {
			t.Run(alg+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				check := c.New(f)
				allowed, err := check(t.Context(), f.Good)
				require.NoError(t, err, "the good token")
				assert.True(t, allowed, "the good token has the role")
				allowed, err = check(t.Context(), f.Token(jwkstest.Claims{"roles": []string{"Orders.None"}}))
				require.NoError(t, err, "a good token without the role")
				assert.False(t, allowed, "a good token without the role")
				for what, token := range bad {
					_, err := check(t.Context(), token)
					if slices.Contains(c.Lacks, what) {
						assert.NoError(t, err, "%s is refused after all: take it off Lacks", what)
						continue
					}
					assert.Error(t, err, what)
				}
			})
		}
	}
}

func TestTheTokenIsAsLargeAsAnEntraToken(t *testing.T) {
	t.Parallel()
	f := fixture.New("RS256")
	t.Cleanup(f.Close)
	assert.InDelta(t, fixture.Length, len(f.Good), 5)
}
