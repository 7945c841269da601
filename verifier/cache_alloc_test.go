//go:build !race

package verifier_test

import (
	"context"
	"crypto/sha256"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// The race detector makes sync.Pool forget at random, so allocations are
// counted without it. Tests here run alone.

func TestAHitAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxAge = 1 << 40
	w.cfg.Validators = []func(context.Context, *claims.Claims) error{func(context.Context, *claims.Claims) error { return nil }}
	w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { return false, nil }
	v, token, ctx := w.verifier(t), w.Token(jwkstest.Claims{"scope": "orders.read orders.write"}), t.Context()
	want, err := v.Verify(ctx, token)
	require.NoError(t, err)

	var got *claims.Claims
	allocs := testing.AllocsPerRun(1000, func() { got, err = v.Verify(ctx, token) })
	assert.NoError(t, err)
	assert.Same(t, want, got)
	assert.Zero(t, allocs)
}

func TestTheCacheWeighsWhatItHolds(t *testing.T) {
	w := newWorld(t)
	const bound = 4 << 20
	w.cfg.CacheBytes = bound
	v := w.verifier(t)
	wide := jwkstest.Header{"x5c": []string{strings.Repeat("A", 3000)}} // must not be kept with the kid
	before := heap()
	for range 6000 {
		_, err := v.Verify(t.Context(), w.Token(wide, jwkstest.Claims{"roles": []string{"a", "b", "c"}, "ext": strings.Repeat("x", 200)}))
		require.NoError(t, err)
	}
	tokens, weight := v.Remembered()
	held := heap() - before
	t.Logf("%d tokens that weigh %d bytes hold %d bytes of the heap", tokens, weight, held)
	assert.Less(t, held, int64(bound)*5/4)
	runtime.KeepAlive(v)
}

// TestATokenTooLargeCostsNothing wants a giant refused before anything looks at
// its bytes, the cache's hash included.
func TestATokenTooLargeCostsNothing(t *testing.T) {
	v, giant := newWorld(t).verifier(t), strings.Repeat("A", 64<<20)
	fastest := func(f func()) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			f()
			best = min(best, time.Since(start))
		}
		return best
	}
	refused := fastest(func() { _, _ = v.Verify(t.Context(), giant) })
	hashed := fastest(func() { sha256.Sum256([]byte(giant)) })
	assert.Less(t, refused*20, hashed)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // and what pools held
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
