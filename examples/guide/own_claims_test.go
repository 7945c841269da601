package guide_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/stretchr/testify/assert"
)

// goldStores reads claims of its own, as a Go value.
func goldStores(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	var own struct {
		Tenant string   `json:"https://orders.example/tenant"`
		Stores []string `json:"stores"`
	}
	if err := c.Decode(&own); err != nil { // another shape than this API knows
		http.Error(w, "Forbidden", http.StatusForbidden)
		return
	}
	fmt.Fprint(w, own.Tenant, own.Stores)
}

func TestOwnClaims(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.Claims{
		"plan": "gold", "stores": []string{"south", "north"}, "https://orders.example/tenant": "t1",
		"address": map[string]any{"country": "NO"}, "tenant": "t1",
	})
	gate := closed(t)(sallyport.New(iss.Issuer(), iss.Audience()))

	rule := claims.AllOf(
		claims.Equals("gold", "plan"),             // "plan": "gold"
		claims.Contains("north", "stores"),        // "stores": ["south", "north"]
		claims.Equals("NO", "address", "country"), // "address": {"country": "NO"}
		claims.Func("belongs to a tenant", func(c *claims.Claims) bool {
			return c.Has("https://orders.example/tenant")
		}),
	)
	stores := gate.Require(rule)(http.HandlerFunc(goldStores))

	host := claims.FuncCall("the tenant of the host", func(c *claims.Claims, call claims.Call) bool {
		r, ok := middleware.RequestOf(call)
		tenant, has := c.Text("tenant")
		return ok && has && r.Host == tenant+".api.example"
	})

	assert.Equal(t, "t1[south north]", call(stores, "GET", "/", iss.Token()).Body.String())
	for _, other := range []jwkstest.Claims{
		{"plan": "GOLD"}, {"stores": "northern"}, {"address": "NO"}, {"https://orders.example/tenant": nil}, {"https://orders.example/tenant": 7},
	} {
		assert.Equal(t, 403, call(stores, "GET", "/", iss.Token(other)).Code, other)
	}
	byHost := gate.Require(host)(ok)
	assert.Equal(t, 200, call(byHost, "GET", "http://t1.api.example/", iss.Token()).Code)
	assert.Equal(t, 403, call(byHost, "GET", "http://t2.api.example/", iss.Token()).Code)
}
