package api

import "net/http"

// netHTTP serves the routes with the standard library's router.
func netHTTP(a *API) http.Handler {
	byLevel := a.gate.RequireAccess(a.levels) // get, post, put or delete, as the method asks

	mux := http.NewServeMux()
	mux.Handle("GET /orders", byLevel(http.HandlerFunc(a.list)))
	mux.Handle("POST /orders", byLevel(http.HandlerFunc(a.create)))
	mux.Handle("PUT /orders/{id}", byLevel(http.HandlerFunc(a.put)))
	mux.Handle("DELETE /orders/{id}", byLevel(http.HandlerFunc(a.remove)))
	mux.Handle("GET /whoami", a.gate.Authenticate(http.HandlerFunc(a.whoami)))
	mux.HandleFunc("GET /keys", a.keys)
	mux.HandleFunc("GET /healthz", a.healthz)
	return mux
}
