package jwks

import (
	"iter"
	"time"
)

// Snapshot is an immutable set of keys at one moment. It is safe for concurrent
// use. Only NewSnapshot makes one that is of use; the zero Snapshot is empty
// and not usable.
type Snapshot struct {
	set        *index
	generation uint64
	fetchedAt  time.Time
	expires    time.Time
}

// SnapshotConfig is what a [Snapshot] is made of.
type SnapshotConfig struct {
	_ [0]func()

	// Keys are the keys, in the order of the set. Identical ones collapse, nil
	// ones are left out. The slice is not kept.
	Keys []*Key
	// Generation rises whenever a key is removed or its material, alg or use
	// changes; what was verified under another generation is not trusted.
	Generation uint64
	// FetchedAt is when the keys were last confirmed. It is told, not judged by.
	FetchedAt time.Time
	// Expires is when the keys are too stale to trust; zero means never. It
	// should carry a monotonic reading, so that a clock that is set does not
	// move it.
	Expires time.Time
}

// NewSnapshot makes a snapshot, for key sets of one's own.
func NewSnapshot(cfg SnapshotConfig) *Snapshot {
	return &Snapshot{
		set:        newIndex(cfg.Keys),
		generation: cfg.Generation,
		fetchedAt:  cfg.FetchedAt,
		expires:    cfg.Expires,
	}
}

// Key is the one key that a token with that kid and alg can be checked with.
// It costs the same for a thousand keys as for one and allocates nothing.
//
// With a kid the error is [ErrNoKey] if no key has it, [ErrMismatch] if none
// that has it fits alg, [ErrAmbiguous] if several that differ do. Without a kid
// all keys are candidates, and a single one has to fit; where none does the
// error is [ErrMismatch], or [ErrNoKey] in an empty snapshot.
func (s *Snapshot) Key(kid, alg string) (*Key, error) {
	switch {
	case s.set == nil || len(s.set.keys) == 0:
		return nil, ErrNoKey
	case kid == "":
		return s.set.only(alg)
	}
	found, ok := s.set.byID[kid]
	if !ok {
		return nil, ErrNoKey
	}
	return found.fit(alg)
}

// Keys yields the keys in the order of the set.
func (s *Snapshot) Keys() iter.Seq[*Key] {
	return func(yield func(*Key) bool) {
		if s.set == nil {
			return
		}
		for _, k := range s.set.keys {
			if !yield(k) {
				return
			}
		}
	}
}

// Len is the number of keys.
func (s *Snapshot) Len() int {
	if s.set == nil {
		return 0
	}
	return len(s.set.keys)
}

// Generation tells whether an earlier verification still holds: it rises only
// when a key is removed or its material, alg or use changes. Generations of
// different key sets have nothing to do with each other.
func (s *Snapshot) Generation() uint64 { return s.generation }

// FetchedAt is when the keys were last confirmed, zero if never.
func (s *Snapshot) FetchedAt() time.Time { return s.fetchedAt }

// Usable reports whether there are keys and they are not too stale to trust.
func (s *Snapshot) Usable() bool {
	return s.Len() > 0 && (s.expires.IsZero() || time.Now().Before(s.expires))
}

// has reports whether any key has that kid. It is for snapshots of a Fetcher.
func (s *Snapshot) has(kid string) bool {
	_, ok := s.set.byID[kid]
	return ok
}
