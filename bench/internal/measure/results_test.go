package measure_test

import (
	"math"
	"strings"
	"testing"
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

func TestTheSpreadLeavesOutWhatChanceBrings(t *testing.T) {
	t.Parallel()
	steady := &measure.Series{Rounds: []float64{100, 101, 99, 100, 100, 100, 101, 99, 100, 500}}
	assert.Less(t, steady.Spread(), 0.02, "one outlier of ten")
	wild := &measure.Series{Rounds: []float64{100, 200, 50, 180, 60, 190, 70, 210, 40, 100}}
	assert.Greater(t, wild.Spread(), 0.3)
}

// Not parallel: allocations can only be counted while nothing else runs.
func TestEveryCaseGetsItsRoundsAndItsAllocations(t *testing.T) {
	var sink []byte
	var r measure.Results
	group := cases.Group{Name: "Made", Open: func() ([]cases.Case, func()) {
		return []cases.Case{
			{Name: "does=little", Run: func(n int) {
				for end := time.Now().Add(time.Duration(n) * 100 * time.Microsecond); time.Now().Before(end); {
				}
			}},
			{Name: "does=allocate", Run: func(n int) {
				for range n {
					sink = make([]byte, 64)
				}
			}},
			{Name: "does=wait/procs=2", Workers: 2, Run: func(n int) { time.Sleep(time.Duration(n) * 10 * time.Millisecond) }},
		}, func() {}
	}}
	r.Group(group, measure.Plan{Rounds: 3, Turns: 2, Slice: 2 * time.Millisecond})
	for _, s := range r.Of("Made") {
		assert.Len(t, s.Rounds, 3, s.Name)
	}
	require.Len(t, r.Of("Made"), 3)
	assert.Len(t, sink, 64)
	assert.Greater(t, r.At("Made", "does=wait/procs=2").Median(), 4e6, "two workers, 10 ms each: half of it for one run")
	assert.Less(t, r.At("Made", "does=wait/procs=2").Median(), 9e6)

	var text strings.Builder
	require.NoError(t, r.WriteText(&text))
	assert.Equal(t, 3, strings.Count(text.String(), "BenchmarkMade/does=allocate-"))
	assert.Panics(t, func() { r.At("Made", "does=nothing") })
}
