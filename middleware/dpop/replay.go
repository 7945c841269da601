package dpop

import (
	"context"
	"errors"
	"time"
)

// ReplayStore remembers which proofs were used, so that none is good twice. Several
// instances may share one. Implementations must be safe for concurrent use.
//
// RFC 9449 section 11.1: https://www.rfc-editor.org/rfc/rfc9449#section-11.1
type ReplayStore interface {
	// Remember remembers entry until that time, and reports whether it was not
	// remembered before: of two calls with one entry exactly one gets true. entry is
	// a digest of the proof's key and jti, client one of its issuer and client id.
	//
	// An error means that the proof could not be judged, and is a 503:
	// [ErrReplaysFull], or one that wraps it, where there is no room, for this
	// client or at all. It is called at most once for a request, with the request's context, when
	// all else about the proof was found good.
	Remember(ctx context.Context, entry, client [32]byte, until time.Time) (fresh bool, err error)
}

// ErrReplaysFull reports that a [ReplayStore] has no room for another proof. A proof
// that cannot be remembered is not accepted: it could come again.
var ErrReplaysFull = errors.New("dpop: there is no room to remember another proof")
