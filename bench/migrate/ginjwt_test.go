package migrate_test

import (
	"net/http"

	jwt "github.com/appleboy/gin-jwt/v2"
	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
)

// behindGinJWT signs tokens itself, and checks them with the same secret.
func behindGinJWT(secret []byte, login func(c *gin.Context) (any, error), list gin.HandlerFunc) (http.Handler, error) {
	auth, err := jwt.New(&jwt.GinJWTMiddleware{
		Realm:         "orders",
		Key:           secret,
		Authenticator: login,
		PayloadFunc:   func(user any) jwt.MapClaims { return jwt.MapClaims{"identity": user} },
		Authorizator:  func(user any, _ *gin.Context) bool { return user == "reader" },
	})
	if err != nil {
		return nil, err
	}
	r := gin.New()
	r.POST("/login", auth.LoginHandler)
	r.GET("/orders", auth.MiddlewareFunc(), list)
	return r, nil
}

// behindGinGate is the same with tokens of an authorization server.
func behindGinGate(gate *sallyport.Gate, list gin.HandlerFunc) http.Handler {
	r := gin.New()
	r.GET("/orders", ginauth.Require(gate, claims.AllScopes("orders.read")), list)
	return r
}
