package jwks

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sallyport-go/sallyport/internal/setting"
)

// The settings that mistakes name.
const (
	nameIssuer       setting.Name = "Issuer"
	nameDiscoveryURL setting.Name = "DiscoveryURL"
	nameJWKSURL      setting.Name = "JWKSURL"
	nameCAFile       setting.Name = "CAFile"
	nameBearerFile   setting.Name = "BearerFile"
	namePlainHTTP    setting.Name = "DangerouslyPlainHTTP"
)

func (c FetcherConfig) checkAddresses() []error {
	var errs []error
	check := func(name setting.Name, address string) {
		if address == "" {
			return
		}
		if why := plainHosts(c.DangerouslyPlainHTTP).refuses(address); why != nil {
			errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("%s %.200q: %v", name, redacted(address), why)))
		}
	}
	check(nameDiscoveryURL, c.DiscoveryURL)
	check(nameJWKSURL, c.JWKSURL)
	switch {
	case c.Issuer == "" && c.JWKSURL == "":
		errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("nothing says whose keys to fetch: set %s, or %s", nameIssuer, nameJWKSURL)))
	case c.DiscoveryURL != "" && c.JWKSURL != "":
		errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("%s and %s are both set: with %[2]s there is no discovery, leave one out", nameDiscoveryURL, nameJWKSURL)))
	case c.DiscoveryURL == "" && c.JWKSURL == "":
		errs = append(errs, c.checkIssuer())
	}
	for _, host := range c.DangerouslyPlainHTTP {
		if _, _, why := splitHost(host); why != "" {
			shown := host[strings.LastIndexByte(host, '@')+1:]
			errs = append(errs, fmt.Errorf("jwks: %w", setting.Errorf("%s: %.200q %s: give a host, or a host and a port, such as keycloak:8080", namePlainHTTP, shown, why)))
		}
	}
	return errs
}

// checkIssuer reports why the keys' address does not follow from the issuer. A
// name need not be an address: then the address is a setting of its own.
func (c FetcherConfig) checkIssuer() error {
	why := plainHosts(c.DangerouslyPlainHTTP).refuses(c.Issuer)
	if why == nil && strings.Contains(c.Issuer, "?") {
		return fmt.Errorf("jwks: %w", setting.Errorf("%s %.200q has a query: set %s too", nameIssuer, c.Issuer, nameDiscoveryURL))
	}
	if why == nil {
		return nil
	}
	return fmt.Errorf("jwks: %w", setting.Errorf("%s %.200q: %v; if tokens do have this iss, give the keys' address with it: %s or %s",
		nameIssuer, redacted(c.Issuer), why, nameJWKSURL, nameDiscoveryURL))
}

// plainHosts are hosts, with or without a port, that may be asked without TLS
// beside this machine.
type plainHosts []string

// refuses reports why keys may not be fetched from an address.
func (p plainHosts) refuses(address string) error {
	if flaw := setting.Flaw(address); flaw != "" {
		return setting.Errorf("it %s", flaw)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return setting.Errorf("not a URL")
	case u.Hostname() == "":
		return setting.Errorf("no absolute URL: start it with https:// and a host")
	case u.User != nil:
		return setting.Errorf("holds a user name: let Client add credentials")
	case strings.Contains(address, "#"):
		return setting.Errorf("has a fragment")
	case u.Scheme == "https", u.Scheme == "http" && p.may(u):
		return nil
	case u.Scheme == "http":
		return setting.Errorf("use https: plain http is for loopback addresses, localhost and the hosts in %s; put %q there only if no stranger can get between", namePlainHTTP, u.Host)
	default:
		return setting.Errorf("use https")
	}
}

// refusesSet reports why the keys may not be fetched from the jwks_uri of a
// document. A document that came by https cannot send its reader to http.
//
// RFC 8414 section 2: https://www.rfc-editor.org/rfc/rfc8414#section-2
func (p plainHosts) refusesSet(known, document string) error {
	if err := p.refuses(known); err != nil {
		return err
	}
	if scheme(known) == "http" && scheme(document) != "http" {
		return errors.New("use https: the document came by https, and so must the keys")
	}
	return nil
}

// may reports whether a host is this machine or one of those named.
func (p plainHosts) may(u *url.URL) bool {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "80"
	}
	if loopback(host) {
		return true
	}
	return slices.ContainsFunc(p, func(named string) bool {
		h, only, why := splitHost(named)
		return why == "" && sameHost(h, host) && (only == "" || only == port)
	})
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

func sameHost(a, b string) bool {
	x, err := netip.ParseAddr(a)
	y, other := netip.ParseAddr(b)
	return strings.EqualFold(a, b) || err == nil && other == nil && x == y
}

// splitHost splits host:port, where the port may be missing. why says what is
// wrong with it, "" for nothing.
func splitHost(named string) (host, port, why string) {
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(named, "["), "]")); err == nil {
		return addr.String(), "", ""
	}
	if strings.Contains(named, "/") {
		return "", "", "holds a scheme or a path"
	}
	host, port, found := strings.Cut(named, ":")
	if strings.HasPrefix(named, "[") {
		i := strings.LastIndexByte(named, ']')
		host = named[1:max(1, i)]
		port, found = strings.CutPrefix(named[i+1:], ":")
		if _, err := netip.ParseAddr(host); err != nil || found == (i == len(named)-1) {
			return "", "", "is no address"
		}
	} else if host == "" || strings.ContainsFunc(host, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N) && !strings.ContainsRune("-._", r) }) {
		return "", "", "is no host"
	}
	if n, err := strconv.ParseUint(port, 10, 16); found && (err != nil || n == 0) {
		return "", "", "has no such port"
	}
	return host, port, ""
}

func scheme(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme
}

// redacted returns an address without its password.
func redacted(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		return u.Redacted()
	}
	if i := strings.LastIndexByte(address, '@'); i >= 0 { // what cannot be parsed may hold one too
		return "..." + address[i:]
	}
	return address
}
