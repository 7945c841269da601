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

func TestDoors(t *testing.T) {
	t.Parallel()
	g := kit.Guard(t, middleware.Config{Exempt: []string{"GET /free", "/public/"}})
	e := gin.New()
	var n reached
	e.GET("/authenticated", ginauth.Authenticate(g), n.handler)
	e.GET("/free", ginauth.Authenticate(g), n.handler)
	e.GET("/public/*path", ginauth.Authenticate(g), n.handler)
	e.GET("/both", ginauth.Authenticate(g), ginauth.Require(g, kit.Admins()), n.handler)
	e.Any("/levels", ginauth.RequireAccess(g, kit.Orders()), n.handler)
	for _, row := range []struct {
		name, method, path, token string
		status                    int
		body                      string
	}{
		{"Authenticate lets a good token through", "GET", "/authenticated", kit.Reader, 200, "reader"},
		{"an exempt path passes Authenticate without a token", "GET", "/free", "", 200, "-"},
		{"an exempt path passes untouched even with a token", "GET", "/free", kit.Reader, 200, "-"},
		{"the paths below an exempt one pass", "GET", "/public/x/y", "", 200, "-"},
		{"unless they are not clean", "GET", "/public/x/../../admin", "", 401, ""},
		{"Require behind Authenticate refuses too", "GET", "/both", kit.Reader, 403, ""},
		{"and lets a token through that may", "GET", "/both", kit.Admin, 200, "admin"},
		{"RequireAccess takes HEAD for get", "HEAD", "/levels", kit.Reader, 200, "reader"},
		{"RequireAccess refuses another level", "PUT", "/levels", kit.Reader, 403, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := kit.Serve(e, kit.Request(row.method, row.path, row.token))
			assert.Equal(t, row.status, w.Code)
			if row.status == 200 {
				assert.Equal(t, row.body, w.Body.String())
				assert.Empty(t, w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

// Shadow mode lets through also where Gin knows no route.
func TestShadowModeWithoutARoute(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.Use(enforce(t, kit.Guard(t, middleware.Config{Shadow: true}), ginauth.Policy{Rules: map[string]claims.Rule{"GET /admin": kit.Admins()}}))
	assert.Equal(t, 404, kit.Serve(e, kit.Request("GET", "/nowhere", "")).Code)
}

func TestClaims(t *testing.T) {
	t.Parallel()
	g := kit.Guard(t, middleware.Config{})

	t.Run("are in the request's context, and in Gin's only with the fallback", func(t *testing.T) {
		t.Parallel()
		for _, fallback := range []bool{false, true} {
			e := gin.New()
			e.ContextWithFallback = fallback
			e.GET("/", ginauth.Require(g, kit.Reads()), func(c *gin.Context) {
				fromGin, ok := ginauth.Claims(c)
				require.True(t, ok)
				fromRequest, ok := claims.FromContext(c.Request.Context())
				require.True(t, ok)
				assert.Same(t, fromGin, fromRequest)
				_, ok = claims.FromContext(c)
				assert.Equal(t, fallback, ok)
				fromCopy, _ := ginauth.Claims(c.Copy())
				assert.Same(t, fromGin, fromCopy)
			})
			assert.Equal(t, 200, kit.Serve(e, kit.Request("GET", "/", kit.Reader)).Code)
		}
	})
	t.Run("are seen by what stands in front of the door, afterwards", func(t *testing.T) {
		t.Parallel()
		e := gin.New()
		e.Use(func(c *gin.Context) {
			_, before := ginauth.Claims(c)
			c.Next()
			_, after := ginauth.Claims(c)
			assert.False(t, before)
			assert.True(t, after)
		})
		e.GET("/", ginauth.Require(g, kit.Reads()), new(reached).handler)
		kit.Serve(e, kit.Request("GET", "/", kit.Reader))
	})
	t.Run("can be given to a handler under test", func(t *testing.T) {
		t.Parallel()
		cl, err := claims.Parse([]byte(`{"sub":"me"}`), claims.DefaultMapping())
		require.NoError(t, err)
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		_, ok := ginauth.Claims(c)
		assert.False(t, ok, "there is no request")
		c.Request = kit.Request("GET", "/", "")
		_, ok = ginauth.Claims(c)
		assert.False(t, ok)
		c.Request = c.Request.WithContext(claims.NewContext(t.Context(), cl))
		new(reached).handler(c)
		assert.Equal(t, "me", w.Body.String())
	})
	t.Run("of NewContext open no door", func(t *testing.T) {
		t.Parallel()
		cl, err := claims.Parse([]byte(`{"sub":"me","scope":"orders.read"}`), claims.DefaultMapping())
		require.NoError(t, err)
		var n reached
		e := gin.New()
		e.GET("/", ginauth.Require(g, kit.Reads()), n.handler)
		r := kit.Request("GET", "/", "")
		assert.Equal(t, 401, kit.Serve(e, r.WithContext(claims.NewContext(r.Context(), cl))).Code)
		assert.Zero(t, n.Load())
	})
}

// Behind a door the ResponseWriter is Gin's own: a protocol can be switched.
func TestBehindADoorTheResponseWriterIsGinsOwn(t *testing.T) {
	t.Parallel()
	e := gin.New()
	var before, behind gin.ResponseWriter
	e.GET("/", func(c *gin.Context) { before = c.Writer }, ginauth.Require(kit.Guard(t, middleware.Config{}), kit.Reads()), func(c *gin.Context) {
		behind = c.Writer
		c.Writer.Flush()
	})
	assert.True(t, kit.Serve(e, kit.Request("GET", "/", kit.Reader)).Flushed)
	assert.Same(t, before, behind)
}

// Wherever a door stands, nothing behind it runs for those whom it refuses.
func TestNothingBehindADenialRuns(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		wire  func(e *gin.Engine, door, h gin.HandlerFunc)
		path  string
		after int // status if it is let through
	}{
		{"in Use", func(e *gin.Engine, door, h gin.HandlerFunc) { e.Use(door); e.GET("/orders", h) }, "/orders", 200},
		{"in Use with more middleware behind it", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Use(door, h, func(c *gin.Context) { h(c); c.Next(); h(c) })
			e.GET("/orders", h)
		}, "/orders", 200},
		{"in Use of a group", func(e *gin.Engine, door, h gin.HandlerFunc) {
			g := e.Group("/v1")
			g.Use(door)
			g.GET("/orders", h)
		}, "/v1/orders", 200},
		{"given to a group", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Group("/v1", door).Group("/deep", h).GET("/orders", h)
		}, "/v1/deep/orders", 200},
		{"at a route, with another door and several handlers behind it", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.GET("/orders", []gin.HandlerFunc{door, door, h, h, h}...)
		}, "/orders", 200},
		{"in Use in front of NoRoute", func(e *gin.Engine, door, h gin.HandlerFunc) { e.Use(door); e.NoRoute(h) }, "/nowhere", 200},
		{"in NoRoute", func(e *gin.Engine, door, h gin.HandlerFunc) { e.NoRoute(door, h) }, "/nowhere", 200},
		{"in Use in front of Gin's own 404", func(e *gin.Engine, door, _ gin.HandlerFunc) { e.Use(door) }, "/nowhere", 404},
		{"in Use in front of NoMethod", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Use(door)
			e.NoMethod(h)
			e.POST("/orders", h)
		}, "/orders", 200},
		{"in NoMethod", func(e *gin.Engine, door, h gin.HandlerFunc) { e.NoMethod(door, h); e.POST("/orders", h) }, "/orders", 200},
		{"in Use in front of Gin's own 405", func(e *gin.Engine, door, h gin.HandlerFunc) { e.Use(door); e.POST("/orders", h) }, "/orders", 405},
		{"in front of static files", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.NoRoute(h) // Static gives files that it does not find to NoRoute
			e.Group("/", door).Static("/files", ".")
		}, "/files/none", 200},
		{"behind middleware that calls Next twice", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Use(func(c *gin.Context) { c.Next(); c.Next() }, door)
			e.GET("/orders", h)
		}, "/orders", 200},
		{"behind middleware that enters another route", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.GET("/entry", func(c *gin.Context) {
				c.Request.URL.Path = "/orders"
				e.HandleContext(c)
			})
			e.GET("/orders", door, h)
		}, "/entry", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for name, door := range map[string]gin.HandlerFunc{
				"Authenticate": ginauth.Authenticate(kit.Guard(t, middleware.Config{})),
				"Optional":     ginauth.Optional(kit.Guard(t, middleware.Config{})),
				"Require":      ginauth.Require(kit.Guard(t, middleware.Config{}), kit.Reads()),
				"RequireAccess": ginauth.RequireAccess(kit.Guard(t, middleware.Config{}),
					kit.Orders()),
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

				assert.Equal(t, row.after, kit.Serve(e, kit.Request("GET", row.path, kit.Reader)).Code, name)
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
		e.Use(ginauth.Require(kit.Guard(t, middleware.Config{}), kit.Reads()))
		e.Handle(method, "/orders", n.handler)
		server := httptest.NewServer(e)
		t.Cleanup(server.Close)

		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+"/orders", nil)
		require.NoError(t, err)
		answer, err := server.Client().Do(r)
		require.NoError(t, err)
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
			g := kit.Guard(t, middleware.Config{})
			var n reached
			e := gin.New()
			e.Use(row.recovery, enforce(t, g, ginauth.Policy{Rules: map[string]claims.Rule{"/table": kit.Reads(), "/route": claims.AnyToken()}}))
			e.GET("/table", n.handler)
			e.GET("/route", ginauth.Require(g, kit.Reads()), n.handler)
			for _, path := range []string{"/table", "/route"} {
				assert.Equal(t, row.status, kit.Serve(e, kit.Request("GET", path, kit.Panic)).Code)
			}
			assert.NotPanics(t, func() { kit.Serve(e, kit.Request("GET", "/nowhere", kit.Panic)) })
			assert.Zero(t, n.Load(), "a handler ran behind a Guard that has panicked")
		})
	}
}

func TestAPanicBehindTheDoorIsTheRecoverysBusiness(t *testing.T) {
	t.Parallel()
	door := ginauth.Require(kit.Guard(t, middleware.Config{}), kit.Reads())
	boom := func(*gin.Context) { panic("boom") }
	outside, inside := gin.New(), gin.New()
	outside.Use(gin.RecoveryWithWriter(io.Discard), door)
	outside.GET("/", boom)
	inside.Use(door, gin.RecoveryWithWriter(io.Discard))
	inside.GET("/", boom)
	for _, e := range []*gin.Engine{outside, inside} {
		assert.Equal(t, 500, kit.Serve(e, kit.Request("GET", "/", kit.Reader)).Code)
		assert.Equal(t, 401, kit.Serve(e, kit.Request("GET", "/", "")).Code)
	}
}

func TestConstructorsRefuseWhatIsFaulty(t *testing.T) {
	t.Parallel()
	g := kit.Guard(t, middleware.Config{})
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.Authenticate(nil) })
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.Optional(nil) })
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.Require(nil, kit.Reads()) })
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.RequireAccess(nil, claims.AccessLevels{}) })
	assert.Panics(t, func() { ginauth.Require(g, claims.AllScopes()) })
	assert.Panics(t, func() { ginauth.RequireAccess(g, claims.AccessLevels{}) })
}

func TestEnforce(t *testing.T) {
	t.Parallel()
	g := kit.Guard(t, middleware.Config{Exempt: []string{"/exempt-elsewhere"}})
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.Use(enforce(t, g, ginauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /v1/orders":        kit.Reads(),
			"POST /v1/orders":       kit.Admins(),
			"/v1/orders/:id":        kit.Admins(),
			"GET /v1/orders/:id":    kit.Reads(),
			"GET /v1/files/*path":   kit.Reads(),
			"HEAD /v1/own-head":     kit.Admins(),
			"GET /v1/own-head":      kit.Reads(),
			"/v1/closed":            {},
			`GET /v1/things\:count`: kit.Reads(),
		},
		Access: map[string]claims.AccessLevels{"/v1/levels": kit.Orders()},
		Exempt: []string{"GET /healthz", "/open/*any"},
	}))
	var n reached
	v1 := e.Group("/v1")
	v1.Any("/orders", n.handler)
	v1.Any("/orders/:id", n.handler)
	v1.Any("/files/*path", n.handler)
	v1.Any("/own-head", n.handler)
	v1.Any("/levels", n.handler)
	v1.Any("/closed", n.handler)
	v1.GET(`/things\:count`, n.handler)
	e.Any("/healthz", n.handler)
	e.Any("/open/*any", n.handler)
	e.GET("/forgotten", n.handler)
	e.GET("/exempt-elsewhere", n.handler)
	for _, row := range []struct {
		name, method, path, token string
		status                    int
	}{
		{"the rule of a route lets through who may", "GET", "/v1/orders", kit.Reader, 200},
		{"GET stands for HEAD", "HEAD", "/v1/orders", kit.Reader, 200},
		{"another method has another rule", "POST", "/v1/orders", kit.Reader, 403},
		{"a method without an entry is denied", "DELETE", "/v1/orders", kit.Admin, 403},
		{"and without a token it is a 401", "DELETE", "/v1/orders", "", 401},
		{"a pattern alone is for all methods", "PUT", "/v1/orders/7", kit.Reader, 403},
		{"and lets through who may", "PUT", "/v1/orders/7", kit.Admin, 200},
		{"the entry of the method wins", "GET", "/v1/orders/7", kit.Reader, 200},
		{"for HEAD too", "HEAD", "/v1/orders/7", kit.Reader, 200},
		{"HEAD may have a rule of its own", "HEAD", "/v1/own-head", kit.Reader, 403},
		{"a catch-all has one rule", "GET", "/v1/files/a/b", kit.Reader, 200},
		{"levels follow the method", "GET", "/v1/levels", kit.Reader, 200},
		{"and refuse another one", "DELETE", "/v1/levels", kit.Reader, 403},
		{"the zero Rule closes a route", "GET", "/v1/closed", kit.Admin, 403},
		{"a literal colon is as Gin writes it", "GET", "/v1/things:count", kit.Reader, 200},
		{"an exempt route is open", "GET", "/healthz", "", 200},
		{"even to a bad token", "GET", "/healthz", "forged", 200},
		{"for its method only", "POST", "/healthz", "", 401},
		{"an exempt tree is open", "POST", "/open/x/y", "", 200},
		{"a forgotten route is denied", "GET", "/forgotten", kit.Admin, 403},
		{"and so is one that is exempt in the Guard's own table", "GET", "/exempt-elsewhere", "", 401},
		{"no route is denied", "GET", "/nowhere", kit.Admin, 403},
		{"no route is denied without a token", "GET", "/nowhere", "", 401},
		{"no method is denied", "POST", "/forgotten", kit.Admin, 403},
		{"no method is denied without a token", "POST", "/forgotten", "", 401},
		{"a method that nobody knows is denied", "BREW", "/v1/orders", kit.Admin, 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := kit.Serve(e, kit.Request(row.method, row.path, row.token))
			assert.Equal(t, row.status, w.Code)
			assert.Empty(t, w.Header().Get("Allow"), "nobody is told what routes exist")
		})
	}
}

func TestNoRouteCanBeExempt(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.Use(enforce(t, kit.Guard(t, middleware.Config{}), ginauth.Policy{
		Rules:  map[string]claims.Rule{"POST /orders": kit.Reads()},
		Exempt: []string{"NoRoute"},
	}))
	e.POST("/orders", n.handler)
	e.NoRoute(n.handler)
	assert.Equal(t, 200, kit.Serve(e, kit.Request("GET", "/app/index.html", "")).Code, "a single-page app")
	assert.Equal(t, 405, kit.Serve(e, kit.Request("GET", "/orders", "")).Code)
	assert.Equal(t, "POST", kit.Serve(e, kit.Request("GET", "/orders", "")).Header().Get("Allow"))
	assert.Equal(t, 401, kit.Serve(e, kit.Request("POST", "/orders", "")).Code)
}

func TestNoRouteCanHaveARule(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.Use(enforce(t, kit.Guard(t, middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"NoRoute": kit.Reads()}}))
	assert.Equal(t, 401, kit.Serve(e, kit.Request("GET", "/nowhere", "")).Code)
	assert.Equal(t, 404, kit.Serve(e, kit.Request("GET", "/nowhere", kit.Reader)).Code)
}

func TestPolicyMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	g := kit.Guard(t, middleware.Config{})
	_, err := ginauth.Enforce(g, ginauth.Policy{
		Rules: map[string]claims.Rule{
			"/a":               claims.AllScopes(),
			"GET /orders/{id}": kit.Reads(),
			"GET /b:c":         kit.Reads(),
			`GET /b\:c`:        kit.Reads(),
		},
		Access: map[string]claims.AccessLevels{"/levels": {}},
		Exempt: []string{"/twice", "/twice"},
	})
	require.Error(t, err)
	for _, text := range []string{
		`ginauth: Policy: pattern "/a": ` + claims.AllScopes().Err().Error(),
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

// Gin runs NoRoute for static files that are not there, by the rule of the files.
func TestStaticFilesThatAreNotThere(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.Use(enforce(t, kit.Guard(t, middleware.Config{}), ginauth.Policy{
		Rules: map[string]claims.Rule{"GET /files/*filepath": kit.Reads()},
	}))
	e.Static("/files", t.TempDir())
	e.NoRoute(n.handler)
	assert.Equal(t, 401, kit.Serve(e, kit.Request("GET", "/files/none", "")).Code)
	assert.Zero(t, n.Load())
	assert.Equal(t, 200, kit.Serve(e, kit.Request("GET", "/files/none", kit.Reader)).Code)
	assert.EqualValues(t, 1, n.Load())
}

// settings are all that makes Gin read a path in another way.
var settings = []struct {
	name string
	set  func(*gin.Engine, bool)
}{
	{"RedirectTrailingSlash", func(e *gin.Engine, on bool) { e.RedirectTrailingSlash = on }},
	{"RedirectFixedPath", func(e *gin.Engine, on bool) { e.RedirectFixedPath = on }},
	{"HandleMethodNotAllowed", func(e *gin.Engine, on bool) { e.HandleMethodNotAllowed = on }},
	{"UseRawPath", func(e *gin.Engine, on bool) { e.UseRawPath = on }},
	{"UseEscapedPath", func(e *gin.Engine, on bool) { e.UseEscapedPath = on }},
	{"UnescapePathValues", func(e *gin.Engine, on bool) { e.UnescapePathValues = on }},
	{"RemoveExtraSlash", func(e *gin.Engine, on bool) { e.RemoveExtraSlash = on }},
}

// Every combination of settings, every target, every method: the administrator's
// handler never runs for a reader, and only what is public runs for nobody.
func TestNoWayToWriteAPathPassesARule(t *testing.T) {
	t.Parallel()
	wirings := map[string]func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc){
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
		"routes": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			e.Any("/admin/users", ginauth.Require(g, kit.Admins()), admin)
			e.Any("/admin", ginauth.Require(g, kit.Admins()), admin)
			e.Any("/public/*path", public)
		},
		"an exempt tree": func(e *gin.Engine, g *middleware.Guard, admin, public gin.HandlerFunc) {
			e.Use(ginauth.Authenticate(g)) // its exemption is the Guard's, by net/http's patterns
			e.Any("/admin/users", ginauth.Require(g, kit.Admins()), admin)
			e.Any("/admin", ginauth.Require(g, kit.Admins()), admin)
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
	}
	for name, wire := range wirings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			passed := 0
			for mask := range 1 << len(settings) {
				var secret, public reached
				e := gin.New()
				for i, s := range settings {
					s.set(e, mask>>i&1 == 1)
				}
				wire(e, kit.Guard(t, middleware.Config{Exempt: []string{"/public/"}}), secret.handler, public.handler)
				for _, target := range kit.Spellings {
					for _, method := range []string{"GET", "CONNECT"} {
						for _, token := range []string{"", kit.Reader} {
							r, ok := kit.FromWire(method, target, token)
							if !ok {
								continue
							}
							status := survive(e, r)
							if n := secret.Load(); n != 0 {
								require.Zero(t, n, "%s %s reached the administrator's handler with token %q and settings %s", method, target, token, settingsOf(mask))
							}
							if status == 200 {
								passed++
							}
						}
					}
				}
			}
			assert.NotZero(t, passed, "what is public was never reached: the test tests nothing")
		})
	}
}

// survive is serve where Gin itself may panic: looking for the methods of a 405
// it does so for some paths below a wildcard, before it runs any handler.
func survive(e *gin.Engine, r *http.Request) (status int) {
	defer func() {
		if recover() != nil {
			status = http.StatusInternalServerError
		}
	}()
	return kit.Serve(e, r).Code
}

func settingsOf(mask int) string {
	var on []string
	for i, s := range settings {
		if mask>>i&1 == 1 {
			on = append(on, s.name)
		}
	}
	return fmt.Sprint(on)
}

// The administrator does get there, whatever the settings.
func TestTheRuleLetsThroughWhoMay(t *testing.T) {
	t.Parallel()
	for mask := range 1 << len(settings) {
		var n reached
		e := gin.New()
		for i, s := range settings {
			s.set(e, mask>>i&1 == 1)
		}
		e.Use(enforce(t, kit.Guard(t, middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"/admin/:name": kit.Admins()}}))
		e.Any("/admin/:name", n.handler)
		for _, target := range []string{"/admin/users", "/admin/a%20b", "/%61dmin/users"} {
			r, ok := kit.FromWire("GET", target, kit.Admin)
			require.True(t, ok)
			code := kit.Serve(e, r).Code
			if target == "/%61dmin/users" && e.UseRawPath || target == "/%61dmin/users" && e.UseEscapedPath {
				assert.Contains(t, []int{301, 403}, code, "raw paths know no such route")
				continue
			}
			assert.Equal(t, 200, code, "%s %s", target, settingsOf(mask))
		}
	}
}

// Gin redirects before any handler runs. That opens nothing.
func TestRedirectsOpenNothing(t *testing.T) {
	t.Parallel()
	var n reached
	e := gin.New()
	e.RedirectFixedPath = true
	e.Use(enforce(t, kit.Guard(t, middleware.Config{}), ginauth.Policy{Rules: map[string]claims.Rule{"/admin": kit.Admins()}}))
	e.GET("/admin", n.handler)
	for _, path := range []string{"/admin/", "/ADMIN", "//admin"} {
		w := kit.Serve(e, kit.Request("GET", path, ""))
		assert.Equal(t, 301, w.Code)
		assert.Equal(t, "/admin", w.Header().Get("Location"))
	}
	assert.Zero(t, n.Load())
	assert.Equal(t, 401, kit.Serve(e, kit.Request("GET", "/admin", "")).Code)
}
