package directory_test

import (
	"context"
	"fmt"
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
