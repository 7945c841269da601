// Command multiissuer is an API for the partners of two authorization servers,
// such as the own one and that of a company just bought. Each has its own name,
// audience and keys; one's trouble never delays the other's callers.
//
//	ISSUER_A=https://a.example/ ISSUER_B=https://b.example/ AUDIENCE=api://orders multiissuer
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/providers"
)

func main() {
	a, b, audience := os.Getenv("ISSUER_A"), os.Getenv("ISSUER_B"), os.Getenv("AUDIENCE")
	gate, err := sallyport.NewFrom(providers.Generic(a, audience), providers.Generic(b, audience).WithClients("partner-of-b"))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: "127.0.0.1:8080", Handler: routes(gate, a), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// routes: a scope means what its issuer says it means, so what matters most
// asks for the issuer too.
func routes(gate *sallyport.Gate, own string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(whose)))
	mux.Handle("DELETE /orders/{id}", gate.Require(claims.AllOf(
		claims.Equals(own, "iss"),
		claims.AllScopes("orders.delete"),
	))(http.HandlerFunc(whose)))
	return mux
}

func whose(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprintf(w, "%s of %s\n", c.ClientID(), c.Issuer())
}
