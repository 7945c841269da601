package mtls_test

import (
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/reason"
)

// What the formats refuse is the list of jwkstest; these are the spellings that
// differ from proxy to proxy and must pass.
func TestTheSpellingsOfProxies(t *testing.T) {
	t.Parallel()
	rfc := newAPI(t, mtls.Config{Proxies: proxies(proxy)})
	pem := newAPI(t, mtls.Config{Proxies: proxies(proxy), Header: "X-Amzn-Mtls-Clientcert-Leaf", Format: mtls.EscapedPEM})
	a, b := rfc.NewCertificate(), pem.NewCertificate()
	for name, value := range map[string]string{
		"as nginx escapes it":                         b.EscapedPEM(),
		"without the line end behind it":              strings.TrimSuffix(b.EscapedPEM(), "%0A"),
		"in lower case":                               strings.ReplaceAll(b.EscapedPEM(), "%2F", "%2f"),
		"with plus and equals sign as they are (ALB)": strings.NewReplacer("%2B", "+", "%3D", "=", "%2F", "/").Replace(b.EscapedPEM()),
		"with CR LF":                                  strings.ReplaceAll(b.EscapedPEM(), "%0A", "%0D%0A"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pem.assertPasses(t, pem.call(forwarded("X-Amzn-Mtls-Clientcert-Leaf", value), b.Bound()))
		})
	}
	t.Run("a byte sequence with spaces around it", func(t *testing.T) {
		t.Parallel()
		rfc.assertPasses(t, rfc.call(forwarded("Client-Cert", "  "+a.ClientCert()+" "), a.Bound()))
	})
	t.Run("a plus is no space", func(t *testing.T) {
		t.Parallel()
		pem.assertRefused(t, pem.call(forwarded("X-Amzn-Mtls-Clientcert-Leaf", strings.ReplaceAll(b.EscapedPEM(), "%20", "+")), b.Bound()),
			reason.WrongCertificate, "not in the configured Format")
	})
}

// base64 that another encoder would not write is another text, and refused (RFC 4648 section 3.5).
func TestSpareBitsAreRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mtls.Config{Proxies: proxies(proxy)})
	cert := a.NewCertificate()
	for len(cert.X509().Raw)%3 != 1 { // so that its base64 ends in four spare bits
		cert = a.NewCertificate()
	}
	a.assertPasses(t, a.call(forwarded("Client-Cert", cert.ClientCert()), cert.Bound()))
	value := strings.TrimSuffix(cert.ClientCert(), "==:")
	last := value[len(value)-1] + 1 // of A, Q, g, w
	a.assertRefused(t, a.call(forwarded("Client-Cert", value[:len(value)-1]+string(last)+"==:"), cert.Bound()), reason.WrongCertificate, "not in the configured Format")
}

// A careless issuer binds a token to the digest of no certificate, and a careless
// proxy forwards none in its format.
func TestNothingIsNoCertificate(t *testing.T) {
	t.Parallel()
	nothing := jwkstest.Claims{"cnf": map[string]any{"x5t#S256": "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"}}
	for format, value := range map[mtls.Format]string{
		mtls.ByteSequence: "::",
		mtls.EscapedPEM:   "-----BEGIN%20CERTIFICATE-----%0A-----END%20CERTIFICATE-----",
	} {
		a := newAPI(t, mtls.Config{Proxies: proxies(proxy), Format: format})
		a.assertRefused(t, a.call(forwarded("Client-Cert", value), nothing), reason.WrongCertificate, "not in the configured Format")
	}
}

// FuzzFormats finds no value but those of the right certificate that passes.
func FuzzFormats(f *testing.F) {
	f.Add(":AA==:", uint8(0))
	f.Add("-----BEGIN%20CERTIFICATE-----%0AAA==%0A-----END%20CERTIFICATE-----", uint8(1))
	f.Fuzz(func(t *testing.T, value string, format uint8) {
		a := newAPI(t, mtls.Config{Proxies: proxies(proxy), Format: mtls.Format(format % 2)})
		cert := a.NewCertificate()
		w := a.call(forwarded("Client-Cert", value), cert.Bound())
		if w.Code != 401 || w.Reason != reason.WrongCertificate {
			t.Errorf("%d %s", w.Code, w.Reason)
		}
	})
}
