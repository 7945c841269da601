package readme_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	gate, err := sallyport.New("https://issuer.example/", "api://orders") // the token's iss and aud, byte for byte
	if err != nil {
		return err
	}
	defer gate.Close()

	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(list)))

	server := &http.Server{Addr: "127.0.0.1:8080", Handler: mux, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	stopped := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

func list(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprintln(w, "orders for", c.ClientID())
}
