package jwks

import (
	"iter"
	"time"
)

// Snapshot is an immutable set of keys at one moment. It is safe for concurrent
// use. The zero value is empty and not usable.
type Snapshot struct {
	set       *index
	fetchedAt time.Time // zero if it was not fetched
	expires   time.Time
}

// SnapshotConfig configures a [Snapshot].
type SnapshotConfig struct {
	_ [0]func()

	// Keys are the keys, in the order of the set. Identical ones collapse, nil
	// ones are left out. The slice is not kept.
	Keys []*Key
	// Skipped are errors of [ParseJWKS] about keys that are published and cannot
	// be used, so that [Snapshot.Skipped] tells them from keys that are missing.
	Skipped []error
	// Expires is when the keys are too stale to trust; zero means never. It
	// should carry a monotonic reading, so that a clock that is set does not
	// move it.
	Expires time.Time
}

// NewSnapshot returns a snapshot, for an implementation of [KeySet].
func NewSnapshot(cfg SnapshotConfig) *Snapshot {
	return &Snapshot{set: newIndex(cfg.Keys, skippedIn(cfg.Skipped)), expires: cfg.Expires}
}

// Key returns the one key that can check a token with that kid and alg.
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
	return pick(found, alg)
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

// Usable reports whether there are keys and they are not too stale to trust.
func (s *Snapshot) Usable() bool {
	return s.set != nil && len(s.set.keys) > 0 && (s.expires.IsZero() || time.Now().Before(s.expires))
}

// has reports whether any key has that kid. The zero Snapshot has no set: only a
// Fetcher calls it.
func (s *Snapshot) has(kid string) bool {
	_, ok := s.set.byID[kid]
	return ok
}
