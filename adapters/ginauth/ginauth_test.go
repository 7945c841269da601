package ginauth_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

var (
	_ ginauth.Guard = (*middleware.Guard)(nil)
	_ ginauth.Guard = (*sallyport.Gate)(nil)
)

func TestDoors(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"GET /free", "/public/"}})
	e := gin.New()
	var n reached
	e.GET("/authenticated", ginauth.Authenticate(g), n.handler)
	e.GET("/free", ginauth.Authenticate(g), n.handler)
	e.GET("/public/*path", ginauth.Authenticate(g), n.handler)
	e.GET("/optional", ginauth.Optional(g), n.handler)
	e.GET("/read", ginauth.Require(g, reads()), n.handler)
	e.GET("/admin", ginauth.Require(g, admins()), n.handler)
	e.GET("/both", ginauth.Authenticate(g), ginauth.Require(g, admins()), n.handler)
	e.Any("/levels", ginauth.RequireAccess(g, claims.AccessLevels{Resources: []string{"api://orders"}}), n.handler)
	for _, row := range []struct {
		name, method, path, token string
		status                    int
		body                      string
	}{
		{"Authenticate lets a good token through", "GET", "/authenticated", reader, 200, "reader"},
		{"Authenticate refuses nobody", "GET", "/authenticated", "", 401, ""},
		{"an exempt path passes Authenticate without a token", "GET", "/free", "", 200, "-"},
		{"an exempt path passes untouched even with a token", "GET", "/free", reader, 200, "-"},
		{"the paths below an exempt one pass", "GET", "/public/x/y", "", 200, "-"},
		{"unless they are written strangely", "GET", "/public/x/../../admin", "", 401, ""},
		{"Optional lets nobody through", "GET", "/optional", "", 200, "-"},
		{"Optional lets a good token through with its claims", "GET", "/optional", reader, 200, "reader"},
		{"Optional refuses a bad token", "GET", "/optional", "forged", 401, ""},
		{"Require lets through who may", "GET", "/read", reader, 200, "reader"},
		{"Require refuses who may not", "GET", "/admin", reader, 403, ""},
		{"Require behind Authenticate refuses too", "GET", "/both", reader, 403, ""},
		{"and lets through who may", "GET", "/both", admin, 200, "admin"},
		{"RequireAccess lets the level through", "GET", "/levels", reader, 200, "reader"},
		{"RequireAccess takes HEAD for get", "HEAD", "/levels", reader, 200, "reader"},
		{"RequireAccess refuses another level", "PUT", "/levels", reader, 403, ""},
		{"RequireAccess refuses a method without a level", "OPTIONS", "/levels", reader, 403, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := serve(e, request(row.method, row.path, row.token))
			assert.Equal(t, row.status, w.Code)
			if row.status == 200 {
				assert.Equal(t, row.body, w.Body.String())
				assert.Empty(t, w.Header().Get("WWW-Authenticate"))
			}
		})
	}
}

// Every Guard's handler of the chain sees the same stamp, so a token is judged once.
func TestATokenIsVerifiedOnceAndReportedOnce(t *testing.T) {
	t.Parallel()
	var seen events
	g := newGuard(t, middleware.Config{OnEvent: seen.add})
	var n reached
	e := gin.New()
	e.Use(ginauth.Authenticate(g))
	e.GET("/", ginauth.Require(g, reads()), ginauth.RequireAccess(g, claims.AccessLevels{Resources: []string{"api://orders"}}), n.handler)
	assert.Equal(t, 200, serve(e, request("GET", "/", reader)).Code)
	assert.Equal(t, []string{"verified"}, seen.lines)
}

func TestOptionalReportsTheAnonymous(t *testing.T) {
	t.Parallel()
	var seen events
	e := gin.New()
	e.GET("/", ginauth.Optional(newGuard(t, middleware.Config{OnEvent: seen.add})), new(reached).handler)
	serve(e, request("GET", "/", ""))
	assert.Equal(t, []string{"anonymous"}, seen.lines)
}

// Shadow mode reports and lets through, also where Gin knows no route.
func TestShadowMode(t *testing.T) {
	t.Parallel()
	var seen events
	g := newGuard(t, middleware.Config{Shadow: true, OnEvent: seen.add})
	var n reached
	e := gin.New()
	e.Use(enforce(t, g, ginauth.Policy{Rules: map[string]claims.Rule{"GET /admin": admins()}}))
	e.GET("/admin", n.handler)
	e.GET("/other", n.handler)
	for _, row := range []struct {
		path, token, event string
		status             int
	}{
		{"/admin", "", "shadow no_token", 200},
		{"/admin", reader, "shadow insufficient_role", 200},
		{"/other", reader, "shadow denied", 200},
		{"/nowhere", "", "shadow no_token", 404},
	} {
		w := serve(e, request("GET", row.path, row.token))
		assert.Equal(t, row.status, w.Code)
		if row.status == 200 {
			assert.Equal(t, "-", w.Body.String(), "without claims")
		}
		assert.Equal(t, row.event, seen.lines[len(seen.lines)-1])
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})

	t.Run("are in the request's context, and in Gin's only with the fallback", func(t *testing.T) {
		t.Parallel()
		for _, fallback := range []bool{false, true} {
			e := gin.New()
			e.ContextWithFallback = fallback
			e.GET("/", ginauth.Require(g, reads()), func(c *gin.Context) {
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
			assert.Equal(t, 200, serve(e, request("GET", "/", reader)).Code)
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
		e.GET("/", ginauth.Require(g, reads()), new(reached).handler)
		serve(e, request("GET", "/", reader))
	})
	t.Run("can be given to a handler under test", func(t *testing.T) {
		t.Parallel()
		cl, err := claims.Parse([]byte(`{"sub":"me"}`), claims.DefaultMapping())
		require.NoError(t, err)
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		_, ok := ginauth.Claims(c)
		assert.False(t, ok, "there is no request")
		c.Request = request("GET", "/", "")
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
		e.GET("/", ginauth.Require(g, reads()), n.handler)
		r := request("GET", "/", "")
		assert.Equal(t, 401, serve(e, r.WithContext(claims.NewContext(r.Context(), cl))).Code)
		assert.Zero(t, n.Load())
	})
}

// Behind a door the ResponseWriter is Gin's own: a protocol can be switched.
func TestHijackWorksBehindADoor(t *testing.T) {
	t.Parallel()
	e := gin.New()
	e.GET("/socket", ginauth.Require(newGuard(t, middleware.Config{}), reads()), func(c *gin.Context) {
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

	in, conn = dial(reader)
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

// Handlers that the Guard's own answer hook sees write to the caller as in net/http.
func TestErrorBodyWritesThroughGin(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{ErrorBody: func(w http.ResponseWriter, _ *http.Request, e *middleware.Error) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK) // has no effect
		_, _ = w.Write([]byte(`{}`))
	}})
	e := gin.New()
	e.GET("/", ginauth.Require(g, reads()), new(reached).handler)
	w := serve(e, request("GET", "/", ""))
	assert.Equal(t, 401, w.Code)
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, `{}`, w.Body.String())
	assert.Equal(t, `Bearer realm="api"`, w.Header().Get("WWW-Authenticate"))
}

// A request that its caller gave up is no 401.
func TestACanceledRequestIsNoBadToken(t *testing.T) {
	t.Parallel()
	g, err := middleware.New(middleware.Config{Verifier: waits{}})
	require.NoError(t, err)
	e := gin.New()
	e.GET("/", ginauth.Require(g, reads()), new(reached).handler)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, 503, serve(e, request("GET", "/", reader).WithContext(ctx)).Code)
}

type waits struct{}

func (waits) Verify(ctx context.Context, _ string) (*claims.Claims, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
