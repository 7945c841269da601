package faults_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	soakBegin = "<!-- measured: make soak -->\n"
	soakEnd   = "<!-- end of the soak -->\n"
	points    = 240 // of the plot
)

// report is what a soak came to. Its lines are by phase, over all its turns, and
// the last one is for all; windows and late are by time.
type report struct {
	plan    []phase
	whole   time.Duration
	begun   time.Time
	lines   []line
	windows []latencies // of callers whose key was in force
	late    []latencies // of timers
	samples []sample
	fetches uint64
}

func newReport(plan []phase, whole time.Duration) report {
	r := report{plan: plan, whole: whole, lines: make([]line, len(plan)+1), windows: make([]latencies, points+1), late: make([]latencies, points+1)}
	for i, p := range plan {
		r.lines[i].phase = p.name
	}
	r.lines[len(plan)].phase = "**all**"
	return r
}

// window is the point of the plot that a moment belongs to.
func (r *report) window(t time.Time) int {
	return min(points, int(int64(points)*int64(t.Sub(r.begun))/int64(r.whole)))
}

type line struct {
	phase                           string
	lasted                          time.Duration
	asked                           int
	passed, refused, unavailable    int // 200, 4xx, 503
	wronglyAccepted, wronglyRefused int
	all, known, late                latencies // known: callers whose key was in force; late: timers of this process
}

// of returns the lines that a turn of a phase counts in.
func (r *report) of(turn int) [2]*line {
	return [2]*line{&r.lines[turn%len(r.plan)], &r.lines[len(r.plan)]}
}

func (r *report) add(x exchange, v verdict) {
	took := x.to.Sub(x.from)
	if v.known {
		r.windows[r.window(x.to)].add(took)
	}
	for _, l := range r.of(x.phase) {
		l.asked++
		switch x.status {
		case 200:
			l.passed++
		case 503:
			l.unavailable++
		default:
			l.refused++
		}
		switch {
		case v.wrong == "":
		case v.accepted:
			l.wronglyAccepted++
		default:
			l.wronglyRefused++
		}
		l.all.add(took)
		if v.known {
			l.known.add(took)
		}
	}
}

func (r *report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d clients for %v; the issuer's keys were fetched %d times.\n\n", population, r.whole, r.fetches)
	b.WriteString("| phase | seconds | requests | 200 | 401 | 503 | wrongly accepted | wrongly refused | p50 | p99, key known | p99, all | p99, timers late | heap | goroutines |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range r.lines {
		b.WriteString(r.lines[i].row(r.sampled(func(s sample) bool { return i == len(r.plan) || s.phase%len(r.plan) == i })))
	}
	return b.String()
}

func (l *line) row(of []sample) string {
	heap, goroutines := means(of)
	ms := func(h *latencies, q float64) string {
		return fmt.Sprintf("%.3g ms", float64(h.quantile(q))/float64(time.Millisecond))
	}
	return fmt.Sprintf("| %s | %.0f | %d | %d | %d | %d | %d | %d | %s | %s | %s | %s | %.1f MB | %.0f |\n",
		l.phase, l.lasted.Seconds(), l.asked, l.passed, l.refused, l.unavailable, l.wronglyAccepted, l.wronglyRefused,
		ms(&l.known, 0.5), ms(&l.known, 0.99), ms(&l.all, 0.99), ms(&l.late, 0.99), heap/1e6, goroutines)
}

// checkFlat compares the last third of a run with the first.
func (r *report) checkFlat(t *testing.T) {
	t.Helper()
	third := r.whole / 3
	heapBefore, goroutinesBefore := means(r.sampled(func(s sample) bool { return s.at < third }))
	heapAfter, goroutinesAfter := means(r.sampled(func(s sample) bool { return s.at >= 2*third }))
	assert.Less(t, heapAfter, 1.25*heapBefore+4e6, "the heap grows")
	assert.Less(t, goroutinesAfter, 1.25*goroutinesBefore+32, "goroutines pile up")
}

// write puts the plot and the table where users find them.
func (r *report) write(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "soak.svg"), []byte(r.plot()), 0o644))
	name := filepath.Join(dir, "faults.md")
	head, _, tail := between(t, name, soakBegin, soakEnd)
	require.NoError(t, os.WriteFile(name, []byte(head+r.table()+tail), 0o644))
}

// sample is the state of the process at one moment.
type sample struct {
	at               time.Duration
	phase            int     // counted through all cycles
	heap, goroutines float64 // bytes that the last collection found alive
}

func newSample(at time.Duration, phase int) sample {
	values := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(values)
	return sample{at, phase, float64(values[0].Value.Uint64()), float64(values[1].Value.Uint64())}
}

func (r *report) sampled(which func(sample) bool) (out []sample) {
	for _, s := range r.samples {
		if which(s) {
			out = append(out, s)
		}
	}
	return out
}

func means(of []sample) (heap, goroutines float64) {
	n := max(1, float64(len(of)))
	for _, s := range of {
		heap += s.heap / n
		goroutines += s.goroutines / n
	}
	return heap, goroutines
}

// latencies is a histogram whose buckets are a tenth wide.
type latencies struct {
	counts [256]uint64
	total  uint64
	most   time.Duration
}

func (h *latencies) add(d time.Duration) {
	i := int(10 * math.Log2(max(1, float64(d)/float64(10*time.Microsecond))))
	h.counts[min(i, len(h.counts)-1)]++
	h.total++
	h.most = max(h.most, d)
}

// quantile is the upper edge of the bucket that holds it.
func (h *latencies) quantile(q float64) time.Duration {
	rank, sum := uint64(math.Ceil(q*float64(h.total))), uint64(0)
	for i, n := range &h.counts {
		if sum += n; sum >= rank {
			edge := float64(10*time.Microsecond) * math.Pow(2, float64(i+1)/10)
			return min(time.Duration(edge), h.most)
		}
	}
	return h.most
}
