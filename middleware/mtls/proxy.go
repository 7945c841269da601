package mtls

import (
	"errors"
	"net/http"
	"net/netip"
)

// proxyOf returns the addresses of proxies as they are compared.
func proxyOf(p netip.Prefix) (netip.Prefix, error) {
	switch {
	case !p.IsValid():
		return p, errors.New("is no prefix: use netip.MustParsePrefix(\"10.0.0.7/32\")")
	case p.Addr().Is4In6(): // connections are compared as IPv4
		return p, errors.New("is IPv4 written as IPv6 and would match nothing: write it as IPv4")
	case p.Bits() == 0:
		return p, errors.New("is every address: then everybody may claim to be any client")
	}
	return p.Masked(), nil
}

// certificate returns the client's certificate in DER: that of the connection,
// or, if a proxy made the connection, that which the proxy forwards.
//
// RFC 8705 section 6.5: https://www.rfc-editor.org/rfc/rfc8705#section-6.5
func (b *Binding) certificate(r *http.Request) ([]byte, error) {
	if b.isProxy(r.RemoteAddr) {
		return b.forwarded(r.Header[b.header])
	}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return r.TLS.PeerCertificates[0].Raw, nil // the client's own is the first (RFC 8446 section 4.4.2)
	}
	if len(b.proxies) > 0 && len(r.Header[b.header]) > 0 {
		return nil, errStrangeHeader
	}
	return nil, errNoCertificate
}

// isProxy reports whether the connection is that of a proxy. An address without
// a port is none of a connection: something has replaced it.
func (b *Binding) isProxy(remote string) bool {
	if len(b.proxies) == 0 {
		return false
	}
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap().WithZone("")
	for _, p := range b.proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// forwarded reads the header of a proxy. One that came twice, or that holds
// anything else, is no certificate.
//
// RFC 9440 section 2.2: https://www.rfc-editor.org/rfc/rfc9440#section-2.2
// RFC 8941 section 4.2: https://www.rfc-editor.org/rfc/rfc8941#section-4.2
func (b *Binding) forwarded(lines []string) ([]byte, error) {
	switch {
	case len(lines) > 1:
		return nil, errTwoHeaders
	case len(lines) == 0 || lines[0] == "": // nginx sends no field for an empty variable, others do
		return nil, errNoHeader
	}
	der, ok := b.decode(lines[0])
	if !ok || len(der) == 0 {
		return nil, errBadHeader
	}
	return der, nil
}
