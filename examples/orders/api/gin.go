package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
)

// ginRouter serves the routes with Gin, led to the Guard by its adapter.
func ginRouter(a *API) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	byLevel := r.Group("/", ginauth.RequireAccess(a.gate, a.levels)) // get, post, put or delete, as the method asks
	byLevel.GET("/orders", wrapped(a.list))
	byLevel.HEAD("/orders", wrapped(a.list))
	byLevel.POST("/orders", wrapped(a.create))
	byLevel.PUT("/orders/:id", wrapped(a.put))
	byLevel.DELETE("/orders/:id", wrapped(a.remove))
	r.GET("/whoami", ginauth.Authenticate(a.gate), wrapped(a.whoami))
	r.GET("/keys", wrapped(a.keys))
	r.GET("/healthz", wrapped(a.healthz))
	return r
}

// wrapped serves a handler of net/http, which reads the id by PathValue.
func wrapped(h http.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Request.SetPathValue("id", c.Param("id"))
		h(c.Writer, c.Request)
		c.Writer.WriteHeaderNow() // Gin leaves a bare status for later
	}
}
