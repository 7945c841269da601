package jwks

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// KeySet yields facts about keys: never a verdict about a token. It is safe for
// concurrent use. [Static] and [Fetcher] are KeySets.
type KeySet interface {
	// Snapshot is the keys as they are now. It never blocks and never returns
	// nil; before the first load it is an empty one that is not Usable.
	Snapshot() *Snapshot

	// Refresh asks for newer keys because kid was not in the snapshot, or for
	// any key at all while the snapshot is not usable; kid may be "" then.
	//
	// After nil the next Snapshot is as good as it gets: a kid missing from it
	// is unknown. Otherwise the error is an [*UnavailableError], because keys
	// could not be had, or wraps ctx.Err(), because the caller stopped waiting.
	Refresh(ctx context.Context, kid string) error
}

// What a look-up in a [Snapshot] and a check with a [Key] can say.
var (
	// ErrNoKey: no key has that kid. Newer keys may have: worth a Refresh.
	ErrNoKey = errors.New("jwks: no key of that kid")
	// ErrAmbiguous: more than one key fits, and none is better than the other.
	ErrAmbiguous = errors.New("jwks: more than one key fits")
	// ErrMismatch: the kid is known, but type, curve, use or alg of its key do
	// not allow the algorithm.
	ErrMismatch = errors.New("jwks: the key of that kid does not fit the algorithm")
	// ErrSignature: the signature does not verify.
	ErrSignature = errors.New("jwks: signature does not verify")
	// ErrClosed: the Fetcher was closed, there will be no newer keys.
	ErrClosed = errors.New("jwks: closed")
)

// UnavailableError reports that the keys, not the token, are the trouble: the
// token could not be judged.
type UnavailableError struct {
	// RetryAfter is the time until the next attempt, at least a second.
	RetryAfter time.Duration
	// Err is why the last fetch failed, or [ErrClosed].
	Err error
}

// Error says why, and when it is tried again.
func (e *UnavailableError) Error() string {
	return fmt.Sprintf("jwks: keys unavailable, next attempt in %v: %v", e.RetryAfter.Round(time.Second), e.Err)
}

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }
