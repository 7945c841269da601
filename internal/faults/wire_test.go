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

// refusing is a wire on which nobody accepts a connection.
func refusing() *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}}
}

// presenting is a wire to a server that presents a certificate which is not good for the issuer.
func presenting(cert tls.Certificate) *http.Transport {
	dial := func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			_ = tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}).Handshake()
			_ = far.Close()
		}()
		return near, nil
	}
	trust := &tls.Config{RootCAs: authority().pool, MinVersion: tls.VersionTLS12}
	return &http.Transport{DialContext: dial, TLSClientConfig: trust, DisableKeepAlives: true}
}

// unresolved is a wire to a name that its name server does not know.
func unresolved() *http.Transport {
	return &http.Transport{DialContext: func(_ context.Context, _, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}}
}

// ca issues certificates that clients of presenting accept.
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
	expiredCert = sync.OnceValue(func() tls.Certificate { return authority().issue("*.example", year(1999)) })
	foreignCert = sync.OnceValue(func() tls.Certificate { return authority().issue("other.invalid", year(2110)) })
)
