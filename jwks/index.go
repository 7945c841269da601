package jwks

import (
	"maps"
	"slices"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// index holds keys by kid and by alg. Snapshots of an unchanged set share it.
type index struct {
	keys  []*Key
	byID  map[string][]*Key // by kid: nearly always one; keys without a kid are not in it
	byAlg map[string]answer // for tokens without a kid

	skipped []*jose.Skipped      // the keys that cannot be used, in the order of the set
	renamed map[*Key]*jose.Names // of keys that changed nothing but their thumbprints
}

type answer struct {
	key *Key
	err error
	all []*Key // that fit, in the order of the set
}

// algorithms are all that a key can fit: a token without kid is looked up by
// its alg.
var algorithms = [...]string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519", "HS256", "HS384", "HS512",
}

func newIndex(keys []*Key, skipped []*jose.Skipped) *index {
	x := &index{
		keys:    make([]*Key, 0, len(keys)),
		byID:    make(map[string][]*Key, len(keys)),
		byAlg:   make(map[string]answer, len(algorithms)),
		skipped: skipped,
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
		x.byAlg[alg] = answer{key, err, fitting(x.keys, alg)}
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

// names returns what tokens may name the key by.
func (x *index) names(k *Key) *jose.Names {
	if names, ok := x.renamed[k]; ok {
		return names
	}
	return &k.inner.Names
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

func fitting(keys []*Key, alg string) (out []*Key) {
	for _, k := range keys {
		if k.fits(alg) {
			out = append(out, k)
		}
	}
	return out
}

// change lists the keys that only the new set has, and those that only the old
// one has. A key whose material, alg or issuer changed is in both.
type change struct{ added, removed []*Key }

func (c change) any() bool { return len(c.added)+len(c.removed) > 0 }

// merge returns the index of a newly fetched set, whose other keys were skipped
// for these reasons. Every key that has not changed is the identical *Key; if
// nothing changed, not even the order, so is the index.
func (x *index) merge(fetched []jose.Key, why []error) (*index, change) {
	var c change
	keys := make([]*Key, 0, len(fetched))
	kept := make(map[*Key]bool, len(x.keys))
	renamed := make(map[*Key]*jose.Names)
	for i := range fetched {
		if own := x.find(&fetched[i]); own != nil {
			kept[own] = true
			if names := fetched[i].Names; names != own.inner.Names {
				renamed[own] = &names
			}
			keys = append(keys, own)
			continue
		}
		keys = append(keys, &Key{inner: fetched[i]})
	}
	skipped := skippedIn(why)
	next := newIndex(keys, skipped)
	next.renamed = renamed
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
	if slices.Equal(next.keys, x.keys) && maps.EqualFunc(renamed, x.renamed, sameNames) && slices.EqualFunc(skipped, x.skipped, (*jose.Skipped).Equal) {
		return x, change{}
	}
	return next, c
}

// skippedIn returns the keys that errors are about.
func skippedIn(errs []error) (out []*jose.Skipped) {
	for _, err := range errs {
		switch e := err.(type) { //nolint:errorlint // walks the tree
		case *jose.Skipped:
			out = append(out, e)
		case interface{ Unwrap() []error }:
			out = append(out, skippedIn(e.Unwrap())...)
		case interface{ Unwrap() error }:
			out = append(out, skippedIn([]error{e.Unwrap()})...)
		}
	}
	return out
}

func sameNames(a, b *jose.Names) bool { return *a == *b }
