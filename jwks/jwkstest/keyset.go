package jwkstest

import (
	"context"

	"github.com/sallyport-go/sallyport/jwks"
)

// KeySet is the keys without any fetching: what a [jwks.Fetcher] would know if
// it fetched at every moment. It follows Publish, Remove, Replace and Rotate at
// once, and knows nothing of faults. Keys that cannot check a signature are not
// in it, as they would be skipped by a Fetcher.
func (iss *Issuer) KeySet() jwks.KeySet { return keySet{iss} }

type keySet struct{ iss *Issuer }

// Snapshot is the keys that are published now.
func (s keySet) Snapshot() *jwks.Snapshot { return s.iss.snapshot.Load() }

// Refresh has nothing to add.
func (s keySet) Refresh(context.Context, string) error { return nil }

// snap makes the snapshot; iss.mu is held.
func (iss *Issuer) snap() {
	var published []*jwks.Key
	if text, err := marshal(jwkSet(iss.published)); err == nil {
		published, _ = jwks.ParseJWKS(text) // none usable: an empty snapshot says so
	}
	iss.snapshot.Store(jwks.NewSnapshot(jwks.SnapshotConfig{Keys: published}))
}
