package jwks

import "time"

// policy decides when keys are fetched, and what a caller is told who misses
// one. It is pure: no clock, no lock, no I/O; its owner brings the facts and
// does what it says.
//
// One fetch is in flight at most. It is started by begin and ended by succeed or
// fail; next says when the one after it is due.
type policy struct {
	limits

	started   uint64 // fetches begun so far: the number of the latest
	succeeded uint64 // number of the latest that succeeded
	failures  int    // since then
	inFlight  bool
	lastStart time.Time

	due       time.Time // of the next scheduled fetch or, after a failure, of the next attempt
	urgent    bool      // no usable keys: do not wait until due
	coolUntil time.Time // until then no fetch for unknown kids

	wanted  kidSet // unknown kids that the next fetch is for
	sought  kidSet // unknown kids that the fetch in flight is for
	missing memory // kids that a fetch did not bring, for one cooldown
	gone    memory // kids that a fetch no longer brought: the issuer withdrew them
}

// limits are the times of a policy.
type limits struct {
	spacing  time.Duration // least time between the starts of two fetches
	cooldown time.Duration // after a fetch that brought none of the kids it was for
	backoff  time.Duration // after the first failure; doubles
	most     time.Duration // backoff at most
}

// question is one caller's, who misses a key.
type question struct {
	now     time.Time
	kid     kidHash
	named   bool   // there is a kid
	found   bool   // the snapshot has it
	usable  bool   // the snapshot is
	arrived uint64 // what policy.started was when the caller came
	waited  bool   // the caller has waited for a fetch
}

// verdict is what the caller does.
type verdict uint8

const (
	settled     verdict = iota // the snapshot is as good as it gets
	wait                       // for the fetch in flight or, if there is none, for the next
	unavailable                // keys cannot be had now
)

// ask answers one caller. It asks again after each fetch it waited for.
func (p *policy) ask(q question) verdict {
	switch {
	case !q.usable:
		return p.askFirst(q)
	case q.found || !q.named:
		return settled
	case p.failures > 0:
		return p.askFailing(q)
	default:
		return p.askUnknown(q)
	}
}

// askFirst: there are no keys at all, or none that can still be trusted.
func (p *policy) askFirst(q question) verdict {
	if q.waited || p.resting(q.now) {
		return unavailable
	}
	if !p.inFlight {
		p.urgent = true
		p.want(q)
	}
	return wait
}

// askFailing: the kid is unknown, and the last fetch failed. It may be a new
// one, so the token cannot be called bad. The next attempt is on its way; it is
// made to ask for this kid.
func (p *policy) askFailing(q question) verdict {
	p.want(q)
	if q.waited || p.resting(q.now) || p.gone.has(q.kid, q.now) {
		return unavailable
	}
	return wait
}

// askUnknown: the kid is unknown, and the last fetch succeeded.
func (p *policy) askUnknown(q question) verdict {
	switch {
	case p.succeeded > q.arrived: // a fetch that began after the caller came did not bring it
		return settled
	case p.gone.has(q.kid, q.now):
		return settled
	case q.now.Before(p.coolUntil):
		p.want(q) // one fetch at the end of the cooldown
		return settled
	case p.missing.has(q.kid, q.now):
		return settled
	case !p.inFlight:
		p.want(q)
	}
	return wait // one in flight began too early to tell: ask again after it
}

// want makes the next fetch one for the caller's kid. A withdrawn kid causes
// none.
func (p *policy) want(q question) {
	if q.named && !p.gone.has(q.kid, q.now) {
		p.wanted.add(q.kid)
	}
}

// resting: after a failure, the next attempt has to wait.
func (p *policy) resting(now time.Time) bool {
	return p.failures > 0 && !p.inFlight && now.Before(p.due)
}

// retryAfter is how long until the next attempt, at least a second.
func (p *policy) retryAfter(now time.Time) time.Duration {
	if p.inFlight {
		return time.Second
	}
	return max(time.Second, p.due.Sub(now))
}

// next is when the next fetch is to begin; there is none while one is in flight.
func (p *policy) next() time.Time {
	t := p.due
	if p.failures == 0 {
		switch {
		case p.urgent:
			t = time.Time{}
		case len(p.wanted) > 0 && p.coolUntil.Before(t):
			t = p.coolUntil
		}
	}
	if p.started == 0 {
		return t
	}
	return later(t, p.lastStart.Add(p.spacing))
}

// begin starts a fetch. One that is for somebody is forced: it takes no 304 for
// an answer. The very first has nothing that a 304 could confirm.
func (p *policy) begin(now time.Time) (forced bool) {
	forced = len(p.wanted) > 0 || p.urgent && p.succeeded > 0
	p.started++
	p.inFlight, p.urgent, p.lastStart = true, false, now
	p.sought, p.wanted = p.wanted, nil
	return forced
}

// fail ends a fetch that brought no usable keys. delay is what the server asks
// for, jitter is in [0, 1).
func (p *policy) fail(now time.Time, delay time.Duration, jitter float64) {
	p.inFlight = false
	p.failures++
	for kid := range p.sought {
		p.wanted.add(kid)
	}
	p.due = now.Add(p.pause(delay, jitter))
}

// pause doubles with every failure, less up to a tenth so that many instances
// do not come back together.
func (p *policy) pause(delay time.Duration, jitter float64) time.Duration {
	d := p.backoff
	for i := 1; i < p.failures && d < p.most; i++ {
		d *= 2
	}
	d = min(max(d, delay), p.most)
	d -= time.Duration(float64(d) * jitter / 10)
	return max(d, p.backoff)
}

// harvest is what a successful fetch brought.
type harvest struct {
	due     time.Time // of the next scheduled fetch
	changed bool      // any key came, went or changed
	kids    kidSet    // all that there are now; more than memorySize cannot be
	removed []kidHash // kids that are no longer there
}

// succeed ends a fetch that brought usable keys, or the news that they are the
// same.
func (p *policy) succeed(h harvest) {
	p.inFlight, p.failures, p.succeeded, p.due = false, 0, p.started, h.due
	p.recall(h)
	found := false
	for kid := range p.sought {
		if h.kids.has(kid) {
			found = true
		} else {
			p.missing.remember(kid, p.lastStart.Add(p.cooldown))
		}
	}
	for kid := range p.wanted { // by those who came while it was in flight
		if h.kids.has(kid) {
			found = true
			delete(p.wanted, kid)
		}
	}
	switch {
	case found:
		p.coolUntil = time.Time{} // refunded
	case len(p.sought) > 0:
		p.coolUntil = p.lastStart.Add(p.cooldown)
	}
}

// recall brings what is remembered of kids up to date.
func (p *policy) recall(h harvest) {
	if h.changed {
		p.missing.clear()
	}
	for kid := range h.kids {
		p.gone.forget(kid)
	}
	for _, kid := range h.removed {
		p.gone.remember(kid, time.Time{})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
