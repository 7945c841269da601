package jwks

import (
	"context"
	"errors"
	"fmt"
)

// Static is a [KeySet] of keys that are given and never change: the keys of
// [NewKey], [NewSecret], [ParseJWKS] or [ParsePEM]. It is always usable.
// NewStatic makes one; the zero Static has no keys.
type Static struct{ snapshot Snapshot }

// NewStatic makes a set of at least one key.
func NewStatic(keys ...*Key) (*Static, error) {
	var errs []error
	if len(keys) == 0 {
		errs = append(errs, errors.New("jwks: a static set needs at least one key"))
	}
	for i, k := range keys {
		if k == nil {
			errs = append(errs, fmt.Errorf("jwks: key %d of a static set is nil", i))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Static{snapshot: *NewSnapshot(SnapshotConfig{Keys: keys, Generation: 1})}, nil
}

// Snapshot is the keys.
func (s *Static) Snapshot() *Snapshot { return &s.snapshot }

// Refresh has nothing to fetch: a kid that is not there is unknown.
func (s *Static) Refresh(context.Context, string) error { return nil }
