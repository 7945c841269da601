package ginauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

var (
	_ ginauth.Guard = (*middleware.Guard)(nil)
	_ ginauth.Guard = (*sallyport.Gate)(nil)
)

// Shadow mode lets through also where Gin knows no route.
func TestShadowModeWithoutARoute(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.Use(enforce(t, kit.Guard(middleware.Config{Shadow: true}), ginauth.Policy{Rules: map[string]claims.Rule{"GET /admin": kit.Admins()}}))
	assert.Equal(t, 404, kit.Code(e, "GET", "/nowhere", ""))
}

func TestClaims(t *testing.T) {
	t.Parallel()
	g := kit.Guard(middleware.Config{})
	cl, err := claims.Parse([]byte(`{"sub":"me","scope":"orders.read"}`), claims.DefaultMapping())
	require.NoError(t, err)

	for name, fallback := range map[string]bool{"are in the request's context": false, "are in Gin's with the fallback": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := gin.New()
			e.ContextWithFallback = fallback
			e.Use(func(c *gin.Context) { // what stands in front of the door sees them afterwards
				c.Next()
				_, after := ginauth.Claims(c)
				assert.True(t, after)
			})
			e.GET("/", ginauth.Require(g, kit.Reads()), func(c *gin.Context) {
				fromGin, ok := ginauth.Claims(c)
				require.True(t, ok)
				fromRequest, _ := claims.FromContext(c.Request.Context())
				assert.Same(t, fromGin, fromRequest)
				_, ok = claims.FromContext(c)
				assert.Equal(t, fallback, ok)
				fromCopy, _ := ginauth.Claims(c.Copy())
				assert.Same(t, fromGin, fromCopy)
			})
			assert.Equal(t, 200, kit.Code(e, "GET", "/", kit.Reader))
			r := kit.Request("GET", "/", "")
			assert.Equal(t, 401, kit.Serve(e, r.WithContext(claims.NewContext(r.Context(), cl))).Code, "those of NewContext open no door")
		})
	}
	t.Run("can be given to a handler under test", func(t *testing.T) {
		t.Parallel()
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		_, ok := ginauth.Claims(c)
		assert.False(t, ok, "there is no request")
		c.Request = kit.Request("GET", "/", "")
		_, ok = ginauth.Claims(c)
		assert.False(t, ok)
		c.Request = c.Request.WithContext(claims.NewContext(t.Context(), cl))
		given, _ := ginauth.Claims(c)
		assert.Same(t, cl, given)
	})
}

// Behind a door the ResponseWriter is Gin's own, or one around it that sends
// Cache-Control: a protocol can be switched.
func TestTheResponseWriterBehindADoor(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]middleware.Config{"private": {}, "left alone": {NoCacheControl: true}} {
		e := gin.New()
		var before, behind gin.ResponseWriter
		g := kit.Guard(cfg)
		e.GET("/", func(c *gin.Context) { before = c.Writer }, ginauth.Authenticate(g), func(c *gin.Context) { behind = c.Writer },
			ginauth.Require(g, kit.Reads()), func(c *gin.Context) {
				assert.Same(t, behind, c.Writer, "%s: a second door changes nothing", name)
				c.Writer.Flush()
			})
		assert.True(t, kit.Serve(e, kit.Request("GET", "/", kit.Reader)).Flushed)
		if wrapped, ok := behind.(interface{ Unwrap() http.ResponseWriter }); ok && name == "private" {
			behind, _ = wrapped.Unwrap().(gin.ResponseWriter)
		}
		assert.Same(t, before, behind, name)
	}
}

// Wherever a door stands, nothing behind it runs for those whom it refuses.
func TestNothingBehindADenialRuns(t *testing.T) {
	t.Parallel()
	g := kit.Guard(middleware.Config{})
	type handler = gin.HandlerFunc
	for _, row := range []struct {
		name  string
		wire  func(e *gin.Engine, door, h handler)
		path  string
		after int // status if it is let through
	}{
		{"in Use", func(e *gin.Engine, door, h handler) { e.Use(door); e.GET("/orders", h) }, "/orders", 200},
		{"in Use with more middleware behind it", func(e *gin.Engine, door, h handler) {
			e.Use(door, h, func(c *gin.Context) { h(c); c.Next(); h(c) })
			e.GET("/orders", h)
		}, "/orders", 200},
		{"in Use of a group", func(e *gin.Engine, door, h handler) { v1 := e.Group("/v1"); v1.Use(door); v1.GET("/orders", h) }, "/v1/orders", 200},
		{"given to a group", func(e *gin.Engine, door, h handler) { e.Group("/v1", door).Group("/deep", h).GET("/orders", h) }, "/v1/deep/orders", 200},
		{"at a route, with another door behind it", func(e *gin.Engine, door, h handler) { e.GET("/orders", []handler{door, door, h}...) }, "/orders", 200},
		{"in Use in front of NoRoute", func(e *gin.Engine, door, h handler) { e.Use(door); e.NoRoute(h) }, "/nowhere", 200},
		{"in NoRoute", func(e *gin.Engine, door, h handler) { e.NoRoute(door, h) }, "/nowhere", 200},
		{"in Use in front of Gin's own 404", func(e *gin.Engine, door, _ handler) { e.Use(door) }, "/nowhere", 404},
		{"in Use in front of NoMethod", func(e *gin.Engine, door, h handler) { e.Use(door); e.NoMethod(h); e.POST("/orders", h) }, "/orders", 200},
		{"in NoMethod", func(e *gin.Engine, door, h handler) { e.NoMethod(door, h); e.POST("/orders", h) }, "/orders", 200},
		{"in Use in front of Gin's own 405", func(e *gin.Engine, door, h handler) { e.Use(door); e.POST("/orders", h) }, "/orders", 405},
		{"in front of static files", func(e *gin.Engine, door, h handler) { e.NoRoute(h); e.Group("/", door).Static("/files", ".") }, "/files/none", 200},
		{"behind middleware that calls Next twice", func(e *gin.Engine, door, h handler) {
			e.Use(func(c *gin.Context) { c.Next(); c.Next() }, door)
			e.GET("/orders", h)
		}, "/orders", 200},
		{"behind middleware that enters another route", func(e *gin.Engine, door, h handler) {
			e.GET("/entry", func(c *gin.Context) { c.Request.URL.Path = "/orders"; e.HandleContext(c) })
			e.GET("/orders", door, h)
		}, "/entry", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for name, door := range map[string]gin.HandlerFunc{
				"Authenticate":  ginauth.Authenticate(g),
				"Optional":      ginauth.Optional(g),
				"Require":       ginauth.Require(g, kit.Reads()),
				"RequireAccess": ginauth.RequireAccess(g, kit.Orders()),
			} {
				var n reached
				e := gin.New()
				e.HandleMethodNotAllowed = true
				row.wire(e, door, n.handler)

				refused := kit.Serve(e, kit.Request("GET", row.path, "forged"))
				assert.Equal(t, 401, refused.Code, name)
				assert.Equal(t, `Bearer realm="api", error="invalid_token"`, refused.Header().Get("WWW-Authenticate"), name)
				assert.Equal(t, "Unauthorized: the access token is not valid here\n", refused.Body.String(), name)
				assert.Empty(t, refused.Header().Get("Allow"), name)
				assert.Zero(t, n.Load(), "%s: a handler ran behind a denial", name)

				assert.Equal(t, row.after, kit.Code(e, "GET", row.path, kit.Reader), name)
				if row.after == 200 {
					assert.NotZero(t, n.Load(), "%s: the handler runs for those who may", name)
				}
			}
		})
	}
}

// What stands in front of a door runs on after a denial, but cannot take it back.
func TestALateWriterDoesNotChangeTheStatus(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD"} {
		var n reached
		e := gin.New()
		e.Use(func(c *gin.Context) {
			c.Next()
			assert.True(t, c.IsAborted())
			assert.True(t, c.Writer.Written(), "the answer is on its way")
			c.Header("WWW-Authenticate", "Basic")
			c.Status(http.StatusOK)
			c.Next()
		})
		e.Use(ginauth.Require(kit.Guard(middleware.Config{}), kit.Reads()))
		e.Handle(method, "/orders", n.handler)
		answer := kit.Serve(e, kit.Request(method, "/orders", "")).Result()
		_ = answer.Body.Close()
		assert.Equal(t, 401, answer.StatusCode, method)
		assert.Equal(t, []string{`Bearer realm="api"`}, answer.Header["Www-Authenticate"], method)
		assert.Zero(t, n.Load())
	}
}

// A hook of the user that panics must not open the door behind a Recovery that
// lets Gin go on.
func TestAPanicInTheGuardOpensNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		recovery gin.HandlerFunc
		status   int
	}{
		{"a Recovery that aborts", gin.RecoveryWithWriter(io.Discard), 500},
		{"a Recovery that only answers", gin.CustomRecoveryWithWriter(io.Discard, func(c *gin.Context, _ any) {
			c.String(http.StatusTeapot, "sorry")
		}), 418},
		{"a Recovery that does nothing", gin.CustomRecoveryWithWriter(io.Discard, func(*gin.Context, any) {}), 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := kit.Guard(middleware.Config{})
			var n reached
			e := gin.New()
			e.Use(row.recovery, enforce(t, g, ginauth.Policy{Rules: map[string]claims.Rule{"/table": kit.Reads(), "/route": claims.AnyToken()}}))
			e.GET("/table", n.handler)
			e.GET("/route", ginauth.Require(g, kit.Reads()), n.handler)
			for _, path := range []string{"/table", "/route"} {
				assert.Equal(t, row.status, kit.Code(e, "GET", path, kit.Panic))
			}
			assert.NotPanics(t, func() { kit.Serve(e, kit.Request("GET", "/nowhere", kit.Panic)) })
			assert.Zero(t, n.Load(), "a handler ran behind a Guard that has panicked")
		})
	}
}

func TestConstructorsRefuseWhatIsFaulty(t *testing.T) {
	t.Parallel()
	g := kit.Guard(middleware.Config{})
	for _, door := range []func(){
		func() { ginauth.Authenticate(nil) }, func() { ginauth.Optional(nil) },
		func() { ginauth.Require(nil, kit.Reads()) }, func() { ginauth.RequireAccess(nil, claims.AccessLevels{}) },
	} {
		assert.PanicsWithError(t, "ginauth: the Guard is nil", door)
	}
	assert.Panics(t, func() { ginauth.Require(g, claims.AllScopes()) })
	assert.Panics(t, func() { ginauth.RequireAccess(g, claims.AccessLevels{}) })
}

// What an entry is looked up by is tested in package table; this is what Gin makes of it.
func TestEnforce(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.Use(enforce(t, kit.Guard(middleware.Config{Exempt: []string{"/exempt-elsewhere"}}), ginauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /v1/orders/:id": kit.Reads(), "/v1/orders/:id": kit.Admins(), "GET /v1/files/*path": kit.Reads(), `GET /v1/things\:count`: kit.Reads(),
		},
		Exempt: []string{"GET /healthz", "/open/*any"},
	}))
	var n reached
	v1 := e.Group("/v1")
	v1.Any("/orders/:id", n.handler)
	v1.Any("/files/*path", n.handler)
	v1.GET(`/things\:count`, n.handler)
	for _, pattern := range []string{"/healthz", "/open/*any", "/exempt-elsewhere"} {
		e.Any(pattern, n.handler)
	}
	e.GET("/forgotten", n.handler)
	kit.Run(t, e, []kit.Case{
		{"the rule of a route lets through who may", "GET", "/v1/orders/7", kit.Reader, 200},
		{"GET stands for HEAD", "HEAD", "/v1/orders/7", kit.Reader, 200},
		{"another method has another rule", "PUT", "/v1/orders/7", kit.Reader, 403},
		{"and lets through who may", "PUT", "/v1/orders/7", kit.Admin, 200},
		{"a method without an entry is denied", "DELETE", "/v1/files/a", kit.Admin, 403},
		{"a catch-all has one rule", "GET", "/v1/files/a/b", kit.Reader, 200},
		{"a literal colon is as Gin writes it", "GET", "/v1/things:count", kit.Reader, 200},
		{"an exempt route is open, even to a bad token", "GET", "/healthz", "forged", 200},
		{"for its method only", "POST", "/healthz", "", 401},
		{"an exempt tree is open", "POST", "/open/x/y", "", 200},
		{"a route that is exempt in the Guard's own table is not", "GET", "/exempt-elsewhere", "", 401},
		{"no method is denied", "POST", "/forgotten", kit.Admin, 403},
		{"no method is denied without a token", "POST", "/forgotten", "", 401},
	})
}

func TestNoRouteCanBeExempt(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.Use(enforce(t, kit.Guard(middleware.Config{}), ginauth.Policy{
		Rules:  map[string]claims.Rule{"POST /orders": kit.Reads()},
		Exempt: []string{"NoRoute"},
	}))
	e.POST("/orders", n.handler)
	e.NoRoute(n.handler)
	assert.Equal(t, 200, kit.Code(e, "GET", "/app/index.html", ""), "a single-page app")
	assert.Equal(t, 405, kit.Code(e, "GET", "/orders", ""))
	assert.Equal(t, "POST", kit.Serve(e, kit.Request("GET", "/orders", "")).Header().Get("Allow"))
	assert.Equal(t, 401, kit.Code(e, "POST", "/orders", ""))
}

func TestNoRouteCanHaveARule(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.Use(enforce(t, kit.Guard(middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"NoRoute": kit.Reads(), "GET /files/*filepath": kit.Admins()}}))
	e.Static("/files", t.TempDir()) // gives files that are not there to NoRoute, by the rule of the files
	assert.Equal(t, 401, kit.Code(e, "GET", "/nowhere", ""))
	assert.Equal(t, 404, kit.Code(e, "GET", "/nowhere", kit.Reader))
	assert.Equal(t, 403, kit.Code(e, "GET", "/files/none", kit.Reader))
	assert.Equal(t, 404, kit.Code(e, "GET", "/files/none", kit.Admin))
}

func TestPolicyMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := ginauth.Enforce(kit.Guard(middleware.Config{}), ginauth.Policy{
		Rules:  map[string]claims.Rule{"GET /orders/{id}": kit.Reads(), "GET /b:c": kit.Reads(), `GET /b\:c`: kit.Reads()},
		Access: map[string]claims.AccessLevels{"/levels": {}},
		Exempt: []string{"/twice", "/twice"},
	})
	for _, text := range []string{
		`ginauth: Policy: pattern "GET /orders/{id}": parameters of Gin are :id and *path, not {id}`,
		`ginauth: Policy: pattern "GET /b\\:c": stands there twice, also as "GET /b:c"`,
		`ginauth: Policy: pattern "/levels": claims: AccessLevels.Resources: `,
		`ginauth: Policy: pattern "/twice": stands there twice, also as "/twice"`,
	} {
		assert.ErrorContains(t, err, text)
	}
	_, err = ginauth.Enforce(nil, ginauth.Policy{Exempt: []string{"/"}})
	assert.EqualError(t, err, "ginauth: the Guard is nil")
}

// settings are all that makes Gin read a path in another way.
func settings(e *gin.Engine) []*bool {
	return []*bool{
		&e.RedirectTrailingSlash, &e.RedirectFixedPath, &e.HandleMethodNotAllowed,
		&e.UseRawPath, &e.UseEscapedPath, &e.UnescapePathValues, &e.RemoveExtraSlash,
	}
}

// engines are one of every combination of settings.
func engines(each func(e *gin.Engine, set string)) {
	for mask := range 1 << len(settings(gin.New())) {
		e := gin.New()
		for i, s := range settings(e) {
			*s = mask>>i&1 == 1
		}
		each(e, fmt.Sprintf("%07b", mask))
	}
}

// Every combination of settings, every target, every method: the administrator's
// handler never runs for a reader, and only what is public runs for nobody.
func TestNoWayToWriteAPathPassesARule(t *testing.T) {
	t.Parallel()
	atRoutes := func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
		e.Any("/admin/users", ginauth.Require(g, kit.Admins()), admin)
		e.Any("/admin", ginauth.Require(g, kit.Admins()), admin)
		e.Any("/public/*path", public)
	}
	for name, wire := range map[string]func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc){
		"routes": atRoutes,
		"an exempt tree": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			e.Use(ginauth.Authenticate(g)) // its exemption is the Guard's, by net/http's patterns
			atRoutes(e, g, admin, public)
		},
		"a table": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			e.Use(enforce(t, g, ginauth.Policy{
				Rules:  map[string]claims.Rule{"/admin/users": kit.Admins(), "/admin": kit.Admins(), "/any/*path": claims.AnyToken()},
				Exempt: []string{"/public/*path"},
			}))
			e.Any("/admin/users", admin)
			e.Any("/admin", admin)
			e.Any("/any/*path", public)
			e.Any("/public/*path", public)
		},
		"a lenient tree with the strict routes inside": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			e.Use(enforce(t, g, ginauth.Policy{
				Rules:  map[string]claims.Rule{"/admin/users": kit.Admins(), "/admin": kit.Admins()},
				Exempt: []string{"/:tree/*path", "NoRoute"},
			}))
			e.Any("/admin/users", admin)
			e.Any("/admin", admin)
			e.Any("/:tree/*path", public)
			e.NoRoute(public)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engines(func(e *gin.Engine, set string) {
				var secret, public reached
				wire(e, kit.Guard(middleware.Config{Exempt: []string{"/public/"}}), secret.handler, public.handler)
				kit.TrySpellings(t, survivor{e}, &secret.Reached, set, "GET", "CONNECT")
				assert.NotZero(t, public.Load(), "what is public was never reached: the test tests nothing")
				assert.Equal(t, 200, kit.Code(e, "GET", "/admin/users", kit.Admin), "the administrator gets there, %s", set)
			})
		})
	}
}

// survivor is an Engine that may panic: looking for the methods of a 405 it does
// so for some paths below a wildcard, before it runs any handler.
type survivor struct{ *gin.Engine }

func (s survivor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() { _ = recover() }()
	s.Engine.ServeHTTP(w, r)
}

// Gin redirects before any handler runs. That opens nothing.
func TestRedirectsOpenNothing(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.RedirectFixedPath = true
	e.Use(enforce(t, kit.Guard(middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"/admin": kit.Admins()}}))
	e.GET("/admin", n.handler)
	for _, path := range []string{"/admin/", "/ADMIN", "//admin"} {
		w := kit.Serve(e, kit.Request("GET", path, ""))
		assert.Equal(t, 301, w.Code)
		assert.Equal(t, "/admin", w.Header().Get("Location"))
	}
	assert.Zero(t, n.Load())
	assert.Equal(t, 401, kit.Code(e, "GET", "/admin", ""))
}
