package jwkstest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Client reaches several issuers without a socket, each by the host of its
// name, for whoever trusts many with one client. Issuers on one host are told
// apart by the path of their names. For one issuer see [Issuer.Client].
func Client(issuers ...*Issuer) *http.Client { return &http.Client{Transport: directory(issuers)} }

// directory is a RoundTripper that asks the issuer whom the URL means.
type directory []*Issuer

// RoundTrip implements [http.RoundTripper].
func (d directory) RoundTrip(r *http.Request) (*http.Response, error) {
	if iss := d.find(r.URL); iss != nil {
		return iss.pipe.transport.RoundTrip(r)
	}
	return nil, fmt.Errorf("jwkstest: no issuer is at %q", r.URL.Host)
}

// find prefers the longest path: a name without one is the beginning of all.
func (d directory) find(u *url.URL) (found *Issuer) {
	longest := -1
	for _, iss := range d {
		name, err := url.Parse(iss.name)
		if err != nil || name.Host != u.Host {
			continue
		}
		path := strings.TrimSuffix(name.EscapedPath(), "/")
		if len(path) > longest && strings.Contains(u.EscapedPath()+"/", path+"/") {
			found, longest = iss, len(path)
		}
	}
	return found
}
