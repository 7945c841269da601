package jwks

import (
	"iter"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/internal/jose"
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
	// Expires is when the keys are too stale to trust; zero means never. It
	// should carry a monotonic reading, so that a clock that is set does not
	// move it.
	Expires time.Time
}

// NewSnapshot returns a snapshot, for an implementation of [KeySet].
func NewSnapshot(cfg SnapshotConfig) *Snapshot {
	return &Snapshot{set: newIndex(cfg.Keys), expires: cfg.Expires}
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

// index holds keys by kid and by alg. Snapshots of an unchanged set share it.
type index struct {
	keys  []*Key
	byID  map[string][]*Key // by kid: nearly always one; keys without a kid are not in it
	byAlg map[string]answer // for tokens without a kid
}

type answer struct {
	key *Key
	err error
}

// algorithms are all that a key can fit: a token without kid is looked up by
// its alg.
var algorithms = [...]string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256", "HS384", "HS512",
}

func newIndex(keys []*Key) *index {
	x := &index{
		keys:  make([]*Key, 0, len(keys)),
		byID:  make(map[string][]*Key, len(keys)),
		byAlg: make(map[string]answer, len(algorithms)),
	}
	for _, k := range keys {
		if k == nil || x.find(&k.inner) != nil {
			continue
		}
		x.keys = append(x.keys, k)
		if id := k.ID(); id != "" {
			x.byID[id] = append(x.byID[id], k)
		}
	}
	for _, alg := range algorithms {
		key, err := pick(x.keys, alg)
		x.byAlg[alg] = answer{key, err}
	}
	return x
}

// find returns the identical key, nil if there is none.
func (x *index) find(k *jose.Key) *Key {
	candidates := x.byID[k.ID]
	if k.ID == "" {
		candidates = x.keys
	}
	for _, own := range candidates {
		if own.same(k) {
			return own
		}
	}
	return nil
}

// only returns the one key that fits alg, for a token without kid.
func (x *index) only(alg string) (*Key, error) {
	a, ok := x.byAlg[alg]
	if !ok {
		return nil, ErrMismatch
	}
	return a.key, a.err
}

// pick returns the one key that fits alg. The same key listed twice, once bound
// to an alg and once not, is still one key.
func pick(keys []*Key, alg string) (*Key, error) {
	var found *Key
	for _, k := range keys {
		switch {
		case !k.fits(alg):
		case found == nil:
			found = k
		case found.Issuer() != k.Issuer() || !found.inner.SameMaterial(&k.inner):
			return nil, ErrAmbiguous
		}
	}
	if found == nil {
		return nil, ErrMismatch
	}
	return found, nil
}

// change lists the keys that only the new set has, and those that only the old
// one has. A key whose material, alg or issuer changed is in both.
type change struct{ added, removed []*Key }

func (c change) any() bool { return len(c.added)+len(c.removed) > 0 }

// merge returns the index of a newly fetched set. Every key that has not changed
// is the identical *Key; if not even the order changed, so is the index.
func (x *index) merge(fetched []jose.Key) (*index, change) {
	var c change
	keys := make([]*Key, 0, len(fetched))
	kept := make(map[*Key]bool, len(x.keys))
	for i := range fetched {
		if own := x.find(&fetched[i]); own != nil {
			kept[own] = true
			keys = append(keys, own)
			continue
		}
		keys = append(keys, &Key{inner: fetched[i]})
	}
	next := newIndex(keys)
	for _, k := range x.keys {
		if !kept[k] {
			c.removed = append(c.removed, k)
		}
	}
	for _, k := range next.keys {
		if !kept[k] {
			c.added = append(c.added, k)
		}
	}
	if slices.Equal(next.keys, x.keys) {
		return x, change{}
	}
	return next, c
}
