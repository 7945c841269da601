package mtls_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/middleware/mtls"
	"github.com/sallyport-go/sallyport/reason"
)

func TestRow73AHeaderComesFromAProxyAlone(t *testing.T) {
	t.Parallel()
	const strange = "a header from an address that is none of Config.Proxies is not read"
	a := newAPI(t, mtls.Config{Proxies: proxies("10.0.0.0/24", "192.168.1.9/32", "2001:db8::/64", "fe80::1/128")})
	cert, other := a.NewCertificate(), a.NewCertificate()
	for name, row := range map[string]struct {
		addr   string
		passes bool
	}{
		"73 an address of the first prefix":                       {"10.0.0.7:1", true},
		"73 its last address":                                     {"10.0.0.255:1", true},
		"73 the only address of another":                          {"192.168.1.9:65535", true},
		"73 IPv4 as a dual-stack socket has it":                   {"[::ffff:10.0.0.7]:1", true},
		"73 IPv6":                                                 {"[2001:db8::7]:1", true},
		"73 IPv6 with a zone":                                     {"[fe80::1%eth0]:1", true},
		"73 one behind the prefix":                                {"10.0.1.0:1", false},
		"73 a stranger":                                           {"203.0.113.66:1", false},
		"73 a stranger by IPv6":                                   {"[2001:db8:1::7]:1", false},
		"73 an address without a port is none of a connection":    {"10.0.0.7", false},
		"73 no address, as of a Unix socket":                      {"@", false},
		"73 none at all":                                          {"", false},
		"73 a list, as of middleware that copies X-Forwarded-For": {"10.0.0.7, 10.0.0.8:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := forwarded("Client-Cert", cert.ClientCert())
			r.RemoteAddr = row.addr
			if row.passes {
				a.assertPasses(t, a.call(r, cert.Bound()))
			} else {
				a.assertRefused(t, a.call(r, cert.Bound()), reason.WrongCertificate, strange)
			}
		})
	}
	t.Run("73 a stranger's header is no matter beside the stranger's own certificate", func(t *testing.T) {
		t.Parallel()
		r := other.On(forwarded("Client-Cert", cert.ClientCert()))
		r.RemoteAddr = "203.0.113.66:1"
		a.assertRefused(t, a.call(r, cert.Bound()), reason.WrongCertificate, "the certificate is not that which the token is bound to")
		a.assertPasses(t, a.call(r, other.Bound()))
	})
	t.Run("73 the certificate of the proxy's own connection is no client's", func(t *testing.T) {
		t.Parallel()
		r := other.On(forwarded("Client-Cert", cert.ClientCert()))
		a.assertPasses(t, a.call(r, cert.Bound()))
		a.assertRefused(t, a.call(r, other.Bound()), reason.WrongCertificate, "the certificate is not that which the token is bound to")
		r.Header.Del("Client-Cert")
		a.assertRefused(t, a.call(r, other.Bound()), reason.WrongCertificate, "the proxy forwarded no certificate")
	})
	t.Run("73 without proxies no header is read", func(t *testing.T) {
		t.Parallel()
		direct := newAPI(t, mtls.Config{})
		direct.assertRefused(t, direct.call(forwarded("Client-Cert", cert.ClientCert()), cert.Bound()), reason.WrongCertificate, "the client sent no certificate: does the server ask for one?")
	})
	t.Run("a token without a binding passes whatever the proxy forwards", func(t *testing.T) {
		t.Parallel()
		a.assertPasses(t, a.call(forwarded("Client-Cert", "x", "y")))
	})
}

// The second proxy forwards what the first one said; a client that says the same
// to the second one directly must not get through, for the second one removes it.
func TestRow73SeveralHops(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mtls.Config{Proxies: proxies("127.0.0.1/32")})
	cert, other := a.NewCertificate(), a.NewCertificate()
	origin := httptest.NewServer(a)
	t.Cleanup(origin.Close)
	inner := httptest.NewServer(hop(origin.URL, func(in, out *http.Request) {
		if in.Header.Get("Via") == "" { // not from the outer proxy
			out.Header.Del("Client-Cert")
		}
	}))
	t.Cleanup(inner.Close)
	outer := httptest.NewUnstartedServer(hop(inner.URL, func(in, out *http.Request) {
		out.Header.Set("Via", "1.1 outer")
		out.Header.Del("Client-Cert")
		if len(in.TLS.PeerCertificates) > 0 {
			out.Header.Set("Client-Cert", forwardedAs(in.TLS.PeerCertificates[0]))
		}
	}))
	outer.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	outer.StartTLS()
	t.Cleanup(outer.Close)
	call := func(url string, own *tls.Certificate, header ...string) int {
		transport := outer.Client().Transport.(*http.Transport).Clone()
		transport.DisableKeepAlives = true
		if own != nil {
			transport.TLSClientConfig.Certificates = []tls.Certificate{*own}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		r.Header["Client-Cert"] = header
		r.Header.Set("Authorization", "Bearer "+a.Token(cert.Bound()))
		resp, err := (&http.Client{Transport: transport}).Do(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	right, wrong := cert.TLS(), other.TLS()
	t.Run("73 two hops", func(t *testing.T) {
		t.Parallel()
		assert.Equal(t, 204, call(outer.URL, &right))
		assert.Equal(t, 401, call(outer.URL, &wrong), "another certificate")
		assert.Equal(t, 401, call(outer.URL, nil), "none")
		assert.Equal(t, 401, call(outer.URL, &wrong, cert.ClientCert()), "the outer proxy replaces what a client claims")
		assert.Equal(t, 401, call(outer.URL, nil, cert.ClientCert()), "or removes it")
		assert.Equal(t, 401, call(inner.URL, nil, cert.ClientCert()), "the inner proxy takes nothing from clients")
		assert.Equal(t, 204, call(origin.URL, nil, cert.ClientCert()), "an address of Proxies is believed: it must be the proxy's alone")
	})
}

func hop(to string, change func(in, out *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		out, _ := http.NewRequestWithContext(context.WithoutCancel(in.Context()), in.Method, to, nil)
		out.Header = in.Header.Clone()
		change(in, out)
		transport := &http.Transport{DisableKeepAlives: true}
		resp, err := transport.RoundTrip(out)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	})
}

func TestAHeaderThatCannotBeReadIsNoCertificate(t *testing.T) {
	t.Parallel()
	a := newAPI(t, mtls.Config{Proxies: proxies(proxy)})
	cert := a.NewCertificate()
	for name, row := range map[string]struct {
		lines []string
		want  string
	}{
		"73 none":               {nil, "the proxy forwarded no certificate"},
		"73 empty":              {[]string{""}, "the proxy forwarded no certificate"},
		"73 twice":              {[]string{cert.ClientCert(), cert.ClientCert()}, "the header of the certificate came twice"},
		"73 in one line, twice": {[]string{cert.ClientCert() + ", " + cert.ClientCert()}, "the header of the certificate is not in the configured Format"},
		"73 in another format":  {[]string{cert.EscapedPEM()}, "the header of the certificate is not in the configured Format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a.assertRefused(t, a.call(forwarded("Client-Cert", row.lines...), cert.Bound()), reason.WrongCertificate, row.want)
		})
	}
}
