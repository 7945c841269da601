package soak_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	soakBegin = "<!-- measured: make soak -->\n"
	soakEnd   = "<!-- end of the soak -->\n"
)

// report is what a run came to.
type report struct {
	lasted  time.Duration
	lines   []line
	samples []sample
	windows []latencies
	late    []latencies
	plan    []phase
	fetches uint64
}

func (d *director) report() report {
	for i := range d.lines {
		d.lines[i].late = d.late[i]
	}
	return report{
		lasted: d.whole, lines: d.lines, samples: d.samples, windows: d.windows, late: d.lateWindows, plan: d.plan,
		fetches: d.stage.gate.Keys()[0].Fetches,
	}
}

func (r report) total() line {
	sum := line{phase: "**all**"}
	for i := range r.lines {
		l := &r.lines[i]
		sum.lasted += l.lasted
		sum.asked += l.asked
		sum.passed += l.passed
		sum.refused += l.refused
		sum.unavailable += l.unavailable
		sum.wronglyAccepted += l.wronglyAccepted
		sum.wronglyRefused += l.wronglyRefused
		sum.all.merge(&l.all)
		sum.known.merge(&l.known)
		sum.late.merge(&l.late)
	}
	return sum
}

func (h *latencies) merge(o *latencies) {
	for i, n := range &o.counts {
		h.counts[i] += n
	}
	h.total += o.total
	h.most = max(h.most, o.most)
}

func (r report) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d clients for %v; the issuer's keys were fetched %d times.\n\n", clients, r.lasted, r.fetches)
	b.WriteString("| phase | seconds | requests | 200 | 401 | 503 | wrongly accepted | wrongly refused | p50 | p99, key known | p99, all | p99, timers late | heap | goroutines |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i := range r.lines {
		l := &r.lines[i]
		b.WriteString(l.row(r.of(func(s sample) bool { return s.phase%len(r.plan) == i })))
	}
	all := r.total()
	b.WriteString(all.row(r.samples))
	return b.String()
}

func (l *line) row(of []sample) string {
	heap, goroutines := means(of)
	return fmt.Sprintf("| %s | %.0f | %d | %d | %d | %d | %d | %d | %s | %s | %s | %s | %.1f MB | %.0f |\n",
		l.phase, l.lasted.Seconds(), l.asked, l.passed, l.refused, l.unavailable, l.wronglyAccepted, l.wronglyRefused,
		ms(l.known.quantile(0.5)), ms(l.known.quantile(0.99)), ms(l.all.quantile(0.99)), ms(l.late.quantile(0.99)), heap/1e6, goroutines)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond)) }

func (r report) of(which func(sample) bool) (out []sample) {
	for _, s := range r.samples {
		if which(s) {
			out = append(out, s)
		}
	}
	return out
}

func means(of []sample) (heap, goroutines float64) {
	for _, s := range of {
		heap += float64(s.heap)
		goroutines += float64(s.goroutines)
	}
	n := max(1, float64(len(of)))
	return heap / n, goroutines / n
}

// checkFlat compares the last third of a run with the first.
func (r report) checkFlat(t *testing.T) {
	t.Helper()
	third := r.lasted / 3
	heapBefore, goroutinesBefore := means(r.of(func(s sample) bool { return s.at < third }))
	heapAfter, goroutinesAfter := means(r.of(func(s sample) bool { return s.at >= 2*third }))
	assert.Less(t, heapAfter, 1.25*heapBefore+4e6, "the heap grows")
	assert.Less(t, goroutinesAfter, 1.25*goroutinesBefore+32, "goroutines pile up")
}

// write puts the plot and the table where users find them.
func (r report) write(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "soak.svg"), []byte(r.plot()), 0o644))
	name := filepath.Join(dir, "faults.md")
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	head, rest, begins := strings.Cut(string(text), soakBegin)
	_, tail, ends := strings.Cut(rest, soakEnd)
	require.True(t, begins && ends, "%s has lost the marks around the table of the soak", name)
	require.NoError(t, os.WriteFile(name, []byte(head+soakBegin+r.table()+soakEnd+tail), 0o644))
}
