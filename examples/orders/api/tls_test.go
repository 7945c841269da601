package api_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/examples/internal/devca"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/mtls"
)

// newCA is a certificate authority of a test.
func newCA(t *testing.T) *devca.Authority {
	t.Helper()
	ca, err := devca.New()
	require.NoError(t, err)
	return ca
}

func issue(t *testing.T, ca *devca.Authority, name string, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	cert, err := ca.Issue(name, usage)
	require.NoError(t, err)
	return cert
}

func file(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), rand.Text())
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

// secured are the files of a server whose clients have certificates of ca.
func secured(t *testing.T, ca *devca.Authority) (f api.Features) {
	t.Helper()
	cert, key, err := devca.PEM(issue(t, ca, "api", x509.ExtKeyUsageServerAuth))
	require.NoError(t, err)
	f.TLSCert, f.TLSKey, f.MTLSCA = file(t, cert), file(t, key), file(t, ca.PEM())
	return f
}

// over sends a request over TLS, with a certificate or without.
func over(t *testing.T, r *http.Request, roots *x509.CertPool, own ...tls.Certificate) (testkit.Answer, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: own, MinVersion: tls.VersionTLS12},
	}}
	res, err := client.Do(r)
	if err != nil {
		return testkit.Answer{}, err
	}
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return testkit.Answer{Status: res.StatusCode, Header: res.Header, Body: string(body)}, nil
}

func TestCertificateBoundTokens(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	ca := newCA(t)
	partner, thief := issue(t, ca, "partner", x509.ExtKeyUsageClientAuth), issue(t, ca, "thief", x509.ExtKeyUsageClientAuth)
	stranger := issue(t, newCA(t), "stranger", x509.ExtKeyUsageClientAuth)
	prover := issuer.NewProver("ES256")
	everywhere(t, func(t *testing.T, framework string) {
		cfg := trusting(issuer)
		cfg.Framework, cfg.Features = framework, secured(t, ca)
		cfg.DPoP, cfg.Resource = "accept", "https://api.example"
		w := start(t, cfg)
		require.Contains(t, w.URL(), "https://127.0.0.1:")
		token := issuer.Token(boundTo(partner))
		get := func(token string, own ...tls.Certificate) int {
			a, err := over(t, testkit.NewRequest(t, "GET", w.URL()+"/orders", token, ""), ca.Pool(), own...)
			require.NoError(t, err)
			return a.Status
		}
		assert.Equal(t, 200, get(token, partner), "with its certificate")
		assert.Equal(t, 401, get(token, thief), "stolen, with a certificate of one's own")
		assert.Equal(t, "wrong_certificate", w.last())
		assert.Equal(t, 401, get(token), "stolen, without a certificate")
		assert.Equal(t, 200, get(issuer.Token()), "a bearer token, without a certificate")
		_, err := over(t, testkit.NewRequest(t, "GET", w.URL()+"/orders", token, ""), ca.Pool(), stranger)
		assert.Error(t, err, "no connection for certificates of another CA")

		bound := testkit.NewRequest(t, "GET", w.URL()+"/orders", "", "")
		prover.SetProof(bound, issuer.Token(prover.Bound()))
		a, err := over(t, bound, ca.Pool())
		require.NoError(t, err)
		assert.Equal(t, 200, a.Status, "a proof for its own address, which is https")
		a, err = over(t, testkit.NewRequest(t, "GET", w.URL()+"/.well-known/oauth-protected-resource", "", ""), ca.Pool())
		require.NoError(t, err)
		assert.Equal(t, true, a.Members(t)["tls_client_certificate_bound_access_tokens"])
	})
}

func TestFilesOfTLSAreReadAtTheStart(t *testing.T) {
	t.Parallel()
	ca, empty := newCA(t), file(t, nil)
	good := secured(t, ca)
	for want, f := range map[string]api.Features{
		"-tls-cert and -tls-key: ":                                {TLSCert: empty, TLSKey: good.TLSKey},
		"-tls-cert and -tls-key: tls: private key does not match": {TLSCert: file(t, ca.PEM()), TLSKey: good.TLSKey},
		"-mtls-ca: " + empty + " has no certificate in PEM":       {TLSCert: good.TLSCert, TLSKey: good.TLSKey, MTLSCA: empty},
		"-mtls-ca: open ":                       {TLSCert: good.TLSCert, TLSKey: good.TLSKey, MTLSCA: empty + "-not"},
		"-mtls-ca wants -tls-cert and -tls-key": {MTLSCA: good.MTLSCA},
	} {
		_, err := api.Start(t.Context(), api.Config{Addr: "127.0.0.1:0", AuthAddr: "127.0.0.1:0", Framework: "nethttp", Features: f})
		assert.ErrorContains(t, err, want)
	}
}

// boundTo is the claim of a token that is bound to a certificate.
func boundTo(cert tls.Certificate) jwkstest.TokenOption {
	return jwkstest.Claims{"cnf": map[string]string{"x5t#S256": mtls.Thumbprint(cert.Leaf)}}
}
