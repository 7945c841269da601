package faults_test

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	duration = flag.Duration("soak", 6*time.Second, "how long the soak lasts")
	output   = flag.String("out", "", "the directory of soak.svg and of faults.md, whose table of the soak is written anew; empty: nothing is written")
)

const (
	population = 64
	pace       = 50 * time.Millisecond // between two requests of a client
	horizon    = 15 * time.Second      // after it nothing depends on what was before
	allPhases  = 30 * time.Second      // a run that is worth them
	cycle      = time.Minute           // of all phases: each happens a few times
)

type phase struct {
	name   string
	weight int // how long it is, compared with the others
	run    func(s *soak, until time.Time)
}

// phases are one cycle. A short run leaves the last one out.
var phases = []phase{
	{"announced rotation", 1, func(s *soak, until time.Time) { s.rotate(until, 4*time.Second, true) }},
	{"unannounced rotation", 1, func(s *soak, until time.Time) { s.rotate(until, 3*time.Second, false) }},
	{"unannounced, under a flood", 1, func(s *soak, until time.Time) {
		s.clients.flooding.Store(true)
		s.rotate(until, 4*time.Second, false)
		s.clients.flooding.Store(false)
	}},
	{"unannounced, beside a stray key now and then", 1, func(s *soak, until time.Time) { s.rotateBesideStrays(until, 2*s.ledger.rules.cooldown) }},
	{"unannounced, beside one all the time", 1, func(s *soak, until time.Time) { s.rotateBesideStrays(until, s.ledger.rules.cooldown/10) }},
	{"revocations", 1, func(s *soak, until time.Time) {
		s.clients.revoking.Store(true)
		s.rotate(until, 4*time.Second, true)
		s.clients.revoking.Store(false)
	}},
	{"short outages", 1, (*soak).shortOutages},
	{"an outage beyond MaxStaleness", 2, (*soak).longOutage},
}

// TestSoak runs by a bubble's clock, where a loaded machine is late for nothing,
// unless it is told how long: then it is make soak, over sockets and by the clock
// of the wall.
func TestSoak(t *testing.T) {
	if told() {
		testSoak(t, false)
		return
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { testSoak(t, true) })
}

func told() (is bool) {
	flag.Visit(func(f *flag.Flag) { is = is || f.Name == "soak" })
	return is
}

func testSoak(t *testing.T, bubble bool) {
	t.Helper()
	slack := 2 * time.Second
	if bubble {
		slack = 0
	}
	s := &soak{stage: newStage(t, rules{
		refresh: 2 * time.Second, staleness: 8 * time.Second, cooldown: 2 * time.Second,
		timeout: 2 * time.Second, spacing: time.Second, slack: slack,
	}, bubble)}
	short := *duration < allPhases
	plan := phases
	if short {
		plan = phases[:len(phases)-1]
	}
	s.report = newReport(plan, *duration)
	s.play()
	s.fetches = s.status().Fetches
	require.NoError(t, s.gate.Close()) // nothing is noted any more
	t.Log("\n" + s.table())
	if *output != "" {
		s.write(t, *output)
	}

	for _, c := range s.complaints { // the first few
		assert.Fail(t, c)
	}
	assert.Zero(t, s.wrong, "wrong answers")
	assert.Zero(t, s.ledger.unexplained, "fetches that failed though the issuer was well")
	assert.Greater(t, s.lines[len(s.plan)].passed, int(duration.Seconds())*population, "too few good answers to say anything")
	if !short {
		s.checkFlat(t)
	}
}

type soak struct {
	*stage
	report
	clients    *clients
	falls      int // outages so far
	wrong      int
	complaints []string
}

func (s *soak) play() {
	s.begun = time.Now()
	s.clients = s.start(s.t.Context(), population)
	var others sync.WaitGroup
	others.Go(s.judge)
	over := make(chan struct{})
	others.Go(func() { s.sample(over) })
	others.Go(func() { s.timers(over) })

	weights := 0
	for _, p := range s.plan {
		weights += p.weight
	}
	cycles := max(1, int(s.whole/cycle))
	unit := s.whole / time.Duration(cycles*weights)
	until := s.begun
	for n := range cycles * len(s.plan) {
		p := s.plan[n%len(s.plan)]
		s.clients.phase.Store(int64(n))
		until = until.Add(unit * time.Duration(p.weight))
		begun := time.Now()
		p.run(s, until)
		time.Sleep(time.Until(until))
		for _, l := range s.of(n) {
			l.lasted += time.Since(begun)
		}
	}
	s.clients.end()
	close(over)
	others.Wait()
}

// judge waits with each answer until all fetches of its time have ended.
func (s *soak) judge() {
	settled := s.ledger.rules.timeout + time.Second
	var swept time.Time
	for x := range s.clients.exchanges {
		time.Sleep(time.Until(x.to.Add(settled)))
		v := s.ledger.judge(x)
		s.add(x, v)
		if v.wrong != "" {
			if s.wrong++; s.wrong <= 20 {
				s.complaints = append(s.complaints, fmt.Sprintf("%v after the start, in phase %d, after %v: %s (kid %s, %v to expiry)",
					x.from.Sub(s.begun), x.phase, x.to.Sub(x.from), v.wrong, x.kid, x.expires.Sub(x.from)))
			}
		}
		if x.from.Sub(swept) > time.Second {
			swept = x.from
			s.ledger.forget(x.from.Add(-horizon))
		}
	}
}

// timers measures how late this process is woken: that part of a latency is the machine's.
func (s *soak) timers(over <-chan struct{}) {
	const nap = 5 * time.Millisecond
	for {
		due := time.Now().Add(nap)
		select {
		case <-over:
			return
		case <-time.After(nap):
		}
		now := time.Now()
		for _, l := range s.of(int(s.clients.phase.Load())) {
			l.late.add(now.Sub(due))
		}
		s.late[s.window(now)].add(now.Sub(due))
	}
}

// sample reads the state of the process from time to time.
func (s *soak) sample(over <-chan struct{}) {
	every := time.NewTicker(s.whole / points)
	defer every.Stop()
	for {
		select {
		case <-over:
			return
		case <-every.C:
			s.samples = append(s.samples, newSample(time.Since(s.begun), int(s.clients.phase.Load())))
		}
	}
}

// rotate has the issuer sign with another key from time to time. A key that is
// announced is in the set for one period before it signs.
func (s *soak) rotate(until time.Time, period time.Duration, announced bool) {
	period = min(period, time.Until(until)/2) // in a short run, too, something happens
	for time.Until(until) >= period {
		key := s.publishNext()
		if announced {
			time.Sleep(period)
		}
		s.iss.Use(key)
		if !announced {
			time.Sleep(period)
		}
		s.retire(3)
	}
}

// rotateBesideStrays has a stranger bring a token of another made-up key in every
// such interval. The first kind may refuse no good token; the second may, but
// not for longer than a cooldown after each rotation.
func (s *soak) rotateBesideStrays(until time.Time, every time.Duration) {
	ctx, stop := context.WithDeadline(s.t.Context(), until)
	defer stop()
	var stranger sync.WaitGroup
	stranger.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			stranger.Go(func() { s.clients.ask(ctx, s.stranger()) })
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	s.rotate(until, 3*time.Second, false)
	stop()
	stranger.Wait()
}

// shortOutages end before the keys are too stale. In each, the issuer begins to
// sign with a key that was not announced.
func (s *soak) shortOutages(until time.Time) {
	lasts := min(2*time.Second, time.Until(until)/4)
	for time.Until(until) >= 2*lasts {
		s.outage(lasts)
		time.Sleep(lasts)
		s.retire(3)
	}
}

// longOutage outlasts the maximum staleness, and leaves time to recover.
func (s *soak) longOutage(until time.Time) {
	s.outage(s.ledger.rules.staleness + s.ledger.rules.refresh)
	time.Sleep(time.Until(until))
	s.retire(3)
}

func (s *soak) outage(lasts time.Duration) {
	s.fall(troubles[s.falls%len(troubles)])
	s.falls++
	time.Sleep(lasts / 2)
	s.iss.Use(s.publishNext())
	time.Sleep(lasts / 2)
	s.rise()
}
