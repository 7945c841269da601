package verifier_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// In a bubble, Wait returns when every goroutine is blocked for good: so the
// refresh is still under way, and does not end, while Verify answers.
func TestVerifyAnswersWhileARefreshHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		keys := w.fetcher(t)
		w.issuer().Keys = keys
		require.NoError(t, keys.Ready(t.Context()))
		v, off, seen := w.verifier(t), w.uncached(t), w.Token()
		_, got := verify(t, v, seen)
		require.Empty(t, got)

		release := w.Hang()
		refreshed := make(chan error, 1)
		go func() { refreshed <- keys.Refresh(t.Context(), "a-key-to-come") }()
		synctest.Wait()
		_, got = verify(t, v, seen)
		assert.Empty(t, got, "a token seen before")
		_, got = verify(t, v, w.Token(jwkstest.Claims{"sub": "another"}))
		assert.Empty(t, got, "a first sight")
		_, got = verify(t, off, seen)
		assert.Empty(t, got, "without a cache")
		assert.Empty(t, refreshed, "the refresh goes on hanging")
		release()
		require.NoError(t, <-refreshed)
	})
}
