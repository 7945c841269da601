package adapters_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // it is global
	goleak.VerifyTestMain(m)
}

// The rules of the API that every framework serves.
func mayRead() claims.Rule  { return claims.AllScopes("orders.read") }
func mayWrite() claims.Rule { return claims.AllScopes("orders.read", "orders.write") }
func mayAdmin() claims.Rule { return claims.AnyRole("Orders.Admin", "Orders.Owner") }

func levels() claims.AccessLevels { return claims.AccessLevels{Resources: []string{audience}} }

// answer is the API: one handler behind all doors, the same in every framework.
var answer = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	subject := "nobody"
	if c, ok := claims.FromContext(r.Context()); ok {
		subject = c.Subject()
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Handler", "reached")
	_, _ = io.WriteString(w, "hello "+subject+"\n")
})

// framework serves the API by a door at each route, or by one table for all.
type framework struct {
	name   string
	routes func(*sallyport.Gate) http.Handler
	table  func(*testing.T, *sallyport.Gate) http.Handler
}

// The first one is what the others must equal.
var frameworks = []framework{
	{"net/http", netHTTPRoutes, netHTTPTable},
	{"Chi", chiRoutes, chiTable},
	{"Gin", ginRoutes, ginTable},
}

func netHTTPRoutes(gate *sallyport.Gate) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(mayRead())(answer))
	mux.Handle("POST /orders", gate.Require(mayWrite())(answer))
	mux.Handle("DELETE /orders/{id}", gate.Require(mayAdmin())(answer))
	mux.Handle("GET /apps", gate.Require(claims.AppOnly())(answer))
	mux.Handle("/levels", gate.RequireAccess(levels())(answer))
	mux.Handle("/whoami", gate.Authenticate(answer))
	mux.Handle("/home", gate.Optional(answer))
	mux.Handle("/twice", gate.Authenticate(gate.Require(mayRead())(answer)))
	return mux
}

func netHTTPTable(t *testing.T, gate *sallyport.Gate) http.Handler {
	t.Helper()
	enforce, err := gate.Enforce(middleware.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders": mayRead(), "POST /orders": mayWrite(), "DELETE /orders/{id}": mayAdmin(), "GET /apps": claims.AppOnly(),
			"/whoami": claims.AnyToken(), "/twice": mayRead(),
		},
		Access: map[string]claims.AccessLevels{"/levels": levels()},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	for _, pattern := range []string{"/orders", "/orders/{id}", "/apps", "/levels", "/whoami", "/forgotten"} {
		mux.Handle(pattern, answer)
	}
	mux.Handle("/twice", gate.Require(mayRead())(answer))
	mux.Handle("/home", gate.Optional(answer)) // exempt in the Guard's own configuration
	return enforce(mux)
}

func chiRoutes(gate *sallyport.Gate) http.Handler {
	r := chi.NewRouter()
	r.With(gate.Require(mayRead())).Method(http.MethodGet, "/orders", answer)
	r.With(gate.Require(mayRead())).Method(http.MethodHead, "/orders", answer)
	r.Group(func(r chi.Router) {
		r.Use(gate.Require(mayWrite()))
		r.Method(http.MethodPost, "/orders", answer)
	})
	r.Route("/orders/{id}", func(r chi.Router) {
		r.Use(gate.Require(mayAdmin()))
		r.Method(http.MethodDelete, "/", answer)
	})
	r.With(gate.Require(claims.AppOnly())).Method(http.MethodGet, "/apps", answer)
	r.With(gate.RequireAccess(levels())).Handle("/levels", answer)
	r.With(gate.Authenticate).Handle("/whoami", answer)
	r.With(gate.Optional).Handle("/home", answer)
	r.With(gate.Authenticate, gate.Require(mayRead())).Handle("/twice", answer)
	return r
}

func chiTable(t *testing.T, gate *sallyport.Gate) http.Handler {
	t.Helper()
	r := chi.NewRouter()
	enforce, err := chiauth.Enforce(gate, r, chiauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders": mayRead(), "POST /orders": mayWrite(), "DELETE /orders/{id}": mayAdmin(), "GET /apps": claims.AppOnly(),
			"/whoami": claims.AnyToken(), "/twice": mayRead(),
		},
		Access: map[string]claims.AccessLevels{"/levels": levels()},
		Exempt: []string{"/home"},
	})
	require.NoError(t, err)
	r.Use(enforce)
	for _, pattern := range []string{"/orders", "/orders/{id}", "/apps", "/levels", "/whoami", "/forgotten"} {
		r.Handle(pattern, answer)
	}
	r.With(gate.Require(mayRead())).Handle("/twice", answer)
	r.With(gate.Optional).Handle("/home", answer)
	return r
}

func ginRoutes(gate *sallyport.Gate) http.Handler {
	h := gin.WrapH(answer)
	e := gin.New()
	e.GET("/orders", ginauth.Require(gate, mayRead()), h)
	e.HEAD("/orders", ginauth.Require(gate, mayRead()), h)
	e.Group("/", ginauth.Require(gate, mayWrite())).POST("/orders", h)
	e.Group("/orders", ginauth.Require(gate, mayAdmin())).DELETE("/:id", h)
	e.GET("/apps", ginauth.Require(gate, claims.AppOnly()), h)
	e.Any("/levels", ginauth.RequireAccess(gate, levels()), h)
	e.Any("/whoami", ginauth.Authenticate(gate), h)
	e.Any("/home", ginauth.Optional(gate), h)
	e.Any("/twice", ginauth.Authenticate(gate), ginauth.Require(gate, mayRead()), h)
	return e
}

func ginTable(t *testing.T, gate *sallyport.Gate) http.Handler {
	t.Helper()
	enforce, err := ginauth.Enforce(gate, ginauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders": mayRead(), "POST /orders": mayWrite(), "DELETE /orders/:id": mayAdmin(), "GET /apps": claims.AppOnly(),
			"/whoami": claims.AnyToken(), "/twice": mayRead(),
		},
		Access: map[string]claims.AccessLevels{"/levels": levels()},
		Exempt: []string{"/home"},
	})
	require.NoError(t, err)
	h := gin.WrapH(answer)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.Use(enforce)
	for _, pattern := range []string{"/orders", "/orders/:id", "/apps", "/levels", "/whoami", "/forgotten"} {
		e.Any(pattern, h)
	}
	e.Any("/twice", ginauth.Require(gate, mayRead()), h)
	e.Any("/home", ginauth.Optional(gate), h)
	return e
}
