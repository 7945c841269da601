// Command gin protects the routes of a Gin router.
//
//	ISSUER=https://issuer.example/ AUDIENCE=api://orders gin
package main

import (
	"flag"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8082", "where the API listens, as `host:port`")
	flag.Parse()
	gate, err := sallyport.New(os.Getenv("ISSUER"), os.Getenv("AUDIENCE"))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: *addr, Handler: routes(gate), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func routes(gate *sallyport.Gate) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.GET("/healthz", func(c *gin.Context) { c.Status(http.StatusOK) })
	orders := r.Group("/orders", ginauth.Authenticate(gate)) // before the routes: Gin copies the chain when a route is made
	orders.GET("", ginauth.Require(gate, claims.AllScopes("orders.read")), list)
	orders.DELETE("/:id", ginauth.Require(gate, claims.AnyRole("Orders.Admin")), list)
	return r
}

func list(c *gin.Context) {
	caller, _ := ginauth.Claims(c)
	c.JSON(http.StatusOK, gin.H{"client": caller.ClientID()})
}
