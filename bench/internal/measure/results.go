package measure

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
)

// Series is what was measured of one case.
type Series struct {
	Group, Name string
	Rounds      []float64 // nanoseconds for one run, a value for each round
	Allocs      float64   // allocations for one run; exact, not a matter of rounds
}

// Results are the series of all groups, in the order in which they came.
type Results struct {
	order []*Series
}

func (r *Results) find(group, name string) *Series {
	for _, s := range r.order {
		if s.Group == group && s.Name == name {
			return s
		}
	}
	return nil
}

func (r *Results) series(group, name string) *Series {
	s := r.find(group, name)
	if s == nil {
		s = &Series{Group: group, Name: name}
		r.order = append(r.order, s)
	}
	return s
}

// Add appends a round that was measured elsewhere.
func (r *Results) Add(group, name string, value float64) {
	s := r.series(group, name)
	s.Rounds = append(s.Rounds, value)
}

// At returns the series of a case. It panics if there is none: the report asks for a case that is not measured.
func (r *Results) At(group, name string) *Series {
	s := r.find(group, name)
	if s == nil {
		panic(fmt.Sprintf("measure: nothing is known of %s/%s", group, name))
	}
	return s
}

// Of returns the series of a group.
func (r *Results) Of(group string) []*Series {
	var list []*Series
	for _, s := range r.order {
		if s.Group == group {
			list = append(list, s)
		}
	}
	return list
}

// Median returns the median of the rounds.
func (s *Series) Median() float64 { return Median(s.Rounds) }

// Ratio returns the median, over the rounds, of what s costs as a multiple of
// base. What disturbed a round as a whole disturbs the times and not this.
func (s *Series) Ratio(base *Series) float64 {
	ratios := make([]float64, min(len(s.Rounds), len(base.Rounds)))
	for i := range ratios {
		ratios[i] = s.Rounds[i] / base.Rounds[i]
	}
	return Median(ratios)
}

// Median returns the middle value, or the mean of the two; NaN of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// WriteText writes every round in the format of Go benchmarks, for benchstat,
// which has the intervals and compares two runs.
func (r *Results) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "goos: %s\ngoarch: %s\npkg: github.com/sallyport-go/sallyport/bench\n", runtime.GOOS, runtime.GOARCH)
	for _, s := range r.order {
		for _, v := range s.Rounds {
			if _, e := fmt.Fprintf(w, "Benchmark%s/%s-%d 1 %.1f ns/op %.0f allocs/op\n", s.Group, s.Name, runtime.GOMAXPROCS(0), v, s.Allocs); e != nil {
				err = e
			}
		}
	}
	return err
}
