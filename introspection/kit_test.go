package introspection_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const audience = "api://orders"

// world is one issuer and the configurations of a Verifier for it. Tests change
// them before they ask for one.
type world struct {
	*jwkstest.Issuer

	cfg    introspection.Config
	jwts   verifier.Config
	issuer *verifier.Issuer
}

// newWorld has an issuer without a socket, for bubbles.
func newWorld(tb testing.TB, options ...jwkstest.Option) *world {
	tb.Helper()
	return onSocket(tb, append([]jwkstest.Option{jwkstest.WithoutServer()}, options...)...)
}

// onSocket has an issuer on a loopback socket. It signs with ES256, whose keys are
// quickly made.
func onSocket(tb testing.TB, options ...jwkstest.Option) *world {
	tb.Helper()
	w := &world{Issuer: jwkstest.New(tb, append([]jwkstest.Option{jwkstest.WithAudience(audience), jwkstest.WithAlgorithm("ES256")}, options...)...)}
	w.cfg = introspection.Config{
		Issuer:      w.Issuer.Issuer(),
		Endpoint:    w.IntrospectionURL(),
		Credentials: introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed(jwkstest.IntrospectionSecret)),
		Client:      w.Client(),
	}
	w.jwts.Issuers = []verifier.Issuer{{Name: w.Issuer.Issuer(), Audiences: []string{audience}, Keys: w.KeySet()}}
	w.issuer = &w.jwts.Issuers[0]
	return w
}

func (w *world) open(tb testing.TB, more ...introspection.Config) *introspection.Verifier {
	tb.Helper()
	jwts, err := verifier.New(w.jwts)
	require.NoError(tb, err)
	v, err := introspection.New(jwts, append([]introspection.Config{w.cfg}, more...)...)
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, v.Close()) })
	return v
}

// serve answers each question with a status and a body.
func (w *world) serve(status int, header http.Header, body string) {
	w.ServeIntrospection(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		for name, values := range header {
			rw.Header()[name] = values
		}
		rw.WriteHeader(status)
		_, _ = rw.Write([]byte(body))
	})
}

func good(tb testing.TB, v interface {
	Verify(context.Context, string) (*claims.Claims, error)
}, token string,
) *claims.Claims {
	tb.Helper()
	c, err := v.Verify(tb.Context(), token)
	require.NoError(tb, err)
	return c
}

// refusal returns the error of a token that is refused for that reason.
func refusal(tb testing.TB, v *introspection.Verifier, token string, why reason.Code) *verifier.Error {
	tb.Helper()
	c, err := v.Verify(tb.Context(), token)
	assert.Nil(tb, c)
	var e *verifier.Error
	require.ErrorAs(tb, err, &e)
	require.Equal(tb, why, e.Reason, "%v", err)
	assert.NotContains(tb, err.Error(), token, "an error shows no token")
	assert.NotContains(tb, err.Error(), jwkstest.IntrospectionSecret)
	return e
}

// stranger returns a token that nobody issued.
func stranger(n int) string { return "made-up-" + strconv.Itoa(n) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
