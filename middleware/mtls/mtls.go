// Package mtls confirms that a certificate-bound access token comes from the
// client that it was issued to: that the request was made with the certificate
// whose thumbprint is in the token's cnf (x5t#S256).
//
//	binding, err := mtls.New(mtls.Config{})
//	guard, err := middleware.New(middleware.Config{Bindings: []middleware.Binding{binding}, ...})
//
// The server must ask its clients for certificates ([tls.RequestClientCert] or
// more). Where a proxy ends TLS, it forwards the certificate in a header; see
// [Config.Proxies].
//
// RFC 8705 section 3: https://www.rfc-editor.org/rfc/rfc8705#section-3
package mtls

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// Config is the configuration of a [Binding]. The zero value takes the
// certificate of the TLS connection, and lets tokens without a binding pass.
type Config struct {
	_ [0]func()

	// Required refuses tokens that are not bound to a certificate.
	//
	// middleware.Config.SenderConstrained refuses those that are not bound at all,
	// where another Binding, of DPoP, would do as well.
	Required bool

	// Proxies are the addresses of the proxies that end TLS in front of the API and
	// forward the certificates of clients. A request from one of them is judged by
	// its header alone, never by the certificate of its own connection, which is the
	// proxy's. The header of any other request is not read. nil is no proxy.
	//
	// The address is that of the connection, [http.Request.RemoteAddr]: nothing in
	// front of the Guard may have replaced it by what a header says. The proxy must
	// remove the header from what clients send.
	//
	// RFC 9440 section 4: https://www.rfc-editor.org/rfc/rfc9440#section-4
	Proxies []netip.Prefix

	// Header is the name of the header that the proxies forward certificates in. ""
	// is Client-Cert. It wants Proxies.
	Header string

	// Format is how they write it. The zero Format is that of RFC 9440. It wants
	// Proxies.
	Format Format
}

// Binding confirms the member x5t#S256 of cnf. It is immutable and safe for
// concurrent use. [New] makes it; the zero Binding, and a nil one, refuses every
// token.
type Binding struct {
	required bool
	proxies  []netip.Prefix
	header   string // in its canonical form
	decode   func(value string) (der []byte, ok bool)
}

var (
	_ middleware.Binding           = (*Binding)(nil)
	_ middleware.DescribingBinding = (*Binding)(nil)
)

// New returns a Binding, or every mistake of the configuration at once.
func New(cfg Config) (*Binding, error) {
	var errs []error
	fail := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("mtls: Config."+format, args...))
	}
	b := &Binding{required: cfg.Required, header: "Client-Cert"}
	for i, p := range cfg.Proxies {
		proxy, err := proxyOf(p)
		if err != nil {
			fail("Proxies[%d] %w", i, err)
			continue
		}
		b.proxies = append(b.proxies, proxy)
	}
	if len(cfg.Proxies) == 0 && (cfg.Header != "" || cfg.Format != 0) {
		fail("Header and Format are read from no request without Proxies: name the addresses of those that may send it")
	}
	if cfg.Header != "" {
		b.header = http.CanonicalHeaderKey(cfg.Header)
		if !isName(cfg.Header) || taken[b.header] {
			fail("Header %.40q is no name of a header that certificates could come in", cfg.Header)
		}
	}
	b.decode = decoders[cfg.Format]
	if b.decode == nil {
		fail("Format %d is not known: use ByteSequence or EscapedPEM", cfg.Format)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

const member = "x5t#S256"

// Confirms returns x5t#S256.
//
// RFC 8705 section 3.1: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
func (*Binding) Confirms() []string { return []string{member} }

// Describe returns what the metadata of the resource says of it.
//
// RFC 9728 section 2: https://www.rfc-editor.org/rfc/rfc9728#section-2
func (*Binding) Describe() map[string]any {
	return map[string]any{"tls_client_certificate_bound_access_tokens": true}
}

// The refusals. All are 401 invalid_token for the caller.
//
// RFC 8705 section 3: https://www.rfc-editor.org/rfc/rfc8705#section-3
var (
	errNotMade   = fmt.Errorf("mtls: this Binding was not made by New: %w", reason.UnsupportedBinding)
	errNotBound  = fmt.Errorf("mtls: the token is not bound to a certificate: see Config.Required: %w", reason.UnsupportedBinding)
	errMalformed = fmt.Errorf("mtls: x5t#S256 of the token is no SHA-256 thumbprint in base64url: %w", reason.MalformedClaims)

	errNoCertificate = fmt.Errorf("mtls: the client sent no certificate: does the server ask for one? %w", reason.WrongCertificate)
	errNoHeader      = fmt.Errorf("mtls: the proxy forwarded no certificate: %w", reason.WrongCertificate)
	errTwoHeaders    = fmt.Errorf("mtls: the header of the certificate came twice: the proxy must remove those of clients: %w", reason.WrongCertificate)
	errBadHeader     = fmt.Errorf("mtls: the header of the certificate is not in the configured Format: %w", reason.WrongCertificate)
	errStrangeHeader = fmt.Errorf("mtls: the client sent no certificate, and a header from an address that is none of Config.Proxies is not read: %w", reason.WrongCertificate)
	errOther         = fmt.Errorf("mtls: the certificate is not that which the token is bound to: %w", reason.WrongCertificate)
)

// Check returns nil if the request was made with the certificate that the token
// is bound to, or if the token is not bound to one and need not be.
//
// Whether the certificate has expired or who issued it is not asked: it only
// proves that the client has its key. The server's [tls.Config] decides which
// certificates get as far as this.
//
// RFC 8705 section 6.2: https://www.rfc-editor.org/rfc/rfc8705#section-6.2
func (b *Binding) Check(r *http.Request, _ middleware.Credential, cl *claims.Claims) error {
	if b == nil || b.decode == nil {
		return errNotMade
	}
	value, bound := cl.Value("cnf", member)
	if !bound {
		if b.required {
			return errNotBound
		}
		return nil
	}
	want, ok := parseThumbprint(value)
	if !ok {
		return errMalformed
	}
	der, err := b.certificate(r)
	if err != nil {
		return err
	}
	if !want.is(der) {
		return errOther
	}
	return nil
}
