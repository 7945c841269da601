package guide_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	goleak.VerifyTestMain(m)
}

// issuerNamed is an authorization server of that name. It has no socket: see withKeys.
func issuerNamed(t *testing.T, name, audience string, options ...jwkstest.Option) *jwkstest.Issuer {
	t.Helper()
	return jwkstest.New(t, append([]jwkstest.Option{jwkstest.WithoutServer(), jwkstest.WithName(name), jwkstest.WithAudience(audience)}, options...)...)
}

// withKeys gives every issuer of a provider the keys of iss.
func withKeys(p providers.Provider, iss *jwkstest.Issuer) providers.Provider {
	for i := range p.Issuers {
		p.Issuers[i].Tokens.Keys = iss.KeySet()
	}
	return p
}

// closed returns what a constructor made, and closes it with the test.
func closed(t *testing.T) func(*sallyport.Gate, error) *sallyport.Gate {
	t.Helper()
	return func(gate *sallyport.Gate, err error) *sallyport.Gate {
		require.NoError(t, err)
		t.Cleanup(func() { _ = gate.Close() })
		return gate
	}
}

// How long a test waits for what happens by itself.
const (
	waitAtMost  = 2 * time.Minute
	waitBetween = 20 * time.Millisecond
)

var ok = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if c, verified := claims.FromContext(r.Context()); verified {
		_, _ = w.Write([]byte("for " + c.ClientID()))
	}
})

// call sends one request, with a token unless it is "".
func call(h http.Handler, method, target, token string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
