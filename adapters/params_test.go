package adapters_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// A tenant is read where the conformance rows do not reach: at the door of a
// group, and behind an escaped slash, which Gin takes for one.
func TestATokenOfOneTenantOpensNoOther(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	gate, acme := open(t, middleware.Config{}, f.issuer), f.good(jwkstest.Claims{"tenant": "acme"})
	r := chi.NewRouter()
	r.Route("/tenants/{tenant}", func(r chi.Router) {
		r.Use(gate.Require(ownTenant))
		r.Method(http.MethodGet, "/orders", answer)
	})
	report, err := chiauth.Audit(r)
	require.NoError(t, err)
	assert.Equal(t, "(all scopes orders.read) and (claim tenant equal to parameter tenant of the route)", report[0].Access)
	assert.Equal(t, 200, kit.Code(r, http.MethodGet, "/tenants/acme/orders", acme))
	assert.Equal(t, 403, kit.Code(r, http.MethodGet, "/tenants/globex/orders", acme))
	for _, fw := range frameworks {
		for _, wiring := range wirings {
			h, err := fw.serve(gate, wiring)
			require.NoError(t, err)
			want := 403
			if fw.name == "Gin" && wiring == "routes" {
				want = 404
			}
			assert.Equal(t, want, kit.Code(h, http.MethodGet, "/tenants/acme%2Fglobex/orders", acme), "%s, %s", fw.name, wiring)
		}
	}
}

// A rule at a handler that Gin runs is asked about Gin's route, and one further
// in about the router that is there.
func TestARuleFurtherInAsksTheRouterFurtherIn(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	inner := http.NewServeMux()
	inner.Handle("GET /tenants/{any}/{tenant}", gate.Require(claims.EqualsParam("tenant", "other"))(answer))
	e := gin.New()
	e.GET("/tenants/:tenant/*rest", ginauth.Require(gate, claims.EqualsParam("tenant", "tenant")), gin.WrapH(inner))
	for other, status := range map[string]int{"globex": 200, "acme": 403} {
		token := iss.Token(jwkstest.Claims{"tenant": "acme", "other": other})
		assert.Equal(t, status, kit.Code(e, http.MethodGet, "/tenants/acme/globex", token), other)
	}
}
