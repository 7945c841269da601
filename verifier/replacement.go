package verifier

import (
	"crypto/sha256"
	"errors"
	"reflect"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
)

// Replacement returns the Verifier of another configuration that takes the place of
// v, or every mistake in cfg at once. It takes over the verified tokens of those
// issuers of v whose whole policy is unchanged: all that [Issuer] says of them, with
// the very same Keys. With another CacheBytes it takes over none.
//
// Call done once the new one is in use, also where v is asked no more: from then on
// what was verified under a policy that was replaced counts no more anywhere. v goes
// on to work, for calls that are under way. Without done nothing has changed.
//
// What a Lookup found is its owner's: the inUse of an issuer that cfg configures is to
// be false from done on, also where v asks for it once more. See [Verifier.Configures].
func (v *Verifier) Replacement(cfg Config) (next *Verifier, done func(), err error) {
	next, err = New(cfg)
	if err != nil {
		return nil, nil, err
	}
	if v == nil || v.issuers == nil {
		return nil, nil, errors.New("verifier: Replacement: this Verifier was not made by New")
	}
	if v.cache != nil && next.cache != nil && v.cache.bytes == next.cache.bytes {
		next.cache, next.headers = v.cache, v.headers
	}
	for name, i := range next.issuers {
		if old := v.issuers[name]; old.samePolicy(i) {
			next.issuers[name] = old
		}
	}
	for n, i := range next.templates {
		for _, old := range v.templates {
			if old.name == i.name && old.samePolicy(i) && !next.singlesOut(i, v) {
				next.templates[n] = old
			}
		}
	}
	return next, func() { v.retire(next) }, nil
}

// retire marks the issuers that next has not taken over.
func (v *Verifier) retire(next *Verifier) {
	kept := make(map[*issuer]bool, len(next.names))
	for i := range next.all() {
		kept[i] = true
	}
	for i := range v.all() {
		if !kept[i] {
			i.replaced.Store(true)
		}
	}
}

// singlesOut reports whether a tenant of a template has an issuer of its own in v,
// which it had not before: what was verified for it by the template counts no more.
func (v *Verifier) singlesOut(template *issuer, before *Verifier) bool {
	for name := range v.issuers {
		if _, fits := template.template.tenant(name); fits && before.issuers[name] == nil {
			return true
		}
	}
	return false
}

// all yields the configured issuers.
func (v *Verifier) all() func(yield func(*issuer) bool) {
	return func(yield func(*issuer) bool) {
		for _, i := range v.issuers {
			if !yield(i) {
				return
			}
		}
		for _, i := range v.templates {
			if !yield(i) {
				return
			}
		}
	}
}

// samePolicy reports whether a token is judged the same by both.
func (i *issuer) samePolicy(other *issuer) bool {
	return i != nil && i.policy == other.policy && sameKeys(i.keys, other.keys)
}

// policyOf names all that an Issuer says but its Keys.
func policyOf(cfg *Issuer) [sha256.Size]byte {
	plain := *cfg
	plain.Keys = nil
	return setting.Fingerprint(plain)
}

// sameKeys reports whether two key sets are one. Sets that cannot be compared are
// not.
func sameKeys(a, b jwks.KeySet) bool { return reflect.ValueOf(a).Comparable() && a == b }
