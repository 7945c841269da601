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

	due    time.Time // of the next scheduled fetch or, after a failure, of the next attempt
	urgent bool      // no usable keys: do not wait until due
	budget budget    // of fetches for unknown kids
	paid   bool      // the fetch in flight, or the one that failed before it, was on the budget

	pendingKids   kidSet    // unknown kids that the next fetch is for
	inFlightKids  kidSet    // unknown kids that the fetch in flight is for
	notFoundKids  memory    // kids never seen that a fetch for them did not bring
	notFoundUntil time.Time // none of them is remembered any longer
	withdrawnKids memory    // kids that were in the set and no longer are
}

// limits are the times of a policy.
type limits struct {
	spacing  time.Duration // least time between the starts of two fetches
	cooldown time.Duration // how long a kid is refused that a fetch for it did not bring
	longest  time.Duration // the same of a withdrawn kid, at most: it doubles
	idle     time.Duration // a withdrawn kid that no token names for so long is forgotten
	backoff  time.Duration // after the first failure; doubles
	most     time.Duration // backoff at most
}

func newPolicy(l limits) policy { return policy{limits: l, budget: budget{every: l.cooldown}} }

// lookup is one caller's search for a key.
type lookup struct {
	now     time.Time
	kid     kidHash
	any     bool   // any usable key will do
	found   bool   // the snapshot has the kid
	usable  bool   // the snapshot is usable
	arrived uint64 // policy.started when the caller came
	waited  bool   // the caller has waited for a fetch
	crowded bool   // too many others wait
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
	case l.found || l.any:
		return settled
	case p.failures > 0:
		return p.decideAfterFailure(l)
	default:
		return p.decideUnknownKid(l)
	}
}

// decideUnusable: there are no keys, or only keys that are too stale to trust.
func (p *policy) decideUnusable(l lookup) outcome {
	if l.waited || l.crowded || p.backingOff(l.now) {
		return unavailable
	}
	if !p.inFlight {
		p.urgent = true
		if !l.any {
			p.pendingKids.add(l.kid)
		}
	}
	return wait
}

// decideAfterFailure: the kid is unknown and the last fetch failed. The kid may
// be a new one, so the token cannot be called bad. The next attempt asks for it.
func (p *policy) decideAfterFailure(l lookup) outcome {
	remembered := p.remembered(l)
	if !remembered {
		p.pendingKids.add(l.kid)
	}
	if remembered || l.waited || l.crowded || p.backingOff(l.now) {
		return unavailable
	}
	return wait
}

// decideUnknownKid: the kid is unknown and the last fetch succeeded.
func (p *policy) decideUnknownKid(l lookup) outcome {
	if p.succeeded > l.arrived || p.remembered(l) { // a fetch that began after the caller came, or was for this kid, did not bring it
		return settled
	}
	mine := p.inFlight && p.inFlightKids.has(l.kid)
	if !mine {
		p.pendingKids.add(l.kid) // a fetch in flight may bring it too, but began before the caller came
	}
	if l.crowded || !mine && p.budget.left(l.now) == 0 {
		return settled
	}
	return wait
}

// remembered reports that a fetch for the kid did not bring it, not long ago.
func (p *policy) remembered(l lookup) bool {
	if e := p.withdrawnKids.get(l.kid); e != nil {
		if l.now.Before(e.until) || l.now.Sub(e.named) < p.idle {
			e.named = l.now
			return l.now.Before(e.until)
		}
		p.withdrawnKids.forget(l.kid)
	}
	e := p.notFoundKids.get(l.kid)
	return e != nil && l.now.Before(e.until)
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
		case len(p.pendingKids) > 0 && p.budget.next().Before(t):
			t = p.budget.next()
		}
	}
	if p.started == 0 {
		return t
	}
	return later(t, p.lastStart.Add(p.spacing))
}

// begin starts a fetch. One that a caller needs is forced: it accepts no 304.
// The very first has nothing that a 304 could confirm. A fetch is on the budget
// where only unknown kids are the reason for it: one that is due, or tries again
// after a failure, serves them for nothing.
func (p *policy) begin(now time.Time) (forced bool) {
	asked := len(p.pendingKids) > 0
	if asked && !p.urgent && now.Before(p.due) {
		p.budget.take(now)
		p.paid = true
	}
	forced = asked || p.urgent && p.succeeded > 0
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
	fresh   bool      // a key came or changed
	kids    kidSet    // of the keys that there are now: a set holds fewer than memorySize
	removed []kidHash // kids that are no longer in the set
}

// succeed ends a fetch that brought usable keys, or confirmed those there are.
// One that brought a kid that was asked for, before or during it, is refunded.
func (p *policy) succeed(r fetchResult) {
	p.inFlight, p.failures, p.succeeded, p.due = false, 0, p.started, r.due
	p.updateMemory(r)
	found := false
	for kid := range p.inFlightKids {
		switch {
		case r.kids.has(kid):
			found = true
		case kid == nameless: // who names no key is served by any new one, and never remembered
			found = found || r.fresh
		default:
			p.remember(kid)
			delete(p.pendingKids, kid)
		}
	}
	for kid := range p.pendingKids { // of callers that came during the fetch
		if r.kids.has(kid) {
			found = true
			delete(p.pendingKids, kid)
		}
	}
	if found && p.paid {
		p.budget.refund()
	}
	p.paid = false
}

// remember keeps that the fetch, which was for this kid, did not bring it: for
// one cooldown if it was never seen, because a token may come before its key is
// published; else for twice as long each time, as long as tokens name it.
func (p *policy) remember(kid kidHash) {
	if e := p.withdrawnKids.get(kid); e != nil {
		e.until = p.lastStart.Add(e.pause)
		e.pause = min(2*e.pause, max(p.cooldown, p.longest))
		return
	}
	p.notFoundUntil = p.lastStart.Add(p.cooldown)
	p.notFoundKids.put(kid).until = p.notFoundUntil
}

func (p *policy) updateMemory(r fetchResult) {
	if r.changed || p.lastStart.After(p.notFoundUntil) {
		p.notFoundKids.clear()
	}
	if r.changed {
		for _, e := range p.withdrawnKids.entries {
			e.until = time.Time{}
		}
	}
	for kid := range r.kids {
		p.withdrawnKids.forget(kid)
	}
	for _, kid := range r.removed {
		e := p.withdrawnKids.put(kid)
		e.pause, e.named = p.cooldown, p.lastStart
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
