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
	"os"
	"path/filepath"
	"strings"
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

// fileOf is a file that holds text.
func fileOf(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	write(t, name, text)
	return name
}

// write replaces a file as what rotates it does: at once, by another file.
func write(t *testing.T, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(name+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(name+".new", name))
}

// pointing answers with a document of that jwks_uri, and anywhere else with keys.
func pointing(known string) answer {
	return func(r *http.Request) (*http.Response, error) {
		if strings.Contains(r.URL.Path, ".well-known") {
			return reply(r, http.StatusOK, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuerURL, known), nil), nil
		}
		return reply(r, http.StatusOK, setOf("a"), nil), nil
	}
}

func TestTheBearerGoesToTheConfiguredServerAlone(t *testing.T) {
	each(t, map[string]struct {
		cfg   jwks.FetcherConfig
		known string // jwks_uri
		want  []string
	}{
		"for the document and the keys":         {jwks.FetcherConfig{Issuer: issuerURL}, setURL, []string{"Bearer t", "Bearer t"}},
		"a default port is the same":            {jwks.FetcherConfig{Issuer: issuerURL}, "https://issuer.example:443/jwks", []string{"Bearer t", "Bearer t"}},
		"case of a host is the same":            {jwks.FetcherConfig{Issuer: issuerURL}, "https://ISSUER.example/jwks", []string{"Bearer t", "Bearer t"}},
		"for fixed keys":                        {jwks.FetcherConfig{JWKSURL: setURL}, "", []string{"Bearer t"}},
		"for a document elsewhere, not for it":  {jwks.FetcherConfig{Issuer: issuerURL, DiscoveryURL: "https://api.example/.well-known/x"}, setURL, []string{"Bearer t", ""}},
		"not for keys on another host":          {jwks.FetcherConfig{Issuer: issuerURL}, "https://10.0.0.7:6443/jwks", []string{"Bearer t", ""}},
		"not for keys on a host below":          {jwks.FetcherConfig{Issuer: issuerURL}, "https://evil.issuer.example/jwks", []string{"Bearer t", ""}},
		"not for keys on a host that begins so": {jwks.FetcherConfig{Issuer: issuerURL}, "https://issuer.example.evil.example/jwks", []string{"Bearer t", ""}},
		"not for keys on another port":          {jwks.FetcherConfig{Issuer: issuerURL}, "https://issuer.example:8443/jwks", []string{"Bearer t", ""}},
	}, func(t *testing.T, row struct {
		cfg   jwks.FetcherConfig
		known string
		want  []string
	},
	) {
		s := newServer(setOf("a"))
		s.respond(pointing(row.known))
		row.cfg.Client, row.cfg.BearerFile = &http.Client{Transport: s}, fileOf(t, "t\n")
		readyFetcher(t, row.cfg)
		var got []string
		for _, r := range s.seen() {
			got = append(got, r.header.Get("Authorization"))
		}
		assert.Equal(t, row.want, got)
	})
}

func TestTheBearerIsNotSentInTheClearToTheSameHost(t *testing.T) {
	t.Parallel()
	s := newServer("")
	s.respond(pointing("http://localhost:8443/jwks"))
	f := newFetcher(t, jwks.FetcherConfig{
		Issuer: issuerURL, DiscoveryURL: "https://localhost:8443/.well-known/x",
		Client: &http.Client{Transport: s}, BearerFile: fileOf(t, "t"),
	})
	require.ErrorContains(t, f.Refresh(t.Context(), "a"), "use https")
	assert.Equal(t, 1, s.count(), "the document alone was asked for")
}

func TestTheBearerIsReadAgainForEachFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		cfg := s.config()
		cfg.BearerFile = fileOf(t, "first")
		f := readyFetcher(t, cfg)
		assert.Equal(t, "Bearer first", s.last().header.Get("Authorization"))

		write(t, cfg.BearerFile, "second")
		require.NoError(t, f.Refresh(t.Context(), "b"))
		assert.Equal(t, "Bearer second", s.last().header.Get("Authorization"))
	})
}

func TestAFileWithoutABearerFailsTheFetchAndKeepsTheKeys(t *testing.T) {
	eachInBubble(t, map[string]string{"two lines": "secret\nof-two-lines", "nothing": "", "a header": "secret\r\nX-Evil: 1"}, func(t *testing.T, text string) {
		s := newServer(setOf("a"))
		cfg := s.config()
		cfg.BearerFile = fileOf(t, "t")
		f := readyFetcher(t, cfg)
		write(t, cfg.BearerFile, text)
		before := s.count()
		err := f.Refresh(t.Context(), "b")
		require.ErrorContains(t, err, "holds no bearer token")
		assert.NotContains(t, err.Error(), "secret")
		assert.Equal(t, before, s.count(), "no request without it")
		assert.True(t, f.Snapshot().Usable())
	})
}

func TestARedirectGetsNoBearer(t *testing.T) {
	t.Parallel()
	var asked []string
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization"))
		fmt.Fprint(w, setOf("a"))
	})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, BearerFile: fileOf(t, "t")})
	require.ErrorContains(t, f.Refresh(t.Context(), "a"), "redirects are not followed")
	assert.Empty(t, asked, "the other server was not even asked")
}

func TestBearerFilesThatCannotBeUsedAreMistakes(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing")
	for says, cfg := range map[string]jwks.FetcherConfig{
		`jwks: BearerFile "` + missing + `" cannot be read: `: {JWKSURL: setURL, BearerFile: missing},
		"holds no bearer token":                               {JWKSURL: setURL, BearerFile: fileOf(t, " \n")},
		"has more than 1024 KiB: is it the right file?":       {JWKSURL: setURL, BearerFile: fileOf(t, strings.Repeat("a", 2<<20))},
		`BearerFile: its token would be sent to "keycloak:8080" in the clear: use https`: {
			JWKSURL: "http://keycloak:8080/jwks", BearerFile: fileOf(t, "t"), DangerouslyPlainHTTP: []string{"keycloak"},
		},
	} {
		_, err := jwks.NewFetcher(cfg)
		assert.ErrorContains(t, err, says)
	}
	assert.NoError(t, jwks.FetcherConfig{JWKSURL: "http://127.0.0.1:8001/jwks", BearerFile: fileOf(t, "t==")}.Validate(), "kubectl proxy, on this machine")
}
