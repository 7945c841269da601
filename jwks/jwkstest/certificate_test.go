package jwkstest_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestACertificateIsThatOfTheConnection(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	cert := iss.NewCertificate()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(r.TLS.PeerCertificates[0].Raw)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).TLSClientConfig.Certificates = []tls.Certificate{cert.TLS()}
	resp := must(client.Do(must(http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil))))
	defer resp.Body.Close()
	assert.Equal(t, cert.X509().Raw, must(io.ReadAll(resp.Body)))
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	assert.Equal(t, cert.X509().Raw, cert.On(request).TLS.PeerCertificates[0].Raw)
	assert.Nil(t, request.TLS, "the request given is left as it was")
}

func TestATokenIsBoundToACertificate(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"), jwkstest.WithClock(func() time.Time { return at }))
	cert := iss.NewCertificate()
	_, claims := open(t, iss.Token(cert.Bound()))
	assert.Equal(t, map[string]any{"x5t#S256": cert.Thumbprint()}, claims["cnf"])
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, cert.Thumbprint())
	assert.NotEqual(t, cert.Thumbprint(), iss.NewCertificate().Thumbprint(), "nobody else has it")
	assert.Equal(t, at.Add(24*time.Hour), cert.X509().NotAfter, "by the issuer's clock")
	assert.Regexp(t, `^:[A-Za-z0-9+/]+={0,2}:$`, cert.ClientCert())
	assert.Regexp(t, `^-----BEGIN%20CERTIFICATE-----%0A([A-Za-z0-9]|%2B|%2F|%3D|%0A)+-----END%20CERTIFICATE-----%0A$`, cert.EscapedPEM())
}
