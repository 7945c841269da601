package ginauth_test

import (
	"bufio"
	"io"
	"net"
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
	e.GET("/optional", ginauth.Optional(g), n.handler)
	e.GET("/read", ginauth.Require(g, kit.Reads()), n.handler)
	e.GET("/admin", ginauth.Require(g, kit.Admins()), n.handler)
	e.GET("/both", ginauth.Authenticate(g), ginauth.Require(g, kit.Admins()), n.handler)
	e.Any("/levels", ginauth.RequireAccess(g, kit.Orders()), n.handler)
	for _, row := range []struct {
		name, method, path, token string
		status                    int
		body                      string
	}{
		{"Authenticate lets a good token through", "GET", "/authenticated", kit.Reader, 200, "reader"},
		{"Authenticate refuses nobody", "GET", "/authenticated", "", 401, ""},
		{"an exempt path passes Authenticate without a token", "GET", "/free", "", 200, "-"},
		{"an exempt path passes untouched even with a token", "GET", "/free", kit.Reader, 200, "-"},
		{"the paths below an exempt one pass", "GET", "/public/x/y", "", 200, "-"},
		{"unless they are written strangely", "GET", "/public/x/../../admin", "", 401, ""},
		{"Optional lets nobody through", "GET", "/optional", "", 200, "-"},
		{"Optional lets a good token through with its claims", "GET", "/optional", kit.Reader, 200, "reader"},
		{"Optional refuses a bad token", "GET", "/optional", "forged", 401, ""},
		{"Require lets through who may", "GET", "/read", kit.Reader, 200, "reader"},
		{"Require refuses who may not", "GET", "/admin", kit.Reader, 403, ""},
		{"Require behind Authenticate refuses too", "GET", "/both", kit.Reader, 403, ""},
		{"and lets through who may", "GET", "/both", kit.Admin, 200, "admin"},
		{"RequireAccess lets the level through", "GET", "/levels", kit.Reader, 200, "reader"},
		{"RequireAccess takes HEAD for get", "HEAD", "/levels", kit.Reader, 200, "reader"},
		{"RequireAccess refuses another level", "PUT", "/levels", kit.Reader, 403, ""},
		{"RequireAccess refuses a method without a level", "OPTIONS", "/levels", kit.Reader, 403, ""},
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
func TestHijackWorksBehindADoor(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.GET("/socket", ginauth.Require(kit.Guard(t, middleware.Config{}), kit.Reads()), func(c *gin.Context) {
		conn, buf, err := c.Writer.Hijack()
		if !assert.NoError(t, err) {
			return
		}
		defer conn.Close()
		_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
		_ = buf.Flush()
		line, _ := buf.ReadString('\n')
		_, _ = conn.Write([]byte(line))
	})
	server := httptest.NewServer(e)
	defer server.Close()

	dial := func(token string) (*bufio.Reader, net.Conn) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		_, err = conn.Write([]byte("GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\nAuthorization: Bearer " + token + "\r\n\r\n"))
		require.NoError(t, err)
		return bufio.NewReader(conn), conn
	}
	in, conn := dial("forged")
	answer, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	_ = answer.Body.Close()
	assert.Equal(t, 401, answer.StatusCode)
	_ = conn.Close()

	in, conn = dial(kit.Reader)
	defer conn.Close()
	answer, err = http.ReadResponse(in, nil)
	require.NoError(t, err)
	require.Equal(t, 101, answer.StatusCode)
	_, err = conn.Write([]byte("hello\n"))
	require.NoError(t, err)
	line, err := in.ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line)
}

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
				"Authenticate": ginauth.Authenticate(kit.Guard(t, middleware.Config{})),
				"Optional":     ginauth.Optional(kit.Guard(t, middleware.Config{})),
				"Require":      ginauth.Require(kit.Guard(t, middleware.Config{}), kit.Reads()),
				"RequireAccess": ginauth.RequireAccess(kit.Guard(t, middleware.Config{}),
					kit.Orders()),
			} {
				var n reached
				e := gin.New()
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

// As everywhere, what was not made by New refuses and blames itself.
func TestAZeroGuardRefuses(t *testing.T) {
	t.Parallel()
	for _, g := range []*middleware.Guard{nil, new(middleware.Guard)} {
		var n reached
		e := gin.New()
		e.GET("/", ginauth.Require(g, kit.Reads()), n.handler)
		assert.Equal(t, 503, kit.Serve(e, kit.Request("GET", "/", kit.Reader)).Code)
		assert.Zero(t, n.Load())
	}
}
