package grpcauth

import (
	"context"
	"errors"

	"github.com/sallyport-go/sallyport/middleware"
)

// call is one call as it is judged.
type call struct {
	interceptor *Interceptor
	method      string
	entry       *entry
}

func (i *Interceptor) call(ctx context.Context, told string) call {
	method := methodOf(ctx, told)
	return call{i, method, i.table.find(method)}
}

// admit has the Guard decide. It returns the context for what runs next, with the
// claims, and what ends it; or the refusal.
func (c call) admit(ctx context.Context) (context.Context, context.CancelFunc, *refusal) {
	guard := c.interceptor.guard
	admitted, who, err := guard.Check(requestOf(ctx, c.method, c.entry.key), c.entry.rule)
	if err != nil {
		return nil, nil, c.refuse(ctx, err)
	}
	if !c.interceptor.endAtExpiry {
		return admitted.Context(), func() {}, nil
	}
	until, end := guard.UntilExpiry(admitted.Context(), who)
	return until, end, nil
}

// tokenExpired reports whether a context ended because its token did.
func tokenExpired(ctx context.Context) bool {
	return ctx.Err() != nil && errors.Is(context.Cause(ctx), middleware.ErrTokenExpired)
}

// endsBefore reports whether a context ends by itself before its parent does: with its
// token, by this package or by the Guard.
func endsBefore(ctx, parent context.Context) bool {
	at, ends := ctx.Deadline()
	limit, limited := parent.Deadline()
	return ends && (!limited || at.Before(limit))
}
