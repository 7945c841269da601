package guide_test

import (
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestATenantsOwnPaths(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.Claims{"scope": "orders.read", "tenant_id": "t1"})
	gate := closed(t)(sallyport.New(iss.Issuer(), iss.Audience()))
	mux, r, g, list, listOrders := http.NewServeMux(), chi.NewRouter(), gin.New(), ok, gin.WrapH(ok)

	own := claims.AllOf(claims.AllScopes("orders.read"), claims.EqualsParam("tenant", "tenant_id"))

	mux.Handle("GET /tenants/{tenant}/orders", gate.Require(own)(list))      // net/http
	r.With(gate.Require(own)).Get("/tenants/{tenant}/orders", list)          // Chi
	g.GET("/tenants/:tenant/orders", ginauth.Require(gate, own), listOrders) // Gin

	for name, h := range map[string]http.Handler{"net/http": mux, "Chi": r, "Gin": g} {
		assert.Equal(t, 200, call(h, "GET", "/tenants/t1/orders", iss.Token()).Code, name)
		assert.Equal(t, 403, call(h, "GET", "/tenants/t2/orders", iss.Token()).Code, name)
	}
}
