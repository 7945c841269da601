package dpop_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
)

func TestTheOriginThatAProxySays(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	x := newAPI(t, dpop.Config{Proxies: proxies}, "EdDSA")
	standard := newAPI(t, dpop.Config{Proxies: proxies, Forwarded: true}, "EdDSA")
	const proxy = "10.1.2.3:4711"
	type header = map[string][]string
	good := header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"api.example"}}
	for name, row := range map[string]struct {
		api    *api
		peer   string
		header header
		text   string // "" if htu matches
	}{
		"a proxy says it": {x, proxy, good, ""},
		"by IPv6":         {x, "[fd00::1]:80", good, ""},
		"by IPv4 in IPv6": {x, "[::ffff:10.1.2.3]:80", good, ""},
		"with the default port, and in upper case":  {x, proxy, header{"X-Forwarded-Proto": {"HTTPS"}, "X-Forwarded-Host": {"API.example:443"}}, ""},
		"another peer says it":                      {x, "192.0.2.1:80", good, "its peer is none of the Proxies"},
		"a peer without an address":                 {x, "@", good, "its peer is none of the Proxies"},
		"a proxy that says nothing":                 {x, proxy, nil, "does not say scheme and host"},
		"without a host, though there is Host":      {x, proxy, header{"X-Forwarded-Proto": {"https"}}, "does not say scheme and host"},
		"without a scheme":                          {x, proxy, header{"X-Forwarded-Host": {"api.example"}}, "does not say scheme and host"},
		"two hosts":                                 {x, proxy, header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"evil.example", "api.example"}}, "does not say scheme and host"},
		"a list of hosts":                           {x, proxy, header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"api.example, proxy"}}, "does not say scheme and host"},
		"a list of schemes":                         {x, proxy, header{"X-Forwarded-Proto": {"https,http"}, "X-Forwarded-Host": {"api.example"}}, "does not say scheme and host"},
		"a host with a path":                        {x, proxy, header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"api.example/orders?"}}, "does not say scheme and host"},
		"an empty host":                             {x, proxy, header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {""}}, "does not say scheme and host"},
		"another host":                              {x, proxy, header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"other.example"}}, "htu is not the address"},
		"plain http":                                {x, proxy, header{"X-Forwarded-Proto": {"http"}, "X-Forwarded-Host": {"api.example"}}, "htu is not the address"},
		"Forwarded, which is not read":              {x, proxy, header{"Forwarded": {"proto=https;host=api.example"}}, "does not say scheme and host"},
		"Forwarded":                                 {standard, proxy, header{"Forwarded": {`for=192.0.2.1;Proto=https; HOST="api.example:443"`}}, ""},
		"Forwarded by another peer":                 {standard, "192.0.2.1:80", header{"Forwarded": {`proto=https;host=api.example`}}, "its peer is none"},
		"the others beside it are not read":         {standard, proxy, good, "does not say scheme and host"},
		"Forwarded by two":                          {standard, proxy, header{"Forwarded": {`proto=https;host=api.example, for=x`}}, "does not say scheme and host"},
		"Forwarded in two lines":                    {standard, proxy, header{"Forwarded": {`proto=https;host=api.example`, "for=x"}}, "does not say scheme and host"},
		"Forwarded with a host twice":               {standard, proxy, header{"Forwarded": {`proto=https;host=api.example;host=api.example`}}, "does not say scheme and host"},
		"Forwarded with an escape in a quoted host": {standard, proxy, header{"Forwarded": {`proto=https;host="api\.example"`}}, "does not say scheme and host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, address, nil)
			r.RemoteAddr = row.peer
			for name, values := range row.header {
				r.Header[name] = values
			}
			r.Header.Set("Authorization", "DPoP "+row.api.token)
			r.Header.Set("DPoP", row.api.proof(jwkstest.Claims{}))
			e := row.api.refused(t, r)
			if row.text == "" {
				assert.Nil(t, e)
				return
			}
			if assert.NotNil(t, e) {
				assert.ErrorContains(t, e, row.text)
			}
		})
	}
}
