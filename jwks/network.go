package jwks

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/sallyport-go/sallyport/internal/setting"
)

// Addresses that strangers choose: whatever a name resolves to, only what is out in
// the Internet is dialed.

// dialPublic has a transport dial public addresses alone, and by itself: a proxy
// would resolve the name once more, and dial what it finds.
func dialPublic(t *http.Transport) {
	// The address is judged when it is known, for each attempt: what the name
	// resolved to before, or will later, makes no difference.
	d := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second, Control: controlPublic}
	t.Proxy, t.DialContext, t.DialTLSContext = nil, d.DialContext, nil
	t.Dial, t.DialTLS = nil, nil //nolint:staticcheck // SA1019: deprecated, and obeyed
}

// controlPublic refuses a connection before it is made.
func controlPublic(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("jwks: PublicNetworksOnly: %s %q is no address of the Internet", network, address)
	}
	if !isPublic(to.Addr()) {
		return fmt.Errorf("jwks: PublicNetworksOnly: %v is not in a public network", to.Addr())
	}
	return nil
}

// reserved are the networks within the unicast ranges that lead to no public host,
// or to one that another network names.
//
// IANA: https://www.iana.org/assignments/iana-ipv4-special-registry/ and
// https://www.iana.org/assignments/iana-ipv6-special-registry/
var reserved = prefixes(
	"0.0.0.0/8",        // this network, RFC 791 section 3.2
	"100.64.0.0/10",    // shared address space of providers, RFC 6598
	"168.63.129.16/32", // the host of a virtual machine of Azure: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
	"192.0.0.0/24",     // protocol assignments, RFC 6890
	"192.0.2.0/24",     // documentation, RFC 5737
	"192.88.99.0/24",   // 6to4 relays, RFC 7526
	"198.18.0.0/15",    // benchmarks, RFC 2544
	"198.51.100.0/24",  // documentation, RFC 5737
	"203.0.113.0/24",   // documentation, RFC 5737
	"240.0.0.0/4",      // reserved, and broadcast, RFC 1112 section 4
	"2001::/23",        // protocol assignments, Teredo among them, RFC 2928
	"2001:db8::/32",    // documentation, RFC 3849
	"2002::/16",        // 6to4, which names any IPv4 address, RFC 3056
	"3fff::/20",        // documentation, RFC 9637
)

var (
	// globalUnicast is what IPv6 addresses are assigned from (RFC 4291 section 2.4).
	globalUnicast = netip.MustParsePrefix("2000::/3")
	// nat64 is how a network without IPv4 names an IPv4 address, in the last four
	// bytes (RFC 6052 section 2.1).
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(all ...string) (out []netip.Prefix) {
	for _, p := range all {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// isPublic reports whether an address is one of the Internet.
func isPublic(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case !a.IsGlobalUnicast(), a.IsPrivate(), a.IsLoopback(), a.IsLinkLocalUnicast():
		return false
	case a.Is6() && !globalUnicast.Contains(a):
		return false
	}
	return !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(a) })
}

const namePublicOnly setting.Name = "PublicNetworksOnly"

// checkNetworks reports why nothing could hold the Transport of Client to public
// networks.
func (c FetcherConfig) checkNetworks() error {
	if !c.PublicNetworksOnly {
		return nil
	}
	t, ok := c.transport().(*http.Transport)
	switch {
	case !ok:
		return setting.Errorf("%s cannot be given to the Transport of Client, which is no *http.Transport and dials by itself: let that refuse private networks, and leave %[1]s out", namePublicOnly)
	case c.transport() == http.DefaultTransport:
		return nil
	case t.Proxy != nil:
		return setting.Errorf("%s: the Transport of Client has a Proxy, which would dial in its place: set it to nil", namePublicOnly)
	case t.DialContext != nil || t.DialTLSContext != nil || t.Dial != nil || t.DialTLS != nil: //nolint:staticcheck // SA1019: deprecated, and obeyed
		return setting.Errorf("%s: the Transport of Client dials by a function of its own: set it to nil", namePublicOnly)
	}
	return nil
}
