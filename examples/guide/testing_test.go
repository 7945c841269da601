package guide_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func listOrders(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprint(w, "orders for ", c.ClientID())
}

// newAPI is what main calls too: whom to trust comes from outside.
func newAPI(gate *sallyport.Gate) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /orders", gate.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(listOrders)))
	return mux
}

func TestOrders(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders")) // ends with the test
	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	api := newAPI(gate)

	for _, row := range []struct {
		name, token string
		status      int
	}{
		{"a reader", iss.Token(jwkstest.Claims{"scope": "orders.read"}), 200},
		{"a writer", iss.Token(jwkstest.Claims{"scope": "orders.write"}), 403},
		{"a caller of another API", iss.Token(jwkstest.WithAudience("api://billing")), 401},
		{"somebody without a token", "", 401},
	} {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		if row.token != "" {
			r.Header.Set("Authorization", "Bearer "+row.token)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		assert.Equal(t, row.status, w.Code, row.name)
	}
}

func TestOrdersUnderAttack(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	api := newAPI(closed(t)(sallyport.New(iss.Issuer(), iss.Audience())))

	jwkstest.AttackHandler(t, iss, api, httptest.NewRequest(http.MethodGet, "/orders", nil),
		jwkstest.Claims{"scope": "orders.read"}) // what makes a token good
}

func TestOrdersWhenTheIssuerIsInTrouble(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"scope": "orders.read"})
	api := newAPI(closed(t)(sallyport.New(iss.Issuer(), iss.Audience())))
	get := func(token string) int { return call(api, "GET", "/orders", token).Code }

	iss.Fail(http.StatusServiceUnavailable)
	assert.Equal(t, 503, get(iss.Token()), "no keys yet")
	iss.Restore()
	require.Eventually(t, func() bool { return get(iss.Token()) == 200 }, waitAtMost, waitBetween)
	iss.Rotate()
	assert.Equal(t, 200, get(iss.Token()), "a new key, at once")
	iss.Fail(http.StatusServiceUnavailable)
	assert.Equal(t, 200, get(iss.Token()), "an outage, with the keys that were fetched")
}

func TestListOrders(t *testing.T) {
	t.Parallel()
	c, err := claims.Parse([]byte(`{"client_id":"warehouse"}`), claims.DefaultMapping())
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	w := httptest.NewRecorder()
	listOrders(w, r.WithContext(claims.NewContext(r.Context(), c)))
	assert.Equal(t, "orders for warehouse", w.Body.String())
}
