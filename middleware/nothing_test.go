package middleware_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// bindingFunc is a Binding of one function that covers jkt.
type bindingFunc func() error

func (bindingFunc) Confirms() []string { return []string{"jkt"} }

func (f bindingFunc) Check(*http.Request, middleware.Credential, *claims.Claims) error { return f() }

// A nil pointer in an error is a mistake that Go makes easy. It must neither panic nor admit anybody.
func TestANilPointerInAnErrorIsStillARefusal(t *testing.T) {
	t.Parallel()
	var masked *verifier.Error
	source := newGuard(t, middleware.Config{Credentials: func(*http.Request) (middleware.Credential, error) {
		return middleware.Credential{Token: reader}, masked
	}})
	w := serve(source.Authenticate(served), request())
	assert.Equal(t, http.StatusBadRequest, w.Code, "from a credential source")
	assert.NotContains(t, w.Body.String(), "served")

	binding := newGuard(t, middleware.Config{Bindings: []middleware.Binding{bindingFunc(func() error { return masked })}})
	w = serve(binding.Authenticate(served), withToken(bound))
	assert.Equal(t, http.StatusUnauthorized, w.Code, "from a binding")
	assert.NotContains(t, w.Body.String(), "served")
}

// The stamp speaks for the credential that it was made from, not for a source that fails with the same token at hand.
func TestAFailingSourceIsNotHealedByTheStamp(t *testing.T) {
	t.Parallel()
	calls := 0
	g := newGuard(t, middleware.Config{Credentials: func(*http.Request) (middleware.Credential, error) {
		if calls++; calls > 1 {
			return middleware.Credential{Token: reader}, errors.New("the proxy took it back")
		}
		return middleware.Credential{Token: reader}, nil
	}})
	w := serve(g.Authenticate(g.Require(allReads())(served)), request())
	assert.Equal(t, http.StatusBadRequest, w.Code)
	assert.Equal(t, 2, calls)
}

func TestTroubleWithoutACauseIsLogged(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	v := newTokens(t)
	v.errs[reader] = &verifier.Error{Reason: reason.KeysUnavailable}
	g := newGuard(t, middleware.Config{Verifier: v, Logger: slog.New(slog.NewTextHandler(&text, nil))})
	w := serve(g.Authenticate(served), withToken(reader))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.Contains(t, text.String(), "reason=keys_unavailable")
	assert.NotContains(t, text.String(), "error=")
}
