package chiauth_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func enforce(t *testing.T, g chiauth.Guard, r chi.Routes, p chiauth.Policy) func(http.Handler) http.Handler {
	t.Helper()
	h, err := chiauth.Enforce(g, r, p)
	require.NoError(t, err)
	return h
}

// api is a router with everything that Chi can put together.
func api(t *testing.T, n http.Handler) chi.Router {
	t.Helper()
	r := chi.NewRouter()
	r.Use(chimiddleware.GetHead, enforce(t, kit.Guard(middleware.Config{Exempt: []string{"/exempt-elsewhere"}}), r, chiauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /v1/orders":                kit.Reads(),
			"POST /v1/orders":               kit.Admins(),
			"/v1/orders/{id}":               kit.Admins(),
			"GET /v1/orders/{id}":           kit.Reads(),
			"GET /v1/orders/{id:[a-z]+}/x":  kit.Reads(),
			"GET /v1/":                      kit.Reads(),
			"GET /v1/deep/{tenant}/things":  kit.Reads(),
			"GET /v1/deep/{tenant}/things/": kit.Admins(),
			"/files/*":                      kit.Reads(),
			"/files":                        kit.Reads(),
			"/closed":                       {},
			"GET /grouped":                  kit.Reads(),
			"GET /with":                     kit.Reads(),
		},
		Access: map[string]claims.AccessLevels{"/levels": kit.Orders()},
		Exempt: []string{"GET /healthz", "/open/*"},
	}))
	v1 := chi.NewRouter()
	v1.Method("GET", "/", n)
	v1.Handle("/orders", n)
	v1.Handle("/orders/{id}", n)
	v1.Method("GET", "/orders/{id:[a-z]+}/x", n)
	v1.Route("/deep/{tenant}", func(r chi.Router) {
		r.Method("GET", "/things", n)
		r.Method("GET", "/things/", n)
	})
	r.Mount("/v1", v1)
	r.Mount("/files", n) // no Chi router
	r.Group(func(r chi.Router) {
		r.Use(func(h http.Handler) http.Handler { return h })
		r.Method("GET", "/grouped", n)
	})
	r.With(func(h http.Handler) http.Handler { return h }).Method("GET", "/with", n)
	r.Handle("/levels", n)
	r.Handle("/closed", n)
	r.Handle("/healthz", n)
	r.Handle("/open/*", n)
	r.Handle("/forgotten", n)
	r.Handle("/exempt-elsewhere", n)
	return r
}
