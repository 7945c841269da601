package mtls_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// proxy is the address of the proxy that the tests trust, and fromProxy that of
// a connection which it made.
const (
	proxy     = "10.0.0.7/32"
	fromProxy = "10.0.0.7:4711"
)

func proxies(prefixes ...string) (list []netip.Prefix) {
	for _, p := range prefixes {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}

func newBinding(t *testing.T, cfg mtls.Config) *mtls.Binding {
	t.Helper()
	b, err := mtls.New(cfg)
	require.NoError(t, err)
	return b
}

// api is a guarded handler and the issuer of its tokens.
type api struct {
	*jwkstest.Issuer
	http.Handler
}

// answer is an answer with what the Guard reported of it.
type answer struct {
	*httptest.ResponseRecorder
	middleware.Event
}

type eventKey struct{}

func newAPI(t *testing.T, cfg mtls.Config) *api {
	t.Helper()
	return guarded(t, newBinding(t, cfg))
}

func guarded(t *testing.T, bindings ...middleware.Binding) *api {
	t.Helper()
	a := &api{Issuer: jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))}
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name: a.Issuer.Issuer(), Audiences: []string{a.Audience()}, Keys: a.KeySet(), Algorithms: []string{"ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256"},
	}}})
	require.NoError(t, err)
	g, err := middleware.New(middleware.Config{
		Verifier: v, Bindings: bindings,
		OnEvent: func(ctx context.Context, ev middleware.Event) {
			if kept, ok := ctx.Value(eventKey{}).(*middleware.Event); ok {
				*kept = ev
			}
		},
	})
	require.NoError(t, err)
	a.Handler = g.Require(claims.AnyToken())(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	return a
}

// call sends a request with a token of those options.
func (a *api) call(r *http.Request, options ...jwkstest.TokenOption) answer {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+a.Token(options...))
	return a.serve(r)
}

func (a *api) serve(r *http.Request) answer {
	w := answer{ResponseRecorder: httptest.NewRecorder()}
	a.ServeHTTP(w.ResponseRecorder, r.WithContext(context.WithValue(r.Context(), eventKey{}, &w.Event)))
	return w
}

// assertPasses fails the test unless the answer let a request through.
func (*api) assertPasses(t *testing.T, w answer) {
	t.Helper()
	assert.Equal(t, http.StatusNoContent, w.Code)
	assert.Equal(t, middleware.Verified, w.Outcome)
	assert.NoError(t, w.Err)
}

// assertRefused fails the test unless it was the refusal that RFC 8705 section 3
// asks for, with this reason and a cause that says so.
func (*api) assertRefused(t *testing.T, w answer, why reason.Code, cause string) {
	t.Helper()
	assert.Equal(t, http.StatusUnauthorized, w.Code)
	assert.Equal(t, []string{`Bearer realm="api", error="invalid_token"`}, w.Header().Values("WWW-Authenticate"))
	assert.Equal(t, why, w.Reason)
	assert.ErrorContains(t, w.Err, cause)
}

func request() *http.Request { return httptest.NewRequest(http.MethodGet, "/orders", nil) }

// forwarded is a request of the proxy with these lines of a header.
func forwarded(header string, lines ...string) *http.Request {
	r := request()
	r.RemoteAddr = fromProxy
	if lines != nil {
		r.Header[header] = lines
	}
	return r
}

var zeroPrefix netip.Prefix

// forwardedAs writes a certificate as RFC 9440 section 2.1 has it.
func forwardedAs(cert *x509.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(cert.Raw) + ":"
}

func parsePEM(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return cert
}
