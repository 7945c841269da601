package ginauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // it is global
	os.Exit(m.Run())
}

// verify knows two tokens by heart; "panic" panics.
type verify struct{}

const (
	reader = "token-of-reader" // scope orders.read
	admin  = "token-of-admin"  // scope orders.read, role Orders.Admin
)

var known = map[string]string{
	reader: `{"sub":"reader","scope":"orders.read get","aud":"api://orders"}`,
	admin:  `{"sub":"admin","scope":"orders.read","roles":["Orders.Admin"]}`,
}

func (verify) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	if token == "panic" {
		panic("a validator of the user")
	}
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

func enforce(t *testing.T, g ginauth.Guard, p ginauth.Policy) gin.HandlerFunc {
	t.Helper()
	h, err := ginauth.Enforce(g, p)
	require.NoError(t, err)
	return h
}

// reached counts the requests that came to a handler, which answers with the subject of the claims.
type reached struct{ atomic.Int64 }

func (n *reached) handler(c *gin.Context) {
	n.Add(1)
	subject := "-"
	if cl, ok := ginauth.Claims(c); ok {
		subject = cl.Subject()
	}
	c.String(http.StatusOK, subject)
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

// events collects what a Guard reports, as "outcome reason".
type events struct {
	mu    sync.Mutex
	lines []string
}

func (e *events) add(_ context.Context, ev middleware.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	line := string(ev.Outcome)
	if ev.Reason != "" {
		line += " " + string(ev.Reason)
	}
	e.lines = append(e.lines, line)
}
