package jwks

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport-go/sallyport/internal/setting"
)

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
