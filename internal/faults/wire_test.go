package faults_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wire is the way from a Gate to its issuer.
type wire struct {
	healthy http.RoundTripper
	impostors
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

// impostors answer in the issuer's place when the wire is broken: over sockets,
// or in memory for a bubble.
type impostors interface {
	refusing() *http.Transport                       // the connection
	presenting(cert tls.Certificate) *http.Transport // one that is not good for the issuer
	unresolved() *http.Transport                     // a name that its name server does not know
}

// pipes are impostors in memory.
type pipes struct{}

type dial = func(ctx context.Context, network, address string) (net.Conn, error)

func (pipes) refusing() *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}}
}

func (pipes) presenting(cert tls.Certificate) *http.Transport {
	return trusting(func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			_ = tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}).Handshake()
			_ = far.Close()
		}()
		return near, nil
	})
}

func (pipes) unresolved() *http.Transport {
	return &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}}
}

// sockets are impostors on loopback.
type sockets struct{ t *testing.T }

func (s sockets) listen() (net.Listener, dial) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	return l, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func (s sockets) refusing() *http.Transport {
	l, dial := s.listen()
	require.NoError(s.t, l.Close())
	return trusting(dial)
}

func (s sockets) presenting(cert tls.Certificate) *http.Transport {
	return s.serve(cert, http.NotFoundHandler())
}

func (s sockets) serve(cert tls.Certificate, h http.Handler) *http.Transport {
	s.t.Helper()
	l, dial := s.listen()
	server := &http.Server{
		Handler:   h,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(l, "", "") }()
	s.t.Cleanup(func() {
		_ = server.Close()
		assert.ErrorIs(s.t, <-ended, http.ErrServerClosed)
	})
	return trusting(dial)
}

func (s sockets) unresolved() *http.Transport {
	s.t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(s.t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		noSuchName(server)
	}()
	s.t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	return trusting((&net.Dialer{Resolver: resolver}).DialContext)
}

// noSuchName answers every query with NXDOMAIN.
// RFC 1035 section 4.1: https://www.rfc-editor.org/rfc/rfc1035#section-4.1
func noSuchName(server net.PacketConn) {
	const header, flags, counts = 12, 2, 6
	message := make([]byte, 1232)
	for {
		n, from, err := server.ReadFrom(message)
		if err != nil {
			return
		}
		if n <= header {
			continue
		}
		end := header + bytes.IndexByte(message[header:n], 0) + len("\x00") + 4 // the name, its type and class
		copy(message[flags:], []byte{0x81, 0x83})                               // an answer, recursion as asked, no such name
		copy(message[counts:header], make([]byte, header-counts))               // no records
		_, _ = server.WriteTo(message[:min(end, n)], from)
	}
}

// trusting is a transport that trusts the authority of this file.
func trusting(d dial) *http.Transport {
	return &http.Transport{
		DialContext:            d,
		TLSClientConfig:        &tls.Config{RootCAs: authority().pool, MinVersion: tls.VersionTLS12},
		MaxResponseHeaderBytes: 64 << 10, // as a Fetcher's own has it
		DisableKeepAlives:      true,
	}
}

// ca issues certificates that clients of trusting accept.
type ca struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

// The years hold for the clock of a bubble, which begins in 2000, as well.
func year(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }

var authority = sync.OnceValue(func() ca {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: year(1990), NotAfter: year(2120),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	cert := must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))))
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return ca{cert, key, pool}
})

func (a ca) issue(name string, until time.Time) tls.Certificate {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: year(1991), NotAfter: until, DNSNames: []string{name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Certificates: issuers without a server live under .example.
var (
	goodCert    = sync.OnceValue(func() tls.Certificate { return authority().issue("*.example", year(2110)) })
	expiredCert = sync.OnceValue(func() tls.Certificate { return authority().issue("*.example", year(1999)) })
	foreignCert = sync.OnceValue(func() tls.Certificate { return authority().issue("other.invalid", year(2110)) })
)
