package jwks

import "time"

// memorySize bounds what is remembered of kids, which anybody can make up.
const memorySize = 1024

// kidHash stands for a kid, whose length its sender chooses. The hash is keyed
// per Fetcher, so nobody can aim at a collision.
type kidHash uint64

// memory remembers up to memorySize kids until a time each; the oldest make
// room. The zero memory is empty. It is not safe for concurrent use.
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

// push takes the next slot from whoever has it.
func (m *memory) push(kid kidHash) int {
	slot := m.pushed % memorySize
	if old := m.ring[slot]; m.pushed >= memorySize && m.entries[old].slot == slot {
		delete(m.entries, old) // unless it was forgotten, and has come back in another slot
	}
	m.ring[slot] = kid
	m.pushed++
	return slot
}

// forget drops kid. Its slot stays taken until it is its turn.
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
