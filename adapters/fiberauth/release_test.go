package fiberauth_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	fiberrecover "github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// The context of a call ends with its token, that of a stream too, and with the call:
// fasthttp ends none.
func TestTheContextEndsWithTheToken(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	app := fiber.New()
	var last context.Context
	app.Use(fiberrecover.New(), fiberauth.Authenticate(open(t, middleware.Config{EndAtExpiry: true}, iss)))
	app.Get("/stream", func(c fiber.Ctx) error {
		ctx := c.Context()
		return c.SendStreamWriter(func(w *bufio.Writer) {
			<-ctx.Done()
			_, _ = fmt.Fprint(w, context.Cause(ctx))
		})
	})
	app.Get("/call", func(c fiber.Ctx) error {
		last = c.Context() //nolint:fatcontext // it is looked at when the call is over
		return last.Err()
	})
	app.Get("/panic", func(c fiber.Ctx) error {
		last = c.Context() //nolint:fatcontext // as above
		panic("of the user")
	})
	app.Get("/taken-over", func(c fiber.Ctx) error {
		ctx := c.Context()
		c.RequestCtx().Hijack(func(conn net.Conn) {
			<-ctx.Done()
			_, _ = fmt.Fprint(conn, context.Cause(ctx))
		})
		return c.SendStatus(http.StatusSwitchingProtocols)
	})
	short := iss.Token(jwkstest.Claims{"exp": now.Add(-29 * time.Second).Unix()}) // good for a second, by the leeway
	assert.Equal(t, middleware.ErrTokenExpired.Error(), send(t, app, "GET", "/stream", short).Body)
	for range 2 {
		require.Equal(t, 200, send(t, app, "GET", "/call", iss.Token()).Code)
	}
	assert.ErrorIs(t, context.Cause(last), context.Canceled, "released with the call")
	assert.Equal(t, middleware.ErrTokenExpired.Error(), send(t, app, "GET", "/stream", short).Body, "and a stream goes on")
	require.Equal(t, 500, send(t, app, "GET", "/panic", iss.Token()).Code)
	assert.ErrorIs(t, context.Cause(last), context.Canceled, "released after a panic")
	address := serveFiber(t, app)
	for range 2 {
		answer := exchange(t, address, "GET /taken-over HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\nAuthorization: Bearer "+short+"\r\n\r\n")
		assert.Contains(t, answer, "\r\n\r\n"+middleware.ErrTokenExpired.Error(), "and so does a connection that was taken over")
	}
}
