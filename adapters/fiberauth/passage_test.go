package fiberauth_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/fiberauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// own is a Guard that does as a test says.
type own struct {
	fiberauth.Guard
	do func(w http.ResponseWriter, r *http.Request, next http.Handler)
}

func (o own) Require(claims.Rule) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { o.do(w, r, next) })
	}
}

// A refusal is written as net/http would write it, and what hides the passage from the
// door lets nothing through.
func TestTheAnswerOfAGuardIsThatOfNetHTTP(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		do     func(w http.ResponseWriter, r *http.Request, next http.Handler)
		status int
		body   string
		vary   []string
	}{
		{"a status behind an informational one", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusUnauthorized)
			w.WriteHeader(http.StatusOK)
		}, 401, "", []string{"Origin"}},
		{"a body without a status", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			_, _ = io.WriteString(w, "no")
			w.WriteHeader(http.StatusTeapot)
		}, 200, "no", []string{"Origin"}},
		{"one value more of a field", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Add("Vary", "Accept")
			w.WriteHeader(http.StatusForbidden)
		}, 403, "", []string{"Origin", "Accept"}},
		{"another ResponseWriter", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
		}, 500, "", []string{"Origin"}},
	} {
		var n reached
		app := fiber.New()
		app.Use(func(c fiber.Ctx) error { c.Append("Vary", "Origin"); return c.Next() })
		app.Get("/x", fiberauth.Require(own{new(middleware.Guard), row.do}, claims.AnyToken()), n.handle)
		got := send(t, app, "GET", "/x", "")
		assert.Equal(t, row.status, got.Code, row.name)
		assert.Equal(t, row.body, got.Body, row.name)
		assert.Equal(t, row.vary, got.Header["Vary"], row.name)
		assert.Zero(t, n.Load(), row.name)
	}
}
