package jwks

import "time"

// schedule are the bounds of the refresh interval.
type schedule struct {
	usual     time.Duration // for an answer that does not say how long it stays fresh
	least     time.Duration
	most      time.Duration
	staleness time.Duration
}

// interval is the time until the next refresh: ahead of the end of the lifetime
// that the server states, by up to a tenth so that many instances spread out;
// within the bounds; and never more than half of the maximum staleness, so that
// a refresh that fails has as long again to succeed. jitter is in [0, 1).
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
