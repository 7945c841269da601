package verifier_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
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
		"nothing changed":              {change: func(*world) {}},
		"a key that came":              {change: func(w *world) { w.Rotate(); w.keys.fetch() }},
		"the same keys anew":           {change: func(w *world) { w.keys.fetch() }},
		"exp":                          {change: func(w *world) { w.set(noon.Add(time.Hour + 30*time.Second)) }, want: reason.Expired},
		"a key that went":              {change: func(w *world) { w.Rotate(); w.Remove("key-1"); w.keys.fetch() }, want: reason.UnknownKey},
		"a key replaced under its kid": {change: func(w *world) { w.Replace("key-1"); w.keys.fetch() }, want: reason.BadSignature},
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
		"as many other keys of its kid as are tried": {
			change: func(w *world) { w.Publish(others(w, jwkstest.JWK{"kid": "key-1"})...); w.keys.fetch() },
			want:   reason.UnknownKey,
		},
		"as many other keys that a token without kid can mean": {
			token:  with(jwkstest.Header{"kid": nil}),
			change: func(w *world) { w.Publish(others(w, nil)...); w.keys.fetch() },
			want:   reason.UnknownKey,
		},
		"the keys' staleness":               {change: func(w *world) { w.keys.expire(true) }, want: reason.KeysUnavailable},
		"a clock that goes back before nbf": {token: having(jwkstest.Claims{"nbf": noon}), change: func(w *world) { w.set(noon.Add(-31 * time.Second)) }, want: reason.NotYetValid},
		"a clock that goes back before iat": {change: func(w *world) { w.set(noon.Add(-31 * time.Second)) }, want: reason.IssuedInFuture},
		"its maximum age":                   {setup: func(w *world) { w.cfg.MaxAge = time.Minute }, change: func(w *world) { w.set(noon.Add(90 * time.Second)) }, want: reason.TooOld},
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
	expect(t, v, token, "")
	for i := range token {
		changed := []byte(token)
		changed[i] ^= 1
		_, err := v.Verify(t.Context(), string(changed))
		assert.Error(t, err, "byte %d of %d", i, len(token))
	}
	_, err := v.Verify(t.Context(), token+"\n")
	assert.Error(t, err)
}

func TestATokenThatIsNotRememberedIsVerifiedEachTime(t *testing.T) {
	t.Parallel()
	for name, bytes := range map[string]int64{"no cache": -1, "one too small for it": 1} {
		w := newWorld(t)
		w.cfg.CacheBytes = bytes
		v, token := w.verifier(t), w.Token()
		first := expect(t, v, token, "", name)
		second := expect(t, v, token, "", name)
		assert.NotSame(t, first, second, name)
		tokens, _ := v.Remembered()
		assert.Zero(t, tokens, name)
	}
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

// Tests that count verifications run alone.

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

func TestConcurrentRefusalsAreSharedAndWithoutACacheNothingIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		answers, proofs := together(t, w.verifier(t), tampered(w.Token()), func() {})
		assert.Equal(t, 1, proofs)
		for _, a := range answers {
			assert.Equal(t, answered{reason: reason.BadSignature}, a)
		}
		answers, proofs = together(t, w.uncached(t), w.Token(), func() {})
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
		"what the old key proved is no proof for the new one": {token: func(old, _ string) string { return old }, later: reason.BadSignature},
		"what the old key refused, the new one may prove":     {token: func(_, young string) string { return young }, first: reason.BadSignature},
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
		w.keys.current.Store(unloaded().Snapshot())
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
	var tokens []string
	for i := range 40 { // and as many headers, which all add at once
		tokens = append(tokens, w.Token(jwkstest.Header{"x": fmt.Sprint(i)}))
	}
	for range 8 {
		callers.Go(func() {
			for i := range 200 {
				if _, err := v.Verify(t.Context(), tokens[i%len(tokens)]); err != nil {
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
	assert.Zero(t, refused.Load(), "a rotation refuses no token whose key is still there")
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // and what pools held
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestTokensAreRememberedHoweverManyHeadersThereAre(t *testing.T) {
	w := newWorld(t)
	v := w.verifier(t)
	proofs := 0
	defer verifier.WhileVerifying(func() { proofs++ })()
	const many, most = 300, 256
	var tokens []string
	for i := range many {
		tokens = append(tokens, w.Token(jwkstest.Header{"x": fmt.Sprint(i)}))
	}
	for range 3 {
		for _, token := range tokens {
			expect(t, v, token, "")
			require.LessOrEqual(t, v.KnownHeaders(), most)
		}
	}
	assert.Equal(t, many, proofs, "each is verified once")
	for _, token := range []string{tokens[0], tokens[many-1]} {
		expect(t, v, tampered(token), reason.BadSignature, "a header that is remembered proves nothing")
	}
	assert.Equal(t, most, v.KnownHeaders())
	remembered, _ := v.Remembered()
	assert.Equal(t, many, remembered, "tokens are remembered whether their header is or not")
}

func TestRotationsDoNotFillTheHeadersForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.verifier(t)
		mint := func(n int) string { return w.Token(jwkstest.Header{"x": fmt.Sprint(n)}) }
		for n := range 300 {
			expect(t, v, mint(n), "")
		}
		require.Equal(t, 256, v.KnownHeaders())
		time.Sleep(59 * time.Minute)
		expect(t, v, mint(301), "")
		assert.Equal(t, 256, v.KnownHeaders())
		time.Sleep(time.Minute)
		latest := mint(302)
		expect(t, v, latest, "")
		assert.Equal(t, 1, v.KnownHeaders(), "they begin anew")
		old := mint(0)
		for range 2 {
			expect(t, v, old, "")
			expect(t, v, latest, "")
		}
		expect(t, v, tampered(old), reason.BadSignature)
		assert.Equal(t, 2, v.KnownHeaders())
	})
}

// TestTheCacheNeverChangesAnAnswer lives through random histories with two
// verifiers of the same configuration, one of which remembers.
func TestTheCacheNeverChangesAnAnswer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("history %d", seed), func(t *testing.T) {
			t.Parallel()
			newHistory(t, seed).live(250)
		})
	}
}

// history is a world that changes at random.
type history struct {
	*world

	t              *testing.T
	random         *rand.Rand
	caching, fresh *verifier.Verifier
	tokens         []string
	withdrawn      map[string]bool // by jti
	mood           map[string]bool // of the validator, by jti
	now            time.Time
	stale          bool
	log            []string
	answers        map[string]int
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{
		t: t, world: newWorld(t), now: noon,
		random:    rand.New(rand.NewPCG(seed, 20261120)), // a history can be repeated
		withdrawn: map[string]bool{}, mood: map[string]bool{}, answers: map[string]int{},
	}
	h.cfg.MaxAge = time.Hour
	h.cfg.Revoked = func(_ context.Context, c *claims.Claims) (bool, error) { return h.withdrawn[c.ID()], nil }
	h.cfg.Validators = []verifier.Validator{func(_ context.Context, c *claims.Claims) error {
		if h.mood[c.ID()] {
			return context.DeadlineExceeded
		}
		return nil
	}}
	h.caching, h.fresh = h.verifier(t), h.uncached(t)
	return h
}

func (h *history) live(events int) {
	list := []struct {
		often int
		name  string
		event func()
	}{
		{4, "mint", func() { h.mint() }},
		{1, "mint without kid", func() { h.mint(jwkstest.Header{"kid": nil}) }},
		{1, "rotate", func() { h.Rotate(); h.keys.fetch() }},
		{2, "remove", h.remove},
		{1, "replace", func() { h.Replace(h.anyKid(0)); h.keys.fetch() }},
		{1, "double", h.double},
		{1, "revoke", func() { id := h.id(); h.withdrawn[id] = !h.withdrawn[id] }},
		{1, "validator", func() { id := h.id(); h.mood[id] = !h.mood[id] }},
		{2, "pass", func() { h.now = h.now.Add(time.Duration(h.random.IntN(1800)) * time.Second); h.set(h.now) }},
		{1, "back and forth", func() {
			h.set(h.now.Add(-time.Duration(h.random.IntN(3600)) * time.Second))
			h.compare()
			h.set(h.now)
		}},
		{1, "age", h.age},
		{1, "refresh", h.keys.fetch},
	}
	var often []int
	for i := range list {
		often = append(often, slices.Repeat([]int{i}, list[i].often)...)
	}
	for range events {
		e := list[often[h.random.IntN(len(often))]]
		h.log = append(h.log, e.name)
		e.event()
		h.compare()
	}
	require.Greater(h.t, h.answers["good"], 50, "a history in which little is good shows little: %v", h.answers)
	require.Greater(h.t, len(h.answers), 5, "nor one that refuses for few reasons: %v", h.answers)
}

// compare asks both about some tokens, twice, so that the second may be remembered.
func (h *history) compare() {
	for range min(len(h.tokens), 5) {
		token := h.tokens[h.random.IntN(len(h.tokens))]
		for range 2 {
			got, gotErr := h.caching.Verify(h.t.Context(), token)
			want, wantErr := h.fresh.Verify(h.t.Context(), token)
			require.Equal(h.t, reasonOf(h.t, wantErr), reasonOf(h.t, gotErr), "after %v", h.log)
			if wantErr != nil {
				require.Equal(h.t, facts(h.t, wantErr), facts(h.t, gotErr), "after %v", h.log)
				h.answers[string(reasonOf(h.t, wantErr))]++
				continue
			}
			require.Equal(h.t, want.ID(), got.ID(), "after %v", h.log)
			h.answers["good"]++
		}
	}
}

// id is one of few, so that hooks find tokens to speak about.
func (h *history) id() string { return fmt.Sprintf("id-%d", h.random.IntN(12)) }

// anyKid is the kid of a published key, but for the newest ones.
func (h *history) anyKid(newest int) string {
	keys := h.Published()
	return keys[h.random.IntN(len(keys)-newest)].ID()
}

func (h *history) mint(options ...jwkstest.TokenOption) {
	h.tokens = append(h.tokens, h.Token(append(options, jwkstest.Claims{
		"jti": h.id(), "iat": h.now, "nbf": h.now.Add(-time.Minute),
		"exp": h.now.Add(time.Duration(h.random.IntN(7200)) * time.Second),
	})...))
	h.tokens = h.tokens[max(0, len(h.tokens)-12):]
}

func (h *history) remove() {
	if len(h.Published()) < 2 {
		h.Rotate()
	} else {
		h.Remove(h.anyKid(1)) // the newest signs
	}
	h.keys.fetch()
}

// double publishes another key under a kid that is there, and a moment later
// takes both away.
func (h *history) double() {
	kid := h.anyKid(0)
	h.Publish(h.NewKey("ES256", jwkstest.JWK{"kid": kid}))
	h.keys.fetch()
	h.compare()
	h.Remove(kid)
	h.Rotate()
	h.keys.fetch()
}

// age makes the keys too stale to trust, usually for a moment only.
func (h *history) age() {
	h.stale = !h.stale
	h.keys.expire(h.stale)
	h.compare()
	if h.random.IntN(6) > 0 {
		h.stale = false
		h.keys.expire(false)
	}
}
