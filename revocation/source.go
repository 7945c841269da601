package revocation

import (
	"context"
	"errors"

	"github.com/sallyport-go/sallyport/claims"
)

// Source knows which tokens are withdrawn. *[List] and *[File] are two, and so is
// the list that a fleet shares. Implementations are safe for concurrent use and
// answer at once, from memory: they are asked on every call. An error means that
// it cannot be known, and refuses the call with 503.
type Source interface {
	Revoked(ctx context.Context, c *claims.Claims) (bool, error)
}

// Sink takes what is to be withdrawn. *[List] is one, and so is the list that a
// fleet shares. It is what a receiver of security events is given, such as one of
// the Shared Signals Framework: session-revoked of CAEP is a [Subject] entry with
// the event's time. Deny adds all entries or, with an error, is to be called again.
type Sink interface {
	Deny(ctx context.Context, entries ...Entry) error
}

// Any returns the hook for verifier.Config.Revoked that asks several sources. A
// token is withdrawn if one of them says so, whatever the others say; if none
// does, the first error counts.
func Any(sources ...Source) func(context.Context, *claims.Claims) (bool, error) {
	sources = append([]Source(nil), sources...)
	return func(ctx context.Context, c *claims.Claims) (bool, error) {
		var failed error
		for _, s := range sources {
			if s == nil {
				return false, errors.New("revocation: a source is nil")
			}
			revoked, err := s.Revoked(ctx, c)
			if revoked && err == nil {
				return true, nil
			}
			if failed == nil {
				failed = err
			}
		}
		return false, failed
	}
}
