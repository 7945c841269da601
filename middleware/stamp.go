package middleware

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
)

// stampKey finds the stamp of one Guard and of no other: what another Guard
// verified, with other issuers or bindings, is not verified here.
type stampKey struct{ guard *Guard }

// stamp is the context of a request whose token the Guard has verified. It is
// the only thing that satisfies Require without a verification, and nothing
// outside this package can make one.
type stamp struct {
	context.Context //nolint:containedctx // it is a context: one allocation less than a value in one. It carries the claims.
	guard           *Guard
	token           string
	claims          *claims.Claims
}

// Value answers for the stamp and asks the surrounding context for the rest.
func (s *stamp) Value(key any) any {
	if k, ok := key.(stampKey); ok && k.guard == s.guard {
		return s
	}
	return s.Context.Value(key)
}

// Format keeps the token out of a printed context.
func (s *stamp) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "middleware.verified") }

func (g *Guard) stampOf(ctx context.Context) *stamp {
	s, _ := ctx.Value(stampKey{g}).(*stamp)
	return s
}

// mark puts the stamp on a request. One that carries it already stays as it is,
// unless somebody laid other claims over those that were checked.
func (g *Guard) mark(r *http.Request, who caller) *http.Request {
	ctx := r.Context()
	if who.fresh {
		ctx = claims.NewContext(ctx, who.claims)
		return r.WithContext(&stamp{Context: ctx, guard: g, token: who.token, claims: who.claims})
	}
	if c, _ := claims.FromContext(ctx); c != who.claims {
		return r.WithContext(claims.NewContext(ctx, who.claims))
	}
	return r
}
