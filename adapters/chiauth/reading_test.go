package chiauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// byQuery lets callers choose the method that Chi routes by.
func byQuery(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m := r.URL.Query().Get("_method"); m != "" {
			chi.RouteContext(r.Context()).RouteMethod = m
		}
		next.ServeHTTP(w, r)
	})
}

// Whatever method Chi routes by, and whatever the request has: no handler runs
// by the rule of another.
func TestTheMethodThatChiRoutesByIsJudged(t *testing.T) {
	t.Parallel()
	type wire func(t *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler)
	levels := func(key string) chiauth.Policy {
		return chiauth.Policy{Access: map[string]claims.AccessLevels{key: kit.Orders()}}
	}
	onTable := func(p chiauth.Policy) wire {
		return func(t *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			t.Helper()
			root.Use(byQuery, enforce(t, g, root, p))
			root.Handle("/orders/{id}", h)
		}
	}
	for _, row := range []struct {
		name       string
		wire       wire
		method, as string
		status     int
	}{
		{"107 levels of a table by the pattern", onTable(levels("/orders/{id}")), "GET", "DELETE", 403},
		{"107 levels of a table by the method too", onTable(levels("DELETE /orders/{id}")), "GET", "DELETE", 403},
		{"107 levels of a table, the other way", onTable(levels("/orders/{id}")), "DELETE", "GET", 403},
		{"107 rules of a table by the method", onTable(chiauth.Policy{Rules: map[string]claims.Rule{"GET /orders/{id}": kit.Reads(), "/orders/{id}": kit.Admins()}}), "POST", "GET", 403},
		{"107 rules of a table, the other way", onTable(chiauth.Policy{Rules: map[string]claims.Rule{"GET /orders/{id}": kit.Reads(), "/orders/{id}": kit.Admins()}}), "GET", "POST", 403},
		{"107 an exemption of one method", onTable(chiauth.Policy{Rules: map[string]claims.Rule{"POST /orders/{id}": kit.Admins()}, Exempt: []string{"GET /orders/{id}"}}), "POST", "GET", 403},
		{"107 one rule for all methods is one rule", onTable(chiauth.Policy{Rules: map[string]claims.Rule{"/orders/{id}": kit.Reads()}}), "POST", "DELETE", 200},
		{"107 HEAD by the route of GET", onTable(levels("GET /orders/{id}")), "HEAD", "GET", 200},
		{"107 levels of a table, the method that it has", onTable(levels("/orders/{id}")), "GET", "GET", 200},
		{"107 a door at the route", func(_ *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			root.Use(byQuery)
			root.With(g.RequireAccess(kit.Orders())).Method("DELETE", "/orders/{id}", h)
		}, "GET", "DELETE", 403},
		{"107 a door of a group", func(_ *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			root.Use(byQuery)
			root.Group(func(r chi.Router) {
				r.Use(g.RequireAccess(kit.Orders()))
				r.Delete("/orders/{id}", h.ServeHTTP)
			})
		}, "GET", "DELETE", 403},
		{"107 a door of a mounted router", func(_ *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			root.Use(byQuery)
			root.Route("/orders", func(r chi.Router) {
				r.Use(g.RequireAccess(kit.Orders()))
				r.Put("/{id}", h.ServeHTTP)
			})
		}, "GET", "PUT", 403},
		{"107 a door in Use of the root", func(_ *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			root.Use(byQuery, g.RequireAccess(kit.Orders()))
			root.Delete("/orders/{id}", h.ServeHTTP)
		}, "GET", "DELETE", 403},
		{"107 a door at the route, and the method that it has", func(_ *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			root.Use(byQuery)
			root.With(g.RequireAccess(kit.Orders())).Method("GET", "/orders/{id}", h)
		}, "GET", "GET", 200},
		{"107 a door at the route, and HEAD by Chi's GetHead", func(_ *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			root.Use(chimiddleware.GetHead)
			root.With(g.RequireAccess(kit.Orders())).Method("GET", "/orders/{id}", h)
		}, "HEAD", "", 200},
		{"107 a table of net/http's patterns", func(t *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			t.Helper()
			byPath, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"GET /orders/{id}": kit.Reads(), "DELETE /orders/{id}": kit.Admins()}})
			require.NoError(t, err)
			root.Use(byQuery, byPath)
			root.Handle("/orders/{id}", h)
		}, "GET", "DELETE", 403},
		{"107 levels of a table of net/http's patterns", func(t *testing.T, g *middleware.Guard, root *chi.Mux, h http.Handler) {
			t.Helper()
			byPath, err := g.Enforce(middleware.Policy{Access: map[string]claims.AccessLevels{"/orders/{id}": kit.Orders()}})
			require.NoError(t, err)
			root.Use(byQuery, byPath)
			root.Handle("/orders/{id}", h)
		}, "GET", "DELETE", 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var n kit.Reached
			root := chi.NewRouter()
			row.wire(t, kit.Guard(middleware.Config{}), root, &n)
			assert.Equal(t, row.status, kit.Code(root, row.method, "/orders/1?_method="+row.as, kit.Reader))
			assert.Equal(t, row.status == 200, n.Load() == 1)
		})
	}
}

// A path that Chi goes by instead of the request's must lead to the same entry.
func TestThePathThatChiRoutesByIsJudged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, path string
		rewriting  func(http.Handler) http.Handler
		below      bool // the table is in a mounted router
		status     int
	}{
		{"107 a path as it is", "/v1/orders", nil, false, 200},
		{"107 a slash that is stripped", "/v1/admin/", chimiddleware.StripSlashes, false, 403},
		{"107 a format that is cut", "/v1/admin.json", chimiddleware.URLFormat, false, 403},
		{"107 a slash that leads to the same entry", "/v1/orders/", chimiddleware.StripSlashes, false, 200},
		{"107 a slash that is stripped above", "/v1/admin/", chimiddleware.StripSlashes, true, 403},
		{"107 a path as it is, below", "/v1/orders", nil, true, 200},
		{"107 an escaped path, below", "/v1/a%2Fb", nil, true, 200},
		{"107 the root of a mounted router", "/v1/", nil, true, 200},
		{"107 and without its slash", "/v1", nil, true, 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var n kit.Reached
			byPath, err := kit.Guard(middleware.Config{}).Enforce(middleware.Policy{Rules: map[string]claims.Rule{
				"/": kit.Reads(), "/v1/admin": kit.Admins(),
			}})
			require.NoError(t, err)
			root := chi.NewRouter()
			if row.rewriting != nil {
				root.Use(row.rewriting)
			}
			if !row.below {
				root.Use(byPath)
			}
			root.Route("/v1", func(r chi.Router) {
				if row.below {
					r.Use(byPath)
				}
				r.Handle("/*", &n)
				r.Handle("/admin", &n)
			})
			assert.Equal(t, row.status, kit.Code(root, "GET", row.path, kit.Reader))
			assert.Equal(t, row.status == 200, n.Load() == 1)
			if strings.Contains(row.path, "orders") {
				assert.Equal(t, 401, kit.Code(root, "GET", row.path, ""))
			}
		})
	}
}
