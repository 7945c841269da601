package dpop

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Defaults of a [Memory].
const (
	DefaultEntries   = 1_000_000
	DefaultPerClient = DefaultEntries / 10

	maxEntries = 1 << 30
)

// MemoryConfig is the configuration of a [Memory]. The zero value is fine.
type MemoryConfig struct {
	_ [0]func()

	// Entries is how many proofs are remembered at once. 0 is DefaultEntries.
	Entries int
	// PerClient is how many of them one client may have, whatever its number of keys,
	// so that the others find room. 0 is a tenth of Entries, and at least one.
	PerClient int
	// Now is the clock. nil is time.Now.
	Now func() time.Time
}

// Memory is a [ReplayStore] of one process. It is safe for concurrent use; the zero
// Memory is full.
//
// A proof takes 48 to 60 bytes, a client about 100 for as long as a proof of it is
// remembered. A million proofs of a thousand clients are 52 MiB, measured. What was
// once needed is kept for later.
type Memory struct {
	entries, perClient int
	now                func() time.Time

	mu      sync.Mutex
	heads   []int32 // of the chain of each hash, 1 and up; the length is a power of two
	slots   []slot
	free    int32 // the first slot of those that are not used
	used    int
	seconds map[int64]int32    // the first slot of those that end in a second
	swept   int64              // all that ended until that second is gone
	clients map[[32]byte]int32 // an index of owners
	owners  []owner
	vacant  []int32 // indexes of owners that are not used
}

// slot is one proof. It has no pointers, so that a million cost the garbage
// collector nothing.
type slot struct {
	entry [32]byte
	owner int32
	next  int32 // in the chain of its hash, or of the free ones
	later int32 // in the list of its second
}

type owner struct {
	client [32]byte
	used   int32
}

// NewMemory returns a Memory.
func NewMemory(cfg MemoryConfig) (*Memory, error) {
	var errs []error
	if cfg.Entries < 0 || cfg.Entries > maxEntries {
		errs = append(errs, fmt.Errorf("dpop: MemoryConfig.Entries %d must be between 1 and %d, or 0 for %d", cfg.Entries, maxEntries, DefaultEntries))
	}
	m := newMemory(cfg.Now)
	if cfg.Entries > 0 {
		m.entries, m.perClient = cfg.Entries, max(1, cfg.Entries/10)
	}
	if cfg.PerClient < 0 || cfg.PerClient > m.entries {
		errs = append(errs, fmt.Errorf("dpop: MemoryConfig.PerClient %d must be between 1 and Entries, or 0 for a tenth of them", cfg.PerClient))
	}
	if cfg.PerClient > 0 {
		m.perClient = cfg.PerClient
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return m, nil
}

func newMemory(now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{
		entries: DefaultEntries, perClient: DefaultPerClient, now: now,
		heads: make([]int32, 64), seconds: map[int64]int32{}, clients: map[[32]byte]int32{},
	}
}

// Remember implements [ReplayStore]. It waits for nothing. A time that has passed, by
// the latest time that its clock ever showed, is an error.
func (m *Memory) Remember(_ context.Context, entry, client [32]byte, until time.Time) (fresh bool, err error) {
	if m.now == nil {
		return false, ErrReplaysFull
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(m.now().Unix())
	for i := m.heads[m.chain(&entry)]; i != 0; i = m.slots[i-1].next {
		if m.slots[i-1].entry == entry {
			return false, nil
		}
	}
	second := until.Unix() + 1
	if second <= m.swept { // it would be forgotten at once, and may have been
		return false, errSwept
	}
	if m.used >= m.entries {
		return false, ErrReplaysFull
	}
	o, known := m.clients[client]
	if known && int(m.owners[o].used) >= m.perClient {
		return false, fmt.Errorf("%w of this client", ErrReplaysFull)
	}
	if !known {
		o = m.newOwner(client)
	}
	m.owners[o].used++
	m.add(entry, o, second)
	return true, nil
}

// errSwept is returned for an entry whose time had ended by the clock: whether it was
// remembered before cannot be told.
var errSwept = errors.New("dpop: what ended by then was forgotten: the clock went back, or is another one than that of the Binding")

// Len returns how many proofs are remembered, with those whose time ended since the
// last call of Remember.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// chain returns where the chain of an entry begins. Entries are digests, so their
// first bytes are a hash.
func (m *Memory) chain(entry *[32]byte) uint64 {
	return binary.LittleEndian.Uint64(entry[:8]) & uint64(len(m.heads)-1) //nolint:gosec // G115: at least 63
}

func (m *Memory) newOwner(client [32]byte) int32 {
	var o int32
	if n := len(m.vacant); n > 0 {
		o, m.vacant = m.vacant[n-1], m.vacant[:n-1]
		m.owners[o].client = client
	} else {
		o = int32(len(m.owners)) //nolint:gosec // G115: at most maxEntries
		m.owners = append(m.owners, owner{client: client})
	}
	m.clients[client] = o
	return o
}

func (m *Memory) add(entry [32]byte, o int32, second int64) {
	if m.used >= len(m.heads) {
		m.grow()
	}
	i := m.free
	if i != 0 {
		m.free = m.slots[i-1].next
	} else {
		m.slots = append(m.slots, slot{})
		i = int32(len(m.slots)) //nolint:gosec // G115: at most maxEntries
	}
	at := m.chain(&entry)
	m.slots[i-1] = slot{entry: entry, owner: o, next: m.heads[at], later: m.seconds[second]}
	m.heads[at], m.seconds[second] = i, i
	m.used++
}

// grow doubles the number of chains.
func (m *Memory) grow() {
	old := m.heads
	m.heads = make([]int32, 2*len(old))
	for _, i := range old {
		for i != 0 {
			next := m.slots[i-1].next
			at := m.chain(&m.slots[i-1].entry)
			m.slots[i-1].next, m.heads[at] = m.heads[at], i
			i = next
		}
	}
}

// sweep forgets the proofs that ended before that second.
func (m *Memory) sweep(now int64) {
	if now <= m.swept {
		return
	}
	m.swept = now
	for second, first := range m.seconds { // as many as a window has
		if second > now {
			continue
		}
		for i := first; i != 0; {
			later := m.slots[i-1].later
			m.forget(i)
			i = later
		}
		delete(m.seconds, second)
	}
}

func (m *Memory) forget(i int32) {
	s := &m.slots[i-1]
	at := &m.heads[m.chain(&s.entry)]
	for *at != i {
		at = &m.slots[*at-1].next
	}
	*at = s.next
	o := &m.owners[s.owner]
	if o.used--; o.used == 0 {
		delete(m.clients, o.client)
		m.vacant = append(m.vacant, s.owner)
	}
	*s = slot{next: m.free}
	m.free = i
	m.used--
}
