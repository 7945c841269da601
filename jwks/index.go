package jwks

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// MaxCandidates is how many keys one token is tried with, at most.
const MaxCandidates = 4

// Query is what a token says of the key that signed it. All of it is a hint: a
// hint finds keys, the signature decides.
//
// RFC 7515 section 4.1.4: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.4
type Query struct {
	_ [0]func()

	Algorithm string // alg

	// KeyID is the kid. Where it is "", Thumbprint (x5t) and ThumbprintSHA256
	// (x5t#S256) name the key as its JWK states them. All may be "".
	KeyID            string
	Thumbprint       string
	ThumbprintSHA256 string

	// Declared leaves out keys that declare no alg: a key verifies one
	// algorithm, and theirs is another one.
	Declared bool
}

// Candidates are the keys that may have signed a token.
type Candidates struct {
	_ [0]func()

	// Keys are in the order of the set; nil follows the last.
	Keys [MaxCandidates]*Key
	// Named reports whether a kid, x5t#S256 or x5t names them.
	Named bool
}

// Find returns the keys that may have signed a token, all of which fit its
// algorithm: those that its kid names, or else its x5t#S256 or x5t; where no key
// has that name, the keys that have none; without a hint all keys. It allocates
// nothing. Where a kid names the key, it costs the same for a thousand keys as
// for one.
//
// The error is [ErrNoKey] if no key has that name, [ErrMismatch] if none that the
// token can mean fits, and [ErrAmbiguous] if more than [MaxCandidates] do.
//
// RFC 7517 section 4.5: https://www.rfc-editor.org/rfc/rfc7517#section-4.5
func (s *Snapshot) Find(q *Query) (Candidates, error) {
	switch {
	case s.set == nil || len(s.set.keys) == 0:
		return Candidates{}, ErrNoKey
	case q.KeyID != "":
		if named, ok := s.set.byID[q.KeyID]; ok {
			return s.set.choose(named, q, byKid)
		}
	}
	by := s.set.hint(q)
	c, err := s.set.choose(s.set.byAlg[q.Algorithm], q, by)
	if err == ErrMismatch && (by == withoutKid || by == withoutThumbprint || !s.set.states(q, by)) { //nolint:errorlint // its own
		err = ErrNoKey
	}
	return c, err
}

// Skipped returns why a key of the set that the token can mean is not among its
// candidates: [ErrUnreadable], if such a key cannot be read and may have signed
// the token, or else [ErrUnusable], if the token names a key that must not check
// tokens. It wraps the reason, and is nil if there is no such key.
func (s *Snapshot) Skipped(q *Query) error {
	if s.set == nil || len(s.set.skipped) == 0 {
		return nil
	}
	var unusable *jose.Skipped
	by := s.set.hint(q)
	for _, k := range s.set.skipped {
		switch {
		case !q.means(&k.Names, by):
		case k.MayFit(q.Algorithm, q.Declared):
			return fmt.Errorf("%w: %w", ErrUnreadable, k)
		case by.named() && unusable == nil:
			unusable = k
		}
	}
	if unusable == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnusable, unusable)
}

// hint is what keys are found by.
type hint uint8

const (
	everyKey hint = iota
	byKid
	byThumbprintSHA256
	byThumbprint
	withoutKid        // none has the token's
	withoutThumbprint // likewise
)

func (by hint) named() bool { return by == byKid || by == byThumbprintSHA256 || by == byThumbprint }

// hint returns what the token's key is found by. A skipped key counts: it is not
// missing.
func (x *index) hint(q *Query) hint {
	switch {
	case q.KeyID != "":
		if x.states(q, byKid) || x.skips(q, byKid) {
			return byKid
		}
		return withoutKid
	case q.Thumbprint == "" && q.ThumbprintSHA256 == "":
		return everyKey
	}
	for _, by := range [...]hint{byThumbprintSHA256, byThumbprint} {
		if x.states(q, by) || x.skips(q, by) {
			return by
		}
	}
	return withoutThumbprint
}

// states reports whether a usable key is found by that hint.
func (x *index) states(q *Query, by hint) bool {
	if by == byKid {
		return len(x.byID[q.KeyID]) > 0
	}
	for _, k := range x.keys {
		if q.means(x.names(k), by) {
			return true
		}
	}
	return false
}

// skips reports whether a skipped key is found by that hint.
func (x *index) skips(q *Query, by hint) bool {
	for _, k := range x.skipped {
		if q.means(&k.Names, by) {
			return true
		}
	}
	return false
}

// means reports whether a key of these names is found by that hint.
func (q *Query) means(n *jose.Names, by hint) bool {
	switch by {
	case byKid:
		return n.ID == q.KeyID
	case byThumbprintSHA256:
		return q.ThumbprintSHA256 != "" && n.ThumbprintSHA256 == q.ThumbprintSHA256
	case byThumbprint:
		return q.Thumbprint != "" && n.Thumbprint == q.Thumbprint
	case withoutKid:
		return n.ID == ""
	case withoutThumbprint:
		return (q.ThumbprintSHA256 == "" || n.ThumbprintSHA256 == "") && (q.Thumbprint == "" || n.Thumbprint == "")
	default:
		return true
	}
}

// choose returns the keys that fit. The same key listed twice, once bound to an
// alg and once not, is still one key.
func (x *index) choose(keys []*Key, q *Query, by hint) (Candidates, error) {
	c, n := Candidates{Named: by.named()}, 0
	for _, k := range keys {
		switch {
		case !q.means(x.names(k), by), !k.fits(q.Algorithm), q.Declared && k.inner.Algorithm == "", c.has(k, n):
			continue
		case n == MaxCandidates:
			return Candidates{}, ErrAmbiguous
		}
		c.Keys[n] = k
		n++
	}
	if n == 0 {
		return Candidates{}, ErrMismatch
	}
	return c, nil
}

// has reports whether k is one of the first n.
func (c *Candidates) has(k *Key, n int) bool {
	for _, own := range c.Keys[:n] {
		if own.Issuer() == k.Issuer() && own.inner.SameMaterial(&k.inner) {
			return true
		}
	}
	return false
}

// index holds keys by kid and by alg. Snapshots of an unchanged set share it.
type index struct {
	keys  []*Key
	byID  map[string][]*Key // by kid: nearly always one; keys without a kid are not in it
	byAlg map[string][]*Key // for tokens without a kid: those that fit, in the order of the set

	skipped []*jose.Skipped      // the keys that cannot be used, in the order of the set
	renamed map[*Key]*jose.Names // of keys that changed nothing but their thumbprints
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
		byAlg:   make(map[string][]*Key, len(algorithms)),
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
		for _, k := range x.keys {
			if k.fits(alg) {
				x.byAlg[alg] = append(x.byAlg[alg], k)
			}
		}
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
