// Command auth0v3 is an API behind auth0's go-jwt-middleware, as its README sets up the production example. sallyport
// attack attacks it: make field.
package main

import (
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/jwks"
	"github.com/auth0/go-jwt-middleware/v3/validator"
)

func main() {
	if err := serve(os.Getenv("ADDR"), os.Getenv("ISSUER"), os.Getenv("AUDIENCE")); err != nil {
		log.Fatal(err)
	}
}

func serve(addr, issuer, audience string) error {
	issuerURL, err := url.Parse(issuer)
	if err != nil {
		return err
	}
	provider, err := jwks.NewCachingProvider(jwks.WithIssuerURL(issuerURL), jwks.WithStrictJWKSURIOrigin())
	if err != nil {
		return err
	}
	v, err := validator.New(validator.WithKeyFunc(provider.KeyFunc), validator.WithAlgorithm(validator.RS256),
		validator.WithIssuer(issuer), validator.WithAudience(audience))
	if err != nil {
		return err
	}
	middleware, err := jwtmiddleware.New(jwtmiddleware.WithValidator(v))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /orders", middleware.CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "orders")
	})))
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return server.ListenAndServe()
}
