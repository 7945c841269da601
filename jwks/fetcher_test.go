package jwks_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestNothingIsFetchedBeforeSomebodyAsks(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		time.Sleep(time.Hour)
		assert.Zero(t, s.count())
		assert.False(t, f.Snapshot().Usable())
		assert.Empty(t, kids(f))
		_, err := f.Snapshot().Key("a", "EdDSA")
		require.ErrorIs(t, err, jwks.ErrNoKey)
		assert.Zero(t, f.Status().NextRefresh)
	})
}

func TestCallersBeforeTheFirstLoadGetTheFailureAndThenAreNotKeptWaiting(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.fail(http.StatusBadGateway)
		s.slow(time.Second)

		start := time.Now()
		missing := unavailable(t, f.Refresh(t.Context(), "a"))
		assert.Equal(t, time.Second, time.Since(start), "the first waits for the fetch")
		assert.ErrorContains(t, missing, "502")

		missing = unavailable(t, f.Refresh(t.Context(), "a"))
		assert.Equal(t, time.Second, time.Since(start), "the next does not wait")
		assert.Equal(t, time.Second, missing.RetryAfter)
		assert.Equal(t, 1, s.count())

		s.serve(setOf("a"))
		time.Sleep(3 * time.Second)
		assert.True(t, hasKid(f, "a"), "it recovers by itself")
	})
}

func TestReadyWaitsThroughFailures(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.fail(http.StatusInternalServerError)
		time.AfterFunc(20*time.Second, func() { s.serve(setOf("a")) })
		require.NoError(t, f.Ready(t.Context()))
		assert.True(t, hasKid(f, "a"))
		assert.Equal(t, s.count()-1, int(f.Status().Failures))
	})
}

func TestReadySaysWhatTheLastFailureWas(t *testing.T) {
	withIdle(t, "", func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.fail(http.StatusNotFound)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := f.Ready(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "404 Not Found")
	})
}

func TestReadyBeforeTheFirstFetchEnds(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.slow(4 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := f.Ready(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "has not ended")
	})
}

func TestOneCallersCancellationHarmsNobody(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.slow(2 * time.Second)
		first, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		patient := make(chan error, 1)
		go func() { patient <- f.Refresh(context.Background(), "a") }()
		synctest.Wait()

		err := f.Refresh(first, "a")
		require.ErrorIs(t, err, context.Canceled)
		var missing *jwks.UnavailableError
		assert.NotErrorAs(t, err, &missing, "his own cancellation is no outage")
		require.NoError(t, <-patient)
		assert.True(t, hasKid(f, "a"))
		assert.Equal(t, 1, s.count())
	})
}

func TestUnknownKidIsOneSharedForcedFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		s.set("ETag", `"lies"`)
		f := readyFetcher(t, s.config())
		time.Sleep(5 * time.Second)
		s.serve(setOf("a", "b"))
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				assert.NoError(t, f.Refresh(t.Context(), "b"))
				assert.True(t, hasKid(f, "b"))
			})
		}
		callers.Wait()
		assert.Equal(t, 2, s.count())
		assert.Empty(t, s.last().header.Get("If-None-Match"), "an ETag that lies must not pin old keys")
		assert.Equal(t, "no-cache", s.last().header.Get("Cache-Control"))
	})
}

func TestUnknownKidWhileTheIssuerIsDownIsAnOutage(t *testing.T) {
	withServer(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		time.Sleep(2 * time.Second)
		s.fail(http.StatusInternalServerError)

		unavailable(t, f.Refresh(t.Context(), "b"))
		assert.Equal(t, 2, s.count())
		require.NoError(t, f.Refresh(t.Context(), "a"), "known keys are not concerned")
		assert.True(t, f.Snapshot().Usable())

		before := time.Now()
		missing := unavailable(t, f.Refresh(t.Context(), "c"))
		assert.Equal(t, before, time.Now(), "not kept waiting")

		s.serve(setOf("a", "c"))
		time.Sleep(missing.RetryAfter + time.Second)
		assert.True(t, hasKid(f, "c"), "the next attempt serves them")
		assert.Empty(t, s.last().header.Get("If-None-Match"))
	})
}

func TestBackoffDoublesToAMinute(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.fail(http.StatusInternalServerError)
		_ = f.Refresh(t.Context(), "")
		time.Sleep(10 * time.Minute)
		at := s.seen()
		require.Greater(t, len(at), 9)
		for i := 1; i < len(at); i++ {
			want := min(time.Minute, time.Second<<(i-1))
			gap := at[i].at.Sub(at[i-1].at)
			assert.GreaterOrEqual(t, gap, max(time.Second, want*9/10), "pause %d", i)
			assert.LessOrEqual(t, gap, want, "pause %d", i)
		}
	})
}

func TestKeysAreRefreshedAheadOfExpiry(t *testing.T) {
	type row struct {
		header      string
		least, most time.Duration
	}
	eachInBubble(t, map[string]row{
		"without Cache-Control":              {"", 810 * time.Second, 15 * time.Minute},
		"by max-age":                         {"public, max-age=3600", 54 * time.Minute, time.Hour},
		"max-age=0 is the lower bound":       {"max-age=0", time.Minute, 66 * time.Second},
		"no-store is the lower bound":        {"no-store", time.Minute, 66 * time.Second},
		"max-age=1e12 is not legible":        {"max-age=1e12", 810 * time.Second, 15 * time.Minute},
		"a long max-age is half a staleness": {"max-age=1000000000000", 12 * time.Hour, 12 * time.Hour},
	}, func(t *testing.T, row row) {
		s := newServer(setOf("a"))
		if row.header != "" {
			s.set("Cache-Control", row.header)
		}
		f := readyFetcher(t, s.config())
		next := time.Until(f.Status().NextRefresh)
		assert.GreaterOrEqual(t, next, row.least)
		assert.LessOrEqual(t, next, row.most)
		time.Sleep(next)
		synctest.Wait()
		assert.Equal(t, 2, s.count())
	})
}

func TestOutageIsSurvivedUntilTheKeysAreTooStale(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		cfg := s.config()
		cfg.MaxStaleness = 2 * time.Hour
		f := readyFetcher(t, cfg)
		s.fail(http.StatusInternalServerError)
		time.Sleep(2*time.Hour - time.Second)
		assert.True(t, f.Snapshot().Usable())
		require.NoError(t, f.Refresh(t.Context(), "a"))

		time.Sleep(2 * time.Second)
		assert.False(t, f.Snapshot().Usable())
		missing := unavailable(t, f.Refresh(t.Context(), "a"))
		assert.ErrorContains(t, missing, "500")

		s.serve(setOf("a"))
		time.Sleep(time.Minute)
		assert.True(t, f.Snapshot().Usable())
	})
}

func TestHangingRefreshBlocksNobody(t *testing.T) {
	withServer(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.respond(silent)
		next := f.Status().NextRefresh
		time.Sleep(time.Until(next) + time.Second) // in the middle of it
		require.Equal(t, 2, s.count())
		before := time.Now()
		assert.True(t, hasKid(f, "a"))
		assert.True(t, f.Snapshot().Usable())
		require.NoError(t, f.Refresh(t.Context(), "a"))
		assert.Equal(t, before, time.Now())
		time.Sleep(5 * time.Second)
		assert.ErrorContains(t, f.Status().LastError, "no complete answer within 5s")
	})
}

func TestJoinerOfAScheduledFetchGetsAForcedOne(t *testing.T) {
	withServer(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		old := setOf("a")
		s.respond(func(r *http.Request) (*http.Response, error) { // reads before the rotation, answers after it
			if err := pause(r.Context(), 2*time.Second); err != nil {
				return nil, err
			}
			return reply(r, http.StatusOK, old, nil), nil
		})
		time.Sleep(time.Until(f.Status().NextRefresh) + time.Second)
		require.Equal(t, 2, s.count())
		s.serve(setOf("a", "b"))
		require.NoError(t, f.Refresh(t.Context(), "b"))
		assert.True(t, hasKid(f, "b"))
		assert.Equal(t, 3, s.count())
	})
}

func TestCloseEndsEverything(t *testing.T) {
	withServer(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.respond(silent)
		waiting := make(chan error, 1)
		go func() { waiting <- f.Refresh(context.Background(), "b") }()
		time.Sleep(2 * time.Second)

		require.NoError(t, f.Close())
		err := <-waiting
		unavailable(t, err)
		require.ErrorIs(t, err, jwks.ErrClosed)
		require.ErrorIs(t, f.Refresh(t.Context(), "b"), jwks.ErrClosed)
		require.ErrorIs(t, f.Ready(t.Context()), jwks.ErrClosed)
		assert.True(t, hasKid(f, "a"), "the last snapshot stays")
		assert.Zero(t, f.Status().NextRefresh)
		require.NoError(t, f.Close(), "twice is fine")
		requests := s.count()
		time.Sleep(time.Hour)
		assert.Equal(t, requests, s.count())
	})
}

func TestCloseBeforeAnythingStarted(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, newServer("").config())
	require.NoError(t, f.Close())
	require.ErrorIs(t, f.Ready(t.Context()), jwks.ErrClosed)
	require.ErrorIs(t, f.Refresh(t.Context(), "a"), jwks.ErrClosed)
}

func TestCloseWakesThoseWhoWaitForTheFirstFetch(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.slow(4 * time.Second)
		ready := make(chan error, 1)
		go func() { ready <- f.Ready(context.Background()) }()
		synctest.Wait()
		require.NoError(t, f.Close())
		require.ErrorIs(t, <-ready, jwks.ErrClosed)
	})
}

func TestKeysThatGrowStaleBeforeAnybodySeesThemAreNoAnswer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		cfg := s.config()
		cfg.MaxStaleness = time.Second
		cfg.OnEvent = func(jwks.Event) {
			s.slow(time.Second)
			time.Sleep(2 * time.Second) // which a hook must not do
		}
		f := newFetcher(t, cfg)
		missing := unavailable(t, f.Refresh(t.Context(), "a"))
		assert.ErrorContains(t, missing, "older than MaxStaleness")
	})
}

func TestKeysStayIdenticalUntilTheyChange(t *testing.T) {
	bound := members{"alg": "EdDSA"}
	type row struct {
		before, after  string
		rotated        bool
		added, removed []string
	}
	eachInBubble(t, map[string]row{
		"the same bytes":                    {setOf("a", "b"), setOf("a", "b"), false, nil, nil},
		"another order":                     {setOf("a", "b"), setOf("b", "a"), false, nil, nil},
		"members that say nothing":          {setOf("a"), set(jwk("a", members{"use": "sig", "x5t": "x"})), false, nil, nil},
		"a key came":                        {setOf("a"), setOf("a", "b"), true, []string{"b"}, nil},
		"an identical key twice":            {setOf("a"), setOf("a", "a"), false, nil, nil},
		"a key went":                        {setOf("a", "b"), setOf("a"), true, nil, []string{"b"}},
		"one came, one went":                {setOf("a"), setOf("b"), true, []string{"b"}, []string{"a"}},
		"other material under the same kid": {setOf("a"), set(jwk("a", members{"x": b64(edPublic("b"))})), true, []string{"a"}, []string{"a"}},
		"another alg":                       {setOf("a"), set(jwk("a", bound)), true, []string{"a"}, []string{"a"}},
		"another use":                       {setOf("a", "b"), set(jwk("a", members{"use": "enc"}), jwk("b")), true, nil, []string{"a"}},
		"another issuer member":             {setOf("a"), set(jwk("a", members{"issuer": "https://x.example"})), true, []string{"a"}, []string{"a"}},
		"another kid for the same key":      {setOf("a"), set(jwk("a", members{"kid": "z"})), true, []string{"z"}, []string{"a"}},
		"a key without kid went":            {set(jwk("a", members{"kid": nil}), jwk("b")), setOf("b"), true, nil, []string{""}},
	}, func(t *testing.T, row row) {
		s, f, events := recorded(t, row.before)
		before := f.Snapshot()
		require.Equal(t, []string{jwks.Fetched}, events.kinds())
		s.serve(row.after)
		time.Sleep(16 * time.Minute)
		after := f.Snapshot()
		assert.Equal(t, row.rotated, slices.Contains(events.kinds(), jwks.Rotated))
		assert.Equal(t, row.added, events.last().Added)
		assert.Equal(t, row.removed, events.last().Removed)
		assertUnchangedKeysAreIdentical(t, before, after, row.added, row.removed)
	})
}

func assertUnchangedKeysAreIdentical(t *testing.T, before, after *jwks.Snapshot, added, removed []string) {
	t.Helper()
	for k := range before.Keys() {
		kept := slices.Contains(slices.Collect(after.Keys()), k)
		assert.NotEqual(t, kept, slices.Contains(removed, k.ID()), "what was verified with a removed key no longer holds")
	}
	for k := range after.Keys() {
		if slices.Contains(added, k.ID()) {
			assert.NotContains(t, slices.Collect(before.Keys()), k)
			continue
		}
		old := must(before.Key(k.ID(), "EdDSA"))
		assert.Same(t, old, k)
	}
}

func TestCooldownCanBeTurnedOffButNotTheSecondBetweenFetches(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		cfg := s.config()
		cfg.Cooldown = -1
		f := readyFetcher(t, cfg)
		start := time.Now()
		for i := range 10 {
			require.NoError(t, f.Refresh(t.Context(), fmt.Sprint("forged", i)))
		}
		assert.Equal(t, 11, s.count())
		assert.Equal(t, 10*time.Second, time.Since(start))
	})
}
