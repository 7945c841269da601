package adapters_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/middleware"
)

// Preflights pass beside every table, also to an exempt route, a route without
// an entry and none at all, and no handler of the API is reached by them.
func TestPreflightsPassBesideEveryTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.serve(t, "plain", middleware.Config{Preflight: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			next.ServeHTTP(w, r)
		})
	}}, f.issuer)
	for _, fw := range frameworks {
		h := f.handlers[site{"plain", "table", fw.name}]
		for _, path := range []string{"/orders", "/orders/7", "/home", "/forgotten", "/nowhere"} {
			r := kit.Request(http.MethodOptions, path, "")
			r.Header.Set("Origin", "https://app.example")
			r.Header.Set("Access-Control-Request-Method", "DELETE")
			w := kit.Serve(h, r)
			assert.Equal(t, http.StatusNoContent, w.Code, "%s %s", fw.name, path)
			assert.Equal(t, "https://app.example", w.Header().Get("Access-Control-Allow-Origin"), "%s %s", fw.name, path)
			assert.Empty(t, w.Header().Get("Allow"), "%s %s", fw.name, path)
			assert.Empty(t, w.Header().Get("X-Handler"), "%s %s", fw.name, path)
		}
		r := kit.Request(http.MethodOptions, "/orders", "")
		r.Header.Set("Origin", "https://app.example")
		assert.Equal(t, http.StatusUnauthorized, kit.Serve(h, r).Code, "%s: OPTIONS that is no preflight", fw.name)
		assert.Equal(t, 200, kit.Code(h, http.MethodGet, "/home", ""), "%s: an exempt route is open", fw.name)
	}
}
