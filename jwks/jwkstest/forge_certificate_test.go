package jwkstest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// checked is an API that verifies tokens, but leaves cnf to binds.
func checked(iss *jwkstest.Issuer, binds func(r *http.Request, thumbprint string) bool) http.Handler {
	v := newVerifier(iss, iss.KeySet())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := v.VerifyBound(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if value, _ := c.Value("cnf", "x5t#S256"); c.Has("cnf") {
			if text, ok := value.(string); !ok || !binds(r, text) {
				w.WriteHeader(http.StatusUnauthorized)
			}
		}
	})
}

func TestAnAttackFindsAnAPIThatIsCarelessWithCertificates(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	cert := iss.NewCertificate()
	request := func() *http.Request { return httptest.NewRequest(http.MethodGet, "/orders", nil) }
	hash := func(der []byte) string {
		sum := sha256.Sum256(der)
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}
	connection := func(r *http.Request, thumbprint string) bool {
		return r.TLS != nil && len(r.TLS.PeerCertificates) > 0 && hash(r.TLS.PeerCertificates[0].Raw) == thumbprint
	}
	header := func(r *http.Request, thumbprint string) bool {
		der, err := base64.StdEncoding.DecodeString(strings.Trim(r.Header.Get("Client-Cert"), ":"))
		return err == nil && hash(der) == thumbprint
	}
	for name, row := range map[string]struct {
		good  *http.Request
		binds func(r *http.Request, thumbprint string) bool
		finds []string // prefixes
	}{
		"it checks the connection: nothing is found": {cert.On(request()), connection, nil},
		"it takes any certificate": {
			cert.On(request()), func(r *http.Request, _ string) bool { return r.TLS != nil },
			[]string{"certificate: a stranger's: got through with 200: a token that is bound to a certificate is accepted without it (RFC 8705 section 3)"},
		},
		"it checks nothing": {
			cert.On(request()), func(*http.Request, string) bool { return true },
			[]string{"certificate: none: got through", "certificate: thumbprint: in hex: got through", "certificate: in the header X-SSL-Cert as escaped PEM: got through"},
		},
		"it believes a header of anybody": {
			cert.On(request()), func(r *http.Request, thumbprint string) bool {
				return connection(r, thumbprint) || header(r, thumbprint)
			},
			[]string{"certificate: in the header Client-Cert as a byte sequence: got through with 200: a certificate is taken from a header that anybody can send (RFC 9440 section 4)"},
		},
		"it believes the header of its proxy, whoever sends it": {
			forwardedBy(request(), cert.ClientCert()), header,
			[]string{
				"certificate: the proxy's header from another address: got through with 200: a certificate is taken from a header that anybody can send",
				"certificate: twice the same: got through with 200: two certificates came",
				"certificate: bare base64: got through with 200: a certificate is read from what is not in the proxy's format",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &fakeTB{TB: t}
			jwkstest.AttackHandler(r, iss, checked(iss, row.binds), row.good, cert.Bound())
			joined := strings.Join(r.errors, "\n")
			if row.finds == nil {
				assert.NotContains(t, joined, "certificate: ")
			}
			for _, find := range row.finds {
				assert.Contains(t, joined, "jwkstest: "+find)
			}
		})
	}
}

func forwardedBy(r *http.Request, value string) *http.Request {
	r.Header.Set("Client-Cert", value)
	return r
}

func TestCertificateForgeriesHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	cert, other := iss.NewCertificate(), iss.NewCertificate()
	request := httptest.NewRequest(http.MethodGet, "/orders", nil)
	count := func(r *http.Request, options ...jwkstest.TokenOption) int {
		names := map[string]bool{}
		for name, f := range iss.CertificateForgeries(r, options...) {
			assert.False(t, names[name], name)
			assert.NotEmpty(t, f.Reason, name)
			assert.NotEmpty(t, f.Hole, name)
			names[name] = true
		}
		return len(names)
	}
	assert.Greater(t, count(cert.On(request), cert.Bound()), 75)
	assert.Greater(t, count(forwardedBy(request.Clone(t.Context()), cert.ClientCert()), cert.Bound()), 110)
	assert.Zero(t, count(request, cert.Bound()), "a request without the certificate is no good one")
	assert.Zero(t, count(other.On(request), cert.Bound()), "nor is one with another")
	assert.Zero(t, count(cert.On(request)), "the token is not bound")
	for range iss.CertificateForgeries(cert.On(request), cert.Bound()) {
		break // a loop may end early
	}
}
