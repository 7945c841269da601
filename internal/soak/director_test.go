package soak_test

import (
	"sync"
	"testing"
	"time"
)

// director plays the phases, has the answers judged and keeps the tally.
type director struct {
	t     *testing.T
	stage *stage
	crowd *crowd
	plan  []phase
	whole time.Duration
	begun time.Time
	falls int // outages so far

	// The judge's.
	lines      []line
	windows    []latencies // of callers whose key was in force, by time
	wrong      int
	complaints []string

	samples []sample // the sampler's

	late        []latencies // how late timers are, by phase
	lateWindows []latencies // and by time
}

const (
	cycleLength = time.Minute // enough for every phase to happen a few times
	points      = 240         // of the plot
)

func newDirector(t *testing.T, r rules, plan []phase, whole time.Duration) *director {
	t.Helper()
	d := &director{
		t: t, stage: newStage(t, r), plan: plan, whole: whole, lines: make([]line, len(plan)), windows: make([]latencies, points+1),
		late: make([]latencies, len(plan)), lateWindows: make([]latencies, points+1),
	}
	for i, p := range plan {
		d.lines[i].phase = p.name
	}
	return d
}

func (d *director) play() {
	d.begun = time.Now()
	d.crowd = d.stage.start(d.t.Context(), clients, pace)
	var others sync.WaitGroup
	others.Go(d.judge)
	over := make(chan struct{})
	others.Go(func() { d.watch(over) })
	others.Go(func() { d.timers(over) })

	weights := 0
	for _, p := range d.plan {
		weights += p.weight
	}
	cycles := max(1, int(d.whole/cycleLength))
	unit := d.whole / time.Duration(cycles*weights)
	until := d.begun
	for n := range cycles * len(d.plan) {
		i := n % len(d.plan)
		d.crowd.phase.Store(int64(n))
		until = until.Add(unit * time.Duration(d.plan[i].weight))
		begun := time.Now()
		d.plan[i].run(d, until)
		time.Sleep(time.Until(until))
		d.lines[i].lasted += time.Since(begun)
	}
	d.crowd.end()
	close(over)
	others.Wait()
}

// judge waits with each answer until all fetches of its time have ended.
func (d *director) judge() {
	books := d.stage.books
	settled := books.rules.timeout + time.Second
	var swept time.Time
	for x := range d.crowd.asked {
		time.Sleep(time.Until(x.to.Add(settled)))
		v := books.judge(x)
		d.lines[x.phase%len(d.plan)].add(x, v)
		if v.known {
			d.windows[d.window(x.to)].add(x.to.Sub(x.from))
		}
		if v.wrong != "" {
			d.wrong++
			if len(d.complaints) < 20 {
				d.complaints = append(d.complaints, complaint(x, v, d.begun))
			}
		}
		if x.from.Sub(swept) > time.Second {
			swept = x.from
			books.forget(x.from.Add(-horizon))
		}
	}
}

// window is the point of the plot that a moment belongs to.
func (d *director) window(t time.Time) int {
	return min(points, int(int64(points)*int64(t.Sub(d.begun))/int64(d.whole)))
}

// timers measures the machine: how late this process is woken says how much of
// a latency is nobody's fault here.
func (d *director) timers(over <-chan struct{}) {
	const nap = 5 * time.Millisecond
	for {
		due := time.Now().Add(nap)
		select {
		case <-over:
			return
		case <-time.After(nap):
		}
		now := time.Now()
		d.late[int(d.crowd.phase.Load())%len(d.plan)].add(now.Sub(due))
		d.lateWindows[d.window(now)].add(now.Sub(due))
	}
}

// watch samples the process.
func (d *director) watch(over <-chan struct{}) {
	every := time.NewTicker(d.whole / points)
	defer every.Stop()
	for {
		select {
		case <-over:
			return
		case <-every.C:
			s := sample{at: time.Since(d.begun), phase: int(d.crowd.phase.Load())}
			s.read()
			d.samples = append(d.samples, s)
		}
	}
}

// rotate has the issuer sign with another key from time to time. A key that is
// announced is in the set for one period before it signs.
func (d *director) rotate(until time.Time, period time.Duration, announced bool) {
	period = min(period, time.Until(until)/2) // in a short run, too, something happens
	for time.Until(until) >= period {
		key := d.stage.publish()
		if announced {
			time.Sleep(period)
		}
		d.stage.iss.Use(key)
		if !announced {
			time.Sleep(period)
		}
		d.stage.retire(3)
	}
}

func (d *director) flood(until time.Time) {
	d.crowd.flooding.Store(true)
	defer d.crowd.flooding.Store(false)
	d.rotate(until, 4*time.Second, false)
}

func (d *director) revoke(until time.Time) {
	d.crowd.revoking.Store(true)
	defer d.crowd.revoking.Store(false)
	d.rotate(until, 4*time.Second, true)
}

// shortOutages end before the keys are too stale. In each, the issuer begins to
// sign with a key that nobody was told of.
func (d *director) shortOutages(until time.Time) {
	lasts := min(2*time.Second, time.Until(until)/4)
	for time.Until(until) >= 2*lasts {
		d.outage(lasts)
		time.Sleep(lasts)
		d.stage.retire(3)
	}
}

// longOutage outlasts the maximum staleness, and leaves time to recover.
func (d *director) longOutage(until time.Time) {
	d.outage(d.stage.books.rules.staleness + d.stage.books.rules.refresh)
	time.Sleep(time.Until(until))
	d.stage.retire(3)
}

func (d *director) outage(lasts time.Duration) {
	d.stage.fall(troubles[d.falls%len(troubles)])
	d.falls++
	time.Sleep(lasts / 2)
	d.stage.iss.Use(d.stage.publish())
	time.Sleep(lasts / 2)
	d.stage.rise()
}
