package trust_test

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// api is one Gate before the same handlers in three frameworks. GET wants orders.read, POST and DELETE orders.write.
type api struct {
	iss    *jwkstest.Issuer
	routes map[string]http.Handler
	order  []string
	served atomic.Int64                // how often a handler behind a door ran
	last   atomic.Pointer[reason.Code] // of the latest refusal
}

func newAPI(t *testing.T) *api {
	t.Helper()
	a := &api{iss: jwkstest.New(t, jwkstest.WithAudience(audience), jwkstest.WithAlgorithm("ES256")), order: []string{"net/http", "Chi", "Gin"}}
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(a.iss.Issuer(), audience)}}
	cfg.Guard.OnEvent = func(_ context.Context, e middleware.Event) { a.last.Store(&e.Reason) }
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, gate.Close()) })
	require.NoError(t, gate.Ready(t.Context()), "a client that closes its side early must not be one that left while keys were fetched")
	a.routes = map[string]http.Handler{"net/http": a.netHTTP(gate), "Chi": a.chi(gate), "Gin": a.gin(gate)}
	return a
}

var (
	mayRead  = claims.AllScopes("orders.read")
	mayWrite = claims.AllScopes("orders.write")
)

func (a *api) serve(w http.ResponseWriter, _ *http.Request) {
	a.served.Add(1)
	_, _ = io.WriteString(w, "served")
}

func (a *api) netHTTP(gate *sallyport.Gate) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(mayRead)(http.HandlerFunc(a.serve)))
	mux.Handle("POST /orders", gate.Require(mayWrite)(http.HandlerFunc(a.serve)))
	mux.Handle("DELETE /orders", gate.Require(mayWrite)(http.HandlerFunc(a.serve)))
	return mux
}

func (a *api) chi(gate *sallyport.Gate) http.Handler {
	r := chi.NewRouter()
	r.With(gate.Require(mayRead)).Get("/orders", a.serve)
	r.With(gate.Require(mayWrite)).Post("/orders", a.serve)
	r.With(gate.Require(mayWrite)).Delete("/orders", a.serve)
	return r
}

func (a *api) gin(gate *sallyport.Gate) http.Handler {
	r := gin.New()
	serve := func(c *gin.Context) { a.serve(c.Writer, c.Request) }
	r.GET("/orders", ginauth.Require(gate, mayRead), serve)
	r.POST("/orders", ginauth.Require(gate, mayWrite), serve)
	r.DELETE("/orders", ginauth.Require(gate, mayWrite), serve)
	return r
}

// token is a good one with these scopes.
func (a *api) token(scope string) string { return a.iss.Token(jwkstest.Claims{"scope": scope}) }
