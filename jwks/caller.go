package jwks

import (
	"errors"
	"fmt"
	"hash/maphash"
	"time"
)

// maxWaiting bounds the callers that wait for a fetch: each holds a request of
// the API, and anybody can send tokens of unknown kids.
const maxWaiting = 1000

// caller is one call of Refresh or, as owner, one look of Ready.
type caller struct {
	kid     string
	owner   bool
	known   bool // lookup has what holds for the whole call
	waiting bool // it is counted
	unknown bool // its key is not in the set, which is not counted yet
	lookup  lookup
}

// decide returns what c does now. round ends with the fetch in flight or, if
// there is none, with the next.
func (f *Fetcher) decide(c *caller) (o outcome, round <-chan struct{}, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	switch {
	case f.closed:
		return unavailable, f.round, &UnavailableError{RetryAfter: time.Second, Err: ErrClosed}
	case f.distrusted.kids[c.kid]:
		return settled, f.round, nil
	}
	f.update(c, now)
	next := f.policy.next()
	o = f.policy.decide(c.lookup)
	if !f.started {
		f.started = true
		f.launch()
	} else if !f.policy.next().Equal(next) {
		f.wake()
	}
	if o == wait && !c.owner && !c.waiting {
		c.waiting = true
		f.waiting++
	}
	if o == unavailable {
		err = &UnavailableError{RetryAfter: f.policy.retryAfter(now), Err: f.cause(c)}
	}
	return o, f.round, err
}

// leave ends a call.
func (f *Fetcher) leave(c *caller) {
	if !c.waiting {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting--
}

func (f *Fetcher) update(c *caller, now time.Time) {
	s, l := f.Snapshot(), &c.lookup
	l.now, l.found, l.usable = now, s.has(c.kid), s.Usable()
	l.crowded = !c.owner && !c.waiting && f.waiting >= maxWaiting
	if !c.known {
		c.known = true
		l.kid, l.arrived = f.hash(c.kid), f.policy.started
		l.any = c.owner || c.kid == "" && !l.usable
		c.unknown = !c.owner && l.usable && !l.found
	}
}

// cause returns why there are no keys, never nil.
func (f *Fetcher) cause(c *caller) error {
	switch {
	case f.policy.failures > 0 && f.report.LastError != nil:
		return f.report.LastError
	case c.lookup.crowded:
		return fmt.Errorf("jwks: %d callers wait for the keys already", maxWaiting)
	case len(f.Snapshot().set.keys) == 0:
		return errors.New("jwks: no key is left that is trusted")
	}
	return errors.New("jwks: the keys are older than MaxStaleness")
}

// hash returns the hash of a kid. That of none is nameless, and of no other.
func (f *Fetcher) hash(kid string) kidHash {
	if kid == "" {
		return nameless
	}
	return max(nameless+1, kidHash(maphash.String(f.seed, kid)))
}

// wake makes the goroutine look at the policy again.
func (f *Fetcher) wake() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}
