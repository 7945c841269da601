// Command quickstart is a protected API: ISSUER=https://... AUDIENCE=api://... quickstart
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8081", "where the API listens, as `host:port`")
	flag.Parse()
	gate, err := sallyport.New(os.Getenv("ISSUER"), os.Getenv("AUDIENCE")) // the tokens' iss and aud, byte for byte
	if err != nil {
		log.Fatal(err)
	}
	list := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Fprintln(w, "orders for", c.ClientID())
	})
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(list))
	log.Fatal((&http.Server{Addr: *addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}).ListenAndServe())
}
