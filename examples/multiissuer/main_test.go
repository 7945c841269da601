package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTwoIssuersEachHeldToItsOwn(t *testing.T) {
	t.Parallel()
	scope := jwkstest.Claims{"scope": "orders.read orders.delete"}
	a, b := jwkstest.New(t, scope), jwkstest.New(t, scope, jwkstest.Claims{"client_id": "partner-of-b"})
	gate, err := sallyport.NewFrom(providers.Generic(a.Issuer(), a.Audience()), providers.Generic(b.Issuer(), b.Audience()).WithClients("partner-of-b"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	api := routes(gate, a.Issuer())
	call := func(method, path, token string) int {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w.Code
	}
	assert.Equal(t, http.StatusOK, call(http.MethodGet, "/orders", a.Token()))
	assert.Equal(t, http.StatusOK, call(http.MethodGet, "/orders", b.Token()))
	assert.Equal(t, http.StatusOK, call(http.MethodDelete, "/orders/1", a.Token()))
	assert.Equal(t, http.StatusForbidden, call(http.MethodDelete, "/orders/1", b.Token()), "b's scope is not a's")
	assert.Equal(t, http.StatusUnauthorized, call(http.MethodGet, "/orders", b.Token(jwkstest.Claims{"client_id": "another"})))
	assert.Equal(t, http.StatusUnauthorized, call(http.MethodGet, "/orders", b.Token(jwkstest.Claims{"iss": a.Issuer()})), "b's key with a's name")

	b.Fail(http.StatusServiceUnavailable)
	assert.Equal(t, http.StatusOK, call(http.MethodGet, "/orders", a.Token()), "b's trouble is not a's")
}
