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

// UntilExpiry returns a context that ends when the token of these claims does: at
// exp plus leeway, on the clock of the Verifier, with the cause [ErrTokenExpired].
// It is for transports that net/http does not serve, whose calls the Guard judges by
// [Guard.Check]; there [Config.EndAtExpiry] is theirs to heed. Without exp, and for
// nil claims, only cancel ends it. The caller must call cancel when the call is over.
//
// RFC 7519 section 4.1.4: https://www.rfc-editor.org/rfc/rfc7519#section-4.1.4
func (g *Guard) UntilExpiry(ctx context.Context, who *claims.Claims) (until context.Context, cancel context.CancelFunc) {
	if who == nil || who.ExpiresAt().IsZero() { // of a Verifier that does not ask for exp
		return context.WithCancel(ctx)
	}
	return g.current().untilExpiry(ctx, who)
}

// untilExpiry is UntilExpiry. Claims without exp, and none, have no end.
func (g *guard) untilExpiry(ctx context.Context, who *claims.Claims) (context.Context, context.CancelFunc) {
	left := time.Until(who.ExpiresAt())
	if g.lifetimes != nil {
		left = g.lifetimes.Remaining(who)
	}
	return context.WithTimeoutCause(ctx, left, ErrTokenExpired)
}

// endWithToken has the context of an admitted call end when the token does. What
// ends is a parent of the stamp, whose claims stay readable.
func (g *guard) endWithToken(a *admission, who *claims.Claims) {
	if !who.ExpiresAt().IsZero() {
		a.Context, a.release = g.untilExpiry(a.Context, who)
	}
}
