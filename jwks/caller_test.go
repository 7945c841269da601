package jwks_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestAThousandCallersWaitAndMoreDoNot(t *testing.T) {
	const most, more = 1000, 50
	type row struct {
		prepare func(t *testing.T, s *server, f *jwks.Fetcher)
		late    func(t *testing.T, err error) // what those get that come too late
	}
	refused := func(t *testing.T, err error) { t.Helper(); assert.NoError(t, err, "the kid is unknown") }
	eachInBubble(t, map[string]row{
		"111 before the first load": {func(t *testing.T, s *server, _ *jwks.Fetcher) { t.Helper(); s.slow(3 * time.Second) }, func(t *testing.T, err error) {
			t.Helper()
			missing := unavailable(t, err)
			assert.Equal(t, time.Second, missing.RetryAfter)
			assert.ErrorContains(t, missing, "1000 callers wait for the keys already")
		}},
		"111 for an unknown kid": {func(t *testing.T, s *server, f *jwks.Fetcher) {
			t.Helper()
			_ = f.Ready(t.Context())
			time.Sleep(5 * time.Second)
			s.slow(3 * time.Second)
		}, refused},
		"111 for an attempt after a failure": {func(t *testing.T, s *server, f *jwks.Fetcher) {
			t.Helper()
			_ = f.Ready(t.Context())
			time.Sleep(5 * time.Second)
			s.fail(http.StatusBadGateway)
			_ = f.Refresh(t.Context(), "x")
			s.respond(silent)
			time.Sleep(time.Second)
			synctest.Wait() // the second attempt is in flight
		}, func(t *testing.T, err error) { t.Helper(); assert.ErrorContains(t, unavailable(t, err), "502") }},
	}, func(t *testing.T, row row) {
		s := newServer(setOf("a"))
		f := newFetcher(t, s.config())
		row.prepare(t, s, f)
		begun := time.Now()
		var callers sync.WaitGroup
		for i := range most {
			callers.Go(func() { _ = f.Refresh(t.Context(), fmt.Sprint("b", i)) })
		}
		synctest.Wait()
		for i := range more {
			row.late(t, f.Refresh(t.Context(), fmt.Sprint("c", i)))
		}
		assert.Equal(t, begun, time.Now(), "at once")
		callers.Wait()
		assert.Greater(t, time.Since(begun), time.Second, "the others waited")
	})
}

func TestWhoLeavesMakesRoom(t *testing.T) {
	withServer(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.slow(3 * time.Second)
		for round, patience := range []time.Duration{time.Minute, time.Second, time.Minute} { // in the second they hang up
			time.Sleep(time.Minute)
			var waited atomic.Int32
			var callers sync.WaitGroup
			for range 1000 {
				callers.Go(func() {
					ctx, hangUp := context.WithTimeout(t.Context(), patience)
					defer hangUp()
					begun := time.Now()
					_ = f.Refresh(ctx, fmt.Sprint("made-up", round))
					if time.Since(begun) >= time.Second {
						waited.Add(1)
					}
				})
			}
			callers.Wait()
			require.EqualValues(t, 1000, waited.Load(), "round %d", round)
		}
	})
}

func TestATokenWithoutKidNeedsOneLoadOnly(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.slow(2 * time.Second)
		var callers sync.WaitGroup
		for range 10 { // some of them while the first fetch is in flight
			callers.Go(func() { assert.NoError(t, f.Refresh(t.Context(), "")) })
			time.Sleep(100 * time.Millisecond)
		}
		callers.Wait()
		time.Sleep(time.Minute)
		assert.Equal(t, 1, s.count())
		assert.Equal(t, 5, f.Status().BudgetLeft)
	})
}
