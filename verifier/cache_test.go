package verifier_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// TestTheCacheNeverOutlives proves a token, changes the world, and wants what a
// verifier without a cache says of the changed one.
func TestTheCacheNeverOutlives(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		options []jwkstest.Option
		setup   func(*world)
		token   func(*world) string
		change  func(*world)
		want    reason.Code
	}{
		"nothing changed":    {change: func(*world) {}},
		"a key that came":    {change: func(w *world) { w.Rotate(); w.keys.fetch() }},
		"the same keys anew": {change: func(w *world) { w.keys.fetch() }},
		"exp": {
			change: func(w *world) { w.set(noon.Add(time.Hour + 30*time.Second)) },
			want:   reason.Expired,
		},
		"a key that went": {
			change: func(w *world) { w.Rotate(); w.Remove("key-1"); w.keys.fetch() },
			want:   reason.UnknownKey,
		},
		"a key replaced under its kid": {
			change: func(w *world) { w.Replace("key-1"); w.keys.fetch() },
			want:   reason.BadSignature,
		},
		"a key that is now for another alg": {
			token: with(jwkstest.WithAlgorithm("RS256")),
			change: func(w *world) {
				old := w.Published()[1]
				w.Remove(old.ID())
				members := old.JWK()
				members["alg"] = "PS256"
				w.Publish(w.NewKey("RS256", members))
				w.keys.fetch()
			},
			want: reason.UnsupportedAlg,
		},
		"a second key of its kid": {
			change: func(w *world) {
				w.Publish(w.NewKey("ES256", jwkstest.JWK{"kid": "key-1"}))
				w.keys.fetch()
			},
			want: reason.UnknownKey,
		},
		"being the only key that a token without kid can mean": {
			token:  with(jwkstest.Header{"kid": nil}),
			change: func(w *world) { w.Publish(w.NewKey("ES256")); w.keys.fetch() },
			want:   reason.UnknownKey,
		},
		"the keys' staleness": {
			change: func(w *world) { w.keys.expire(true) },
			want:   reason.KeysUnavailable,
		},
		"a clock that goes back before nbf": {
			token:  having(jwkstest.Claims{"nbf": noon}),
			change: func(w *world) { w.set(noon.Add(-31 * time.Second)) },
			want:   reason.NotYetValid,
		},
		"a clock that goes back before iat": {
			change: func(w *world) { w.set(noon.Add(-31 * time.Second)) },
			want:   reason.IssuedInFuture,
		},
		"its maximum age": {
			setup:  func(w *world) { w.cfg.MaxAge = time.Minute },
			change: func(w *world) { w.set(noon.Add(90 * time.Second)) },
			want:   reason.TooOld,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, r.options...)
			if r.setup != nil {
				r.setup(w)
			}
			token := w.plainOr(r.token)
			w.keys.fetch()
			caching, fresh := w.verifier(t), w.uncached(t)
			c, err := caching.Verify(t.Context(), token)
			require.NoError(t, err)

			r.change(w)
			again, got := verify(t, caching, token)
			_, want := verify(t, fresh, token)
			assert.Equal(t, r.want, got)
			assert.Equal(t, want, got, "the cache never changes an answer")
			if r.want == "" {
				assert.Same(t, c, again)
			}
		})
	}
}

func TestTheCacheNeverOutlivesWhatHooksSay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var contract, withdrawn, down error
	w.cfg.Validators = []func(context.Context, *claims.Claims) error{func(context.Context, *claims.Claims) error { return contract }}
	w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { return withdrawn != nil, down }
	v, token := w.verifier(t), w.Token()
	c, got := verify(t, v, token)
	require.Empty(t, got)

	contract = errors.New("the contract ended")
	_, got = verify(t, v, token)
	assert.Equal(t, reason.Denied, got, "a validator changed its mind")
	contract, withdrawn = nil, reason.Revoked
	_, got = verify(t, v, token)
	assert.Equal(t, reason.Revoked, got)
	withdrawn, down = nil, errors.New("redis is down")
	_, got = verify(t, v, token)
	assert.Equal(t, reason.RevocationUnavailable, got)
	down = nil
	again, got := verify(t, v, token)
	assert.Empty(t, got, "and back")
	assert.Same(t, c, again, "what was proven still is")
}

func TestAKeyThatComesBackIsProvenAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, token, key := w.verifier(t), w.Token(), w.Key()
	before, got := verify(t, v, token)
	require.Empty(t, got)
	w.Rotate()
	w.Remove(key.ID())
	w.keys.fetch()
	_, got = verify(t, v, token)
	require.Equal(t, reason.UnknownKey, got)

	w.Publish(key)
	w.keys.fetch()
	after, got := verify(t, v, token)
	assert.Empty(t, got)
	assert.NotSame(t, before, after)
}

func TestRefusalsAreNotRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for _, token := range []string{
		tampered(w.Token()),
		w.Token(jwkstest.WithAudience("api://other")),
		w.Token(jwkstest.Claims{"exp": nil}),
		w.Token(jwkstest.Claims{"iss": "https://other.example"}),
		w.Token(jwkstest.Header{"kid": "new"}),
		strings.Repeat(".", 9000),
	} {
		_, err := v.Verify(t.Context(), token)
		assert.Error(t, err)
	}
	tokens, _ := v.Remembered()
	assert.Zero(t, tokens)
}

func TestEveryByteOfATokenCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, token := w.verifier(t), w.Token()
	_, got := verify(t, v, token)
	require.Empty(t, got)
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		_, err := v.Verify(t.Context(), string(changed))
		assert.Error(t, err, "byte %d of %d", i, len(token))
	}
	_, err := v.Verify(t.Context(), token+"\n")
	assert.Error(t, err)
}

func TestTheCacheIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.CacheBytes = 64 << 10
	v := w.verifier(t)
	for range 500 {
		_, got := verify(t, v, w.Token())
		require.Empty(t, got)
	}
	tokens, bytes := v.Remembered()
	assert.LessOrEqual(t, bytes, int64(64<<10))
	assert.Less(t, tokens, 128, "each weighs more than half a KiB")
	assert.Greater(t, tokens, 10)
}

func TestTheCacheCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	off, token := w.uncached(t), w.Token()
	first, got := verify(t, off, token)
	require.Empty(t, got)
	second, got := verify(t, off, token)
	assert.Empty(t, got)
	assert.NotSame(t, first, second)
	tokens, _ := off.Remembered()
	assert.Zero(t, tokens)
}

func TestATokenThatDoesNotFitIsVerifiedEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.CacheBytes = 1
	v, token := w.verifier(t), w.Token()
	for range 3 {
		_, got := verify(t, v, token)
		assert.Empty(t, got)
	}
	tokens, _ := v.Remembered()
	assert.Zero(t, tokens)
}

func TestVerifiersShareNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orders, token := w.verifier(t), w.Token()
	w.issuer().Audiences = []string{"api://billing"}
	billing := w.verifier(t)

	c, got := verify(t, orders, token)
	require.Empty(t, got)
	_, got = verify(t, billing, token)
	assert.Equal(t, reason.WrongAudience, got, "what one proved, the other does not believe")

	w.issuer().Audiences = []string{audience}
	same, got := verify(t, w.verifier(t), token)
	assert.Empty(t, got)
	assert.NotSame(t, c, same)
}

func TestADigestMeansNothingElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, token := w.verifier(t), w.Token()
	again := string([]byte(token))
	assert.Equal(t, v.Digest(token), v.Digest(again))
	assert.NotEqual(t, v.Digest(token), v.Digest(w.Token()))
	assert.NotEqual(t, v.Digest(token), w.verifier(t).Digest(token), "another cache calls it otherwise")
	assert.NotEqual(t, sha256.Sum256([]byte(token)), v.Digest(token), "nor is it what anybody could work out")
}

func TestTokensOfOneKeyAreToldApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for i := range 50 {
		subject := fmt.Sprintf("client-%d", i)
		token := w.Token(jwkstest.Claims{"sub": subject})
		for range 2 {
			c, got := verify(t, v, token)
			require.Empty(t, got)
			require.Equal(t, subject, c.Subject())
		}
	}
}
