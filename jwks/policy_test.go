package jwks_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

// brings is what a verifier does with a token of that kid: it accepts it, or
// asks for newer keys and looks again.
func brings(t *testing.T, f *jwks.Fetcher, kid string) (accepted bool) {
	t.Helper()
	if hasKid(f, kid) {
		return true
	}
	require.NoError(t, f.Refresh(t.Context(), kid))
	return hasKid(f, kid)
}

// tokensOf brings tokens of one kid, ten a second for that long. It returns how
// many were refused, and for how long from now.
func tokensOf(t *testing.T, f *jwks.Fetcher, kid string, lasts time.Duration) (refused int, refusedFor time.Duration) {
	t.Helper()
	begun := time.Now()
	for time.Since(begun) < lasts {
		if !brings(t, f, kid) {
			refused++
			refusedFor = time.Since(begun)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return refused, refusedFor
}

// strangers brings tokens of kids that do not exist, each another one, one in
// every such interval until the test ends. None is ever kept waiting in vain.
func strangers(t *testing.T, f *jwks.Fetcher, every time.Duration) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			running.Go(func() { _ = f.Refresh(ctx, fmt.Sprint("made-up-", i)) })
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
}

// With the defaults: a burst of 5 fetches for unknown kids, one more every 10 s.
func TestUnknownKidsHaveABudget(t *testing.T) {
	eachInBubble(t, map[string]func(t *testing.T, s *server, f *jwks.Fetcher){
		"111 one stray kid before an unannounced rotation refuses no good token": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(time.Minute)
			assert.False(t, brings(t, f, "made-up"))
			time.Sleep(900 * time.Millisecond)
			s.serve(setOf("b"))
			before := time.Now()
			assert.True(t, brings(t, f, "b"))
			assert.Equal(t, 100*time.Millisecond, time.Since(before), "the rest of the second between two fetches")
			assert.Equal(t, 3, s.count())
		},
		"111 nor do four in a row": func(t *testing.T, s *server, f *jwks.Fetcher) {
			for i := range 4 {
				assert.False(t, brings(t, f, fmt.Sprint("made-up", i)))
			}
			s.serve(setOf("b"))
			refused, _ := tokensOf(t, f, "b", time.Minute)
			assert.Zero(t, refused)
		},
		"111 nor one every 20 s beside a rotation every 17 s, for an hour": func(t *testing.T, s *server, f *jwks.Fetcher) {
			strangers(t, f, 20*time.Second)
			for i := range 200 {
				kid := fmt.Sprint("k", i)
				s.serve(setOf(kid))
				refused, _ := tokensOf(t, f, kid, 17*time.Second)
				require.Zero(t, refused, kid)
			}
		},
		"111 a patient stranger with a kid every three seconds costs 10 s after a rotation": atMostACooldown(3 * time.Second),
		"111 and one every second no more":                                                  atMostACooldown(time.Second),
		"111 nor a flood of one a millisecond":                                              atMostACooldown(time.Millisecond),
		"111 five strange kids in a row wait for a fetch each, the sixth is refused at once": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(5 * time.Second)
			assert.Equal(t, 5, f.Status().BudgetLeft)
			begun := time.Now()
			for i := range 5 {
				assert.False(t, brings(t, f, fmt.Sprint("made-up", i)))
				assert.Equal(t, 4-i, f.Status().BudgetLeft)
			}
			assert.Equal(t, 6, s.count())
			assert.Equal(t, 4*time.Second, time.Since(begun))
			assert.False(t, brings(t, f, "made-up"))
			assert.Equal(t, 4*time.Second, time.Since(begun))

			s.serve(setOf("a", "made-up")) // which is remembered: the next fetch is for it
			time.Sleep(6*time.Second - time.Millisecond)
			assert.Equal(t, 6, s.count())
			time.Sleep(time.Millisecond)
			synctest.Wait()
			assert.Equal(t, 7, s.count())
			assert.True(t, hasKid(f, "made-up"))
			assert.Equal(t, 1, f.Status().BudgetLeft, "found: refunded")
		},
		"111 without strangers the budget refills and costs no fetch": func(t *testing.T, s *server, f *jwks.Fetcher) {
			for i := range 5 {
				_ = brings(t, f, fmt.Sprint("made-up", i))
			}
			time.Sleep(50 * time.Second)
			assert.Equal(t, 5, f.Status().BudgetLeft)
			assert.Equal(t, 6, s.count())
		},
		"111 a flood costs the issuer the burst and 360 fetches an hour": func(t *testing.T, s *server, f *jwks.Fetcher) {
			s.set("Cache-Control", "max-age=86400")
			time.Sleep(15 * time.Minute) // the scheduled fetch learns of that
			before := s.count()
			strangers(t, f, 100*time.Millisecond)
			time.Sleep(time.Hour)
			assert.LessOrEqual(t, s.count()-before, 5+360)
			assert.GreaterOrEqual(t, s.count()-before, 360)
		},
		"111 tokens without kid draw on it too, and are not remembered": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(5 * time.Second)
			for i := range 5 {
				require.NoError(t, f.Refresh(t.Context(), ""))
				assert.Equal(t, 2+i, s.count(), "each causes a fetch")
			}
			require.NoError(t, f.Refresh(t.Context(), ""))
			assert.Equal(t, 6, s.count())
			s.serve(setOf("a", "b"))
			time.Sleep(6 * time.Second)
			synctest.Wait()
			assert.True(t, hasKid(f, "b"))
			assert.Equal(t, 1, f.Status().BudgetLeft, "a new key may be the one: refunded")
		},
	}, withA)
}

// withA runs a test whose Fetcher has key a.
func withA(t *testing.T, test func(t *testing.T, s *server, f *jwks.Fetcher)) {
	s := newServer(setOf("a"))
	test(t, s, readyFetcher(t, s.config()))
}

func atMostACooldown(every time.Duration) func(t *testing.T, s *server, f *jwks.Fetcher) {
	return func(t *testing.T, s *server, f *jwks.Fetcher) {
		strangers(t, f, every)
		time.Sleep(time.Minute)
		var worst time.Duration
		for i := range 3 {
			kid := fmt.Sprint("k", i)
			s.serve(setOf(kid))
			_, refusedFor := tokensOf(t, f, kid, 33*time.Second)
			worst = max(worst, refusedFor)
		}
		assert.LessOrEqual(t, worst, 10*time.Second)
		assert.Greater(t, worst, 2*time.Second, "else this shows nothing")
	}
}

func TestMemoriesOfKidsEnd(t *testing.T) {
	eachInBubble(t, map[string]func(t *testing.T, s *server, f *jwks.Fetcher){
		"111 a rotation that is rolled back at once refuses nobody": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(time.Minute)
			for _, kid := range []string{"b", "a", "b", "a"} {
				s.serve(setOf(kid))
				refused, _ := tokensOf(t, f, kid, 2*time.Second)
				assert.Zero(t, refused)
			}
		},
		"111 one rolled back while tokens of the old key come costs them a minute at most": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(time.Minute)
			s.serve(setOf("b"))
			require.True(t, brings(t, f, "b"))
			refused, _ := tokensOf(t, f, "a", 20*time.Minute)
			assert.Greater(t, refused, 11_900, "the key is gone")
			s.serve(setOf("a"))
			_, refusedFor := tokensOf(t, f, "a", 2*time.Minute)
			assert.LessOrEqual(t, refusedFor, time.Minute)
		},
		"111 a stale answer of a cache costs the time of one fetch": func(t *testing.T, s *server, f *jwks.Fetcher) {
			s.set("Cache-Control", "max-age=86400")
			time.Sleep(time.Minute)
			s.serve(setOf("a", "b"))
			require.True(t, brings(t, f, "b"))
			s.serve(setOf("a")) // a cache that is behind
			time.Sleep(2 * time.Second)
			require.False(t, brings(t, f, "made-up"), "a stranger's token meets it")
			require.Equal(t, []string{"a"}, kids(f))
			s.serve(setOf("a", "b"))
			refused, _ := tokensOf(t, f, "b", time.Minute)
			assert.Zero(t, refused)
		},
		"111 one that two fetches meet costs a cooldown": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(time.Minute)
			s.serve(setOf("b"))
			require.True(t, brings(t, f, "b"))
			require.False(t, brings(t, f, "a"), "the fetch for it does not bring it")
			s.serve(setOf("a", "b"))
			_, refusedFor := tokensOf(t, f, "a", time.Minute)
			assert.InDelta(t, 9.9, refusedFor.Seconds(), 0.2)
		},
		"111 tokens of a key long withdrawn cost 60 fetches an hour": func(t *testing.T, s *server, f *jwks.Fetcher) {
			s.set("Cache-Control", "max-age=86400")
			s.serve(setOf("b"))
			require.True(t, brings(t, f, "b"))
			_, _ = tokensOf(t, f, "a", 5*time.Minute)
			before := s.count()
			_, _ = tokensOf(t, f, "a", time.Hour)
			assert.InDelta(t, 60, s.count()-before, 1)
		},
		"111 tokens of a kid that never was cost 360": func(t *testing.T, s *server, f *jwks.Fetcher) {
			s.set("Cache-Control", "max-age=86400")
			s.serve(setOf("b"))
			require.True(t, brings(t, f, "b"))
			before := s.count()
			_, _ = tokensOf(t, f, "made-up", time.Hour)
			assert.InDelta(t, 357, s.count()-before, 5)
		},
		"111 a token that comes before its key is published waits a cooldown": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(time.Minute)
			require.False(t, brings(t, f, "b"))
			s.serve(setOf("a", "b"))
			_, refusedFor := tokensOf(t, f, "b", time.Minute)
			assert.InDelta(t, 9.9, refusedFor.Seconds(), 0.2)
		},
		"111 unless another kid has the new set fetched": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(time.Minute)
			require.False(t, brings(t, f, "b"))
			time.Sleep(time.Second)
			s.serve(setOf("a", "c"))
			require.True(t, brings(t, f, "c"))
			time.Sleep(time.Second)
			s.serve(setOf("a", "b", "c"))
			assert.True(t, brings(t, f, "b"), "when keys change, what was not found is forgotten")
		},
		"111 a kid that no fetch was made for is not remembered": func(t *testing.T, s *server, f *jwks.Fetcher) {
			time.Sleep(time.Minute)
			s.serve(setOf("b"))
			require.True(t, brings(t, f, "b")) // this fetch brings b and withdraws a
			s.serve(setOf("a", "b"))
			assert.True(t, brings(t, f, "a"))
		},
	}, withA)
}
