package jwks

import (
	"time"
)

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

// memorySize bounds what is remembered of kids: a token's sender can invent any
// number of them.
const memorySize = 1024

// kidHash is the hash of a kid, whose sender chooses its length. It is keyed
// per Fetcher, so that collisions cannot be precomputed.
type kidHash uint64

// nameless stands for no kid at all.
const nameless kidHash = 0

// memory remembers up to memorySize kids; the oldest make room. The zero value
// is empty. It is not safe for concurrent use.
type memory struct {
	entries map[kidHash]*entry
	ring    []kidHash // grows to memorySize
	pushed  int
}

// entry is what is remembered of one kid.
type entry struct {
	until time.Time // it is refused without a fetch
	slot  int       // in the ring

	// Of a kid that was withdrawn.
	pause time.Duration // from the start of the next fetch that does not bring it to the one after that
	named time.Time     // when a token last named it
}

// get returns what is remembered of kid, nil for nothing.
func (m *memory) get(kid kidHash) *entry { return m.entries[kid] }

// put returns what is remembered of kid, which may be nothing yet.
func (m *memory) put(kid kidHash) *entry {
	if m.entries == nil {
		m.entries = make(map[kidHash]*entry)
	}
	e, ok := m.entries[kid]
	if !ok {
		e = &entry{slot: m.push(kid)}
		m.entries[kid] = e
	}
	return e
}

// push takes the next slot, and drops the kid that has it.
func (m *memory) push(kid kidHash) int {
	slot := m.pushed % memorySize
	m.pushed++
	if slot == len(m.ring) {
		m.ring = append(m.ring, kid)
		return slot
	}
	old := m.ring[slot]
	if e := m.entries[old]; e != nil && e.slot == slot { // else it was forgotten, and may be back in another slot
		delete(m.entries, old)
	}
	m.ring[slot] = kid
	return slot
}

// forget drops kid. Its slot stays taken until its turn comes.
func (m *memory) forget(kid kidHash) { delete(m.entries, kid) }

// clear forgets all, and gives the room back: a flood must not leave it behind.
func (m *memory) clear() { *m = memory{} }

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
