package ginauth_test

import (
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestEnforce(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"/exempt-elsewhere"}})
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.Use(enforce(t, g, ginauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /v1/orders":        reads(),
			"POST /v1/orders":       admins(),
			"/v1/orders/:id":        admins(),
			"GET /v1/orders/:id":    reads(),
			"GET /v1/files/*path":   reads(),
			"HEAD /v1/own-head":     admins(),
			"GET /v1/own-head":      reads(),
			"/v1/closed":            {},
			`GET /v1/things\:count`: reads(),
		},
		Access: map[string]claims.AccessLevels{"/v1/levels": {Resources: []string{"api://orders"}}},
		Exempt: []string{"GET /healthz", "/open/*any"},
	}))
	var n reached
	v1 := e.Group("/v1")
	v1.Any("/orders", n.handler)
	v1.Any("/orders/:id", n.handler)
	v1.Any("/files/*path", n.handler)
	v1.Any("/own-head", n.handler)
	v1.Any("/levels", n.handler)
	v1.Any("/closed", n.handler)
	v1.GET(`/things\:count`, n.handler)
	e.Any("/healthz", n.handler)
	e.Any("/open/*any", n.handler)
	e.GET("/forgotten", n.handler)
	e.GET("/exempt-elsewhere", n.handler)
	for _, row := range []struct {
		name, method, path, token string
		status                    int
	}{
		{"the rule of a route lets through who may", "GET", "/v1/orders", reader, 200},
		{"GET stands for HEAD", "HEAD", "/v1/orders", reader, 200},
		{"another method has another rule", "POST", "/v1/orders", reader, 403},
		{"a method without an entry is denied", "DELETE", "/v1/orders", admin, 403},
		{"and without a token it is a 401", "DELETE", "/v1/orders", "", 401},
		{"a pattern alone is for all methods", "PUT", "/v1/orders/7", reader, 403},
		{"and lets through who may", "PUT", "/v1/orders/7", admin, 200},
		{"the entry of the method wins", "GET", "/v1/orders/7", reader, 200},
		{"for HEAD too", "HEAD", "/v1/orders/7", reader, 200},
		{"HEAD may have a rule of its own", "HEAD", "/v1/own-head", reader, 403},
		{"a catch-all has one rule", "GET", "/v1/files/a/b", reader, 200},
		{"levels follow the method", "GET", "/v1/levels", reader, 200},
		{"and refuse another one", "DELETE", "/v1/levels", reader, 403},
		{"the zero Rule closes a route", "GET", "/v1/closed", admin, 403},
		{"a literal colon is as Gin writes it", "GET", "/v1/things:count", reader, 200},
		{"an exempt route is open", "GET", "/healthz", "", 200},
		{"even to a bad token", "GET", "/healthz", "forged", 200},
		{"for its method only", "POST", "/healthz", "", 401},
		{"an exempt tree is open", "POST", "/open/x/y", "", 200},
		{"a forgotten route is denied", "GET", "/forgotten", admin, 403},
		{"and so is one that is exempt in the Guard's own table", "GET", "/exempt-elsewhere", "", 401},
		{"no route is denied", "GET", "/nowhere", admin, 403},
		{"no route is denied without a token", "GET", "/nowhere", "", 401},
		{"no method is denied", "POST", "/forgotten", admin, 403},
		{"no method is denied without a token", "POST", "/forgotten", "", 401},
		{"a method that nobody knows is denied", "BREW", "/v1/orders", admin, 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := serve(e, request(row.method, row.path, row.token))
			assert.Equal(t, row.status, w.Code)
			assert.Empty(t, w.Header().Get("Allow"), "nobody is told what routes exist")
		})
	}
}

func TestNoRouteCanBeExempt(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.Use(enforce(t, newGuard(t, middleware.Config{}), ginauth.Policy{
		Rules:  map[string]claims.Rule{"POST /orders": reads()},
		Exempt: []string{ginauth.NoRoute},
	}))
	e.POST("/orders", n.handler)
	e.NoRoute(n.handler)
	assert.Equal(t, 200, serve(e, request("GET", "/app/index.html", "")).Code, "a single-page app")
	assert.Equal(t, 405, serve(e, request("GET", "/orders", "")).Code)
	assert.Equal(t, "POST", serve(e, request("GET", "/orders", "")).Header().Get("Allow"))
	assert.Equal(t, 401, serve(e, request("POST", "/orders", "")).Code)
}

func TestNoRouteCanHaveARule(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.Use(enforce(t, newGuard(t, middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{ginauth.NoRoute: reads()}}))
	assert.Equal(t, 401, serve(e, request("GET", "/nowhere", "")).Code)
	assert.Equal(t, 404, serve(e, request("GET", "/nowhere", reader)).Code)
}

func TestPolicyMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	_, err := ginauth.Enforce(g, ginauth.Policy{
		Rules: map[string]claims.Rule{
			"orders":           reads(),
			"/a":               claims.AllScopes(),
			"GET /orders/{id}": reads(),
			"get /b":           reads(),
			"GET  /two":        reads(),
			"GET":              reads(),
			"":                 reads(),
			"GET NoRoute":      reads(),
			"/both":            reads(),
		},
		Access: map[string]claims.AccessLevels{"/both": {Resources: []string{"api://orders"}}, "/levels": {}},
		Exempt: []string{"/both", "/twice", "/twice"},
	})
	require.Error(t, err)
	for _, text := range []string{
		`ginauth: Policy: pattern "orders": a pattern begins with a slash`,
		`ginauth: Policy: pattern "/a": ` + claims.AllScopes().Err().Error(),
		`ginauth: Policy: pattern "GET /orders/{id}": parameters of Gin are :id and *path, not {id}`,
		`ginauth: Policy: pattern "get /b": "get" is no method; write METHOD, one space, pattern, or the pattern alone`,
		`ginauth: Policy: pattern "GET  /two": a pattern begins with a slash`,
		`ginauth: Policy: pattern "GET": a pattern begins with a slash`,
		`ginauth: Policy: pattern "": a pattern begins with a slash`,
		`ginauth: Policy: pattern "GET NoRoute": requests without a route are told apart by nothing, not even by method: write NoRoute`,
		`ginauth: Policy: pattern "/both": stands there twice, also as "/both"`,
		`ginauth: Policy: pattern "/levels": claims: AccessLevels.Resources: `,
		`ginauth: Policy: pattern "/twice": stands there twice, also as "/twice"`,
	} {
		assert.ErrorContains(t, err, text)
	}

	_, err = ginauth.Enforce(g, ginauth.Policy{})
	assert.EqualError(t, err, "ginauth: Policy: no pattern at all; name the routes and their rules")
	_, err = ginauth.Enforce(nil, ginauth.Policy{Exempt: []string{"/"}})
	assert.EqualError(t, err, "ginauth: the Guard is nil")
}

// A table that is changed after Enforce changes nothing.
func TestThePolicyIsCopied(t *testing.T) {
	t.Parallel()
	p := ginauth.Policy{Rules: map[string]claims.Rule{"/": admins()}, Exempt: []string{"/free"}}
	h := enforce(t, newGuard(t, middleware.Config{}), p)
	p.Rules["/"], p.Exempt[0] = claims.AnyToken(), "/"
	var n reached
	e := gin.New()
	e.Use(h)
	e.GET("/", n.handler)
	assert.Equal(t, 403, serve(e, request("GET", "/", reader)).Code)
}

// Gin runs NoRoute for static files that are not there, by the rule of the files.
func TestStaticFilesThatAreNotThere(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.Use(enforce(t, newGuard(t, middleware.Config{}), ginauth.Policy{
		Rules: map[string]claims.Rule{"GET /files/*filepath": reads()},
	}))
	e.Static("/files", t.TempDir())
	e.NoRoute(n.handler)
	assert.Equal(t, 401, serve(e, request("GET", "/files/none", "")).Code)
	assert.Zero(t, n.Load())
	assert.Equal(t, 200, serve(e, request("GET", "/files/none", reader)).Code)
	assert.EqualValues(t, 1, n.Load())
}
