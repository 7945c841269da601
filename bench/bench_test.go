package bench_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/bench/internal/cases"
)

// The cases as ordinary benchmarks, for profiles and for benchstat:
//
//	go test -bench 'FirstSight/alg=RS256/impl=sallyport' -cpuprofile cpu.prof

func BenchmarkFirstSight(b *testing.B) { run(b, "FirstSight") }
func BenchmarkSeen(b *testing.B)       { run(b, "Seen") }
func BenchmarkProof(b *testing.B)      { run(b, "Proof") }
func BenchmarkReplays(b *testing.B)    { run(b, "Replays") }
func BenchmarkGuard(b *testing.B)      { run(b, "Guard") }
func BenchmarkRefusal(b *testing.B)    { run(b, "Refusal") }
func BenchmarkFlatSeen(b *testing.B)   { run(b, "FlatSeen") }
func BenchmarkFlatFirst(b *testing.B)  { run(b, "FlatFirst") }
func BenchmarkRefreshing(b *testing.B) { run(b, "Refreshing") }
func BenchmarkParallel(b *testing.B)   { run(b, "Parallel") }

func run(b *testing.B, group string) {
	b.Helper()
	for _, g := range cases.Groups() {
		if g.Name != group {
			continue
		}
		list, closeGroup := g.Open()
		for _, c := range list {
			b.Run(c.Name, func(b *testing.B) {
				b.ReportAllocs()
				c.Ready(1 + b.N)
				c.Run(1)
				b.ResetTimer()
				if c.Workers == 0 {
					c.Run(b.N)
					return
				}
				var wg sync.WaitGroup
				for w := range c.Workers { // b.N runs in all
					wg.Go(func() { c.Run((b.N + w) / c.Workers) })
				}
				wg.Wait()
			})
		}
		closeGroup()
	}
}

// TestEveryCaseRuns: each panics if its outcome is not the one it is timed for.
func TestEveryCaseRuns(t *testing.T) {
	t.Parallel()
	for _, g := range cases.Groups() {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			list, closeGroup := g.Open()
			t.Cleanup(func() { require.NotPanics(t, closeGroup) })
			seen := map[string]bool{}
			for _, c := range list {
				require.NotPanics(t, func() {
					c.Ready(2)
					c.Run(2)
				}, c.Name)
				require.False(t, seen[c.Name], "the name %s is there twice", c.Name)
				seen[c.Name] = true
			}
		})
	}
}
