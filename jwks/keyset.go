package jwks

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// KeySet provides keys. It does not judge tokens. It is safe for concurrent use.
// [NewStatic] returns one, and [Fetcher] is one.
type KeySet interface {
	// Snapshot returns the current keys. It never blocks and never returns nil;
	// before the first load the snapshot is empty and not Usable.
	Snapshot() *Snapshot

	// Refresh asks for newer keys because kid was not in the snapshot. kid is ""
	// for a token that names no key: any new one may be its own, and while the
	// snapshot is not usable any at all.
	//
	// After nil a kid that is missing from the next Snapshot is unknown. Otherwise the error is an [*UnavailableError], because keys
	// could not be had, or wraps ctx.Err(), because the caller stopped waiting.
	Refresh(ctx context.Context, kid string) error
}

// Errors of a [Snapshot], a [Key] and a [Fetcher].
var (
	// ErrNoKey: no key has that kid. Newer keys may have: worth a Refresh.
	ErrNoKey = errors.New("jwks: no key of that kid")
	// ErrAmbiguous: more keys fit than may be tried: more than one for
	// [Snapshot.Key], more than [MaxCandidates] for [Snapshot.Find].
	ErrAmbiguous = errors.New("jwks: more than one key fits")
	// ErrMismatch: the kid is known, but type, curve, use or alg of its key do
	// not allow the algorithm.
	ErrMismatch = errors.New("jwks: the key of that kid does not fit the algorithm")
	// ErrUnreadable: the key is published, and what is published cannot be read.
	// It may have signed the token, which therefore cannot be judged.
	ErrUnreadable = errors.New("jwks: the key is published, but cannot be read")
	// ErrUnusable: the key of that kid is published, and it must not check tokens
	// here: it is for another use or alg, of another type or curve, or weak.
	ErrUnusable = errors.New("jwks: the key is published, but not for checking tokens")
	// ErrSignature: the signature does not verify.
	ErrSignature = errors.New("jwks: signature does not verify")
	// ErrClosed: the Fetcher was closed, there will be no newer keys.
	ErrClosed = errors.New("jwks: closed")
)

// UnavailableError reports that keys could not be had, so that the token could
// not be judged.
type UnavailableError struct {
	// RetryAfter is the time until the next attempt, at least a second.
	RetryAfter time.Duration
	// Err is why the last fetch failed, or [ErrClosed].
	Err error
}

// Error returns why, and when the next attempt is.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("jwks: keys unavailable, next attempt in %v: %v", e.RetryAfter.Round(time.Second), e.Err)
}

// Unwrap returns Err.
func (e *UnavailableError) Unwrap() error { return e.Err }

// NewStatic returns a [KeySet] of at least one key that never changes and is
// always usable. Keys come from [NewKey], [NewSecret], [ParseJWKS] or [ParsePEM].
// Of a whole JWK Set make one with [ParseStatic].
func NewStatic(keys ...*Key) (KeySet, error) {
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
	return static{NewSnapshot(SnapshotConfig{Keys: keys})}, nil
}

// ParseStatic returns a [KeySet] of a JWK Set that never changes. It reads what
// [ParseJWKS] reads, with the same errors, and remembers the keys that it skips:
// a token of one that cannot be read is not judged, as with a [Fetcher], instead
// of being refused for an unknown key.
func ParseStatic(data []byte) (KeySet, error) {
	keys, skipped, err := parseSet(data)
	if err != nil {
		return nil, err
	}
	return static{NewSnapshot(SnapshotConfig{Keys: keys, Skipped: skipped})}, nil
}

type static struct{ snapshot *Snapshot }

// Snapshot returns the keys.
func (s static) Snapshot() *Snapshot { return s.snapshot }

// Refresh has nothing to fetch: a kid that is not there is unknown.
func (s static) Refresh(context.Context, string) error { return nil }

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
		return pick(s.set.byAlg[alg], alg)
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

// usableAt is Usable at a moment of the same clock. Only a Fetcher calls it.
func (s *Snapshot) usableAt(now time.Time) bool {
	return len(s.set.keys) > 0 && now.Before(s.expires)
}

// has reports whether any key has that kid. The zero Snapshot has no set: only a
// Fetcher calls it.
func (s *Snapshot) has(kid string) bool {
	_, ok := s.set.byID[kid]
	return ok
}
