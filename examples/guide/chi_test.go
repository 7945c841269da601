package guide_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	_ "github.com/sallyport-go/sallyport/adapters/chiauth" // Guards now see what Chi routes by
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestChiRoutesByAnotherMethod(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	gate := closed(t)(sallyport.New(iss.Issuer(), iss.Audience()))
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if method := r.FormValue("_method"); method != "" { // Chi routes by it, and the request has another
				chi.RouteContext(r.Context()).RouteMethod = method
			}
			next.ServeHTTP(w, r)
		})
	})
	r.With(gate.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})).Delete("/orders", ok)
	r.With(gate.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})).Get("/orders", ok)

	token := iss.Token(jwkstest.Claims{"scope": "get"})
	assert.Equal(t, 200, call(r, "GET", "/orders", token).Code)
	assert.Equal(t, 403, call(r, "GET", "/orders?_method=DELETE", token).Code, "a level get reaches no Delete")
}
