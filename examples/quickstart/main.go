// Command quickstart is a protected API: ISSUER=https://... AUDIENCE=api://... quickstart
package main

import (
	"cmp"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

func main() {
	gate, err := sallyport.New(os.Getenv("ISSUER"), os.Getenv("AUDIENCE")) // the tokens' iss and aud, byte for byte
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(list)))
	server := http.Server{Addr: cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func list(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprintln(w, "orders for", c.ClientID())
}
