package faults_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// wire is the way from a Gate to its issuer.
type wire struct {
	healthy  http.RoundTripper
	broken   atomic.Pointer[http.Transport] // instead of healthy
	requests atomic.Int64                   // whatever becomes of them
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.requests.Add(1)
	if broken := w.broken.Load(); broken != nil {
		return broken.RoundTrip(r)
	}
	return w.healthy.RoundTrip(r)
}

func (w *wire) cut(broken *http.Transport) { w.broken.Store(broken) }

func (w *wire) mend() {
	if broken := w.broken.Swap(nil); broken != nil {
		broken.CloseIdleConnections()
	}
}

// failing is a wire on which no connection comes about.
func failing(err error) *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}}
}

var (
	refused    = os.NewSyscallError("connect", syscall.ECONNREFUSED)
	unresolved = &net.DNSError{Err: "no such host", Name: "issuer.example", IsNotFound: true}
)

// presenting is a wire to a server whose certificate is trusted, and for that name until then. Clocks of a bubble
// begin in 2000.
func presenting(name string, until time.Time) *http.Transport {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: year(1990), NotAfter: until, DNSNames: []string{name}}
	cert := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))))
	trust := x509.NewCertPool()
	trust.AddCert(cert)
	server := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			_ = tls.Server(far, server).Handshake()
			_ = far.Close()
		}()
		return near, nil
	}
	return &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}
}

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// servePipes serves a handler until the test ends, at the far ends of the pipes
// that the function dials.
func servePipes(t *testing.T, h http.Handler) dialer {
	t.Helper()
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		served.Wait()
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case l.conns <- far:
			return near, nil
		case <-l.closed:
			return nil, net.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// pipes is a listener.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipes) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (*pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func year(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
