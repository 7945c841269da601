package faults_test

import (
	"context"
	"crypto"
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
	"time"
)

// wire is the way from a Gate to its issuer.
type wire struct {
	healthy http.RoundTripper
	hidden  impostors
	broken  atomic.Pointer[http.Transport] // instead of healthy
	asked   atomic.Int64                   // requests, whatever becomes of them
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.asked.Add(1)
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

// impostors are who answers in the issuer's place when the wire is broken: over
// sockets, or in memory for a bubble.
type impostors interface {
	// nobody refuses the connection.
	nobody() *http.Transport
	// holder of that certificate, which is not good for the issuer.
	holder(cert tls.Certificate) *http.Transport
	// unresolved is behind a name server that knows no such name.
	unresolved() *http.Transport
}

// pipes are impostors in memory.
type pipes struct{}

func (pipes) nobody() *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}}
}

func (pipes) holder(cert tls.Certificate) *http.Transport {
	return trusting(func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			server := tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
			_ = server.Handshake()
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

// trusting is a transport that trusts the authority of this file.
func trusting(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext:            dial,
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
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: crypto.PrivateKey(key)}
}

// Certificates: issuers without a server live under .example.
var (
	goodCert    = sync.OnceValue(func() tls.Certificate { return authority().issue("*.example", year(2110)) })
	expiredCert = sync.OnceValue(func() tls.Certificate { return authority().issue("*.example", year(1999)) })
	foreignCert = sync.OnceValue(func() tls.Certificate { return authority().issue("other.invalid", year(2110)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
