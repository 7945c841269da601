package middleware

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport-go/sallyport/claims"
)

// ErrTokenExpired is the cause ([context.Cause]) of the end of a request's
// context under [Config.EndAtExpiry].
var ErrTokenExpired = errors.New("middleware: the access token of this request has expired")

// lifetimes is a Verifier that says how long it would go on to accept a token,
// by its own clock and leeway.
type lifetimes interface {
	Remaining(c *claims.Claims) time.Duration
}

// untilExpiry returns a context that ends when the token does, and what frees
// its timer before. It is a parent of the stamp, whose claims stay readable.
func (g *Guard) untilExpiry(ctx context.Context, who *claims.Claims) (context.Context, context.CancelFunc) {
	if who.ExpiresAt().IsZero() { // of a Verifier that does not ask for exp
		return ctx, nil
	}
	left := time.Until(who.ExpiresAt())
	if g.lifetimes != nil {
		left = g.lifetimes.Remaining(who)
	}
	return context.WithTimeoutCause(ctx, left, ErrTokenExpired)
}
