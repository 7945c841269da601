package api

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// chiRouter serves the routes with Chi, whose middleware is net/http's: the
// Guard fits as it is.
func chiRouter(a *API) http.Handler {
	r := chi.NewRouter()
	r.Group(func(r chi.Router) {
		r.Use(a.gate.RequireAccess(a.levels)) // get, post, put or delete, as the method asks
		r.Get("/orders", a.list)
		r.Head("/orders", a.list)
		r.Post("/orders", a.create)
		r.Put("/orders/{id}", a.put)
		r.Delete("/orders/{id}", a.remove)
	})
	r.With(a.gate.Authenticate).Get("/whoami", a.whoami)
	r.Get("/keys", a.keys)
	r.Get("/healthz", a.healthz)
	return r
}
