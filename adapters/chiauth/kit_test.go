package chiauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// verify knows two tokens by heart.
type verify struct{}

const (
	reader = "token-of-reader" // scope orders.read
	admin  = "token-of-admin"  // scope orders.read, role Orders.Admin
)

var known = map[string]string{
	reader: `{"sub":"reader","scope":"orders.read get","aud":"api://orders"}`,
	admin:  `{"sub":"admin","scope":"orders.read","roles":["Orders.Admin"]}`,
}

func (verify) Verify(_ context.Context, token string) (*claims.Claims, error) {
	payload, ok := known[token]
	if !ok {
		return nil, reason.BadSignature
	}
	return claims.Parse([]byte(payload), claims.DefaultMapping())
}

func newGuard(t *testing.T, cfg middleware.Config) *middleware.Guard {
	t.Helper()
	cfg.Verifier = verify{}
	g, err := middleware.New(cfg)
	require.NoError(t, err)
	return g
}

func reads() claims.Rule  { return claims.AllScopes("orders.read") }
func admins() claims.Rule { return claims.AnyRole("Orders.Admin") }

// reached counts the requests that came to a handler, which answers with the subject of the claims.
type reached struct{ atomic.Int64 }

func (n *reached) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.Add(1)
	subject := "-"
	if c, ok := claims.FromContext(r.Context()); ok {
		subject = c.Subject()
	}
	_, _ = w.Write([]byte(subject))
}

func request(method, target, token string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
