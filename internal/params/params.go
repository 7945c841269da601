// Package params carries the parameters of a route from a router to the Guard
// that decides about it, where [http.Request.PathValue] does not have them: Gin
// keeps them to itself, and a table in front of a router decides before the
// router has set any.
package params

import (
	"context"
	"net/http"
)

// carrier is a context that carries the look-up of parameters. Only the one
// that is outermost counts: it is for the next Guard, and for none behind it,
// where another router may have chosen another route.
type carrier struct {
	context.Context //nolint:containedctx // it is a context
	param           func(name string) string
}

// With returns a copy of r for the next Guard to ask param about.
func With(r *http.Request, param func(name string) string) *http.Request {
	return r.WithContext(&carrier{r.Context(), param})
}

// Take returns what With was given, and the request without it. Without a With
// it returns r and its PathValue.
func Take(r *http.Request) (*http.Request, func(name string) string) {
	if c, ok := r.Context().(*carrier); ok {
		return r.WithContext(c.Context), c.param
	}
	return r, r.PathValue
}
