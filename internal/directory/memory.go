package directory

import (
	"hash/maphash"
	"time"
)

// memorySize bounds what is remembered of names that have no value.
const memorySize = 4096

// memory remembers why names have no value, by a keyed hash: strangers choose
// their lengths. It is not safe for concurrent use.
type memory struct {
	seed maphash.Seed
	why  map[uint64]*remembered
}

// remembered is why a name has no value.
type remembered struct {
	unknown bool  // it means nothing
	err     error // why that could not be found out
	until   time.Time
}

func newMemory() memory { return memory{seed: maphash.MakeSeed(), why: make(map[uint64]*remembered)} }

// refusal returns the error for who asks for the name.
func (r *remembered) refusal(left time.Duration) error {
	if r.unknown {
		return ErrUnknown
	}
	return &UnavailableError{RetryAfter: atLeastASecond(left), Err: r.err}
}

func (m *memory) of(name string, now time.Time) (*remembered, time.Time) {
	r := m.why[maphash.String(m.seed, name)]
	if r == nil || !now.Before(r.until) {
		return nil, time.Time{}
	}
	return r, r.until
}

func (m *memory) put(name string, r *remembered, now time.Time, d time.Duration) {
	if len(m.why) >= memorySize {
		m.makeRoom(now)
	}
	r.until = now.Add(d)
	m.why[maphash.String(m.seed, name)] = r
}

// makeRoom forgets what is over, or else any one.
func (m *memory) makeRoom(now time.Time) {
	for h, r := range m.why {
		if !now.Before(r.until) {
			delete(m.why, h)
		}
	}
	for h := range m.why {
		if len(m.why) < memorySize {
			return
		}
		delete(m.why, h)
	}
}

func (m *memory) forget(name string) { delete(m.why, maphash.String(m.seed, name)) }
