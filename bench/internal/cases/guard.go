package cases

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// The guard groups are what a request costs beyond the bare handler, without a
// network. They route behind g with the rule, or without a Guard if there is none.

func guardHTTP() Group {
	return guarded("net/http", func(g *middleware.Guard, rules ...claims.Rule) http.Handler {
		mux := http.NewServeMux()
		mux.Handle("GET /orders/{id}", behind(g, rules)(http.HandlerFunc(answer)))
		return mux
	})
}

func guardChi() Group {
	return guarded("chi", func(g *middleware.Guard, rules ...claims.Rule) http.Handler {
		r := chi.NewRouter()
		r.With(behind(g, rules)).Get("/orders/{id}", answer)
		return r
	})
}

func guardGin() Group {
	return guarded("gin", func(g *middleware.Guard, rules ...claims.Rule) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		r := gin.New()
		if len(rules) > 0 {
			r.Use(ginauth.Require(g, rules[0]))
		}
		r.GET("/orders/:id", func(c *gin.Context) { answer(c.Writer, c.Request) })
		return r
	})
}

func behind(g *middleware.Guard, rules []claims.Rule) func(http.Handler) http.Handler {
	if len(rules) == 0 {
		return func(h http.Handler) http.Handler { return h }
	}
	return g.Require(rules[0])
}

func guarded(router string, route func(*middleware.Guard, ...claims.Rule) http.Handler) Group {
	return Group{Name: "Guard", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		g := fixture.Must(middleware.New(middleware.Config{Verifier: contest.NewVerifier(f, 0)}))
		read := route(g, claims.AnyRole(fixture.Role))
		name := func(kind string) string { return "router=" + router + "/request=" + kind }
		return []Case{
			{Name: name("bare"), Run: serves(route(g), f.Good, http.StatusOK)},
			{Name: name("seen"), Run: serves(read, f.Good, http.StatusOK)},
			{Name: name("no-token"), Run: serves(read, "", http.StatusUnauthorized)},
			{Name: name("bad-token"), Run: serves(read, f.UnknownKey(), http.StatusUnauthorized)},
			{Name: name("forbidden"), Run: serves(route(g, claims.AnyRole("Orders.Delete.All")), f.Good, http.StatusForbidden)},
		}, f.Close
	}}
}

// answer is the handler behind every route.
func answer(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// serves passes one request to h again and again.
func serves(h http.Handler, token string, want int) func(int) {
	r := fixture.Must(http.NewRequest(http.MethodGet, "http://api.example/orders/7", nil)) //nolint:noctx // never sent
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := &discard{header: make(http.Header)}
	return func(n int) {
		for range n {
			clear(w.header)
			w.status = 0
			h.ServeHTTP(w, r)
			if w.status != want {
				panic(fmt.Sprintf("answered %d, not %d", w.status, want))
			}
		}
	}
}

// discard keeps the status alone.
type discard struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter, as the others do.
func (d *discard) Header() http.Header { return d.header }

// WriteHeader keeps the status.
func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// WriteString is for io.WriteString.
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }
