package verifier

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// What one caller found out about a token is another's answer only if both mean the
// same issuer, which may have been replaced between them, with the very same keys.
func TestAnAnswerUnderAnotherPolicyIsNotShared(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	for name, other := range map[string]func(*check) (any, error){
		"that it is good": func(c *check) (any, error) {
			return &proven{verified: verified{issuer: new(issuer)}, key: c.key.is.candidates.Keys[0]}, nil
		},
		"that it is not": func(c *check) (any, error) {
			return proof{new(issuer), c.key.is.candidates.Keys}, refuse(reason.WrongAudience, "", nil)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			v, err := New(Config{Issuers: []Issuer{{Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: iss.KeySet()}}})
			require.NoError(t, err)
			c := newCheck(request{v: v, ctx: t.Context(), token: iss.Token()})
			defer c.release()
			require.NoError(t, c.run(structural))
			require.NoError(t, c.run(untrusted))
			d, release := v.cache.digestOf(&c.request.is), make(chan struct{})
			go func() {
				_, _, _ = v.cache.flights.Do(string(d[:]), func() (any, error) { <-release; return other(c) })
			}()
			synctest.Wait()
			got := make(chan verified)
			go func() {
				known, err := v.cache.prove(c)
				assert.NoError(t, err, name)
				got <- known
			}()
			synctest.Wait()
			close(release)
			assert.Same(t, v.issuers[iss.Issuer()], (<-got).issuer, name)
		})
	}
}
