package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Certificate is a client's certificate with its key, for tokens that are bound to it (RFC 8705). It is immutable;
// [Issuer.NewCertificate] makes it.
//
//	cert := iss.NewCertificate()
//	token := iss.Token(cert.Bound())
//	request = cert.On(request) // or a client with cert.TLS()
type Certificate struct {
	private crypto.Signer
	leaf    *x509.Certificate
}

// NewCertificate returns a client certificate that nobody else has, signed by its own P-256 key and good for a day.
func (iss *Issuer) NewCertificate() *Certificate {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	iss.check(err)
	return iss.certificate(private, "test-client")
}

// certificate returns a new certificate for a key.
func (iss *Issuer) certificate(private crypto.Signer, name string) *Certificate {
	serial := make([]byte, 15)
	_, _ = rand.Read(serial) // never fails
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(append([]byte{1}, serial...)),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    iss.now().Add(-time.Hour),
		NotAfter:     iss.now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	iss.check(err)
	leaf, err := x509.ParseCertificate(der)
	iss.check(err)
	return &Certificate{private, leaf}
}

// X509 returns the certificate. Do not change it.
func (c *Certificate) X509() *x509.Certificate { return c.leaf }

// TLS returns certificate and key for the [tls.Config] of a client.
func (c *Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.leaf.Raw}, PrivateKey: c.private, Leaf: c.leaf}
}

// Thumbprint returns the value of x5t#S256 (RFC 8705 section 3.1).
func (c *Certificate) Thumbprint() string { return thumbprintOf(c.leaf.Raw) }

func thumbprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return encode(string(sum[:]))
}

// Bound returns the claim of a token that is bound to the certificate: cnf with x5t#S256.
func (c *Certificate) Bound() Claims { return bound(c.Thumbprint()) }

func bound(thumbprint any) Claims { return Claims{"cnf": map[string]any{"x5t#S256": thumbprint}} }

// On returns a copy of a request, for a handler, as it comes over a TLS connection on which the client sent the
// certificate.
func (c *Certificate) On(r *http.Request) *http.Request { return over(r, c.leaf) }

func over(r *http.Request, chain ...*x509.Certificate) *http.Request {
	r = r.Clone(r.Context())
	r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, PeerCertificates: chain}
	return r
}

// ClientCert returns the certificate as a proxy forwards it in the header Client-Cert (RFC 9440 section 2.2).
func (c *Certificate) ClientCert() string { return byteSequence(c.leaf.Raw) }

func byteSequence(der []byte) string { return ":" + base64.StdEncoding.EncodeToString(der) + ":" }

// EscapedPEM returns the certificate as nginx forwards it by $ssl_client_escaped_cert.
func (c *Certificate) EscapedPEM() string { return escapedPEM(c.leaf.Raw) }

func escapedPEM(der []byte) string {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20")
}
