package adapters_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// Preflights pass beside every table, also to an exempt route, a route without
// an entry and none at all, and no handler of the API is reached by them.
func TestPreflightsPassBesideEveryTable(t *testing.T) {
	t.Parallel()
	cors := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			next.ServeHTTP(w, r)
		})
	}
	g := kit.Guard(middleware.Config{Preflight: cors, Exempt: []string{"/open"}})
	rules := map[string]claims.Rule{"/orders": kit.Reads(), "DELETE /orders": kit.Admins()}
	var n kit.Reached
	paths := []string{"/orders", "/open", "/forgotten"}
	for name, serve := range map[string]func() (http.Handler, error){
		"net/http": func() (http.Handler, error) {
			mux := http.NewServeMux()
			for _, path := range paths {
				mux.Handle(path, &n)
			}
			enforce, err := g.Enforce(middleware.Policy{Rules: rules})
			if err != nil {
				return nil, err
			}
			return enforce(mux), nil
		},
		"Chi": func() (http.Handler, error) {
			r := chi.NewRouter()
			enforce, err := chiauth.Enforce(g, r, chiauth.Policy{Rules: rules, Exempt: []string{"/open"}})
			if err != nil {
				return nil, err
			}
			r.Use(enforce)
			for _, path := range paths {
				r.Handle(path, &n)
			}
			return r, nil
		},
		"Gin": func() (http.Handler, error) {
			enforce, err := ginauth.Enforce(g, ginauth.Policy{Rules: rules, Exempt: []string{"/open"}})
			if err != nil {
				return nil, err
			}
			e := gin.New()
			e.HandleMethodNotAllowed = true
			e.Use(enforce)
			for _, path := range paths {
				e.GET(path, gin.WrapH(&n)) // a preflight has no route
			}
			return e, nil
		},
	} {
		h, err := serve()
		require.NoError(t, err)
		for _, path := range append(paths, "/nowhere") {
			r := kit.Request(http.MethodOptions, path, "")
			r.Header.Set("Origin", "https://app.example")
			r.Header.Set("Access-Control-Request-Method", "DELETE")
			w := kit.Serve(h, r)
			assert.Equal(t, http.StatusNoContent, w.Code, "%s %s", name, path)
			assert.Equal(t, "https://app.example", w.Header().Get("Access-Control-Allow-Origin"), "%s %s", name, path)
			assert.Empty(t, w.Header().Get("Allow"), "%s %s", name, path)
			assert.Zero(t, n.Load(), "%s %s", name, path)
		}
		r := httptest.NewRequest(http.MethodOptions, "/orders", nil)
		r.Header.Set("Origin", "https://app.example")
		assert.Equal(t, http.StatusUnauthorized, kit.Serve(h, r).Code, "%s: OPTIONS that is no preflight", name)
		assert.Equal(t, 200, kit.Code(h, http.MethodGet, "/open", ""), "%s: an exempt route is open", name)
		n.Store(0)
	}
}
