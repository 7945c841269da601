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

// The guard groups are what a request costs beyond the bare handler: in
// net/http, Chi and Gin, without a network.

var (
	mayRead   = claims.AnyRole(fixture.Role)
	mayDelete = claims.AnyRole("Orders.Delete.All")
)

func guardHTTP() Group {
	return guarded("net/http", func(g *middleware.Guard) (bare, read, remove http.Handler) {
		route := func(h http.Handler) http.Handler {
			mux := http.NewServeMux()
			mux.Handle("GET /orders/{id}", h)
			return mux
		}
		return route(http.HandlerFunc(answer)), route(g.Require(mayRead)(http.HandlerFunc(answer))), route(g.Require(mayDelete)(http.HandlerFunc(answer)))
	})
}

func guardChi() Group {
	return guarded("chi", func(g *middleware.Guard) (bare, read, remove http.Handler) {
		route := func(with ...func(http.Handler) http.Handler) http.Handler {
			r := chi.NewRouter()
			r.With(with...).Get("/orders/{id}", answer)
			return r
		}
		return route(), route(g.Require(mayRead)), route(g.Require(mayDelete))
	})
}

func guardGin() Group {
	return guarded("gin", func(g *middleware.Guard) (bare, read, remove http.Handler) {
		gin.SetMode(gin.ReleaseMode)
		route := func(with ...gin.HandlerFunc) http.Handler {
			r := gin.New()
			r.GET("/orders/:id", append(with, func(c *gin.Context) { answer(c.Writer, c.Request) })...)
			return r
		}
		return route(), route(ginauth.Require(g, mayRead)), route(ginauth.Require(g, mayDelete))
	})
}

func guarded(router string, routes func(*middleware.Guard) (bare, read, remove http.Handler)) Group {
	return Group{Name: "Guard", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		g := must(middleware.New(middleware.Config{Verifier: must(contest.NewVerifier(f, 0))}))
		bare, read, remove := routes(g)
		name := func(kind string) string { return "router=" + router + "/request=" + kind }
		return []Case{
			{Name: name("bare"), Run: serves(bare, f.Good, http.StatusOK)},
			{Name: name("seen"), Run: serves(read, f.Good, http.StatusOK)},
			{Name: name("no-token"), Run: serves(read, "", http.StatusUnauthorized)},
			{Name: name("bad-token"), Run: serves(read, f.UnknownKey(), http.StatusUnauthorized)},
			{Name: name("forbidden"), Run: serves(remove, f.Good, http.StatusForbidden)},
		}, f.Close
	}}
}

// answer is a handler that does next to nothing.
func answer(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

// serves hands one request to h again and again, with a writer that keeps
// nothing but the status.
func serves(h http.Handler, token string, want int) func(int) {
	r := must(http.NewRequest(http.MethodGet, "http://api.example/orders/7", nil)) //nolint:noctx // never sent
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

type discard struct {
	header http.Header
	status int
}

// Header is kept.
func (d *discard) Header() http.Header { return d.header }

// Write keeps nothing.
func (d *discard) Write(p []byte) (int, error) {
	if d.status == 0 {
		d.status = http.StatusOK
	}
	return len(p), nil
}

// WriteString is like Write.
func (d *discard) WriteString(s string) (int, error) {
	if d.status == 0 {
		d.status = http.StatusOK
	}
	return len(s), nil
}

// WriteHeader keeps the status.
func (d *discard) WriteHeader(status int) { d.status = status }
