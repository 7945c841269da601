package faults_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks"
)

// Times of the matrix. All else is as a Config leaves it.
const (
	staleness = time.Hour
	lasting   = 80 * time.Minute // of a fault: longer than the keys are trusted, even if one refresh still worked
	glance    = 13 * time.Second // between two calls of an honest caller
	unknownAt = 20 * time.Minute // a token of an unknown kid comes
	publishAt = 30 * time.Minute // the issuer publishes another key
	usedAt    = 45 * time.Minute // a token of it comes
	statusAt  = 50 * time.Minute // Status is read
)

// backs are the bounds of recovery. 65 s: the attempt that began just before
// the fault ended times out, and the next one comes a minute later.
var backs = map[string]time.Duration{
	"at once":  0,
	"≤ 65 s":   time.Minute + fetchTimeout,
	"≤ 15 min": refreshEvery,
}

// What a fault may cost at most.
const (
	mostAllocated  = 8 << 20 // bytes for an attempt, whatever the issuer sends
	mostGrown      = 4 << 20 // bytes of the heap from beginning to end
	mostGoroutines = 12      // more than before, while a fetch is in flight
	stillEnding    = 3       // goroutines that the count may still see; an attempt that leaves one behind leaves dozens
)

// The matrix, by the headings of the table.
var matrix = []struct {
	title string
	rows  []row
}{
	{"The issuer ...", connection},
	{"The issuer answers ...", statuses},
	{"The issuer serves ...", bodies},
	{"The metadata names ...", metadata},
	{"The set holds ...", keys},
	{"Caching: the issuer sends ...", caching},
	{"The API's clock jumps ...", clocks},
}

var update = flag.Bool("update", false, "write the measured table into "+document)

const (
	document   = "../../docs/faults.md"
	tableBegin = "<!-- measured: go test ./internal/faults -update -->\n"
	tableEnd   = "<!-- end of what is measured -->\n"
)

// TestEveryFault runs the matrix, row by row because it counts goroutines and
// bytes, and compares it with the page, or writes it there.
func TestEveryFault(t *testing.T) {
	lines, measured, all := []string{
		"| fault | before the first load | known key | unknown kid | new key | recovers | events | `Status` | attempts |",
		"|---|---|---|---|---|---|---|---|---|",
	}, 0, 0
	for _, g := range matrix {
		lines = append(lines, "| **"+g.title+"** | | | | | | | | |")
		all += len(g.rows)
		for _, r := range g.rows {
			t.Run(strings.TrimSuffix(g.title, "...")+r.name, func(t *testing.T) {
				got := r.measure(t)
				assert.Equal(t, r.want, got)
				lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %s | ≤ %d |",
					r.name, got.cold, got.known, got.unknown, got.newcomer, got.back, got.events, got.shows, got.attempts))
				measured++
			})
		}
	}
	if measured < all {
		return // some were not run, or broke off
	}
	head, written, tail := between(t, document, tableBegin, tableEnd)
	table := strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(document, []byte(head+table+tail), 0o644))
		return
	}
	assert.Equal(t, written, table, "%s says something else than what was measured: see why, then run the test with -update", document)
}

func (r row) measure(t *testing.T) outcome {
	t.Helper()
	var got outcome
	before := heap()
	synctest.Test(t, func(t *testing.T) { r.measureCold(t, &got) })
	synctest.Test(t, func(t *testing.T) { r.measureWarm(t, &got) })
	assert.Less(t, heap(), before+mostGrown, "the heap has grown")
	return got
}

func shortlyStale(cfg *sallyport.Config) { cfg.Keys.MaxStaleness = staleness }

func (r row) prepare(w *world) {
	if r.first != nil {
		r.first(w)
	}
}

func (r row) finish(w *world) {
	w.iss.Restore()
	w.wire.mend()
	if r.end != nil {
		r.end(w)
	}
}

// measureCold: callers come while nothing was ever loaded.
func (r row) measureCold(t *testing.T, got *outcome) {
	t.Helper()
	w := newWorld(t, shortlyStale)
	token := w.long(w.known)
	r.prepare(w)
	r.begin(w)

	first := w.crowd(slices.Repeat([]string{token}, 8)...)
	got.cold = first[0].String()
	for _, a := range first {
		assert.Equal(t, got.cold, a.String(), "callers of one moment get different answers")
		assert.LessOrEqual(t, a.took, fetchTimeout, "a caller waits for longer than one fetch may take")
		assert.Equal(t, a.status == 503, a.retryAfter > 0, "Retry-After belongs to 503")
	}
	time.Sleep(2 * time.Minute)
	later := w.call(token)
	assert.Equal(t, got.cold, later.String(), "two minutes later")
	assert.LessOrEqual(t, w.status().Fetches, uint64(10), "attempts in two minutes")

	r.finish(w)
	_, err := w.until("200", token, time.Second, 15*time.Minute)
	require.NoError(t, err, "after the fault")
}

// measureWarm: the fault begins a minute after the keys were loaded.
func (r row) measureWarm(t *testing.T, got *outcome) {
	t.Helper()
	w := newWorld(t, shortlyStale)
	r.prepare(w)
	w.ready()
	token := w.long(w.known)
	require.Equal(t, "200", w.call(token).String())
	time.Sleep(time.Minute)
	cost := startMeter(w)
	r.begin(w)
	w.events.take()

	newcomer := r.endure(w, token, &cost, got)
	got.events = strings.Join(w.events.take(), " ")
	got.attempts = r.bound(cost.attempts(w))
	cost.check(t, w)

	r.finish(w)
	got.back = r.recover(t, w, token, newcomer)
	assert.Zero(t, w.iss.Strays(), "something else was fetched than metadata and keys")
	cost.checkAfter(t)
}

// bound is the stated one if it holds.
func (r row) bound(attempts int) int {
	if attempts <= r.want.attempts {
		return r.want.attempts
	}
	return attempts
}

// endure is what callers see while the fault lasts.
func (r row) endure(w *world, token string, cost *meter, got *outcome) (newcomer string) {
	w.t.Helper()
	var turns history
	begun := time.Now()
	due := func(at time.Duration) bool { d := time.Since(begun); return d >= at && d < at+glance }
	for time.Since(begun) < lasting {
		usable := w.status().Usable
		a := w.call(token)
		turns.add(a.String(), w.status())
		if usable {
			assert.Zero(w.t, a.took, "a caller with a known key waited after %v", time.Since(begun))
		}
		switch {
		case due(unknownAt):
			got.unknown = w.bounded(w.forged("unknown")).String()
		case due(publishAt):
			newcomer = w.long(w.publish())
		case due(usedAt):
			got.newcomer = w.bounded(newcomer).String()
		case due(statusAt):
			got.shows = r.shown(w)
		}
		cost.sample()
		time.Sleep(glance)
	}
	got.known = turns.String()
	return newcomer
}

// bounded is a call that may wait for a fetch of its own behind another one.
func (w *world) bounded(token string) answer {
	a := w.call(token)
	assert.LessOrEqual(w.t, a.took, 2*fetchTimeout, "the caller of an unknown key waits for too long")
	return a
}

// shown is what Status says of the fault.
func (r row) shown(w *world) string {
	s := w.status()
	out := nothing
	what, says, _ := strings.Cut(r.want.shows, ": ")
	switch {
	case s.LastError != nil:
		out = "LastError: " + says
		if what != "LastError" || !strings.Contains(s.LastError.Error(), says) {
			out = "LastError: " + s.LastError.Error()
		}
		assert.Positive(w.t, s.Failures)
	case len(s.Skipped) > 0:
		out = "Skipped: " + says
		if !strings.Contains(strings.Join(s.Skipped, "\n"), says) {
			out = "Skipped: " + strings.Join(s.Skipped, "; ")
		}
	}
	if r.also != nil {
		out += "; " + r.also(w)
	}
	return out
}

// recover is how long both honest callers wait for the end of the trouble.
func (r row) recover(t *testing.T, w *world, tokens ...string) string {
	t.Helper()
	start := time.Now()
	for _, token := range tokens {
		_, err := w.until("200", token, time.Second, 20*time.Minute)
		require.NoError(t, err, "after the fault")
	}
	if took := time.Since(start); took > backs[r.want.back] {
		return took.String()
	}
	return r.want.back // the bound that is stated
}

// history is the answers that differ from the one before, and why.
type history []string

func (h *history) add(answer string, s jwks.Status) {
	switch {
	case len(*h) == 0:
		*h = append(*h, answer)
	case strings.HasSuffix((*h)[len(*h)-1], answer):
	case !s.Usable:
		*h = append(*h, "after MaxStaleness "+answer)
	default:
		*h = append(*h, "after a refresh "+answer)
	}
}

func (h history) String() string { return strings.Join(h, "; ") }

// meter is what a fault costs. Goroutines are those of the whole process:
// nothing else runs meanwhile.
type meter struct {
	fetches    uint64
	asked      int64
	goroutines int
	most       int
	allocated  uint64
}

func startMeter(w *world) meter {
	synctest.Wait()
	n := runtime.NumGoroutine()
	return meter{fetches: w.status().Fetches, asked: w.wire.requests.Load(), goroutines: n, most: n, allocated: allocated()}
}

func (m *meter) sample() { m.most = max(m.most, runtime.NumGoroutine()) }

func (m *meter) attempts(w *world) int { return int(w.status().Fetches - m.fetches) }

func (m *meter) check(t *testing.T, w *world) {
	t.Helper()
	n := m.attempts(w)
	assert.LessOrEqual(t, w.wire.requests.Load()-m.asked, int64(3*n+3), "an attempt is two metadata documents and a set at most")
	assert.LessOrEqual(t, m.most, m.goroutines+mostGoroutines, "goroutines pile up")
	assert.Less(t, (allocated()-m.allocated)/uint64(n+1), uint64(mostAllocated), "bytes for an attempt")
}

// checkAfter wants no more goroutines than before the fault.
func (m *meter) checkAfter(t *testing.T) {
	t.Helper()
	time.Sleep(fetchTimeout)
	synctest.Wait()
	assert.LessOrEqual(t, runtime.NumGoroutine(), m.goroutines+stillEnding, "goroutines stay behind")
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
