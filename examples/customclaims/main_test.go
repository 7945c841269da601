package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClaimsOfOnesOwn(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.Claims{"https://orders.example/tenant": "t1", "plan": "gold", "stores": []string{"south", "north"}})
	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	api := routes(gate)
	for _, row := range []struct {
		path   string
		change jwkstest.Claims
		want   int
	}{
		{"/tenancy", nil, http.StatusOK},
		{"/reports", nil, http.StatusOK},
		{"/reports", jwkstest.Claims{"plan": "GOLD"}, http.StatusForbidden},
		{"/north", nil, http.StatusOK},
		{"/north", jwkstest.Claims{"stores": "northern"}, http.StatusForbidden},
		{"/north", jwkstest.Claims{"https://orders.example/tenant": nil}, http.StatusForbidden},
		{"/tenancy", jwkstest.Claims{"stores": 7}, http.StatusForbidden},
	} {
		r := httptest.NewRequest(http.MethodGet, row.path, nil)
		r.Header.Set("Authorization", "Bearer "+iss.Token(row.change))
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		assert.Equal(t, row.want, w.Code, "%s %v", row.path, row.change)
		if row.path == "/tenancy" && row.want == http.StatusOK {
			assert.JSONEq(t, `{"https://orders.example/tenant":"t1","plan":"gold","stores":["north","south"]}`, w.Body.String())
		}
	}
}
