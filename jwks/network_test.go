package jwks_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

const notPublic = "is not in a public network"

func TestPublicNetworksOnlyDialsNoHostOfThisMachine(t *testing.T) {
	t.Parallel()
	s, made, _ := connections(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(setOf("a"))) })
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	require.NoError(t, err)
	for name, cfg := range map[string]jwks.FetcherConfig{
		"an address":                        {JWKSURL: s.URL},
		"a name that resolves to it":        {JWKSURL: "http://localhost:" + port},
		"IPv4 in IPv6":                      {JWKSURL: "http://[::ffff:127.0.0.1]:" + port},
		"a client that says nothing":        {JWKSURL: s.URL, Client: &http.Client{}},
		"the transport of all":              {JWKSURL: s.URL, Client: &http.Client{Transport: http.DefaultTransport}},
		"a transport that does not dial":    {JWKSURL: s.URL, Client: &http.Client{Transport: &http.Transport{}}},
		"a certificate authority of a file": {JWKSURL: s.URL, CAFile: fileOf(t, newCA("x").pem)},
		"https":                             {JWKSURL: "https://localhost:" + port},
	} {
		cfg.PublicNetworksOnly = true
		err := newFetcher(t, cfg).Refresh(t.Context(), "a")
		assert.ErrorContains(t, unavailable(t, err), notPublic, name)
	}
	assert.Zero(t, made.Load(), "no connection was made")
	assert.NoError(t, readyFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL}).Close(), "others may, at the same time")
}

func TestAProxyDoesNotDialInPlaceOfPublicNetworksOnly(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte(setOf("a")))
	}))
	t.Cleanup(proxy.Close)
	to, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	through := &http.Transport{Proxy: http.ProxyURL(to)}
	t.Cleanup(through.CloseIdleConnections)
	cfg := jwks.FetcherConfig{JWKSURL: "http://keys.invalid/", DangerouslyPlainHTTP: []string{"keys.invalid"}, Client: &http.Client{Transport: through}}
	require.NoError(t, readyFetcher(t, cfg).Close(), "without it the proxy is asked")
	require.EqualValues(t, 1, asked.Load())

	cfg.PublicNetworksOnly = true
	assert.ErrorContains(t, cfg.Validate(), "has a Proxy, which would dial in its place")
	dials := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}
	cfg.Client = &http.Client{Transport: dials}
	assert.ErrorContains(t, cfg.Validate(), "dials by a function of its own")
	cfg.Client = &http.Client{Transport: newServer("")}
	assert.ErrorContains(t, cfg.Validate(), "no *http.Transport")
	assert.EqualValues(t, 1, asked.Load())
}
