package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRoutesAreGuarded(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	api := routes(gate)
	for _, row := range []struct {
		method, path string
		token        string
		want         int
	}{
		{http.MethodGet, "/healthz", "", http.StatusOK},
		{http.MethodGet, "/orders", "", http.StatusUnauthorized},
		{http.MethodGet, "/orders", iss.Token(), http.StatusForbidden},
		{http.MethodGet, "/orders", iss.Token(jwkstest.Claims{"scope": "orders.read"}), http.StatusOK},
		{http.MethodDelete, "/orders/1", iss.Token(jwkstest.Claims{"scope": "orders.read"}), http.StatusForbidden},
		{http.MethodDelete, "/orders/1", iss.Token(jwkstest.Claims{"roles": []string{"Orders.Admin"}}), http.StatusOK},
	} {
		r := httptest.NewRequest(row.method, row.path, nil)
		if row.token != "" {
			r.Header.Set("Authorization", "Bearer "+row.token)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		assert.Equal(t, row.want, w.Code, "%s %s", row.method, row.path)
	}
	report, err := chiauth.Audit(api, "GET /healthz")
	require.NoError(t, err, "a route was forgotten: %v", report)
}
