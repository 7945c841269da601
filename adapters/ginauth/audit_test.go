package ginauth_test

import (
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// never fails the test if an audit runs a handler.
func never(t *testing.T) gin.HandlerFunc {
	t.Helper()
	return func(*gin.Context) { t.Error("the audit ran a handler") }
}

func TestAuditTellsWhatEveryRouteRequires(t *testing.T) {
	t.Parallel()
	g := kit.Guard(middleware.Config{})
	h, middle, door := never(t), never(t), ginauth.Require(g, kit.Reads())
	orders := kit.Orders()
	e := gin.New()
	e.GET("/too-early", h)
	e.Use(h, ginauth.Authenticate(g))
	e.GET("/healthz", h)
	e.GET("/whoami", h)
	e.GET("/any", ginauth.Require(g, claims.AnyToken()), h)
	e.GET("/orders", door, h)
	e.DELETE("/orders/:id", door, middle, ginauth.Require(g, kit.Admins()), h)
	e.PUT("/levels/*path", ginauth.RequireAccess(g, orders), h)
	e.GET("/wrong-order", h, ginauth.Require(g, kit.Reads()))
	e.GET("/hidden", func(c *gin.Context) { door(c) }, h)
	v1 := e.Group("/v1", ginauth.Require(g, kit.Admins()))
	v1.GET("/a", h)
	v1.Group("/deep").POST(`/b\:c`, h)

	report, err := ginauth.Audit(e, "GET /healthz", `POST /v1/deep/b\:c`)
	assert.Equal(t, strings.TrimLeft(`
GET     /any           -> any verified token
GET     /healthz       -> any verified token
GET     /hidden        -> FORGOTTEN: any verified token
PUT     /levels/*path  -> access level put of api://orders
GET     /orders        -> all scopes orders.read
DELETE  /orders/:id    -> all scopes orders.read, and any role Orders.Admin
GET     /too-early     -> FORGOTTEN: nothing
GET     /v1/a          -> any role Orders.Admin
POST    /v1/deep/b:c   -> any role Orders.Admin
GET     /whoami        -> FORGOTTEN: any verified token
GET     /wrong-order   -> FORGOTTEN: any verified token
`, "\n"), report.String())
	assert.EqualError(t, err, strings.Join([]string{
		"audit: no rule protects GET /hidden (it requires any verified token)",
		"audit: no rule protects GET /too-early (it requires nothing)",
		"audit: no rule protects GET /whoami (it requires any verified token)",
		"audit: no rule protects GET /wrong-order (it requires any verified token)",
	}, "\n"))
}

func TestAuditOfATable(t *testing.T) {
	t.Parallel()
	g := kit.Guard(middleware.Config{})
	h := never(t)
	e := gin.New()
	e.GET("/too-early", h)
	e.Use(enforce(t, g, ginauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders":      kit.Reads(),
			"/too-early":       kit.Reads(),
			"GET /order/:id":   kit.Reads(), // misspelt
			"GET /v1/b\\:c":    kit.Reads(),
			"DELETE /orders":   kit.Admins(), // is registered for GET and HEAD only
			"GET /closed":      {},
			"NoRoute":          kit.Reads(),
			"/orders/:id/x/*y": kit.Reads(),
		},
		Exempt: []string{"/healthz", "/gone"},
	}))
	e.GET("/orders", h)
	e.HEAD("/orders", h)
	e.GET("/orders/:id", h)
	e.GET("/orders/:id/x/*y", h)
	e.GET("/healthz", h)
	e.GET("/closed", h)
	e.GET(`/v1/b\:c`, h)
	e.NoRoute(h)

	report, err := ginauth.Audit(e)
	assert.Equal(t, strings.TrimLeft(`
GET   /closed           -> nobody
GET   /healthz          -> open to everybody
GET   /orders           -> all scopes orders.read
HEAD  /orders           -> all scopes orders.read
GET   /orders/:id       -> FORGOTTEN: nobody, for no entry of the policy names it
GET   /orders/:id/x/*y  -> all scopes orders.read
GET   /too-early        -> FORGOTTEN: nothing
GET   /v1/b:c           -> all scopes orders.read
*     NoRoute           -> all scopes orders.read
`, "\n"), report.String())
	assert.EqualError(t, err, strings.Join([]string{
		"audit: no rule protects GET /orders/:id (it requires nobody, for no entry of the policy names it)",
		"audit: no rule protects GET /too-early (it requires nothing)",
		`audit: the entry "/gone" of the policy names no route`,
		`audit: the entry "DELETE /orders" of the policy names no route`,
		`audit: the entry "GET /order/:id" of the policy names no route`,
	}, "\n"))

	assert.Equal(t, 401, kit.Code(e, "GET", "/v1/b:c", ""))
	after, _ := ginauth.Audit(e)
	assert.Equal(t, report, after, "Gin has served, and rewritten its tree")
}

func TestAuditOfRequestsWithoutARoute(t *testing.T) {
	t.Parallel()
	g := kit.Guard(middleware.Config{})
	h := never(t)
	policy := ginauth.Policy{Rules: map[string]claims.Rule{"/a": kit.Reads()}}
	for _, row := range []struct {
		name string
		wire func(*gin.Engine)
		want string
	}{
		{"Gin's own 404 and 405 are no routes", func(e *gin.Engine) { e.HandleMethodNotAllowed = true }, ""},
		{"handlers of their own are", func(e *gin.Engine) { e.HandleMethodNotAllowed = true; e.NoRoute(h); e.NoMethod(h) }, "* NoMethod -> FORGOTTEN: nothing\n* NoRoute -> FORGOTTEN: nothing\n"},
		{"NoMethod without HandleMethodNotAllowed is never run", func(e *gin.Engine) { e.NoMethod(h) }, ""},
		{"a table closes them without an entry", func(e *gin.Engine) { e.Use(enforce(t, g, policy)); e.NoRoute(h) }, "* NoRoute -> nobody, for it is no route\n"},
		{"a door in NoRoute protects", func(e *gin.Engine) { e.NoRoute(ginauth.Require(g, kit.Reads()), h) }, "* NoRoute -> all scopes orders.read\n"},
		{"a door that stands last protects Gin's own 404", func(e *gin.Engine) { e.NoRoute(ginauth.Require(g, kit.Reads())) }, "* NoRoute -> all scopes orders.read\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			e := gin.New()
			row.wire(e)
			report, _ := ginauth.Audit(e)
			text := ""
			for _, r := range report {
				text += r.Method + " " + r.Pattern + " -> " + r.Access + "\n"
			}
			assert.Equal(t, row.want, text)
		})
	}
}
