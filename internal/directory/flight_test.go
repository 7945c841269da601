package directory_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/internal/directory"
)

func TestAFunctionThatIgnoresItsContextHarmsItsNameAlone(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		release := make(chan struct{})
		o.before = func(_ context.Context, name string) error {
			if name == "a" {
				<-release
			}
			return nil
		}
		begun := time.Now()
		_, err := d.Find(t.Context(), "a")
		assert.ErrorIs(t, err, directory.ErrTimeout)
		assert.Equal(t, 5*time.Second, time.Since(begun))
		for range 10 {
			_, err = d.Find(t.Context(), "a")
			assert.ErrorIs(t, err, directory.ErrTimeout)
		}
		assert.Equal(t, 5*time.Second, time.Since(begun), "nobody waits for it any more")
		assert.Equal(t, 1, o.calls(), "and no second call is made beside it")
		assert.Equal(t, "b", textOf(t, d, "b"))
		close(release)
		synctest.Wait()
		assert.Equal(t, "a", textOf(t, d, "a"), "a late answer is one")
	}, "a", "b")
}

func TestACrowdForOneNameLeavesOthersTheirTurn(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		o.before = func(ctx context.Context, name string) error {
			if name == "a" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		var crowd sync.WaitGroup
		for range 1000 {
			crowd.Go(func() { _, _ = d.Find(t.Context(), "a") })
		}
		synctest.Wait()
		begun := time.Now()
		_, err := d.Find(t.Context(), "a")
		assert.ErrorIs(t, err, directory.ErrCrowded)
		assert.Equal(t, "b", textOf(t, d, "b"))
		assert.Zero(t, time.Since(begun))
		crowd.Wait()
		assert.Equal(t, 2, o.calls())
		time.Sleep(5 * time.Second)
		_, err = d.Find(t.Context(), "a")
		assert.ErrorIs(t, err, directory.ErrTimeout, "there is room again")
	}, "a", "b")
}

func TestValuesThatAreAskedForAgainWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &owner{known: map[string]string{}}
		limits := usual
		limits.MaxEntries, limits.Timeout = 100, time.Hour
		d := directory.New(o.config(limits))
		defer d.Close()
		for i := range 40 {
			o.set(fmt.Sprint(i), "v")
			assert.Equal(t, "v", textOf(t, d, fmt.Sprint(i)))
		}
		time.Sleep(10 * time.Minute)
		var mu sync.Mutex
		now, most := 0, 0
		o.before = func(context.Context, string) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			return nil
		}
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() { assert.Equal(t, "v", textOf(t, d, fmt.Sprint(i))) })
		}
		all.Wait()
		assert.Equal(t, usual.Burst, most)
	})
}

func TestACallerThatLeavesLeavesTheCallToOthers(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		o.before = func(context.Context, string) error { time.Sleep(2 * time.Second); return nil }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := d.Find(ctx, "a")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, "a", textOf(t, d, "a"))
		assert.Equal(t, 1, o.calls())
	}, "a")
}

func TestANameThatMeansNothingAnyMoreGoesAtItsNextTurn(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		v, _ := d.Find(t.Context(), "a")
		delete(o.known, "a")
		time.Sleep(8 * time.Minute)
		assert.True(t, v.lease.Use(), "this use asks")
		synctest.Wait()
		assert.False(t, v.lease.Use())
		assert.Equal(t, []string{"a"}, o.gone())
	}, "a")
}

func TestCallsThatHangAreNoMoreThanTheBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &owner{known: map[string]string{}}
		release := make(chan struct{})
		o.before = func(context.Context, string) error { <-release; return nil } // it heeds no context
		d := directory.New(o.config(usual))
		defer d.Close()
		defer close(release)
		for i := range 20 {
			_, err := d.Find(t.Context(), fmt.Sprint("x", i))
			assert.Error(t, err)
			time.Sleep(10 * time.Second) // the budget is full again
		}
		assert.Equal(t, usual.Burst, o.calls())
		_, err := d.Find(t.Context(), "y")
		assert.ErrorIs(t, err, directory.ErrBusy)
		var u *directory.UnavailableError
		assert.ErrorAs(t, err, &u)
		assert.Equal(t, time.Second, u.RetryAfter)
	})
}

func TestAnotherConfigurationIsNotHeldUpByCallsThatHang(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		release := make(chan struct{})
		defer close(release)
		for _, name := range []string{"a", "b", "c"} {
			assert.Equal(t, name, textOf(t, d, name))
		}
		o.before = func(context.Context, string) error { <-release; return nil }
		limits := usual
		limits.Burst = 2
		d.Reconfigure(o.config(limits)) // it hangs with as many as there may be, of both kinds
		for _, name := range []string{"a", "b", "x", "y"} {
			_, err := d.Find(t.Context(), name)
			assert.ErrorIs(t, err, directory.ErrTimeout, name)
		}
		assert.Contains(t, textOf(t, d, "c"), "no answer in time")
		assert.Contains(t, textOf(t, d, "z"), "the budget is spent")
		assert.Equal(t, 3+2+2, o.calls(), "c and z were not asked for")
		next := &owner{known: map[string]string{"a": "a", "b": "b", "c": "c", "z": "z"}}
		d.Reconfigure(next.config(limits))
		begun := time.Now()
		for _, name := range []string{"a", "b", "c", "z"} {
			assert.Equal(t, name, textOf(t, d, name))
		}
		assert.Zero(t, time.Since(begun))
	}, "a", "b", "c")
}

func TestAFunctionThatDoesNotReturnIsAFailure(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		o.before = func(context.Context, string) error { runtime.Goexit(); return nil }
		begun := time.Now()
		assert.Contains(t, textOf(t, d, "a"), "did not return")
		assert.Zero(t, time.Since(begun))
		o.before = nil
		time.Sleep(5 * time.Second)
		assert.Equal(t, "a", textOf(t, d, "a"))
	}, "a")
}

func TestEndWaitsForNothingAndCloseForCalls(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		v, err := d.Find(t.Context(), "a")
		assert.NoError(t, err)
		release := make(chan struct{})
		o.before = func(context.Context, string) error { <-release; return nil }
		got := make(chan error)
		go func() { _, err := d.Find(t.Context(), "b"); got <- err }()
		synctest.Wait()
		d.End()
		assert.False(t, v.lease.Use())
		assert.ErrorIs(t, <-got, directory.ErrClosed)
		assert.Empty(t, o.gone())
		closed := make(chan struct{})
		go func() { d.Close(); close(closed) }()
		synctest.Wait()
		assert.Equal(t, []string{"a at once"}, o.gone())
		select {
		case <-closed:
			assert.Fail(t, "a call is under way")
		default:
		}
		close(release)
		<-closed
		assert.Equal(t, []string{"a at once", "b at once"}, o.gone())
	}, "a", "b")
}
