package measure_test

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
	"github.com/sallyport-go/sallyport/bench/internal/measure"
)

func TestTheMedianIsTheMiddle(t *testing.T) {
	t.Parallel()
	assert.InDelta(t, 2, measure.Median([]float64{3, 1, 2}), 0)
	assert.InDelta(t, 2.5, measure.Median([]float64{4, 1, 2, 3}), 0)
	assert.True(t, math.IsNaN(measure.Median(nil)))
}

func TestARatioIsTakenRoundByRound(t *testing.T) {
	t.Parallel()
	base := &measure.Series{Rounds: []float64{1, 10, 2}}
	other := &measure.Series{Rounds: []float64{2, 20, 4}} // twice as much, whatever the machine did
	assert.InDelta(t, 2, other.Ratio(base), 0)
}

// Not parallel, as what follows: the collector is the process's.
func TestACaseIsPreparedOutsideOfTheClockAndNothingIsCollectedWithin(t *testing.T) {
	left := 0
	var before, after runtime.MemStats
	var r measure.Results
	r.Group(cases.Group{Name: "Made", Open: func() ([]cases.Case, func()) {
		return []cases.Case{{
			Name:    "does=prepare",
			Prepare: func(n int) { left = n; time.Sleep(5 * time.Millisecond) },
			Run: func(n int) {
				left -= n
				assert.GreaterOrEqual(t, left, 0, "more runs than were prepared")
				busy(time.Duration(n) * 100 * time.Microsecond)
			},
		}, {
			Name: "does=litter", Workers: 1, // whose allocations are not counted
			Run: func(n int) {
				runtime.ReadMemStats(&before)
				for range 64 * n {
					litter = make([]byte, 256<<10)
				}
				runtime.ReadMemStats(&after)
			},
		}}, func() {}
	}}, measure.Plan{Rounds: 2, Turns: 2, Slice: 2 * time.Millisecond})
	assert.Zero(t, left, "what was prepared is used up")
	assert.Greater(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "enough to be collected")
	assert.Equal(t, before.NumGC, after.NumGC)
	assert.Less(t, r.At("Made", "does=prepare").Median(), 2e6)
}

var litter []byte

func busy(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// Not parallel: allocations can only be counted while nothing else runs.
func TestEveryCaseGetsItsRoundsAndItsAllocations(t *testing.T) {
	var sink []byte
	var r measure.Results
	group := cases.Group{Name: "Made", Open: func() ([]cases.Case, func()) {
		return []cases.Case{
			{Name: "does=little", Run: func(n int) { busy(time.Duration(n) * 100 * time.Microsecond) }},
			{Name: "does=allocate", Run: func(n int) {
				for range n {
					sink = make([]byte, 64)
				}
			}},
		}, func() {}
	}}
	r.Group(group, measure.Plan{Rounds: 3, Turns: 2, Slice: 2 * time.Millisecond})
	for _, s := range r.Of("Made") {
		assert.Len(t, s.Rounds, 3, s.Name)
	}
	require.Len(t, r.Of("Made"), 2)
	assert.Len(t, sink, 64)

	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	assert.Equal(t, 3, strings.Count(text.String(), "BenchmarkMade/does=allocate-"))
	assert.Panics(t, func() { r.At("Made", "does=nothing") })
}

// In a bubble, whose sleeps are never longer than they should be.
func TestWorkersAreTimedTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r measure.Results
		r.Group(cases.Group{Name: "Made", Open: func() ([]cases.Case, func()) {
			return []cases.Case{
				{Name: "does=wait/procs=2", Workers: 2, Run: func(n int) { time.Sleep(time.Duration(n) * 10 * time.Millisecond) }},
			}, func() {}
		}}, measure.Plan{Rounds: 3, Turns: 2, Slice: 2 * time.Millisecond})
		assert.InDelta(t, 5e6, r.At("Made", "does=wait/procs=2").Median(), 0, "two workers, 10 ms each: half of it for one run")
	})
}
