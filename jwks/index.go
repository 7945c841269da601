package jwks

import (
	"slices"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// index is keys made ready for look-up. Snapshots of an unchanged set share it.
type index struct {
	keys  []*Key
	byID  map[string]candidates // by kid; keys without one are not in it
	byAlg map[string]answer     // for tokens without kid
}

// candidates are the keys of one kid: nearly always a single one.
type candidates struct {
	one  *Key
	more []*Key
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
		byID:  make(map[string]candidates, len(keys)),
		byAlg: make(map[string]answer, len(algorithms)),
	}
	for _, k := range keys {
		if k != nil && x.find(&k.inner) == nil {
			x.add(k)
		}
	}
	for _, alg := range algorithms {
		key, err := pick(slices.Values(x.keys), alg)
		x.byAlg[alg] = answer{key, err}
	}
	return x
}

func (x *index) add(k *Key) {
	x.keys = append(x.keys, k)
	if k.ID() == "" {
		return
	}
	c, ok := x.byID[k.ID()]
	if !ok {
		c.one = k
	} else {
		c.more = append(c.more, k)
	}
	x.byID[k.ID()] = c
}

// find is the identical key, nil if there is none.
func (x *index) find(k *jose.Key) *Key {
	if k.ID == "" {
		for _, own := range x.keys {
			if own.same(k) {
				return own
			}
		}
		return nil
	}
	for own := range x.byID[k.ID].all() {
		if own.same(k) {
			return own
		}
	}
	return nil
}

// only is the single key that fits alg, for a token that names none.
func (x *index) only(alg string) (*Key, error) {
	a, ok := x.byAlg[alg]
	if !ok {
		return nil, ErrMismatch
	}
	return a.key, a.err
}

func (c candidates) all() func(yield func(*Key) bool) {
	return func(yield func(*Key) bool) {
		if c.one == nil || !yield(c.one) {
			return
		}
		for _, k := range c.more {
			if !yield(k) {
				return
			}
		}
	}
}

func (c candidates) fit(alg string) (*Key, error) {
	if len(c.more) > 0 {
		return pick(c.all(), alg)
	}
	if !c.one.Fits(alg) {
		return nil, ErrMismatch
	}
	return c.one, nil
}

// pick is the one key that fits alg. The same key listed twice, once bound to
// an alg and once not, is still one key.
func pick(keys func(yield func(*Key) bool), alg string) (*Key, error) {
	var found *Key
	for k := range keys {
		switch {
		case !k.Fits(alg):
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

// change is what a new set has that the one before had not, and the reverse.
// A key whose material, alg or issuer changed is in both.
type change struct{ added, removed []*Key }

func (c change) any() bool { return len(c.added)+len(c.removed) > 0 }

// merge makes the index of a newly fetched set, in which every key that has not
// changed is the identical *Key. If nothing changed, not even the order, it is
// the same index.
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
