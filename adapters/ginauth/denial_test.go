package ginauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// Wherever a door stands, nothing behind it runs for those whom it refuses.
func TestNothingBehindADenialRuns(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		wire  func(e *gin.Engine, door gin.HandlerFunc, h gin.HandlerFunc)
		path  string
		after int // status if it is let through
	}{
		{"a door in Use", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Use(door)
			e.GET("/orders", h)
		}, "/orders", 200},
		{"a door in Use with more middleware behind it", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Use(door, h, func(c *gin.Context) { h(c); c.Next(); h(c) })
			e.GET("/orders", h)
		}, "/orders", 200},
		{"a door in Use of a group", func(e *gin.Engine, door, h gin.HandlerFunc) {
			g := e.Group("/v1")
			g.Use(door)
			g.GET("/orders", h)
		}, "/v1/orders", 200},
		{"a door given to a group", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Group("/v1", door).Group("/deep", h).GET("/orders", h)
		}, "/v1/deep/orders", 200},
		{"a door at a route", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.GET("/orders", door, h)
		}, "/orders", 200},
		{"a door at a route with several handlers behind it", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.GET("/orders", []gin.HandlerFunc{door, h, h, h}...)
		}, "/orders", 200},
		{"two doors", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.GET("/orders", []gin.HandlerFunc{door, door, h}...)
		}, "/orders", 200},
		{"a door in Use in front of NoRoute", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Use(door)
			e.NoRoute(h)
		}, "/nowhere", 200},
		{"a door in NoRoute", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.NoRoute(door, h)
		}, "/nowhere", 200},
		{"a door in Use in front of Gin's own 404", func(e *gin.Engine, door, _ gin.HandlerFunc) {
			e.Use(door)
		}, "/nowhere", 404},
		{"a door in Use in front of NoMethod", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.HandleMethodNotAllowed = true
			e.Use(door)
			e.NoMethod(h)
			e.POST("/orders", h)
		}, "/orders", 200},
		{"a door in NoMethod", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.HandleMethodNotAllowed = true
			e.NoMethod(door, h)
			e.POST("/orders", h)
		}, "/orders", 200},
		{"a door in Use in front of Gin's own 405", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.HandleMethodNotAllowed = true
			e.Use(door)
			e.POST("/orders", h)
		}, "/orders", 405},
		{"a door in front of static files", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.NoRoute(h) // Static gives files that it does not find to NoRoute
			e.Group("/", door).Static("/files", ".")
		}, "/files/none", 200},
		{"a door behind middleware that calls Next twice", func(e *gin.Engine, door, h gin.HandlerFunc) {
			e.Use(func(c *gin.Context) { c.Next(); c.Next() }, door)
			e.GET("/orders", h)
		}, "/orders", 200},
		{"a door behind middleware that enters another route", func(e *gin.Engine, door, h gin.HandlerFunc) {
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
				"Authenticate": ginauth.Authenticate(newGuard(t, middleware.Config{})),
				"Optional":     ginauth.Optional(newGuard(t, middleware.Config{})),
				"Require":      ginauth.Require(newGuard(t, middleware.Config{}), reads()),
				"RequireAccess": ginauth.RequireAccess(newGuard(t, middleware.Config{}),
					claims.AccessLevels{Resources: []string{"api://orders"}}),
			} {
				var n reached
				e := gin.New()
				row.wire(e, door, n.handler)

				refused := serve(e, request("GET", row.path, "forged"))
				assert.Equal(t, 401, refused.Code, name)
				assert.Equal(t, `Bearer realm="api", error="invalid_token"`, refused.Header().Get("WWW-Authenticate"), name)
				assert.Equal(t, "Unauthorized: the access token is not valid here\n", refused.Body.String(), name)
				assert.Empty(t, refused.Header().Get("Allow"), name)
				assert.Zero(t, n.Load(), "%s: a handler ran behind a denial", name)

				assert.Equal(t, row.after, serve(e, request("GET", row.path, reader)).Code, name)
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
		e.Use(ginauth.Require(newGuard(t, middleware.Config{}), reads()))
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
			g := newGuard(t, middleware.Config{})
			var n reached
			e := gin.New()
			e.Use(row.recovery, enforce(t, g, ginauth.Policy{Rules: map[string]claims.Rule{"/table": reads(), "/route": claims.AnyToken()}}))
			e.GET("/table", n.handler)
			e.GET("/route", ginauth.Require(g, reads()), n.handler)
			for _, path := range []string{"/table", "/route"} {
				assert.Equal(t, row.status, serve(e, request("GET", path, "panic")).Code)
			}
			assert.NotPanics(t, func() { serve(e, request("GET", "/nowhere", "panic")) })
			assert.Zero(t, n.Load(), "a handler ran behind a Guard that has panicked")
		})
	}
}

func TestAPanicBehindTheDoorIsTheRecoverysBusiness(t *testing.T) {
	t.Parallel()
	door := ginauth.Require(newGuard(t, middleware.Config{}), reads())
	boom := func(*gin.Context) { panic("boom") }
	outside, inside := gin.New(), gin.New()
	outside.Use(gin.RecoveryWithWriter(io.Discard), door)
	outside.GET("/", boom)
	inside.Use(door, gin.RecoveryWithWriter(io.Discard))
	inside.GET("/", boom)
	for _, e := range []*gin.Engine{outside, inside} {
		assert.Equal(t, 500, serve(e, request("GET", "/", reader)).Code)
		assert.Equal(t, 401, serve(e, request("GET", "/", "")).Code)
	}
}

func TestConstructorsRefuseWhatIsFaulty(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.Authenticate(nil) })
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.Optional(nil) })
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.Require(nil, reads()) })
	assert.PanicsWithError(t, "ginauth: the Guard is nil", func() { ginauth.RequireAccess(nil, claims.AccessLevels{}) })
	assert.Panics(t, func() { ginauth.Require(g, claims.AllScopes()) })
	assert.Panics(t, func() { ginauth.RequireAccess(g, claims.AccessLevels{}) })
}

// As everywhere, what was not made by New refuses and blames itself.
func TestAZeroGuardRefuses(t *testing.T) {
	t.Parallel()
	for _, g := range []*middleware.Guard{nil, new(middleware.Guard)} {
		var n reached
		e := gin.New()
		e.GET("/", ginauth.Require(g, reads()), n.handler)
		assert.Equal(t, 503, serve(e, request("GET", "/", reader)).Code)
		assert.Zero(t, n.Load())
	}
}
