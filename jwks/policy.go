package jwks

import "time"

// policy decides when keys are fetched and what a caller does whose key is not
// in the snapshot. It is pure: no clock, no lock, no I/O. Its owner passes the
// time and the facts in and carries the decisions out.
//
// At most one fetch is in flight, between begin and succeed or fail. next
// returns when the one after it begins.
type policy struct {
	limits

	started   uint64 // number of fetches begun so far, and of the latest
	succeeded uint64 // number of the latest that succeeded
	failures  int    // since then
	inFlight  bool
	lastStart time.Time

	due       time.Time // of the next scheduled fetch or, after a failure, of the next attempt
	urgent    bool      // no usable keys: do not wait until due
	coolUntil time.Time // until then unknown kids start no fetch

	pendingKids   kidSet // unknown kids that the next fetch is for
	inFlightKids  kidSet // unknown kids that the fetch in flight is for
	notFoundKids  memory // kids that a fetch did not bring, for one cooldown
	withdrawnKids memory // kids that were in the set and no longer are
}

// limits are the times of a policy.
type limits struct {
	spacing  time.Duration // least time between the starts of two fetches
	cooldown time.Duration // after a fetch that brought none of the kids it was for
	backoff  time.Duration // after the first failure; doubles
	most     time.Duration // backoff at most
}

// lookup is one caller's search for a key.
type lookup struct {
	now     time.Time
	kid     kidHash
	named   bool   // there is a kid
	found   bool   // the snapshot has it
	usable  bool   // the snapshot is usable
	arrived uint64 // policy.started when the caller came
	waited  bool   // the caller has waited for a fetch
}

// outcome is what a caller does next.
type outcome uint8

const (
	settled     outcome = iota // use the snapshot: no fetch would improve it
	wait                       // for the fetch in flight or, if there is none, for the next
	unavailable                // keys cannot be had now
)

// decide returns the outcome of one lookup. A caller that waited decides again.
func (p *policy) decide(l lookup) outcome {
	switch {
	case !l.usable:
		return p.decideUnusable(l)
	case l.found || !l.named:
		return settled
	case p.failures > 0:
		return p.decideAfterFailure(l)
	default:
		return p.decideUnknownKid(l)
	}
}

// decideUnusable: there are no keys, or only keys that are too stale to trust.
func (p *policy) decideUnusable(l lookup) outcome {
	if l.waited || p.backingOff(l.now) {
		return unavailable
	}
	if !p.inFlight {
		p.urgent = true
		p.addPending(l)
	}
	return wait
}

// decideAfterFailure: the kid is unknown and the last fetch failed. The kid may
// be a new one, so the token cannot be called bad. The next attempt asks for it.
func (p *policy) decideAfterFailure(l lookup) outcome {
	p.addPending(l)
	if l.waited || p.backingOff(l.now) || p.withdrawnKids.has(l.kid, l.now) {
		return unavailable
	}
	return wait
}

// decideUnknownKid: the kid is unknown and the last fetch succeeded.
func (p *policy) decideUnknownKid(l lookup) outcome {
	switch {
	case p.succeeded > l.arrived: // a fetch that began after the caller came did not bring it
		return settled
	case p.withdrawnKids.has(l.kid, l.now):
		return settled
	case l.now.Before(p.coolUntil):
		p.addPending(l) // for one fetch at the end of the cooldown
		return settled
	case p.notFoundKids.has(l.kid, l.now):
		return settled
	case !p.inFlight:
		p.addPending(l)
	}
	return wait // a fetch in flight began before the caller came: decide again after it
}

// addPending makes the next fetch one for this kid. A withdrawn kid starts none.
func (p *policy) addPending(l lookup) {
	if l.named && !p.withdrawnKids.has(l.kid, l.now) {
		p.pendingKids.add(l.kid)
	}
}

// backingOff reports whether a fetch has failed and the next attempt is not due.
func (p *policy) backingOff(now time.Time) bool {
	return p.failures > 0 && !p.inFlight && now.Before(p.due)
}

// retryAfter returns the time until the next attempt, at least a second.
func (p *policy) retryAfter(now time.Time) time.Duration {
	if p.inFlight {
		return time.Second
	}
	return max(time.Second, p.due.Sub(now))
}

// next returns when the next fetch begins. It means nothing during a fetch.
func (p *policy) next() time.Time {
	t := p.due
	if p.failures == 0 {
		switch {
		case p.urgent:
			t = time.Time{}
		case len(p.pendingKids) > 0 && p.coolUntil.Before(t):
			t = p.coolUntil
		}
	}
	if p.started == 0 {
		return t
	}
	return later(t, p.lastStart.Add(p.spacing))
}

// begin starts a fetch. One that a caller needs is forced: it accepts no 304.
// The very first has nothing that a 304 could confirm.
func (p *policy) begin(now time.Time) (forced bool) {
	forced = len(p.pendingKids) > 0 || p.urgent && p.succeeded > 0
	p.started++
	p.inFlight, p.urgent, p.lastStart = true, false, now
	p.inFlightKids, p.pendingKids = p.pendingKids, nil
	return forced
}

// fail ends a fetch that brought no usable keys. retryAfter is what the server
// asks for, jitter is in [0, 1).
func (p *policy) fail(now time.Time, retryAfter time.Duration, jitter float64) {
	p.inFlight = false
	p.failures++
	for kid := range p.inFlightKids {
		p.pendingKids.add(kid)
	}
	p.due = now.Add(p.delay(retryAfter, jitter))
}

// delay returns the time until the next attempt. It doubles with every failure,
// less up to a tenth so that many instances do not come back together.
func (p *policy) delay(retryAfter time.Duration, jitter float64) time.Duration {
	d := p.backoff
	for i := 1; i < p.failures && d < p.most; i++ {
		d *= 2
	}
	d = min(max(d, retryAfter), p.most)
	d -= time.Duration(float64(d) * jitter / 10)
	return max(d, p.backoff)
}

// fetchResult is what a successful fetch brought.
type fetchResult struct {
	due     time.Time // of the next scheduled fetch
	changed bool      // a key came, went or changed
	kids    kidSet    // of the keys that there are now: a set holds fewer than memorySize
	removed []kidHash // kids that are no longer in the set
}

// succeed ends a fetch that brought usable keys, or confirmed those there are.
func (p *policy) succeed(r fetchResult) {
	p.inFlight, p.failures, p.succeeded, p.due = false, 0, p.started, r.due
	p.updateMemory(r)
	found := false
	for kid := range p.inFlightKids {
		if r.kids.has(kid) {
			found = true
		} else {
			p.notFoundKids.remember(kid, p.lastStart.Add(p.cooldown))
		}
	}
	for kid := range p.pendingKids { // of callers that came during the fetch
		if r.kids.has(kid) {
			found = true
			delete(p.pendingKids, kid)
		}
	}
	switch {
	case found:
		p.coolUntil = time.Time{} // refunded
	case len(p.inFlightKids) > 0:
		p.coolUntil = p.lastStart.Add(p.cooldown)
	}
}

func (p *policy) updateMemory(r fetchResult) {
	if r.changed {
		p.notFoundKids.clear()
	}
	for kid := range r.kids {
		p.withdrawnKids.forget(kid)
	}
	for _, kid := range r.removed {
		p.withdrawnKids.remember(kid, time.Time{})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// schedule bounds the refresh interval.
type schedule struct {
	usual     time.Duration // for an answer that states no lifetime
	least     time.Duration
	most      time.Duration
	staleness time.Duration
}

// interval returns the time until the next refresh: up to a tenth less than the
// lifetime that the server states, so that many instances spread out; within the
// bounds; and never more than half of the maximum staleness, so that a refresh
// that fails has as long again to succeed. jitter is in [0, 1).
func (s schedule) interval(lifetime time.Duration, stated bool, jitter float64) time.Duration {
	if !stated {
		lifetime = s.usual
	}
	d := min(max(lifetime, s.least), s.most)
	d -= time.Duration(float64(d) * jitter / 10)
	if d < s.least { // at the lower bound the spread goes upwards
		d = min(s.least+(s.least-d), s.most)
	}
	return min(d, s.staleness/2)
}

// memorySize bounds what is remembered of kids: a token's sender can invent any
// number of them.
const memorySize = 1024

// kidHash is the hash of a kid, whose sender chooses its length. It is keyed
// per Fetcher, so that collisions cannot be precomputed.
type kidHash uint64

// memory remembers up to memorySize kids, each until a time; the oldest make
// room. The zero value is empty. It is not safe for concurrent use.
type memory struct {
	entries map[kidHash]entry
	ring    [memorySize]kidHash
	pushed  int
}

type entry struct {
	until time.Time // zero: until it is pushed out
	slot  int       // in the ring
}

// remember keeps kid until t; the zero time means until it is pushed out.
func (m *memory) remember(kid kidHash, t time.Time) {
	if m.entries == nil {
		m.entries = make(map[kidHash]entry)
	}
	e, ok := m.entries[kid]
	if !ok {
		e.slot = m.push(kid)
	}
	e.until = t
	m.entries[kid] = e
}

// push takes the next slot, and drops the kid that has it.
func (m *memory) push(kid kidHash) int {
	slot := m.pushed % memorySize
	if old := m.ring[slot]; m.pushed >= memorySize && m.entries[old].slot == slot {
		delete(m.entries, old) // unless it was forgotten and has come back in another slot
	}
	m.ring[slot] = kid
	m.pushed++
	return slot
}

// forget drops kid. Its slot stays taken until its turn comes.
func (m *memory) forget(kid kidHash) { delete(m.entries, kid) }

func (m *memory) clear() {
	clear(m.entries)
	m.pushed = 0
}

func (m *memory) has(kid kidHash, now time.Time) bool {
	e, ok := m.entries[kid]
	return ok && (e.until.IsZero() || now.Before(e.until))
}

// kidSet is a set of at most memorySize kids; what does not fit is left out.
type kidSet map[kidHash]struct{}

func (s *kidSet) add(kid kidHash) {
	if *s == nil {
		*s = make(kidSet)
	}
	if len(*s) < memorySize {
		(*s)[kid] = struct{}{}
	}
}

func (s kidSet) has(kid kidHash) bool {
	_, ok := s[kid]
	return ok
}
