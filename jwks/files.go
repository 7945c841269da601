package jwks

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/sallyport-go/sallyport/internal/setting"
)

// authority is a transport that trusts the certificates of a file, and no
// others. It is safe for concurrent use.
type authority struct {
	base *http.Transport
	file string

	mu      sync.Mutex
	pem     []byte          // that current trusts
	current *http.Transport // nil before the first request
}

// RoundTrip makes the request with the transport of the current file.
func (a *authority) RoundTrip(r *http.Request) (*http.Response, error) {
	t, err := a.transport()
	if err != nil {
		return nil, err
	}
	return t.RoundTrip(r)
}

// transport returns one that trusts what the file holds now: a cluster replaces
// its certificates while programs run.
func (a *authority) transport() (*http.Transport, error) {
	pem, err := readFile(a.file)
	if err != nil {
		return nil, setting.Errorf("%s %v", nameCAFile, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current != nil && bytes.Equal(pem, a.pem) {
		return a.current, nil
	}
	roots, err := certificates(a.file, pem)
	if err != nil {
		return nil, err
	}
	t := a.base.Clone()
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.RootCAs = roots
	a.closeIdle()
	a.pem, a.current = pem, t
	return t, nil
}

// CloseIdleConnections closes those of the transport that makes the requests.
func (a *authority) CloseIdleConnections() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closeIdle()
}

func (a *authority) closeIdle() {
	if a.current != nil {
		a.current.CloseIdleConnections()
	}
}

func certificates(file string, pem []byte) (*x509.CertPool, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, setting.Errorf("%s %q holds no certificate in PEM form", nameCAFile, file)
	}
	return roots, nil
}

// checkAuthority reports why the file's certificates cannot be trusted.
func (c FetcherConfig) checkAuthority() error {
	if c.CAFile == "" {
		return nil
	}
	switch t, ok := c.transport().(*http.Transport); {
	case !ok:
		return setting.Errorf("%s cannot be given to the Transport of Client, which is no *http.Transport: let that trust the CA itself, and leave %[1]s empty", nameCAFile)
	case t.DialTLSContext != nil || t.DialTLS != nil: //nolint:staticcheck // SA1019: deprecated, and obeyed
		return setting.Errorf("%s cannot be given to the Transport of Client, whose DialTLS decides by itself whom to trust: let that trust the CA, and leave %[1]s empty", nameCAFile)
	}
	pem, err := readFile(c.CAFile)
	if err != nil {
		return setting.Errorf("%s %v", nameCAFile, err)
	}
	_, err = certificates(c.CAFile, pem)
	return err
}

// transport returns what makes the requests where no file changes that.
func (c FetcherConfig) transport() http.RoundTripper {
	if c.Client != nil && c.Client.Transport != nil {
		return c.Client.Transport
	}
	return http.DefaultTransport
}

// maxFile bounds a file of certificates, or of a token.
const maxFile = 1 << 20

// readFile reads a file that is configured. The error names it once.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the owner's configuration names it
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%q has more than %d KiB: is it the right file?", name, maxFile>>10)
	}
	return data, nil
}

func unreadable(name string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%q cannot be read: %w", name, err)
}

// bearer is a transport that sends the token of a file to one origin, and to no
// other: not where a document points, and not where a redirect leads.
type bearer struct {
	base   http.RoundTripper
	file   string
	origin origin
}

// RoundTrip reads the file for every request: what rotates it may replace it at
// any time, and keys are fetched rarely.
func (b *bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if originOf(r.URL) != b.origin {
		return b.base.RoundTrip(r)
	}
	token, err := readBearer(b.file)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return b.base.RoundTrip(r)
}

// origin is a scheme, a host and a port.
//
// RFC 6454 section 4: https://www.rfc-editor.org/rfc/rfc6454#section-4
type origin struct{ scheme, host, port string }

func originOf(u *url.URL) origin {
	scheme := strings.ToLower(u.Scheme)
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[scheme]
	}
	return origin{scheme, strings.ToLower(u.Hostname()), port}
}

// address returns the address that is configured, which is the first to be asked.
func (c FetcherConfig) address() string { return cmp.Or(c.JWKSURL, c.DiscoveryURL, c.Issuer) }

// readBearer returns the token in a file. No error repeats what the file holds.
//
// RFC 6750 section 2.1: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
func readBearer(file string) (string, error) {
	data, err := readFile(file)
	if err != nil {
		return "", setting.Errorf("%s %v", nameBearerFile, err)
	}
	token := strings.TrimSpace(string(data))
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
	if end := strings.TrimRight(token, "="); end == "" || strings.Trim(end, letters) != "" {
		return "", setting.Errorf("%s %q holds no bearer token", nameBearerFile, file)
	}
	return token, nil
}

// checkBearer reports why the token of the file cannot be sent.
func (c FetcherConfig) checkBearer() error {
	if c.BearerFile == "" {
		return nil
	}
	if u, err := url.Parse(c.address()); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		return setting.Errorf("%s: its token would be sent to %q in the clear: use https", nameBearerFile, u.Host)
	}
	_, err := readBearer(c.BearerFile)
	return err
}
