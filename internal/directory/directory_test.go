package directory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/directory"
)

type dir = directory.Directory[*value]

func TestWhatIsFoundIsKeptAndWhatIsNotIsRemembered(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		for range 3 {
			assert.Equal(t, "a", textOf(t, d, "a"))
			_, err := d.Find(t.Context(), "x")
			assert.ErrorIs(t, err, directory.ErrUnknown)
		}
		assert.Equal(t, 2, o.calls())
		o.set("x", "x")
		time.Sleep(time.Minute)
		assert.Equal(t, "x", textOf(t, d, "x"))
		assert.Equal(t, 2, d.Len())
		_, ok := d.Peek("y")
		assert.False(t, ok)
		assert.Equal(t, 3, o.calls(), "Peek asks nobody")
	}, "a")
}

func TestAtMostAsManyAreKeptAndTheLeastUsedGoes(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		for _, name := range []string{"a", "b", "c"} {
			v, err := d.Find(t.Context(), name)
			require.NoError(t, err)
			time.Sleep(2 * time.Second)
			if name != "b" {
				assert.True(t, v.lease.Use())
			}
			time.Sleep(2 * time.Second)
		}
		assert.Equal(t, "d", textOf(t, d, "d"))
		assert.Equal(t, []string{"b"}, o.gone(), "which was of no use yet, though it is younger than a")
		assert.Equal(t, 3, d.Len())
		dv, _ := d.Peek("d")
		dv.lease.Use()
		av, _ := d.Peek("a")
		assert.True(t, av.lease.Use())
		assert.Equal(t, "e", textOf(t, d, "e"))
		assert.Equal(t, []string{"b", "c"}, o.gone(), "which was not used for longest")
		assert.Equal(t, 3, d.Len())
	}, "a", "b", "c", "d", "e")
}

func TestAValueThatIsGoneIsOfNoUse(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		v, err := d.Find(t.Context(), "a")
		require.NoError(t, err)
		assert.True(t, v.lease.Use())
		d.Forget("a")
		assert.False(t, v.lease.Use())
		assert.Equal(t, []string{"a"}, o.gone())
		w, err := d.Find(t.Context(), "a")
		require.NoError(t, err)
		assert.NotSame(t, v, w)
		assert.False(t, v.lease.Use())
	}, "a")
}

func TestSwappingManyNamesThroughFewPlacesDrawsOnTheBudget(t *testing.T) {
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprint(i))
	}
	with(t, func(t *testing.T, d *dir, o *owner) {
		busy := 0
		for _, name := range names {
			if _, err := d.Find(t.Context(), name); err != nil {
				assert.ErrorIs(t, err, directory.ErrBusy)
				busy++
			}
		}
		assert.Equal(t, 3+4, o.calls(), "as many as there is room for, and the burst")
		assert.Equal(t, 50-7, busy)
	}, names...)
}

func TestForgetEndsWhatIsRememberedAndTheCallUnderWay(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		assert.Contains(t, textOf(t, d, "x"), "not known")
		o.set("x", "x")
		d.Forget("x")
		assert.Equal(t, "x", textOf(t, d, "x"))

		first := true
		o.before = func(context.Context, string) error {
			if first {
				first = false
				time.Sleep(3 * time.Second)
			}
			return nil
		}
		got := make(chan string)
		go func() { got <- textOf(t, d, "a") }()
		synctest.Wait()
		o.set("a", "changed")
		d.Forget("a")
		assert.Equal(t, "changed", textOf(t, d, "a"), "who comes later does not wait for the old answer")
		assert.Equal(t, "changed", <-got, "and who waited for it does not get it")
		assert.Equal(t, []string{"a at once"}, o.gone(), "the old answer, which nobody got")
	}, "a")
}

func TestAnotherConfigurationIsAskedAboutEverything(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		v, err := d.Find(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, "b", textOf(t, d, "b"))
		assert.Contains(t, textOf(t, d, "c"), "not known")
		next := &owner{known: map[string]string{"a": "a", "b": "changed", "c": "c"}}
		d.Reconfigure(next.config(usual))
		assert.False(t, v.lease.Use(), "not before it is confirmed")
		assert.Equal(t, "a", textOf(t, d, "a"))
		assert.True(t, v.lease.Use(), "the same one")
		assert.Equal(t, "changed", textOf(t, d, "b"))
		assert.Equal(t, "c", textOf(t, d, "c"))
		assert.Equal(t, []string{"b"}, next.gone())
		assert.Equal(t, 3, next.calls())
		assert.Equal(t, 3, o.calls())
	}, "a", "b")
}

func TestCloseEndsValuesAndCalls(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		v, err := d.Find(t.Context(), "a")
		require.NoError(t, err)
		o.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		got := make(chan error)
		go func() { _, err := d.Find(t.Context(), "b"); got <- err }()
		synctest.Wait()
		begun := time.Now()
		d.Close()
		assert.Zero(t, time.Since(begun))
		assert.ErrorIs(t, <-got, directory.ErrClosed)
		assert.Equal(t, []string{"a at once"}, o.gone())
		assert.False(t, v.lease.Use())
		_, err = d.Find(t.Context(), "a")
		assert.ErrorIs(t, err, directory.ErrClosed)
		var u *directory.UnavailableError
		require.ErrorAs(t, err, &u)
		assert.Equal(t, time.Second, u.RetryAfter)
	}, "a", "b")
}

func TestManyWhoFindAtTheMomentOfARenewalAllGetIt(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		assert.Equal(t, "a", textOf(t, d, "a"))
		time.Sleep(8 * time.Minute)
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { assert.Equal(t, "a", textOf(t, d, "a")) })
		}
		all.Wait()
		synctest.Wait()
		assert.Equal(t, 2, o.calls())
	}, "a")
}

func TestACallThatIsAnsweredAfterCloseLeavesNothing(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		o.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return nil } // answers all the same
		go func() { _, _ = d.Find(t.Context(), "a") }()
		synctest.Wait()
		d.Close()
		assert.Equal(t, []string{"a at once"}, o.gone())
		assert.Zero(t, d.Len())
	}, "a")
}

func TestWhatIsIdleGoes(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		a, err := d.Find(t.Context(), "a")
		require.NoError(t, err)
		assert.Equal(t, "b", textOf(t, d, "b"))
		for range 12 {
			time.Sleep(9 * time.Minute)
			assert.True(t, a.lease.Use(), "it is asked for again in time")
			synctest.Wait()
		}
		assert.Equal(t, []string{"b"}, o.gone())
		time.Sleep(62 * time.Minute)
		assert.Equal(t, []string{"b", "a"}, o.gone())
		assert.Zero(t, d.Len())
		assert.False(t, a.lease.Use())
	}, "a", "b")
}

func TestErrorsSayWhenToTryAgain(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		down := errors.New("down")
		o.before = func(context.Context, string) error { return down }
		var u *directory.UnavailableError
		_, err := d.Find(t.Context(), "a")
		require.ErrorAs(t, err, &u)
		assert.ErrorIs(t, err, down)
		assert.Equal(t, 5*time.Second, u.RetryAfter)
		time.Sleep(3 * time.Second)
		_, err = d.Find(t.Context(), "a")
		require.ErrorAs(t, err, &u)
		assert.Equal(t, 2*time.Second, u.RetryAfter)
		time.Sleep(1500 * time.Millisecond)
		_, err = d.Find(t.Context(), "a")
		require.ErrorAs(t, err, &u)
		assert.Equal(t, time.Second, u.RetryAfter, "never less")
		assert.Equal(t, 1, o.calls())
	}, "a")
}

func TestAChangedValueIsAsUsedAsTheOneBefore(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		a, err := d.Find(t.Context(), "a")
		require.NoError(t, err)
		assert.True(t, a.lease.Use())
		for _, name := range []string{"b", "c"} {
			time.Sleep(2 * time.Second)
			v, err := d.Find(t.Context(), name)
			require.NoError(t, err)
			if name == "b" {
				assert.True(t, v.lease.Use())
			}
		}
		o.set("a", "changed")
		d.Reconfigure(o.config(usual))
		assert.Equal(t, "changed", textOf(t, d, "a"))
		assert.Equal(t, "d", textOf(t, d, "d"))
		assert.Equal(t, []string{"a", "c"}, o.gone(), "c was of no use yet, which the changed one was")
		for range 40 { // forged tokens, and a value that is another one each time
			time.Sleep(8 * time.Minute)
			if _, kept := d.Peek("a"); !kept {
				return
			}
			o.set("a", fmt.Sprint(time.Now()))
			_ = textOf(t, d, "a")
			synctest.Wait()
		}
		assert.Fail(t, "a change is no use: it would never be idle")
	}, "a", "b", "c", "d")
}

func TestEachCallIsCountedByItsOutcome(t *testing.T) {
	with(t, func(t *testing.T, d *dir, o *owner) {
		assert.Equal(t, "a", textOf(t, d, "a"))
		_, _ = d.Known("a")
		assert.Equal(t, "a", textOf(t, d, "a"))
		assert.Equal(t, [4]int{1, 0, 0, 0}, o.counts(), "what is known costs no call")
		for _, name := range []string{"x", "x", "y"} {
			assert.Contains(t, textOf(t, d, name), "not known")
		}
		assert.Equal(t, [4]int{1, 2, 0, 0}, o.counts(), "nor does what is remembered")
		o.before = func(context.Context, string) error { return errors.New("down") }
		for _, name := range []string{"b", "b", "c", "z", "z"} {
			_, err := d.Find(t.Context(), name)
			assert.Error(t, err)
		}
		assert.Equal(t, [4]int{1, 2, 2, 2}, o.counts(), "z is refused each time: the budget of four is spent")
		time.Sleep(8 * time.Minute)
		_, _ = d.Known("a")
		synctest.Wait()
		assert.Equal(t, [4]int{1, 2, 3, 2}, o.counts(), "asking again is a call")
		o.before = func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
		go func() { _, _ = d.Find(t.Context(), "b") }()
		synctest.Wait()
		d.Close()
		assert.Equal(t, [4]int{1, 2, 3, 2}, o.counts(), "what Close ends says nothing")
	}, "a", "b")
}
