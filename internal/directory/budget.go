package directory

import "time"

// budget bounds the calls for names that strangers invent: a burst, refilled one
// per interval. It is pure, and not safe for concurrent use.
type budget struct {
	burst int
	every time.Duration
	spent int       // of burst
	since time.Time // since when the next one is on its way
}

// take spends one, and reports whether there was one.
func (b *budget) take(now time.Time) bool {
	b.refill(now)
	if b.spent >= b.burst {
		return false
	}
	if b.spent == 0 {
		b.since = now
	}
	b.spent++
	return true
}

// next returns how long it takes until there is one.
func (b *budget) next(now time.Time) time.Duration { return b.since.Add(b.every).Sub(now) }

// refund gives one back.
func (b *budget) refund() { b.spent = max(0, b.spent-1) }

func (b *budget) refill(now time.Time) {
	n := min(int64(b.spent), max(0, int64(now.Sub(b.since)/b.every)))
	b.spent -= int(n)
	b.since = b.since.Add(time.Duration(n) * b.every)
}
