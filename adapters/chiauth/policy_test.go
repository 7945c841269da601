package chiauth_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

var (
	_ chiauth.Guard = (*middleware.Guard)(nil)
	_ chiauth.Guard = (*sallyport.Gate)(nil)
)

func enforce(t *testing.T, g chiauth.Guard, r chi.Routes, p chiauth.Policy) func(http.Handler) http.Handler {
	t.Helper()
	h, err := chiauth.Enforce(g, r, p)
	require.NoError(t, err)
	return h
}

// api is a router with everything that Chi can put together.
func api(t *testing.T, n *reached) chi.Router {
	t.Helper()
	r := chi.NewRouter()
	r.Use(chimiddleware.GetHead, enforce(t, newGuard(t, middleware.Config{Exempt: []string{"/exempt-elsewhere"}}), r, chiauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /v1/orders":                reads(),
			"POST /v1/orders":               admins(),
			"/v1/orders/{id}":               admins(),
			"GET /v1/orders/{id}":           reads(),
			"GET /v1/orders/{id:[a-z]+}/x":  reads(),
			"GET /v1/":                      reads(),
			"GET /v1/deep/{tenant}/things":  reads(),
			"GET /v1/deep/{tenant}/things/": admins(),
			"/files/*":                      reads(),
			"/files":                        reads(),
			"/closed":                       {},
			"GET /grouped":                  reads(),
			"GET /with":                     reads(),
		},
		Access: map[string]claims.AccessLevels{"/levels": {Resources: []string{"api://orders"}}},
		Exempt: []string{"GET /healthz", "/open/*"},
	}))
	v1 := chi.NewRouter()
	v1.Method("GET", "/", n)
	v1.Handle("/orders", n)
	v1.Handle("/orders/{id}", n)
	v1.Method("GET", "/orders/{id:[a-z]+}/x", n)
	v1.Route("/deep/{tenant}", func(r chi.Router) {
		r.Method("GET", "/things", n)
		r.Method("GET", "/things/", n)
	})
	r.Mount("/v1", v1)
	r.Mount("/files", n) // no Chi router
	r.Group(func(r chi.Router) {
		r.Use(func(h http.Handler) http.Handler { return h })
		r.Method("GET", "/grouped", n)
	})
	r.With(func(h http.Handler) http.Handler { return h }).Method("GET", "/with", n)
	r.Handle("/levels", n)
	r.Handle("/closed", n)
	r.Handle("/healthz", n)
	r.Handle("/open/*", n)
	r.Handle("/forgotten", n)
	r.Handle("/exempt-elsewhere", n)
	return r
}

func TestEnforce(t *testing.T) {
	t.Parallel()
	var n reached
	h := api(t, &n)
	for _, row := range []struct {
		name, method, path, token string
		status                    int
	}{
		{"a route of a mounted router", "GET", "/v1/orders", reader, 200},
		{"GET stands for HEAD", "HEAD", "/v1/orders", reader, 200},
		{"HEAD that Chi's GetHead turns into GET", "HEAD", "/grouped", reader, 200},
		{"another method has another rule", "POST", "/v1/orders", reader, 403},
		{"and lets through who may", "POST", "/v1/orders", admin, 200},
		{"a method without an entry is denied", "DELETE", "/v1/orders", admin, 403},
		{"and without a token it is a 401", "DELETE", "/v1/orders", "", 401},
		{"a pattern alone is for all methods", "PUT", "/v1/orders/7", reader, 403},
		{"the entry of the method wins", "GET", "/v1/orders/7", reader, 200},
		{"an escaped slash is a part of a parameter", "GET", "/v1/orders/a%2Fb", reader, 200},
		{"a pattern with a regular expression", "GET", "/v1/orders/abc/x", reader, 200},
		{"what it does not match has no route", "GET", "/v1/orders/7/x", reader, 403},
		{"the root of a mounted router with its slash", "GET", "/v1/", reader, 200},
		{"and without, for which there is no entry", "GET", "/v1", reader, 403},
		{"a router in a router", "GET", "/v1/deep/acme/things", reader, 200},
		{"a last slash makes another route", "GET", "/v1/deep/acme/things/", reader, 403},
		{"a handler that is mounted", "GET", "/files/a/b", reader, 200},
		{"and refuses nobody", "GET", "/files/a/b", "", 401},
		{"the mounted handler without a slash has an entry of its own", "GET", "/files", reader, 200},
		{"and with one has none", "GET", "/files/", reader, 403},
		{"a group", "GET", "/grouped", reader, 200},
		{"an inline middleware", "GET", "/with", reader, 200},
		{"levels follow the method", "GET", "/levels", reader, 200},
		{"and refuse another one", "DELETE", "/levels", reader, 403},
		{"the zero Rule closes a route", "GET", "/closed", admin, 403},
		{"an exempt route is open", "GET", "/healthz", "", 200},
		{"for its method only", "POST", "/healthz", "", 401},
		{"an exempt tree is open", "POST", "/open/x/y", "", 200},
		{"a forgotten route is denied", "GET", "/forgotten", admin, 403},
		{"and so is one that is exempt in the Guard's own table", "GET", "/exempt-elsewhere", "", 401},
		{"no route is denied", "GET", "/nowhere", admin, 403},
		{"no route is denied without a token", "GET", "/nowhere", "", 401},
		{"no route of a mounted router is denied", "GET", "/v1/nowhere", admin, 403},
		{"no method is denied", "POST", "/grouped", admin, 403},
		{"a method that Chi does not know is denied", "BREW", "/v1/orders", admin, 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := serve(h, request(row.method, row.path, row.token))
			assert.Equal(t, row.status, w.Code)
			assert.Empty(t, w.Header().Get("Allow"), "nobody is told what routes exist")
		})
	}
}

func TestEnforceGivesClaims(t *testing.T) {
	t.Parallel()
	var n reached
	h := api(t, &n)
	assert.Equal(t, "reader", serve(h, request("GET", "/v1/deep/acme/things", reader)).Body.String())
	assert.Equal(t, "-", serve(h, request("GET", "/healthz", reader)).Body.String(), "an exempt route has none")
}

// Around the router instead of in it, Enforce sees no route context at all.
func TestEnforceAroundTheRouter(t *testing.T) {
	t.Parallel()
	var n reached
	r := chi.NewRouter()
	r.Method("GET", "/orders/{id}", &n)
	h := enforce(t, newGuard(t, middleware.Config{}), r, chiauth.Policy{Rules: map[string]claims.Rule{"GET /orders/{id}": reads()}})(r)
	assert.Equal(t, 200, serve(h, request("GET", "/orders/7", reader)).Code)
	assert.Equal(t, 401, serve(h, request("GET", "/orders/7", "")).Code)
	assert.Equal(t, 403, serve(h, request("GET", "/orders", reader)).Code)
}

// Chi takes the empty path that StripPrefix leaves for the root, and so must the table.
func TestEnforceBehindStripPrefix(t *testing.T) {
	t.Parallel()
	var n reached
	r := chi.NewRouter()
	r.Use(enforce(t, newGuard(t, middleware.Config{}), r, chiauth.Policy{Rules: map[string]claims.Rule{"/": reads(), "/orders": admins()}}))
	r.Method("GET", "/", &n)
	r.Method("GET", "/orders", &n)
	h := http.StripPrefix("/api", r)
	assert.Equal(t, 200, serve(h, request("GET", "/api", reader)).Code)
	assert.Equal(t, 401, serve(h, request("GET", "/api", "")).Code)
	assert.Equal(t, 403, serve(h, request("GET", "/api/orders", reader)).Code)
	assert.Equal(t, 200, serve(h, request("GET", "/api/orders", admin)).Code)
}

func TestNoRouteCanBeExempt(t *testing.T) {
	t.Parallel()
	var n reached
	r := chi.NewRouter()
	r.Use(enforce(t, newGuard(t, middleware.Config{}), r, chiauth.Policy{
		Rules: map[string]claims.Rule{"POST /orders": reads()}, Exempt: []string{chiauth.NoRoute},
	}))
	r.Method("POST", "/orders", &n)
	r.NotFound(n.ServeHTTP)
	assert.Equal(t, 200, serve(r, request("GET", "/app/index.html", "")).Code)
	assert.Equal(t, 405, serve(r, request("GET", "/orders", "")).Code)
	assert.Equal(t, 401, serve(r, request("POST", "/orders", "")).Code)
}

// A table of one router must not be read with the paths of another.
func TestEnforceOnAnotherRouterDeniesEverything(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	everything := chiauth.Policy{Exempt: []string{"/admin", "/v1/admin", chiauth.NoRoute}}

	t.Run("the root's table in a mounted router", func(t *testing.T) {
		t.Parallel()
		var n reached
		root, v1 := chi.NewRouter(), chi.NewRouter()
		root.Handle("/admin", &n)
		v1.Use(enforce(t, g, root, everything))
		v1.Handle("/admin", &n)
		root.Mount("/v1", v1)
		assert.Equal(t, 401, serve(root, request("GET", "/v1/admin", "")).Code)
		assert.Equal(t, 403, serve(root, request("GET", "/v1/admin", admin)).Code)
		assert.Equal(t, 403, serve(root, request("GET", "/v1/nowhere", admin)).Code)
		assert.Zero(t, n.Load())
	})
	t.Run("a mounted router's table in the root", func(t *testing.T) {
		t.Parallel()
		var n reached
		root, v1 := chi.NewRouter(), chi.NewRouter()
		root.Use(enforce(t, g, v1, everything))
		root.Handle("/admin", &n)
		v1.Handle("/admin", &n)
		root.Mount("/v1", v1)
		assert.Equal(t, 401, serve(root, request("GET", "/admin", "")).Code)
		assert.Zero(t, n.Load())
	})
	t.Run("but a router's own table works where it is mounted", func(t *testing.T) {
		t.Parallel()
		var n reached
		root, v1 := chi.NewRouter(), chi.NewRouter()
		v1.Use(enforce(t, g, v1, chiauth.Policy{Rules: map[string]claims.Rule{"/admin": admins()}}))
		v1.Handle("/admin", &n)
		root.Mount("/v1", v1)
		assert.Equal(t, 200, serve(root, request("GET", "/v1/admin", admin)).Code)
		assert.Equal(t, 403, serve(root, request("GET", "/v1/admin", reader)).Code)
	})
	t.Run("and the root's at a route", func(t *testing.T) {
		t.Parallel()
		var n reached
		root := chi.NewRouter()
		root.With(enforce(t, g, root, chiauth.Policy{Rules: map[string]claims.Rule{"/admin": admins()}})).Handle("/admin", &n)
		assert.Equal(t, 200, serve(root, request("GET", "/admin", admin)).Code)
		assert.Equal(t, 403, serve(root, request("GET", "/admin", reader)).Code)
	})
	t.Run("routes of another make are believed", func(t *testing.T) {
		t.Parallel()
		var n reached
		root := chi.NewRouter()
		root.Use(enforce(t, g, struct{ chi.Router }{root}, chiauth.Policy{Rules: map[string]claims.Rule{"/admin": admins()}}))
		root.Handle("/admin", &n)
		assert.Equal(t, 200, serve(root, request("GET", "/admin", admin)).Code)
	})
	t.Run("also inside a context of another make", func(t *testing.T) {
		t.Parallel()
		var n reached
		root := chi.NewRouter()
		root.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				chi.RouteContext(r.Context()).Routes = nil
				next.ServeHTTP(w, r)
			})
		}, enforce(t, g, root, chiauth.Policy{Rules: map[string]claims.Rule{"/admin": admins()}}))
		root.Handle("/admin", &n)
		assert.Equal(t, 200, serve(root, request("GET", "/admin", admin)).Code)
	})
}

func TestShadowModeLetsThrough(t *testing.T) {
	t.Parallel()
	var n reached
	r := chi.NewRouter()
	r.Use(enforce(t, newGuard(t, middleware.Config{Shadow: true}), r, chiauth.Policy{Rules: map[string]claims.Rule{"/a": admins()}}))
	r.Handle("/a", &n)
	r.Handle("/b", &n)
	for _, path := range []string{"/a", "/b"} {
		assert.Equal(t, "-", serve(r, request("GET", path, reader)).Body.String())
	}
}

func TestPolicyMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	g, r := newGuard(t, middleware.Config{}), chi.NewRouter()
	_, err := chiauth.Enforce(g, r, chiauth.Policy{
		Rules: map[string]claims.Rule{
			"orders":               reads(),
			"/a":                   claims.AllScopes(),
			"GET /files/{path...}": reads(),
			"GET /{$}":             reads(),
			"/both":                reads(),
		},
		Access: map[string]claims.AccessLevels{"/levels": {}},
		Exempt: []string{"/both"},
	})
	require.Error(t, err)
	for _, text := range []string{
		`chiauth: Policy: pattern "orders": a pattern begins with a slash`,
		`chiauth: Policy: pattern "/a": ` + claims.AllScopes().Err().Error(),
		`chiauth: Policy: pattern "GET /files/{path...}": the rest of a path is * in Chi, which knows no {$}`,
		`chiauth: Policy: pattern "GET /{$}": the rest of a path is * in Chi, which knows no {$}`,
		`chiauth: Policy: pattern "/both": stands there twice, also as "/both"`,
		`chiauth: Policy: pattern "/levels": claims: AccessLevels.Resources: `,
	} {
		assert.ErrorContains(t, err, text)
	}
	_, err = chiauth.Enforce(g, r, chiauth.Policy{})
	assert.EqualError(t, err, "chiauth: Policy: no pattern at all; name the routes and their rules")
	_, err = chiauth.Enforce(nil, nil, chiauth.Policy{Exempt: []string{"/"}})
	assert.EqualError(t, err, "chiauth: the router is nil\nchiauth: the Guard is nil")
}
