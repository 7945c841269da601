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

// endWithToken has the context of an admitted call end when the token does. What
// ends is a parent of the stamp, whose claims stay readable.
func (g *Guard) endWithToken(a *admission, who *claims.Claims) {
	if who.ExpiresAt().IsZero() { // of a Verifier that does not ask for exp
		return
	}
	left := time.Until(who.ExpiresAt())
	if g.lifetimes != nil {
		left = g.lifetimes.Remaining(who)
	}
	a.Context, a.release = context.WithTimeoutCause(a.Context, left, ErrTokenExpired)
}
