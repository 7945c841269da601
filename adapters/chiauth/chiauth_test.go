package chiauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

var (
	_ chiauth.Guard = (*middleware.Guard)(nil)
	_ chiauth.Guard = (*sallyport.Gate)(nil)
)

func TestEnforce(t *testing.T) {
	t.Parallel()
	var n kit.Reached
	h := api(t, &n)
	kit.Run(t, h, []kit.Case{
		{"a route of a mounted router", "GET", "/v1/orders", kit.Reader, 200},
		{"GET stands for HEAD", "HEAD", "/v1/orders", kit.Reader, 200},
		{"HEAD that Chi's GetHead turns into GET", "HEAD", "/grouped", kit.Reader, 200},
		{"an escaped slash is a part of a parameter", "GET", "/v1/orders/a%2Fb", kit.Reader, 200},
		{"a pattern with a regular expression", "GET", "/v1/orders/abc/x", kit.Reader, 200},
		{"what it does not match has no route", "GET", "/v1/orders/7/x", kit.Reader, 403},
		{"the root of a mounted router with its slash", "GET", "/v1/", kit.Reader, 200},
		{"and without, for which there is no entry", "GET", "/v1", kit.Reader, 403},
		{"a router in a router", "GET", "/v1/deep/acme/things", kit.Reader, 200},
		{"a last slash makes another route", "GET", "/v1/deep/acme/things/", kit.Reader, 403},
		{"a handler that is mounted", "GET", "/files/a/b", kit.Reader, 200},
		{"and refuses nobody", "GET", "/files/a/b", "", 401},
		{"the mounted handler without a slash has an entry of its own", "GET", "/files", kit.Reader, 200},
		{"and with one has none", "GET", "/files/", kit.Reader, 403},
		{"a group", "GET", "/grouped", kit.Reader, 200},
		{"an inline middleware", "GET", "/with", kit.Reader, 200},
		{"levels follow the method", "GET", "/levels", kit.Reader, 200},
		{"an exempt route is open", "GET", "/healthz", "", 200},
		{"an exempt tree is open", "POST", "/open/x/y", "", 200},
		{"and so is one that is exempt in the Guard's own table", "GET", "/exempt-elsewhere", "", 401},
		{"no route is denied", "GET", "/nowhere", kit.Admin, 403},
		{"no route is denied without a token", "GET", "/nowhere", "", 401},
		{"no route of a mounted router is denied", "GET", "/v1/nowhere", kit.Admin, 403},
		{"no method is denied", "POST", "/grouped", kit.Admin, 403},
		{"a method that Chi does not know is denied", "BREW", "/v1/orders", kit.Admin, 403},
	})
	assert.Equal(t, "reader", kit.Serve(h, kit.Request("GET", "/v1/deep/acme/things", kit.Reader)).Body.String())
	assert.Equal(t, "-", kit.Serve(h, kit.Request("GET", "/healthz", kit.Reader)).Body.String(), "an exempt route has no claims")
}

// Around the router instead of in it, Enforce sees no route context at all.
func TestEnforceAroundTheRouter(t *testing.T) {
	t.Parallel()
	var n kit.Reached
	r := chi.NewRouter()
	r.Method("GET", "/orders/{id}", &n)
	h := enforce(t, kit.Guard(middleware.Config{}), r, chiauth.Policy{Rules: map[string]claims.Rule{"GET /orders/{id}": kit.Reads()}})(r)
	assert.Equal(t, 200, kit.Code(h, "GET", "/orders/7", kit.Reader))
	assert.Equal(t, 401, kit.Code(h, "GET", "/orders/7", ""))
	assert.Equal(t, 403, kit.Code(h, "GET", "/orders", kit.Reader))
}

// Chi takes the empty path that StripPrefix leaves for the root, and so must the table.
func TestEnforceBehindStripPrefix(t *testing.T) {
	t.Parallel()
	var n kit.Reached
	r := chi.NewRouter()
	r.Use(enforce(t, kit.Guard(middleware.Config{}), r, chiauth.Policy{Rules: map[string]claims.Rule{"/": kit.Reads(), "/orders": kit.Admins()}}))
	r.Method("GET", "/", &n)
	r.Method("GET", "/orders", &n)
	h := http.StripPrefix("/api", r)
	assert.Equal(t, 200, kit.Code(h, "GET", "/api", kit.Reader))
	assert.Equal(t, 401, kit.Code(h, "GET", "/api", ""))
	assert.Equal(t, 403, kit.Code(h, "GET", "/api/orders", kit.Reader))
	assert.Equal(t, 200, kit.Code(h, "GET", "/api/orders", kit.Admin))
}

func TestNoRouteCanBeExempt(t *testing.T) {
	t.Parallel()
	var n kit.Reached
	r := chi.NewRouter()
	r.Use(enforce(t, kit.Guard(middleware.Config{}), r, chiauth.Policy{
		Rules: map[string]claims.Rule{"POST /orders": kit.Reads()}, Exempt: []string{"NoRoute"},
	}))
	r.Method("POST", "/orders", &n)
	r.NotFound(n.ServeHTTP)
	assert.Equal(t, 200, kit.Code(r, "GET", "/app/index.html", ""))
	assert.Equal(t, 405, kit.Code(r, "GET", "/orders", ""))
	assert.Equal(t, 401, kit.Code(r, "POST", "/orders", ""))
}

// A table of one router must not be read with the paths of another.
func TestEnforceOnAnotherRouterDeniesEverything(t *testing.T) {
	t.Parallel()
	everything := chiauth.Policy{Exempt: []string{"/admin", "/v1/admin", "NoRoute"}}
	admins := chiauth.Policy{Rules: map[string]claims.Rule{"/admin": kit.Admins()}}
	type table func(routes chi.Routes, p chiauth.Policy) func(http.Handler) http.Handler
	for _, row := range []struct {
		name                    string
		wire                    func(root, v1 *chi.Mux, table table)
		path                    string
		nobody, reader, byAdmin int
	}{
		{"the root's table in a mounted router", func(root, v1 *chi.Mux, table table) { v1.Use(table(root, everything)) }, "/v1/admin", 401, 403, 403},
		{"and where there is no route", func(root, v1 *chi.Mux, table table) { v1.Use(table(root, everything)) }, "/v1/nowhere", 401, 403, 403},
		{"a mounted router's table in the root", func(root, v1 *chi.Mux, table table) { root.Use(table(v1, everything)) }, "/admin", 401, 403, 403},
		{"but a router's own table works where it is mounted", func(_, v1 *chi.Mux, table table) { v1.Use(table(v1, admins)) }, "/v1/admin", 401, 403, 200},
		{"and the root's at a route", func(root, _ *chi.Mux, table table) {
			root.With(table(root, chiauth.Policy{Rules: map[string]claims.Rule{"/with": kit.Admins()}})).Handle("/with", new(kit.Reached))
		}, "/with", 401, 403, 200},
		{"routes of another make are believed", func(root, _ *chi.Mux, table table) { root.Use(table(struct{ chi.Router }{root}, admins)) }, "/admin", 401, 403, 200},
		{"also inside a context of another make", func(root, _ *chi.Mux, table table) {
			root.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					chi.RouteContext(r.Context()).Routes = nil
					next.ServeHTTP(w, r)
				})
			}, table(root, admins))
		}, "/admin", 401, 403, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var n kit.Reached
			root, v1 := chi.NewRouter(), chi.NewRouter()
			row.wire(root, v1, func(routes chi.Routes, p chiauth.Policy) func(http.Handler) http.Handler {
				return enforce(t, kit.Guard(middleware.Config{}), routes, p)
			})
			root.Handle("/admin", &n)
			v1.Handle("/admin", &n)
			root.Mount("/v1", v1)
			assert.Equal(t, row.nobody, kit.Code(root, "GET", row.path, ""))
			assert.Equal(t, row.reader, kit.Code(root, "GET", row.path, kit.Reader))
			assert.Zero(t, n.Load())
			assert.Equal(t, row.byAdmin, kit.Code(root, "GET", row.path, kit.Admin))
		})
	}
}

func TestPolicyMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := chiauth.Enforce(kit.Guard(middleware.Config{}), chi.NewRouter(), chiauth.Policy{
		Rules:  map[string]claims.Rule{"GET /files/{path...}": kit.Reads(), "GET /{$}": kit.Reads(), "/good": kit.Reads()},
		Access: map[string]claims.AccessLevels{"/levels": {}},
	})
	for _, text := range []string{
		`chiauth: Policy: pattern "GET /files/{path...}": the rest of a path is * in Chi, which knows no {$}`,
		`chiauth: Policy: pattern "GET /{$}": the rest of a path is * in Chi, which knows no {$}`,
		`chiauth: Policy: pattern "/levels": claims: AccessLevels.Resources: `,
	} {
		assert.ErrorContains(t, err, text)
	}
	_, err = chiauth.Enforce(nil, nil, chiauth.Policy{Exempt: []string{"/"}})
	assert.EqualError(t, err, "chiauth: the router is nil\nchiauth: the Guard is nil")
}

func withoutPrefix(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/public/..")
		r.URL.RawPath = strings.TrimPrefix(r.URL.RawPath, "/public/%2e%2e")
		next.ServeHTTP(w, r)
	})
}

// With whatever rewrites paths in front of the table: the administrator's
// handler never runs for a reader, and only what is public runs for nobody.
func TestNoWayToWriteAPathPassesARule(t *testing.T) {
	t.Parallel()
	for name, rewriting := range map[string][]func(http.Handler) http.Handler{
		"nothing":               nil,
		"CleanPath":             {chimiddleware.CleanPath},
		"StripSlashes":          {chimiddleware.StripSlashes},
		"GetHead":               {chimiddleware.GetHead},
		"URLFormat":             {chimiddleware.URLFormat},
		"everything":            {chimiddleware.CleanPath, chimiddleware.StripSlashes, chimiddleware.URLFormat, chimiddleware.GetHead},
		"a prefix taken away":   {withoutPrefix},
		"RedirectSlashes":       {chimiddleware.RedirectSlashes},
		"everything, otherwise": {chimiddleware.GetHead, chimiddleware.URLFormat, chimiddleware.StripSlashes, chimiddleware.CleanPath},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for lenient, exempt := range map[string][]string{"closed": {"/public/*"}, "open": {"/public/*", "/*", "NoRoute"}} {
				var secret, public kit.Reached
				sub := chi.NewRouter()
				sub.Handle("/", &secret)
				sub.Handle("/users", &secret)
				r := chi.NewRouter()
				r.Use(rewriting...)
				r.Use(enforce(t, kit.Guard(middleware.Config{}), r, chiauth.Policy{
					Rules: map[string]claims.Rule{
						"/admin/users": kit.Admins(), "/admin": kit.Admins(), "/admin/": kit.Admins(),
						"/admin2/users": kit.Admins(), "/admin2": kit.Admins(), "/admin2/": kit.Admins(),
					},
					Exempt: exempt,
				}))
				r.Mount("/admin", sub)
				r.Handle("/admin2/users", &secret)
				r.Handle("/public/*", &public)
				if lenient == "open" {
					r.Handle("/*", &public)
					r.NotFound(public.ServeHTTP)
				}
				kit.TrySpellings(t, r, &secret, lenient, "GET", "HEAD", "CONNECT", "OPTIONS")
				doubled := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					req.URL.Path, req.URL.RawPath = strings.Replace(req.URL.Path, "admin", "admin2", 1), strings.Replace(req.URL.RawPath, "admin", "admin2", 1)
					r.ServeHTTP(w, req)
				})
				kit.TrySpellings(t, doubled, &secret, lenient+", admin2", "GET", "HEAD", "CONNECT", "OPTIONS")
				assert.NotZero(t, public.Load(), "what is public was never reached: the test tests nothing")
				for _, path := range []string{"/admin/users", "/admin2/users"} {
					assert.Equal(t, 200, kit.Code(r, "GET", path, kit.Admin), "the administrator gets there")
				}
			}
		})
	}
}
