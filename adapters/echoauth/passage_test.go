package echoauth_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/echoauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// strange is a Guard that does not hand on the ResponseWriter that it got.
type strange struct{ echoauth.Guard }

func (strange) Require(claims.Rule) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(onlyWriter{w}, r) })
	}
}

type onlyWriter struct{ http.ResponseWriter }

func (onlyWriter) Unwrap() {} // of another kind

func TestAGuardThatHidesItsResponseWriterLetsNothingThrough(t *testing.T) {
	t.Parallel()
	var n reached
	e := echo.New()
	e.GET("/x", n.handle, echoauth.Require(strange{new(middleware.Guard)}, claims.AnyToken()))
	assert.Equal(t, 500, send(e, http.MethodGet, "/x", "x").Code)
	assert.Zero(t, n.Load())
}

// Bodies are written through what the Guard puts around, with all that it can do.
func TestAHandlerBehindADoorCanFlushAndHijack(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	e := echo.New()
	e.Use(echoauth.Authenticate(gate), echoauth.Require(gate, claims.AnyToken()))
	e.GET("/flush", func(c *echo.Context) error {
		_, _ = io.WriteString(c.Response(), "a")
		c.Response().(http.Flusher).Flush()
		own, err := echo.UnwrapResponse(c.Response())
		assert.NoError(t, err)
		assert.True(t, own.Committed)
		return http.NewResponseController(c.Response()).Flush()
	})
	e.GET("/hijack", func(c *echo.Context) error {
		conn, _, err := c.Response().(http.Hijacker).Hijack()
		if err != nil {
			return err
		}
		_, err = io.WriteString(conn, "HTTP/1.1 299 Taken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return errors.Join(err, conn.Close())
	})
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	ask := func(path, token string) string {
		return exchange(t, address, "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "+token+"\r\n\r\n")
	}
	got := ask("/flush", iss.Token())
	assert.True(t, strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n"), got)
	assert.Contains(t, got, "Cache-Control: private\r\n")
	assert.True(t, strings.HasPrefix(ask("/hijack", iss.Token()), "HTTP/1.1 299 Taken"))
	assert.True(t, strings.HasPrefix(ask("/hijack", "x"), "HTTP/1.1 401 "))
}

// Echo's AutoHandleHEAD counts what is written: a refusal is answered as net/http would.
func TestARefusalOfHEADIsThatOfNetHTTP(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	var n reached
	e := echo.NewWithConfig(echo.Config{Router: echo.NewRouter(echo.RouterConfig{AutoHandleHEAD: true})})
	e.GET("/x", n.handle, echoauth.RequireAccess(gate, levels()))
	mux := http.NewServeMux()
	mux.Handle("GET /x", gate.RequireAccess(levels())(answer))
	ours, theirs := httptest.NewServer(observed(e)), httptest.NewServer(observed(mux))
	t.Cleanup(ours.Close)
	t.Cleanup(theirs.Close)
	for _, token := range []string{"x", iss.Token()} {
		r := row{request: "HEAD /x", token: token}
		assert.Equal(t, exchange(t, theirs.Listener.Addr().String(), r.bytes()), exchange(t, ours.Listener.Addr().String(), r.bytes()))
	}
	assert.Zero(t, n.Load())
	w := send(e, http.MethodHead, "/x", iss.Token(scope("get")))
	assert.Equal(t, 200, w.Code)
	assert.Equal(t, "7", w.Header().Get("Content-Length"), "of what passes, Echo's own way")
	assert.Equal(t, int64(1), n.Load())
}

// put is a middleware that puts a ResponseWriter around that of Echo.
func put(around func(http.ResponseWriter) http.ResponseWriter, then func(c *echo.Context)) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			c.SetResponse(around(c.Response()))
			err := next(c)
			then(c)
			return err
		}
	}
}

// counting counts what is written through it.
type counting struct {
	http.ResponseWriter
	written *int
}

func (c counting) Write(b []byte) (int, error) {
	*c.written += len(b)
	return c.ResponseWriter.Write(b)
}

func (c counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// What a middleware in front has put around an answer gets refusals too, and finds all
// as it left it: its ResponseWriter, and the request.
func TestWhatStandsInFrontFindsItsOwn(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate := open(t, middleware.Config{}, iss)
	token := iss.Token(scope("orders.read get"), jwkstest.Claims{"tenant": "acme"})
	for name, door := range map[string]echo.MiddlewareFunc{
		"a rule": echoauth.Require(gate, ownTenant), "a level": echoauth.RequireAccess(gate, levels()),
	} {
		written, sent := 0, 0
		e := echo.New()
		e.Use(put(func(w http.ResponseWriter) http.ResponseWriter { return counting{w, &written} }, func(c *echo.Context) {
			assert.IsType(t, counting{}, c.Response(), name)
		}), changed(http.MethodGet))
		var n reached
		e.Add(http.MethodGet, "/:tenant", n.handle, door)
		e.Add(http.MethodDelete, "/:tenant", n.handle, door)
		for _, row := range []struct{ method, token string }{{"GET", token}, {"GET", ""}, {"DELETE", ""}} {
			r := httptest.NewRequest(row.method, "/acme", http.NoBody)
			if row.token != "" {
				r.Header.Set("Authorization", "Bearer "+row.token)
			}
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			sent += w.Body.Len()
			assert.Equal(t, sent, written, "%s: %s", name, row.method)
			assert.Equal(t, "/:tenant", r.Pattern, "%s: %s", name, row.method)
			assert.Empty(t, r.PathValue("tenant"), name)
		}
		assert.Equal(t, int64(1), n.Load())
	}
}

// A ResponseWriter that does not lead to Echo's is written to for HEAD as well.
func TestARefusalOfHEADFindsAResponseWriter(t *testing.T) {
	t.Parallel()
	var n reached
	e := echo.New()
	e.Use(put(func(w http.ResponseWriter) http.ResponseWriter { return onlyWriter{w} }, func(*echo.Context) {}))
	e.HEAD("/x", n.handle, echoauth.Require(open(t, middleware.Config{}, newIssuer(t)), claims.AnyToken()))
	assert.Equal(t, 401, send(e, http.MethodHead, "/x", "").Code)
	assert.Zero(t, n.Load())
}
