package faults_test

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// ledger records what happened, as the issuer, the operator and the Gate's key
// set saw it. Nothing in it comes from an answer to a client.
type ledger struct {
	rules rules

	mu          sync.Mutex
	keys        map[string]*keyLife
	states      []keyState // in order
	attempts    []attempt  // those that ended, in order
	running     attempt
	made        map[int]keyState // sets that were served, by number of the request
	request     int              // number of the last request for the set
	down        bool             // the issuer is in trouble
	well        time.Time        // since when it is well
	unexplained int              // fetches that failed though the issuer was well
	budget      float64          // for unknown keys, at least, when the last attempt began
}

// rules are the times that the Gate was given, and what a busy machine may add.
type rules struct {
	refresh, staleness, cooldown, timeout, spacing, slack time.Duration
}

// span is from one moment to another. What happened within it happened at an
// unknown moment of it; the zero end is not there yet.
type span struct{ from, to time.Time }

func (s span) meets(o span) bool {
	return (s.to.IsZero() || !s.to.Before(o.from)) && (o.to.IsZero() || !o.to.Before(s.from))
}

// keyLife is when a key was in the issuer's set.
type keyLife struct {
	published, withdrawn span      // withdrawn.from is zero while it is there
	seen                 bool      // by the Gate
	sent                 time.Time // first, in a token
}

// keyState is one set of keys as the Gate held it: put in force at a moment between served and applied.
type keyState struct {
	served, applied time.Time
	kids            []string
}

type attempt struct {
	span
	failed, forced bool
	left           float64 // of the budget for unknown keys, at least
}

func newLedger(r rules) *ledger {
	return &ledger{rules: r, keys: map[string]*keyLife{}, made: map[int]keyState{}, budget: burst}
}

// change notes what an operator does to a key.
func (l *ledger) change(do func(), note func(at span)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := time.Now()
	do()
	note(span{from, time.Now()})
}

func (l *ledger) published(kid string, do func()) {
	l.change(do, func(at span) { l.keys[kid] = &keyLife{published: at} })
}

func (l *ledger) withdrawn(kid string, do func()) {
	l.change(do, func(at span) { l.keys[kid].withdrawn = at })
}

// kids are those in the issuer's set; l.mu is held.
func (l *ledger) kids() (out []string) {
	for kid, life := range l.keys {
		if life.withdrawn.from.IsZero() {
			out = append(out, kid)
		}
	}
	return out
}

// asks numbers a request of the Gate for the set; 0 is one for metadata.
func (l *ledger) asks(set bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running.from.IsZero() {
		l.running.from = time.Now()
	}
	if !set {
		return 0
	}
	l.request++
	return l.request
}

// serves notes the set that answers a request, while do writes it.
func (l *ledger) serves(request int, do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[request] = keyState{served: time.Now(), kids: l.kids()}
	do()
}

// ended notes the end of a fetch. It is called in the Gate's fetching goroutine, once the keys are in force.
func (l *ledger) ended(failed, forced bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.running.to, l.running.failed, l.running.forced = time.Now(), failed, forced
	if failed && !l.down && l.well.Before(l.running.from) {
		l.unexplained++
	}
	found := false // a key that a token had named before
	if state, ok := l.made[l.request]; ok && !failed {
		state.applied = time.Now()
		l.states = append(l.states, state)
		for _, kid := range state.kids {
			life := l.keys[kid]
			found = found || !life.seen && !life.sent.IsZero() && life.sent.Before(l.running.from)
			life.seen = true
		}
	}
	clear(l.made)
	l.spend(found)
	l.attempts = append(l.attempts, l.running)
	l.running = attempt{}
}

// burst is how many fetches unknown keys may cause at once.
const burst = 5

// spend keeps account of the budget. Each attempt that a caller needed counts,
// though those that were due anyway are free, unless it found a key.
func (l *ledger) spend(found bool) {
	if n := len(l.attempts); n > 0 {
		l.budget = min(burst, l.budget+l.running.from.Sub(l.attempts[n-1].from).Seconds()/l.rules.cooldown.Seconds())
	}
	if l.running.forced && !l.running.failed && !found {
		l.budget = max(0, l.budget-1)
	}
	l.running.left = l.budget
}

// sent notes the first token of a key.
func (l *ledger) sent(kid string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if life := l.keys[kid]; life != nil && life.sent.IsZero() {
		life.sent = at
	}
}

func (l *ledger) outage(begins bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down, l.well = begins, time.Now()
}

// forget drops what no answer can depend on any more.
func (l *ledger) forget(before time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := func(t time.Time) bool { return !t.IsZero() && t.Before(before) }
	maps.DeleteFunc(l.keys, func(_ string, life *keyLife) bool { return old(life.withdrawn.to) })
	n := 0 // the last state that was in force before stays
	for n+1 < len(l.states) && old(l.states[n+1].applied) {
		n++
	}
	l.states = slices.Delete(l.states, 0, n)
	n = 0 // and so do attempts from the last success on
	for i, a := range l.attempts {
		if old(a.to) && !a.failed {
			n = i
		}
	}
	l.attempts = slices.Delete(l.attempts, 0, n)
}
