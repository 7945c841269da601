package providers

import (
	"cmp"
	"net/url"
	"strings"
)

// WithCAFile returns p with its keys fetched from servers that are trusted by the
// certificates of a file in PEM form, and not by the system's: for an
// authorization server inside of a company or a cluster. The file is read when
// the Provider is used, and again for each fetch. "" changes nothing.
func (p Provider) WithCAFile(file string) Provider {
	if file == "" {
		return p
	}
	return p.each(func(i *Issuer) { i.Source.CAFile = file })
}

// WithBearerFile returns p with its keys fetched with the token of a file, for a
// server that does not show its keys to everyone. The file is read when the
// Provider is used, and again for each request. The token goes to the host of the
// address that is configured and to no other, whatever a document or a redirect
// says. "" changes nothing.
func (p Provider) WithBearerFile(file string) Provider {
	if file == "" {
		return p
	}
	return p.each(func(i *Issuer) { i.Source.BearerFile = file })
}

// leave drops what is for the server of before, if url is on another: its bearer
// is not for strangers.
func (s *Source) leave(url string) {
	if server(url) != server(cmp.Or(s.JWKSURL, s.DiscoveryURL, s.Issuer)) {
		s.CAFile, s.BearerFile = "", ""
	}
}

// server returns scheme, host and port of an address, or "".
func server(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}
