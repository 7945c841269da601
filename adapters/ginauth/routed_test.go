package ginauth_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// called gives a request the method of its query, once Gin has chosen a route.
func called(c *gin.Context) {
	if m := c.Query("_method"); m != "" {
		c.Request.Method = m
	}
}

func TestTheMethodThatGinRoutedByIsJudged(t *testing.T) {
	t.Parallel()
	g := kit.Guard(middleware.Config{})
	levels := func(key string) ginauth.Policy {
		return ginauth.Policy{Access: map[string]claims.AccessLevels{key: kit.Orders()}}
	}
	byMethod := ginauth.Policy{Rules: map[string]claims.Rule{"GET /orders/:id": kit.Reads(), "/orders/:id": kit.Admins()}}
	for _, row := range []struct {
		name       string
		door       gin.HandlerFunc
		method, as string
		status     int
	}{
		{"107 levels at the route", ginauth.RequireAccess(g, kit.Orders()), "DELETE", "GET", 403},
		{"107 levels at the route, as HEAD", ginauth.RequireAccess(g, kit.Orders()), "POST", "HEAD", 403},
		{"107 levels at the route, the method that it has", ginauth.RequireAccess(g, kit.Orders()), "GET", "", 200},
		{"107 levels at the route, HEAD called GET", ginauth.RequireAccess(g, kit.Orders()), "HEAD", "GET", 200},
		{"107 levels of a table", enforce(t, g, levels("/orders/:id")), "DELETE", "GET", 403},
		{"107 levels of a table by the method", enforce(t, g, levels("GET /orders/:id")), "DELETE", "GET", 403},
		{"107 levels of a table, the method that it has", enforce(t, g, levels("/orders/:id")), "GET", "", 200},
		{"107 rules of a table by the method", enforce(t, g, byMethod), "DELETE", "GET", 403},
		{"107 rules of a table, the other way", enforce(t, g, byMethod), "GET", "DELETE", 403},
		{"107 rules of a table, the method that it has", enforce(t, g, byMethod), "GET", "", 200},
		{"107 an exemption of one method", enforce(t, g, ginauth.Policy{Rules: map[string]claims.Rule{"DELETE /orders/:id": kit.Admins()}, Exempt: []string{"GET /orders/:id"}}), "DELETE", "GET", 403},
		{"107 one rule for all methods is one rule", enforce(t, g, ginauth.Policy{Rules: map[string]claims.Rule{"/orders/:id": kit.Reads()}}), "DELETE", "GET", 200},
		{"107 a rule at the route does not depend on it", ginauth.Require(g, kit.Reads()), "DELETE", "GET", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // a door may serve more than one engine
				var n reached
				e := gin.New()
				e.Use(called, row.door)
				e.Any("/orders/:id", n.handler)
				assert.Equal(t, row.status, kit.Code(e, row.method, "/orders/1?_method="+row.as, kit.Reader))
				e.GET("/late/:id", n.handler)
				assert.Equal(t, 401, kit.Code(e, "GET", "/late/1", ""), "a route that comes later")
			}
		})
	}
}

// The method is overridden where it should be: in front of the engine.
func TestAMethodThatIsOverriddenInFrontOfGinIsTheMethod(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.Any("/orders/:id", ginauth.RequireAccess(kit.Guard(middleware.Config{}), kit.Orders()), n.handler)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Method = r.URL.Query().Get("_method")
		e.ServeHTTP(w, r)
	})
	assert.Equal(t, 200, kit.Code(h, "POST", "/orders/1?_method=GET", kit.Reader))
	assert.Equal(t, 403, kit.Code(h, "GET", "/orders/1?_method=POST", kit.Reader))
}

// To find the chains of an engine costs milliseconds, so it must not happen on
// every request: not for a file that is not there, whose chain is no route's, and
// not where a door serves two engines in turn.
func TestTheRoutesOfAnEngineAreFoundOnce(t *testing.T) {
	door := ginauth.RequireAccess(kit.Guard(middleware.Config{}), kit.Orders())
	engine := func() *gin.Engine {
		e := gin.New()
		for i := range 300 {
			e.GET(fmt.Sprintf("/routes/%d/:id", i), func(*gin.Context) {})
		}
		e.Static("/static", t.TempDir())
		e.NoRoute(door)
		e.GET("/orders", door)
		return e
	}
	one, other := engine(), engine()
	for name, calls := range map[string]func() int{
		"a file that is not there": func() int { return kit.Code(one, "GET", "/static/x", "") },
		"two engines in turn":      func() int { return kit.Code(one, "GET", "/orders", "") + kit.Code(other, "GET", "/orders", "") - 401 },
	} {
		most := 200.0 // of which a request takes a tenth, and 300 routes a thousand
		assert.Less(t, testing.AllocsPerRun(10, func() { assert.Equal(t, 401, calls()) }), most, name)
	}
	for range 10 { // engines that came and went are forgotten
		assert.Equal(t, 401, kit.Code(engine(), "GET", "/orders", ""))
	}
	assert.Equal(t, 200, kit.Code(one, "GET", "/orders", kit.Reader))
	assert.Equal(t, 403, kit.Code(one, "GET", "/static/x", kit.Admin), "a level that is missing, not a route that is unclear")
}
