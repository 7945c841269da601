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
	spacing   = time.Second      // between the starts of two fetches; an unknown kid waits it out
)

// backs are the bounds of recovery. 65 s: the attempt that began just before
// the fault ended times out, and the next one comes a minute later.
var backs = map[string]time.Duration{"at once": 0, "≤ 65 s": time.Minute + fetchTimeout, "≤ 15 min": refreshEvery}

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

func (r row) prepare(w *world) *world {
	if r.first != nil {
		r.first(w)
	}
	return w
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
	w := r.prepare(newWorld(t, shortlyStale))
	token := w.long(w.known)
	r.begin(w)

	first := w.crowd(slices.Repeat([]string{token}, 8)...)
	got.cold = first[0].String()
	for _, a := range first {
		assert.Equal(t, got.cold, a.String(), "callers of one moment get different answers")
		assert.LessOrEqual(t, a.took, fetchTimeout, "a caller waits for longer than one fetch may take")
		assert.Equal(t, a.status == 503, a.retryAfter > 0, "Retry-After belongs to 503")
	}
	time.Sleep(2 * time.Minute)
	assert.Equal(t, got.cold, w.call(token).String(), "two minutes later")
	assert.LessOrEqual(t, w.status().Fetches, uint64(10), "attempts in two minutes")

	r.finish(w)
	w.until("200", token, time.Second, 15*time.Minute)
}

// measureWarm: the fault begins a minute after the keys were loaded.
func (r row) measureWarm(t *testing.T, got *outcome) {
	t.Helper()
	w := r.prepare(newWorld(t, shortlyStale)).ready()
	token := w.long(w.known)
	require.Equal(t, "200", w.call(token).String())
	time.Sleep(time.Minute)
	cost := startMeter(w)
	r.begin(w)
	w.events.take()

	newcomer := r.endure(w, token, &cost, got)
	got.events = strings.Join(w.events.take(), " ")
	got.attempts = max(cost.check(t, w), r.want.attempts) // the bound that is stated, if it holds

	r.finish(w)
	got.back = r.recover(w, token, newcomer)
	assert.Zero(t, w.iss.Strays(), "something else was fetched than metadata and keys")
	time.Sleep(fetchTimeout)
	synctest.Wait()
	assert.LessOrEqual(t, runtime.NumGoroutine(), cost.goroutines+stillEnding, "goroutines stay behind")
}

// endure is what callers see while the fault lasts.
func (r row) endure(w *world, token string, cost *meter, got *outcome) (newcomer string) {
	w.t.Helper()
	last := ""
	begun := time.Now()
	due := func(at time.Duration) bool { d := time.Since(begun); return d >= at && d < at+glance }
	for time.Since(begun) < lasting {
		before := w.status()
		a := w.call(token)
		if now := a.String(); now != last {
			got.known, last = got.known+why(last, w.status())+now, now
		}
		switch held := slices.ContainsFunc(before.Keys, func(k *jwks.Key) bool { return k.ID() == w.known.ID() }); {
		case before.Usable && held:
			assert.Zero(w.t, a.took, "a caller with a known key waited after %v", time.Since(begun))
		case before.Usable: // the first token after the refresh that dropped the key asks for it, behind that refresh
			assert.LessOrEqual(w.t, a.took, spacing, "a caller with a withdrawn key waited after %v", time.Since(begun))
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
		cost.most = max(cost.most, runtime.NumGoroutine())
		time.Sleep(glance)
	}
	return newcomer
}

// why an answer differs from the last one.
func why(last string, s jwks.Status) string {
	switch {
	case last == "":
		return ""
	case !s.Usable:
		return "; after MaxStaleness "
	default:
		return "; after a refresh "
	}
}

// bounded is a call that may wait for a fetch of its own behind another one.
func (w *world) bounded(token string) answer {
	a := w.call(token)
	assert.LessOrEqual(w.t, a.took, 2*fetchTimeout, "the caller of an unknown key waits for too long")
	return a
}

// shown is what Status says of the fault.
func (r row) shown(w *world) string {
	s, out := w.status(), nothing
	what, says, _ := strings.Cut(r.want.shows, ": ")
	show := func(kind, text string) {
		if out = kind + ": " + text; what == kind && strings.Contains(text, says) {
			out = r.want.shows // a part is stated
		}
	}
	switch {
	case s.LastError != nil:
		show("LastError", s.LastError.Error())
		assert.Positive(w.t, s.Failures)
	case len(s.Skipped) > 0:
		show("Skipped", strings.Join(s.Skipped, "; "))
	}
	if r.also != nil {
		out += "; " + r.also(w)
	}
	return out
}

// recover is how long both honest callers wait for the end of the trouble.
func (r row) recover(w *world, tokens ...string) string {
	start := time.Now()
	for _, token := range tokens {
		w.until("200", token, time.Second, 20*time.Minute)
	}
	if took := time.Since(start); took > backs[r.want.back] {
		return took.String()
	}
	return r.want.back // the bound that is stated
}

// meter is what a fault costs. Goroutines are those of the whole process: nothing else runs meanwhile.
type meter struct {
	fetches          uint64
	requests         int64
	goroutines, most int
	allocated        uint64
}

func startMeter(w *world) meter {
	synctest.Wait()
	n := runtime.NumGoroutine()
	return meter{w.status().Fetches, w.wire.requests.Load(), n, n, memory().TotalAlloc}
}

// check returns the number of attempts.
func (m *meter) check(t *testing.T, w *world) int {
	t.Helper()
	n := int(w.status().Fetches - m.fetches)
	assert.LessOrEqual(t, w.wire.requests.Load()-m.requests, int64(3*n+3), "an attempt is two metadata documents and a set at most")
	assert.LessOrEqual(t, m.most, m.goroutines+mostGoroutines, "goroutines pile up")
	assert.Less(t, (memory().TotalAlloc-m.allocated)/uint64(n+1), uint64(mostAllocated), "bytes for an attempt")
	return n
}

func memory() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}

func heap() uint64 {
	runtime.GC()
	return memory().HeapAlloc
}
