package chiauth

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-go/sallyport/internal/routed"
)

// With this package in a program, every Guard in it sees what Chi routes by.
var _ = routed.Register(reading)

// reading returns what Chi goes by instead of the request's method and path: a
// middleware may set RouteMethod and RoutePath.
func reading(r *http.Request) routed.Reading {
	routing := chi.RouteContext(r.Context())
	if routing == nil {
		return routed.Reading{}
	}
	found := routed.Reading{Method: routing.RouteMethod}
	switch path := cmp.Or(r.URL.RawPath, r.URL.Path); {
	case routing.RoutePath == "" || routing.RoutePath == path:
	case len(routing.RoutePatterns) == 0: // in Use of the root
		found.Path = routing.RoutePath
	default:
		found.Unclear = !restOf(path, routing)
	}
	return found
}

// restOf reports whether a router below the root goes by the rest of the path
// that the routers above have left to it. A middleware may have set another.
func restOf(path string, routing *chi.Context) bool {
	if strings.HasSuffix(path, routing.RoutePath) {
		return true
	}
	mounted := strings.TrimRight(routing.RoutePattern(), "/*") // the root of a mounted router, without its slash
	return routing.RoutePath == "/" && strings.Count(path, "/") == strings.Count(mounted, "/")
}
