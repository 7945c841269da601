package jwks

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWhatIsPublic(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8":                true,
		"1.1.1.1":                true,
		"172.15.255.255":         true,
		"172.32.0.1":             true,
		"100.63.255.255":         true,
		"2606:4700:4700::1111":   true,
		"::ffff:8.8.8.8":         true, // IPv4 in IPv6
		"64:ff9b::808:808":       true, // 8.8.8.8 by NAT64
		"127.0.0.1":              false,
		"127.255.255.254":        false,
		"::1":                    false,
		"0.0.0.0":                false,
		"0.1.2.3":                false,
		"::":                     false,
		"10.0.0.1":               false,
		"172.16.0.1":             false,
		"172.31.255.255":         false,
		"192.168.1.1":            false,
		"169.254.169.254":        false, // where clouds keep credentials
		"168.63.129.16":          false, // the host, in Azure
		"100.64.0.1":             false,
		"100.100.100.200":        false, // the same, of Alibaba
		"100.127.255.255":        false,
		"192.0.0.192":            false, // the same, of Oracle
		"192.0.2.1":              false,
		"198.18.0.1":             false,
		"198.51.100.1":           false,
		"203.0.113.1":            false,
		"192.88.99.1":            false,
		"224.0.0.1":              false,
		"239.255.255.255":        false,
		"240.0.0.1":              false,
		"255.255.255.255":        false,
		"fe80::1":                false,
		"fe80::1%eth0":           false,
		"fec0::1":                false, // site-local, which was given up
		"fc00::1":                false,
		"fd00:ec2::254":          false, // where AWS keeps credentials
		"ff02::1":                false,
		"::ffff:127.0.0.1":       false,
		"::ffff:10.0.0.1":        false,
		"::ffff:169.254.169.254": false,
		"::127.0.0.1":            false, // IPv4-compatible, which was given up
		"64:ff9b::7f00:1":        false, // 127.0.0.1 by NAT64
		"64:ff9b::a9fe:a9fe":     false, // 169.254.169.254 by NAT64
		"64:ff9b:1::808:808":     false, // NAT64 of a network's own
		"2001::1":                false, // Teredo
		"2001:db8::1":            false,
		"2002:7f00:1::1":         false, // 127.0.0.1 by 6to4
		"3fff::1":                false,
		"100::1":                 false, // discarded
		"5f00::1":                false, // segment routing
	} {
		assert.Equal(t, want, isPublic(netip.MustParseAddr(address)), address)
	}
	assert.False(t, isPublic(netip.Addr{}))
}

func TestOnlyAnAddressIsDialed(t *testing.T) {
	t.Parallel()
	assert.NoError(t, controlPublic("tcp4", "8.8.8.8:443", nil))
	assert.NoError(t, controlPublic("tcp6", "[2606:4700:4700::1111]:443", nil))
	assert.ErrorContains(t, controlPublic("tcp4", "127.0.0.1:443", nil), "127.0.0.1 is not in a public network")
	assert.ErrorContains(t, controlPublic("unix", "/run/x.sock", nil), "no address of the Internet")
	assert.ErrorContains(t, controlPublic("tcp", "", nil), "no address of the Internet")
}

func TestNothingOfATransportDialsInPlaceOfTheGuard(t *testing.T) {
	t.Parallel()
	other := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("another way") }
	tr := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: other, DialTLSContext: other}
	dialPublic(tr)
	assert.Nil(t, tr.Proxy)
	assert.Nil(t, tr.DialTLSContext)
	_, err := tr.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	assert.ErrorContains(t, err, "is not in a public network")
}
