package middleware

import (
	"context"
	"fmt"
	"io"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/contextkey"
)

// family is what the configurations that a Guard has one after another have in
// common. A call that was verified by one of them was verified by the Guard: a
// Binding that sees each proof once must not see it again in the middle of a call.
type family struct{ _ byte } // with a size: two must not have one address

// stampKey finds the stamp of one Guard and of no other: what another Guard
// verified, with other issuers or bindings, is not verified here.
type stampKey struct{ family *family }

// stamp is the context of a call whose token was verified. Nothing but a stamp
// satisfies Require without a verification, and only this package makes one.
type stamp struct {
	context.Context //nolint:containedctx // it is a context: one allocation less than a value in one. It carries the claims.
	family          *family
	token           string
	claims          *claims.Claims
}

// Value returns the stamp for its own key and the claims for theirs, and asks
// the parent for any other.
func (s *stamp) Value(key any) any {
	switch k := key.(type) {
	case stampKey:
		if k.family == s.family {
			return s
		}
	case contextkey.Claims:
		return s.claims
	}
	return s.Context.Value(key)
}

// Format keeps the token out of a printed context.
func (s *stamp) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "middleware.verified") }

func (d *decider) stampOf(ctx context.Context) *stamp {
	s, _ := ctx.Value(stampKey{d.family}).(*stamp)
	return s
}

// withStamp returns the context of a call whose token was verified just now.
// The transport says where the stamp is made: as a part of a larger context.
func (d *decider) withStamp(ctx context.Context, c *call, who *claims.Claims) context.Context {
	s, passes := c.newStamp()
	*s = stamp{Context: ctx, family: d.family, token: c.credential.Token, claims: who}
	return passes
}

// withChecked returns the context of a call that has a stamp already: nil for
// the one that it has, unless other claims were put over those that were checked.
func withChecked(ctx context.Context, who *claims.Claims) context.Context {
	if c, _ := claims.FromContext(ctx); c == who {
		return nil
	}
	return claims.NewContext(ctx, who)
}

// shadowKey marks a call that shadow mode has let through. The mark grants
// nothing: it keeps handlers further in from reporting a call that would have
// ended at the first refusal.
type shadowKey struct{ family *family }

// withShadow returns the context behind a refusal in shadow mode: without
// claims, even if an outer handler had put some there.
func (d *decider) withShadow(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, shadowKey{d.family}, true)
	if _, ok := claims.FromContext(ctx); ok {
		ctx = claims.NewContext(ctx, nil)
	}
	return ctx
}

func (d *decider) isShadowed(ctx context.Context) bool {
	return d.shadow && ctx.Value(shadowKey{d.family}) != nil
}
