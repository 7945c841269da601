// Package measure times groups of cases in interleaved rounds. What disturbs the machine for a moment then disturbs
// all cases of a group alike, and the ratios of a round stand, though its times may not.
package measure

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
)

// Plan is how much is measured.
type Plan struct {
	Rounds int           // kept apart: each gives one value for each case
	Turns  int           // in which each case is timed within a round; the round's value is their median
	Slice  time.Duration // how long one timing lasts
}

// allocRuns is how often a case is run to count its allocations. It is large
// enough that what a pool refills after a collection vanishes in the mean.
const allocRuns = 400

// Group measures the cases of g and adds the rounds to r.
func (r *Results) Group(g cases.Group, p Plan) {
	list, closeGroup := g.Open()
	defer closeGroup()
	runs := make([]int, len(list))
	for i, c := range list {
		runs[i] = calibrate(c, p.Slice)
		if c.Workers == 0 {
			c.Ready(1 + allocRuns) // AllocsPerRun warms up with one more
			r.series(g.Name, c.Name).Allocs = testing.AllocsPerRun(allocRuns, func() { c.Run(1) })
		}
	}
	for range p.Rounds {
		turns := make([][]float64, len(list))
		for range p.Turns {
			for _, i := range rand.Perm(len(list)) { //nolint:gosec // G404: an order, so that nobody always comes after the same one
				turns[i] = append(turns[i], turn(list[i], runs[i]))
			}
		}
		for i, c := range list {
			s := r.series(g.Name, c.Name)
			s.Rounds = append(s.Rounds, Median(turns[i]))
		}
	}
}

// turn times one slice. The heap is collected before it and not within it: a slice is too short to hold its share of
// a collection, it would have a whole one or none. What a case leaves to be collected shows as its allocations.
func turn(c cases.Case, runs int) float64 {
	warmUp := 1 + runs/8
	c.Ready(warmUp + runs)
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	c.Run(warmUp)
	return nanoseconds(c, runs)
}

// calibrate finds how many runs fill a slice.
func calibrate(c cases.Case, slice time.Duration) int {
	c.Ready(1)
	c.Run(1) // whatever is made on first use
	for n := 1; ; n *= 2 {
		c.Ready(n * max(1, c.Workers))
		if took := time.Duration(nanoseconds(c, n) * float64(n*max(1, c.Workers))); took >= slice/4 {
			return max(1, int(slice*time.Duration(n)/took))
		}
	}
}

// nanoseconds is what one run costs: the processor's time, or with several
// workers, where it is about their doing it at once, the time of day.
func nanoseconds(c cases.Case, n int) float64 {
	if c.Workers == 0 {
		start := Clock()
		c.Run(n)
		return float64(Clock()-start) / float64(n)
	}
	start := time.Now()
	var wg sync.WaitGroup
	for range c.Workers {
		wg.Go(func() { c.Run(n) })
	}
	wg.Wait()
	return float64(time.Since(start)) / float64(n*c.Workers)
}
