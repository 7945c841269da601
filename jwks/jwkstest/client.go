package jwkstest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client returns a client that reaches several issuers without a socket, each by the host of its name and, among
// issuers on one host, by the path of its name. For one issuer see [Issuer.Client].
func Client(issuers ...*Issuer) *http.Client { return &http.Client{Transport: directory(issuers)} }

// directory is a RoundTripper that picks the issuer by URL.
type directory []*Issuer

// RoundTrip implements [http.RoundTripper].
func (d directory) RoundTrip(r *http.Request) (*http.Response, error) {
	if iss := d.find(r.URL); iss != nil {
		return iss.pipe.transport.RoundTrip(r)
	}
	return nil, fmt.Errorf("jwkstest: no issuer is at %q", r.URL.Host)
}

// find prefers the longest path.
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

// pipe speaks HTTP to a handler over in-memory connections, one per request, so that nothing stays behind between
// requests. Everything it blocks on is visible to testing/synctest.
type pipe struct {
	server    *http.Server
	transport *http.Transport
}

func newPipe(h http.Handler) *pipe {
	p := &pipe{server: &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}}
	p.transport = &http.Transport{
		DialContext:       p.dial,
		DialTLSContext:    p.dial, // the far end is in this process: no TLS, whatever the scheme says
		DisableKeepAlives: true,
	}
	return p
}

func (p *pipe) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	// Serve returns once the listener has no more connections; this one is served on.
	listener := make(single, 1)
	listener <- far
	close(listener)
	if err := p.server.Serve(listener); err != net.ErrClosed { //nolint:errorlint // the listener's own value
		_ = near.Close()
		_ = far.Close()
		return nil, err
	}
	return near, nil
}

func (p *pipe) close() {
	_ = p.server.Close()
	p.transport.CloseIdleConnections()
}

// single is a listener of the connections that are in it.
type single chan net.Conn

// Accept implements [net.Listener], as the others do.
func (s single) Accept() (net.Conn, error) {
	if conn, ok := <-s; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

// Close does nothing: the server closes the connection.
func (single) Close() error { return nil }

// Addr returns no address: none can be dialled.
func (single) Addr() net.Addr { return nil }
