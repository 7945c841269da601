package claims

import "context"

type contextKey struct{}

// NewContext returns a context that carries c. It is for a Guard, and for tests
// of handlers: it authenticates nobody, and no Guard takes it for a verified
// token.
func NewContext(ctx context.Context, c *Claims) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// FromContext returns the claims of the request; false if nobody authenticated.
func FromContext(ctx context.Context) (*Claims, bool) {
	c, _ := ctx.Value(contextKey{}).(*Claims)
	return c, c != nil
}
