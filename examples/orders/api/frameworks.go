package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
)

// Each framework mounts the routes on a router of its own and places the Guard.
// Handlers read the id by http.Request.PathValue, which a framework has to set.
var frameworks = map[string]func(*handlers) http.Handler{
	"chi":     chiRouter,
	"gin":     ginRouter,
	"nethttp": netHTTP,
}

// Frameworks names the routers.
func Frameworks() []string { return slices.Sorted(maps.Keys(frameworks)) }

// CheckFramework returns an error that lists the frameworks if there is none of
// that name.
func CheckFramework(name string) error {
	if _, ok := frameworks[name]; !ok {
		return fmt.Errorf("framework %q is not there: use one of %s", name, strings.Join(Frameworks(), ", "))
	}
	return nil
}

// netHTTP serves the routes with the standard library's router.
func netHTTP(h *handlers) http.Handler {
	byLevel := h.gate.RequireAccess(h.levels) // get, post, put or delete, as the method asks

	mux := http.NewServeMux()
	mux.Handle("GET /orders", byLevel(http.HandlerFunc(h.list)))
	mux.Handle("POST /orders", h.gate.Require(h.creating)(http.HandlerFunc(h.create)))
	mux.Handle("PUT /orders/{id}", byLevel(http.HandlerFunc(h.put)))
	mux.Handle("DELETE /orders/{id}", byLevel(http.HandlerFunc(h.remove)))
	mux.Handle("GET /whoami", h.gate.Authenticate(http.HandlerFunc(h.whoami)))
	mux.Handle("GET /keys", h.gate.StatusHandler()) // open in this example only
	mux.HandleFunc("GET /healthz", h.healthz)
	return mux
}

// chiRouter serves the routes with Chi, whose middleware is net/http's: the
// Guard fits as it is.
func chiRouter(h *handlers) http.Handler {
	r := chi.NewRouter()
	r.Group(func(r chi.Router) {
		r.Use(h.gate.RequireAccess(h.levels))
		r.Get("/orders", h.list)
		r.Head("/orders", h.list)
		r.Put("/orders/{id}", h.put)
		r.Delete("/orders/{id}", h.remove)
	})
	r.With(h.gate.Require(h.creating)).Post("/orders", h.create)
	r.With(h.gate.Authenticate).Get("/whoami", h.whoami)
	r.Method(http.MethodGet, "/keys", h.gate.StatusHandler())
	r.Get("/healthz", h.healthz)
	return r
}

// ginRouter serves the routes with Gin, led to the Guard by its adapter.
func ginRouter(h *handlers) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	byLevel := r.Group("/", ginauth.RequireAccess(h.gate, h.levels))
	byLevel.GET("/orders", wrapped(h.list))
	byLevel.HEAD("/orders", wrapped(h.list))
	byLevel.PUT("/orders/:id", wrapped(h.put))
	byLevel.DELETE("/orders/:id", wrapped(h.remove))
	r.POST("/orders", ginauth.Require(h.gate, h.creating), wrapped(h.create))
	r.GET("/whoami", ginauth.Authenticate(h.gate), wrapped(h.whoami))
	r.GET("/keys", gin.WrapH(h.gate.StatusHandler()))
	r.GET("/healthz", wrapped(h.healthz))
	return r
}

// wrapped serves a handler of net/http, which reads the id by PathValue.
func wrapped(next http.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.SetPathValue("id", c.Param("id"))
		next(c.Writer, c.Request)
		c.Writer.WriteHeaderNow() // Gin leaves a bare status for later
	}
}
