package jwks_test

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

// ca is a certification authority of a cluster.
type ca struct {
	cert *x509.Certificate
	pem  string
}

func newCA(name string) ca {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, p256().Public(), p256()))
	return ca{must(x509.ParseCertificate(der)), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// leaf is a certificate for 127.0.0.1.
func (c ca) leaf() *tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "api"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, c.cert, p256().Public(), p256()))
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p256()}
}

// serveTLS serves keys with the certificate that cert holds.
func serveTLS(t *testing.T, cert *atomic.Pointer[tls.Certificate]) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, setOf("a")) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{*cert.Load()}}, nil
	}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestACAFileIsTrustedAndNothingElse(t *testing.T) {
	t.Parallel()
	var cert atomic.Pointer[tls.Certificate]
	one, two := newCA("one"), newCA("two")
	cert.Store(one.leaf())
	s := serveTLS(t, &cert)
	roots := x509.NewCertPool()
	roots.AddCert(one.cert)
	own := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	for name, row := range map[string]struct {
		file   string
		client *http.Client
		good   bool
	}{
		"the server's":                                {one.pem, nil, true},
		"the server's among others":                   {two.pem + one.pem, nil, true},
		"the server's, with a client that knows none": {one.pem, &http.Client{}, true},
		"another one":                                 {two.pem, nil, false},
		"another one, with a client that knows it":    {two.pem, own, false},
	} {
		f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, CAFile: fileOf(t, row.file), Client: row.client})
		err := f.Refresh(t.Context(), "a")
		if row.good {
			assert.NoError(t, err, name)
			continue
		}
		assert.ErrorContains(t, err, "certificate signed by unknown authority", name)
	}
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: own})
	assert.NoError(t, f.Refresh(t.Context(), "a"), "the client itself is not changed")
	own.CloseIdleConnections()
}

func TestACAFileMayBeReplaced(t *testing.T) {
	t.Parallel()
	var cert atomic.Pointer[tls.Certificate]
	one, two := newCA("one"), newCA("two")
	cert.Store(one.leaf())
	s := serveTLS(t, &cert)
	file := fileOf(t, one.pem)
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, CAFile: file})
	require.NoError(t, f.Refresh(t.Context(), "a"))

	cert.Store(two.leaf())
	s.CloseClientConnections()
	write(t, file, two.pem)
	require.NoError(t, f.Refresh(t.Context(), "unknown"), "the fetch succeeded, with no such key")

	cert.Store(one.leaf())
	s.CloseClientConnections()
	assert.ErrorContains(t, f.Refresh(t.Context(), "stray"), "unknown authority", "the old one is trusted no longer")
}

func TestCAFilesThatCannotBeUsedAreMistakes(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	dialing := &http.Client{Transport: &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }}}
	for says, cfg := range map[string]jwks.FetcherConfig{
		"whose DialTLS decides by itself whom to trust":            {JWKSURL: setURL, CAFile: fileOf(t, newCA("x").pem), Client: dialing},
		`jwks: CAFile "` + missing + `" cannot be read: `:          {JWKSURL: setURL, CAFile: missing},
		"holds no certificate in PEM form":                         {JWKSURL: setURL, CAFile: fileOf(t, "-----BEGIN NOTHING-----")},
		"CAFile cannot be given to the Transport of Client, which": {JWKSURL: setURL, CAFile: fileOf(t, newCA("x").pem), Client: &http.Client{Transport: newServer("")}},
	} {
		_, err := jwks.NewFetcher(cfg)
		require.ErrorContains(t, err, says)
	}
}
