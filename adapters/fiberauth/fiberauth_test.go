package fiberauth_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	fiberrecover "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/mtls"
)

func TestEveryForgeryIsRefused(t *testing.T) {
	t.Parallel()
	for _, wiring := range wirings {
		t.Run(wiring, func(t *testing.T) {
			t.Parallel()
			iss := newIssuer(t, jwkstest.WithAlgorithm("ES256"))
			address := serveFiber(t, fiberApp(t, open(t, middleware.Config{}, iss), wiring))
			jwkstest.Attack(t, iss, func(token string) int {
				if strings.ContainsAny(token, "\r\n") {
					return 0 // another line
				}
				raw := exchange(t, address, row{token: token}.bytes())
				answer, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), nil)
				require.NoError(t, err)
				require.NoError(t, answer.Body.Close())
				return answer.StatusCode
			}, scope("orders.read"))
		})
	}
}

func TestClaimsOfAHandler(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	app := fiber.New()
	app.Get("/open", func(c fiber.Ctx) error {
		_, ok := fiberauth.Claims(c)
		assert.False(t, ok)
		return nil
	})
	app.Get("/given", func(c fiber.Ctx) error {
		given, err := claims.Parse([]byte(`{"sub":"tester"}`), claims.Mapping{})
		assert.NoError(t, err)
		c.SetContext(claims.NewContext(c.Context(), given))
		return c.Next()
	}, func(c fiber.Ctx) error {
		who, ok := fiberauth.Claims(c)
		assert.True(t, ok)
		assert.Equal(t, "tester", who.Subject())
		return c.Next()
	}, fiberauth.Require(open(t, middleware.Config{}, iss), claims.AnyToken()), answerFiber)
	assert.Equal(t, 200, send(t, app, "GET", "/open", iss.Token()).Code)
	assert.Equal(t, 401, send(t, app, "GET", "/given", "").Code, "no door takes claims of others for verified")
	assert.Equal(t, hello, send(t, app, "GET", "/given", iss.Token()).Body)
}

// One connection serves many requests, from the same buffers: each has its own claims,
// and what was kept of one is not written over by the next.
func TestWhatIsKeptOfARequestIsItsOwn(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	var mu sync.Mutex
	var kept []*http.Request
	keep := claims.FuncCall("to be kept", func(_ *claims.Claims, call claims.Call) bool {
		r, ok := middleware.RequestOf(call)
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, r)
		return ok
	})
	var contexts []context.Context
	app := fiber.New()
	app.Get("/open", answerFiber)
	app.Get("/:who/*", fiberauth.Require(open(t, middleware.Config{}, iss), keep), func(c fiber.Ctx) error {
		mu.Lock()
		defer mu.Unlock()
		contexts = append(contexts, c.Context())
		return c.SendString("for " + c.Params("who"))
	})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", serveFiber(t, app))
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	answers := bufio.NewReader(conn)
	ask := func(path, header string) string {
		_, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: "+strings.Trim(path[:4], "/")+".example\r\n"+header+"\r\n")
		require.NoError(t, err)
		answer, err := http.ReadResponse(answers, nil)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return string(body)
	}
	for _, who := range []string{"aaa", "bbb", "ccc"} {
		token := iss.Token(jwkstest.Claims{"sub": who})
		assert.Equal(t, "for "+who, ask("/"+who+"/x?q="+who, "X-Who: "+who+"\r\nX-Who: 2-"+who+"\r\nAuthorization: Bearer "+token+"\r\n"))
		assert.Equal(t, anonymous, ask("/open", ""))
	}
	require.Len(t, kept, 3)
	for i, who := range []string{"aaa", "bbb", "ccc"} {
		r := kept[i]
		assert.Equal(t, "GET", r.Method)
		assert.Equal(t, "/"+who+"/x?q="+who, r.RequestURI)
		assert.Equal(t, "/"+who+"/x", r.URL.Path)
		assert.Equal(t, "q="+who, r.URL.RawQuery)
		assert.Equal(t, who+".example", r.Host)
		assert.Equal(t, []string{who, "2-" + who}, r.Header["X-Who"])
		assert.Equal(t, "GET /:who/*", r.Pattern)
		assert.Equal(t, []string{who, "x", "x"}, []string{r.PathValue("who"), r.PathValue("*"), r.PathValue("*1")})
		assert.Empty(t, r.Header["Host"])
		assert.True(t, strings.HasPrefix(r.RemoteAddr, "127.0.0.1:"), r.RemoteAddr)
		assert.Nil(t, r.TLS)
		c, ok := claims.FromContext(contexts[i])
		assert.True(t, ok)
		assert.Equal(t, who, c.Subject())
	}
}

// Whatever method or path handlers of Use have made of a request: no handler runs by
// the rule of another.
func TestWhatRoutesIsWhatIsJudged(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	reads, admins := claims.AllScopes("orders.read"), claims.AnyRole("Orders.Admin")
	methodTo := func(to string) fiber.Handler { return func(c fiber.Ctx) error { c.Method(to); return c.Next() } }
	pathTo := func(to string) fiber.Handler { return func(c fiber.Ctx) error { c.Path(to); return c.Next() } }
	type row struct {
		name, method, path string
		changed            fiber.Handler
		status             int
	}
	for _, row := range []row{
		{"nothing changed", "GET", "/orders", methodTo("GET"), 200},
		{"GET that became DELETE", "GET", "/orders", methodTo("DELETE"), 403},
		{"DELETE that became GET", "DELETE", "/orders", methodTo("GET"), 403},
		{"HEAD that became GET", "HEAD", "/orders", methodTo("GET"), 200},
		{"a path that became another's", "GET", "/orders", pathTo("/admin"), 403},
		{"a path that became an open one's", "GET", "/admin", pathTo("/open"), 200},
		{"an open path that became another's", "GET", "/open", pathTo("/admin"), 403},
		{"a path that became none", "GET", "/orders", pathTo("/nowhere"), 403},
		{"a path that became none that there can be", "GET", "/orders", pathTo("/orders%zz"), 403},
	} {
		var open, orders, admin reached
		app := fiber.New()
		app.Use(row.changed)
		app.All("/open", open.handle)
		app.Get("/orders", orders.handle)
		app.Delete("/orders", admin.handle)
		app.All("/admin", admin.handle)
		app.Get("/:any", admin.handle)
		require.NoError(t, fiberauth.Enforce(app, gate, fiberauth.Policy{
			Rules:  map[string]claims.Rule{"GET /orders": reads, "DELETE /orders": admins, "/admin": admins, "GET /:any": admins},
			Exempt: []string{"/open"},
		}))
		assert.Equal(t, row.status, send(t, app, row.method, row.path, iss.Token(scope("orders.read"))).Code, row.name)
		assert.Zero(t, admin.Load(), row.name)
	}
	for _, row := range []row{
		{"a level, as it came", "GET", "/x", methodTo("GET"), 200},
		{"a level, for GET that became DELETE", "GET", "/x", methodTo("DELETE"), 403},
		{"a level, for DELETE that became GET", "DELETE", "/x", methodTo("GET"), 403},
		{"a level, for HEAD that became GET", "HEAD", "/x", methodTo("GET"), 200},
	} {
		for _, atRoute := range []bool{false, true} {
			var n reached
			app := fiber.New()
			app.Use(row.changed)
			door := fiberauth.RequireAccess(gate, levels())
			if atRoute {
				app.All("/x", door, n.handle)
			} else {
				app.Use(door)
				app.All("/x", n.handle)
			}
			assert.Equal(t, row.status, send(t, app, row.method, row.path, iss.Token(scope("get", "delete"))).Code, row.name)
			assert.Equal(t, row.status == 200, n.Load() == 1, row.name)
		}
	}
	for _, path := range []string{"/x%zz", "x"} { // that are none for net/http
		var n reached
		app := fiber.New()
		app.Use(pathTo(path), fiberauth.Require(gate, claims.AnyToken()))
		app.All("/*", n.handle)
		assert.Equal(t, 403, send(t, app, "GET", "/x", iss.Token()).Code, path)
		assert.Zero(t, n.Load())
	}
	// In the chain of one route, after Fiber has chosen it.
	var n reached
	app := fiber.New()
	app.Delete("/x", func(c fiber.Ctx) error {
		c.Method("GET")
		c.Request().Header.SetMethod("GET")
		return c.Next()
	}, fiberauth.RequireAccess(gate, levels()), n.handle)
	assert.Equal(t, 403, send(t, app, "DELETE", "/x", iss.Token(scope("get"))).Code)
	assert.Zero(t, n.Load())
}

// A panic of the user's inside the Guard leaves what is behind the door closed.
func TestAPanicInTheGuardLeavesTheDoorClosed(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	var n reached
	app := fiber.New()
	app.Use(fiberrecover.New())
	app.Get("/x", fiberauth.Require(open(t, middleware.Config{}, iss), claims.Func("a rule that panics", func(*claims.Claims) bool { panic("of the user") })), n.handle)
	assert.Equal(t, 500, send(t, app, "GET", "/x", iss.Token()).Code)
	assert.Zero(t, n.Load())
}

// Errors of handlers go to Fiber's error handler, refusals do not. What was set in
// front of a door stays.
func TestErrorsAreFibersAndRefusalsTheGuards(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	failure := errors.New("no tea")
	var seen []error
	app := fiber.New(fiber.Config{ErrorHandler: func(c fiber.Ctx, err error) error {
		seen = append(seen, err)
		return c.Status(http.StatusTeapot).SendString("own")
	}})
	app.Use(func(c fiber.Ctx) error {
		c.Set("X-Request-Id", "7")
		c.Append("Vary", "Origin")
		c.Cookie(&fiber.Cookie{Name: "a", Value: "1"})
		c.Cookie(&fiber.Cookie{Name: "b", Value: "2"})
		c.Set("ETag", `"x"`)
		c.Type("json")
		return c.Next()
	})
	app.Get("/x", fiberauth.Require(open(t, middleware.Config{}, iss), claims.AnyToken()), func(fiber.Ctx) error { return failure })
	w := send(t, app, "GET", "/x", iss.Token())
	assert.Equal(t, 418, w.Code)
	assert.Equal(t, "private", w.Header.Get("Cache-Control"))
	w = send(t, app, "GET", "/x", "")
	assert.Equal(t, 401, w.Code)
	assert.Equal(t, "7", w.Header.Get("X-Request-Id"))
	assert.Equal(t, "Origin", w.Header.Get("Vary"))
	assert.Len(t, w.Header["Set-Cookie"], 2)
	assert.Empty(t, w.Header["Etag"], "of a body that is not sent")
	assert.Equal(t, "text/plain; charset=utf-8", w.Header.Get("Content-Type"))
	assert.Equal(t, []error{failure}, seen)
}

func TestAnAnswerIsPrivateUnlessItsHandlerSaysOtherwise(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	app := fiber.New()
	app.Get("/public", fiberauth.Require(gate, claims.AnyToken()), func(c fiber.Ctx) error {
		c.Set("Cache-Control", "public, max-age=60")
		return c.SendString("x")
	})
	app.Get("/stream", fiberauth.Authenticate(gate), fiberauth.Require(gate, claims.AnyToken()), func(c fiber.Ctx) error {
		return c.SendStreamWriter(func(w *bufio.Writer) { _, _ = w.WriteString("x") })
	})
	assert.Equal(t, []string{"public, max-age=60"}, send(t, app, "GET", "/public", iss.Token()).Header["Cache-Control"])
	assert.Equal(t, []string{"private"}, send(t, app, "GET", "/stream", iss.Token()).Header["Cache-Control"])
}

func TestPreflightsAndExemptions(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{Preflight: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "https://app.example")
			w.WriteHeader(http.StatusNoContent)
		})
	}}, iss)
	var n reached
	app := fiber.New()
	app.Get("/x", n.handle)
	app.All("/open", n.handle)
	require.NoError(t, fiberauth.Enforce(app, gate, fiberauth.Policy{Rules: map[string]claims.Rule{"GET /x": claims.AnyToken()}, Exempt: []string{"/open"}}))
	for _, path := range []string{"/x", "/open", "/nowhere"} {
		w := send(t, app, "OPTIONS", path, "", "Origin", "https://app.example", "Access-Control-Request-Method", "GET")
		assert.Equal(t, 204, w.Code, path)
		assert.Equal(t, "https://app.example", w.Header.Get("Access-Control-Allow-Origin"), path)
	}
	assert.Zero(t, n.Load())
	assert.Equal(t, 200, send(t, app, "GET", "/open", "").Code)
}

func TestAGuardThatIsNoneRefuses(t *testing.T) {
	t.Parallel()
	for _, door := range []func(){
		func() { fiberauth.Authenticate(nil) },
		func() { fiberauth.Optional(nil) },
		func() { fiberauth.Require(nil, claims.AnyToken()) },
		func() { fiberauth.RequireAccess(nil, levels()) },
	} {
		assert.PanicsWithError(t, "fiberauth: the Guard is nil", door)
	}
	assert.Panics(t, func() { fiberauth.Require(new(sallyport.Gate), claims.AllScopes()) })
	assert.Panics(t, func() { fiberauth.RequireAccess(new(sallyport.Gate), claims.AccessLevels{}) })
	var n reached
	for _, guard := range []fiberauth.Guard{new(middleware.Guard), (*middleware.Guard)(nil), new(sallyport.Gate), (*sallyport.Gate)(nil)} {
		app := fiber.New()
		app.Get("/x", fiberauth.Require(guard, claims.AnyToken()), n.handle)
		app.Get("/o", fiberauth.Optional(guard), n.handle)
		assert.Equal(t, 503, send(t, app, "GET", "/x", "x").Code)
		assert.Equal(t, 503, send(t, app, "GET", "/o", "x").Code)
	}
	app := fiber.New()
	app.Get("/x", fiberauth.Require(silent{new(middleware.Guard)}, claims.AnyToken()), n.handle)
	assert.Equal(t, 500, send(t, app, "GET", "/x", "x").Code, "one that neither answers nor lets through")
	assert.Zero(t, n.Load())
}

// silent is a Guard that does nothing.
type silent struct{ fiberauth.Guard }

func (silent) Require(claims.Rule) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler { return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}) }
}

// The certificate of a client is that of its TLS connection.
func TestACertificateBoundTokenPassesWithItsCertificateAlone(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	binding, err := mtls.New(mtls.Config{})
	require.NoError(t, err)
	app := fiber.New()
	app.Get("/x", fiberauth.Require(open(t, middleware.Config{Bindings: []middleware.Binding{binding}}, iss), claims.AnyToken()), answerFiber)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	helper := httptest.NewUnstartedServer(http.NotFoundHandler()) // for its certificate
	helper.StartTLS()
	t.Cleanup(helper.Close)
	address := serveFiberOn(t, tls.NewListener(l, &tls.Config{Certificates: helper.TLS.Certificates, ClientAuth: tls.RequestClientCert}), app)
	own := iss.NewCertificate()
	for _, row := range []struct {
		name         string
		certificates []tls.Certificate
		status       int
	}{
		{"its own", []tls.Certificate{own.TLS()}, 200},
		{"that of another", []tls.Certificate{iss.NewCertificate().TLS()}, 401},
		{"none", nil, 401},
	} {
		transport := helper.Client().Transport.(*http.Transport).Clone()
		transport.TLSClientConfig.Certificates = row.certificates
		t.Cleanup(transport.CloseIdleConnections)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/x", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+iss.Token(own.Bound()))
		answer, err := (&http.Client{Transport: transport}).Do(r)
		require.NoError(t, err, row.name)
		require.NoError(t, answer.Body.Close())
		assert.Equal(t, row.status, answer.StatusCode, row.name)
	}
}
