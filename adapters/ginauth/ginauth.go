package ginauth

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/sallyport-go/sallyport/claims"
)

// Guard is what protects: a *middleware.Guard or a *sallyport.Gate. Handlers of
// another implementation must call next with the ResponseWriter that they got,
// before they return, and at most once.
type Guard interface {
	Authenticate(next http.Handler) http.Handler
	Optional(next http.Handler) http.Handler
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	RequireAccess(levels claims.AccessLevels) func(next http.Handler) http.Handler
}

// Authenticate lets requests with a good token through, whatever it allows, and
// aborts all others. Exempt paths of the Guard pass untouched.
//
// A good token is no permission: guard what a handler does with [Require].
func Authenticate(guard Guard) gin.HandlerFunc {
	return through(mustBe(guard).Authenticate(passed))
}

// Optional lets requests without credentials through, without claims. Those
// that bring some are held to them.
func Optional(guard Guard) gin.HandlerFunc {
	return through(mustBe(guard).Optional(passed))
}

// Require lets requests through whose token is good and passes the rule. It
// authenticates by itself, unless the same Guard has done so already on the way.
//
// It panics if the rule is faulty, as Gin does for a faulty pattern; see
// [claims.Rule.Err].
func Require(guard Guard, rule claims.Rule) gin.HandlerFunc {
	return through(mustBe(guard).Require(rule)(passed))
}

// RequireAccess is Require with the access level that the method wants: get,
// post, put or delete. Methods without a level are refused with 403.
//
// It panics if the levels are faulty.
func RequireAccess(guard Guard, levels claims.AccessLevels) gin.HandlerFunc {
	return through(mustBe(guard).RequireAccess(levels)(passed))
}

// Claims are the verified claims of the request; false if nobody has
// authenticated it. In tests of handlers set c.Request to one that carries
// [claims.NewContext].
func Claims(c *gin.Context) (*claims.Claims, bool) {
	if c.Request == nil {
		return nil, false
	}
	return claims.FromContext(c.Request.Context())
}
