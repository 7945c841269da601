// Command chi protects the routes of a Chi router. Its middleware is that of
// net/http, so the Guard fits as it is.
//
//	ISSUER=https://issuer.example/ AUDIENCE=api://orders chi
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8083", "where the API listens, as `host:port`")
	flag.Parse()
	gate, err := sallyport.New(os.Getenv("ISSUER"), os.Getenv("AUDIENCE"))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: *addr, Handler: routes(gate), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func routes(gate *sallyport.Gate) chi.Router {
	r := chi.NewRouter()
	r.Get("/healthz", func(http.ResponseWriter, *http.Request) {})
	r.Route("/orders", func(r chi.Router) {
		r.Use(gate.Authenticate)
		r.With(gate.Require(claims.AllScopes("orders.read"))).Get("/", list)
		r.With(gate.Require(claims.AnyRole("Orders.Admin"))).Delete("/{id}", list)
	})
	return r
}

func list(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprintln(w, "orders for", c.ClientID())
}
