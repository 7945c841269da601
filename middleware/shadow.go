package middleware

import (
	"context"
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
)

// shadowKey marks a request that shadow mode has let through. The mark grants
// nothing: it only keeps later doors of the same Guard from reporting a
// request that would have ended at the first.
type shadowKey struct{ guard *Guard }

// unmarked is the request as the handler behind a shadowed refusal sees it:
// without claims, even if an outer door had put some there.
func (g *Guard) unmarked(r *http.Request) *http.Request {
	ctx := context.WithValue(r.Context(), shadowKey{g}, true)
	if _, ok := claims.FromContext(ctx); ok {
		ctx = claims.NewContext(ctx, nil)
	}
	return r.WithContext(ctx)
}

func (g *Guard) shadowed(r *http.Request) bool {
	return g.shadow && r.Context().Value(shadowKey{g}) != nil
}
