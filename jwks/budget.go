package jwks

import "time"

// burst is how many fetches may be made for unknown kids one after another.
const burst = 5

// budget bounds the fetches for unknown kids, which anybody can invent: a burst,
// refilled one per interval. The zero value has no bound. It is pure, and not
// safe for concurrent use.
type budget struct {
	every time.Duration // one fetch more
	spent int           // of burst
	since time.Time     // since when the next one is on its way; unset while none is spent
}

// left returns how many fetches may be made now.
func (b *budget) left(now time.Time) int {
	b.refill(now)
	return burst - b.spent
}

// next returns when a fetch may be made: the zero time means at once. It means
// the past where a refill is overdue.
func (b *budget) next() time.Time {
	if b.spent < burst {
		return time.Time{}
	}
	return b.since.Add(b.every)
}

// take spends one.
func (b *budget) take(now time.Time) {
	if b.every <= 0 {
		return
	}
	b.refill(now)
	if b.spent == 0 {
		b.since = now
	}
	b.spent = min(b.spent+1, burst)
}

// refund gives one back.
func (b *budget) refund() { b.spent = max(0, b.spent-1) }

func (b *budget) refill(now time.Time) {
	if b.spent == 0 {
		return
	}
	n := min(int64(b.spent), max(0, int64(now.Sub(b.since)/b.every)))
	b.spent -= int(n)
	b.since = b.since.Add(time.Duration(n) * b.every)
}
