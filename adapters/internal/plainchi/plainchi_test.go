package plainchi_test

import (
	"go/build"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// What docs/guide/chi.md says of a program without chiauth. The last row is the
// gap that its import closes: see TestTheMethodThatChiRoutesByIsJudged of chiauth.
func TestMethodsInChiWithoutChiauth(t *testing.T) {
	t.Parallel()
	inFront := func(next http.Handler) http.Handler { // of the router
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := r.URL.Query().Get("_method"); m != "" {
				r.Method = m
			}
			next.ServeHTTP(w, r)
		})
	}
	byContext := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := r.URL.Query().Get("_method"); m != "" {
				chi.RouteContext(r.Context()).RouteMethod = m
			}
			next.ServeHTTP(w, r)
		})
	}
	byHeader := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := r.Header.Get("X-HTTP-Method-Override"); m != "" {
				chi.RouteContext(r.Context()).RouteMethod = m
			}
			next.ServeHTTP(w, r)
		})
	}
	for _, row := range []struct {
		name           string
		front, use     func(http.Handler) http.Handler
		method, target string
		header         string
		status         int
	}{
		{name: "a method of its own", method: "GET", target: "/orders", status: 200},
		{name: "a level that is not granted", method: "DELETE", target: "/orders", status: 403},
		{name: "HEAD by the route of GET", use: chimiddleware.GetHead, method: "HEAD", target: "/orders", status: 200},
		{name: "overridden in front of the router", front: inFront, method: "GET", target: "/orders?_method=DELETE", status: 403},
		{name: "overridden by a usual header", use: byHeader, method: "GET", target: "/orders", header: "DELETE", status: 403},
		{name: "overridden in the router by r.Method", use: inFront, method: "GET", target: "/orders?_method=DELETE", status: 403},
		{name: "the gap: overridden by RouteMethod alone", use: byContext, method: "GET", target: "/orders?_method=DELETE", status: 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := kit.Guard(middleware.Config{})
			root := chi.NewRouter()
			if row.use != nil {
				root.Use(row.use)
			}
			level := g.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}, Audiences: []string{"api://orders"}})
			for _, method := range []string{"GET", "DELETE"} {
				root.With(level).MethodFunc(method, "/orders", func(http.ResponseWriter, *http.Request) {})
			}
			var api http.Handler = root
			if row.front != nil {
				api = row.front(root)
			}
			r := kit.Request(row.method, row.target, kit.Reader)
			if row.header != "" {
				r.Header.Set("X-HTTP-Method-Override", row.header)
			}
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			assert.Equal(t, row.status, w.Code)
		})
	}
}

// Otherwise the tests above would be about another program.
func TestThisProgramDoesNotImportChiauth(t *testing.T) {
	t.Parallel()
	here, err := build.ImportDir(".", 0)
	require.NoError(t, err)
	assert.NotContains(t, here.XTestImports, "github.com/sallyport-go/sallyport/adapters/chiauth")
	assert.Contains(t, here.XTestImports, "github.com/go-chi/chi/v5")
}
