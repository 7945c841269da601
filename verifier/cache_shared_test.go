package verifier_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Tests of this file count proofs, which is for tests that run alone.

const crowd = 20

// answered is what one caller got.
type answered struct {
	claims *claims.Claims
	reason reason.Code
}

// together has a crowd bring the token while the first proof is held up. They
// are all waiting for it when during is called; then it goes on.
func together(t *testing.T, v *verifier.Verifier, token string, during func()) (answers [crowd]answered, proofs int) {
	t.Helper()
	var count atomic.Int64
	held := make(chan struct{})
	restore := verifier.WhileVerifying(func() {
		if count.Add(1) == 1 {
			<-held
		}
	})
	defer restore()

	var callers sync.WaitGroup
	for i := range answers {
		callers.Go(func() { answers[i].claims, answers[i].reason = verify(t, v, token) })
	}
	synctest.Wait()
	during()
	close(held)
	callers.Wait()
	return answers, int(count.Load())
}

func TestConcurrentFirstSightsShareOneProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var asked atomic.Int64
		w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { asked.Add(1); return false, nil }

		answers, proofs := together(t, w.verifier(t), w.Token(), func() {})
		assert.Equal(t, 1, proofs)
		for _, a := range answers {
			assert.Empty(t, a.reason)
			assert.Same(t, answers[0].claims, a.claims)
		}
		assert.EqualValues(t, crowd, asked.Load(), "revocation is each caller's own")
	})
}

func TestConcurrentFirstSightsShareARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		answers, proofs := together(t, w.verifier(t), tampered(w.Token()), func() {})
		assert.Equal(t, 1, proofs)
		for _, a := range answers {
			assert.Equal(t, reason.BadSignature, a.reason)
			assert.Nil(t, a.claims)
		}
	})
}

func TestWithoutACacheEachCallerProves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		answers, proofs := together(t, w.uncached(t), w.Token(), func() {})
		assert.Equal(t, crowd, proofs)
		for _, a := range answers {
			assert.Empty(t, a.reason)
		}
	})
}

// TestAProofIsSharedOnlyUnderTheSameKey has one caller begin under one key, and
// another come when the key of that kid is another one.
func TestAProofIsSharedOnlyUnderTheSameKey(t *testing.T) {
	for name, r := range map[string]struct {
		token        func(old, young string) string
		first, later reason.Code
	}{
		"what the old key proved is no proof for the new one": {
			token: func(old, _ string) string { return old }, later: reason.BadSignature,
		},
		"what the old key refused, the new one may prove": {
			token: func(_, young string) string { return young }, first: reason.BadSignature,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				v, old := w.verifier(t), w.Token()
				w.Replace("key-1")
				token := r.token(old, w.Token())

				held, release := make(chan struct{}), make(chan struct{})
				var once sync.Once
				defer verifier.WhileVerifying(func() {
					once.Do(func() { close(held); <-release })
				})()
				var first, later answered
				var callers sync.WaitGroup
				callers.Go(func() { first.claims, first.reason = verify(t, v, token) })
				<-held
				w.keys.fetch() // now the kid means the new key
				callers.Go(func() { later.claims, later.reason = verify(t, v, token) })
				synctest.Wait()
				close(release)
				callers.Wait()

				assert.Equal(t, r.first, first.reason)
				assert.Equal(t, r.later, later.reason)
				_, now := verify(t, v, token)
				assert.Equal(t, r.later, now, "nor does the cache believe the old key")
			})
		})
	}
}

func TestCancellationIsEachCallersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		keys := w.keys.current.Load()
		w.keys.current.Store(nobody().Snapshot())
		loaded := make(chan struct{})
		w.keys.refresh = func(ctx context.Context, _ string) error {
			select {
			case <-loaded:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		v, token := w.verifier(t), w.Token()
		hasty, leave := context.WithCancel(t.Context())

		var callers sync.WaitGroup
		var gone, stayed error
		callers.Go(func() { _, gone = v.Verify(hasty, token) })
		callers.Go(func() { _, stayed = v.Verify(t.Context(), token) })
		synctest.Wait()
		leave()
		synctest.Wait()
		w.keys.current.Store(keys)
		close(loaded)
		callers.Wait()

		assert.Equal(t, reason.Canceled, asError(t, gone).Reason)
		assert.NoError(t, stayed)
	})
}

func TestACrowdAndARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	var refused atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		token := w.Token()
		callers.Go(func() {
			for range 200 {
				if _, err := v.Verify(t.Context(), token); err != nil {
					refused.Add(1)
				}
			}
		})
	}
	for range 10 {
		w.Rotate() // adds a key and takes none away
		w.keys.fetch()
	}
	callers.Wait()
	assert.Zero(t, refused.Load(), "a rotation refuses nobody whose key is still there")
}

func TestAStaticKeySetIsRememberedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := jwks.NewKey("key-1", "ES256", w.Key().Public())
	require.NoError(t, err)
	set, err := jwks.NewStatic(key)
	require.NoError(t, err)
	w.issuer().Keys = set
	w.judge(t, w.Token(), row{})
	w.judge(t, w.Token(jwkstest.Header{"kid": "other"}), row{want: reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"other"`})
}
