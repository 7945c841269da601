package introspection

import (
	"sync"
	"time"
)

const (
	// failuresToOpen is how many questions in a row must find the endpoint dead
	// before it is left alone.
	failuresToOpen = 5
	minPause       = time.Second
	maxPause       = 30 * time.Second
	// maxRetryAfter bounds what an endpoint may ask for.
	maxRetryAfter = 10 * time.Minute
)

// outcome is what a question says of the endpoint.
type outcome int

const (
	// alive: it answered, whatever it said of the token.
	alive outcome = iota
	// odd: it answered, and what it said can be due to the token. It is no answer,
	// and no sign of death either: a stranger must not be able to make one.
	odd
	// dead: it could not be reached, or refuses every question.
	dead
	// unasked: nothing was sent.
	unasked
)

// circuit leaves an endpoint alone for a while when it is dead or says that it is
// asked too often. It is safe for concurrent use. The zero value is closed.
type circuit struct {
	mu       sync.Mutex
	failures int
	pause    time.Duration // the last one
	until    time.Time     // nothing is asked before
	probing  bool          // one question is on its way to find out whether it is back
}

// allow reports whether a question may be asked now, else when the next one may.
// Each that is allowed is to be ended with done.
func (c *circuit) allow(now time.Time) (wait time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.until) {
		return c.until.Sub(now), false
	}
	if c.failures < failuresToOpen {
		return 0, true
	}
	if c.probing {
		return minPause, false
	}
	c.probing = true
	return 0, true
}

// waits returns for how long nothing is asked.
func (c *circuit) waits(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(0, c.until.Sub(now))
}

// done says what became of a question. retryAfter is what the endpoint asked for,
// 0 for nothing.
//
// RFC 6585 section 4: https://www.rfc-editor.org/rfc/rfc6585#section-4
func (c *circuit) done(now time.Time, is outcome, retryAfter time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	open := c.failures >= failuresToOpen
	if open {
		c.probing = false
	}
	switch is {
	case alive:
		c.failures, c.pause = 0, 0
	case odd:
		c.failures = min(c.failures, failuresToOpen-1)
	case dead:
		c.failures++
		if c.failures >= failuresToOpen {
			c.failures = failuresToOpen
			if !now.Before(c.until) { // those that failed together count once
				c.pause = min(maxPause, max(minPause, 2*c.pause))
				c.until = now.Add(c.pause)
			}
		}
	case unasked:
	}
	if retryAfter > 0 {
		if until := now.Add(min(maxRetryAfter, max(minPause, retryAfter))); until.After(c.until) {
			c.until = until
		}
	}
}
