package demo_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/demo"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const free = "127.0.0.1:0"

// reserved is an address where nobody listens any more.
func reserved(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", free)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

func assertClosed(t *testing.T, addr, what string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err == nil {
		_ = c.Close()
	}
	assert.Error(t, err, what)
}

func status(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

func TestWithoutIssuersItBringsAnAuthorizationServerAndThePage(t *testing.T) {
	t.Parallel()
	d, err := demo.Start(t.Context(), demo.Config{Addr: free, AuthAddr: free, API: api.Config{Framework: "nethttp"}})
	require.NoError(t, err)
	another, err := d.Another(t.Context())
	require.NoError(t, err)
	assert.Len(t, d.Config.Issuers, 3)
	assert.NotEqual(t, d.API.URL(), another.URL())
	for _, url := range []string{d.API.URL() + "/", another.URL() + "/healthz", d.Auth.URL() + "/dev"} {
		assert.Equal(t, http.StatusOK, status(t, url), url)
	}
	require.NoError(t, another.Close())
	require.NoError(t, d.Close())
	for _, url := range []string{d.API.URL(), another.URL(), d.Auth.URL()} {
		assertClosed(t, strings.TrimPrefix(url, "http://"), url)
	}
}

func TestWithIssuersItBringsNeither(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"))
	d, err := demo.Start(t.Context(), demo.Config{
		Addr: free, AuthAddr: "nowhere",
		API: api.Config{Framework: "nethttp", Issuers: []api.Issuer{{Name: issuer.Issuer(), Audiences: []string{"x"}}}},
	})
	require.NoError(t, err)
	assert.Nil(t, d.Auth)
	assert.Equal(t, http.StatusNotFound, status(t, d.API.URL()+"/"))
	require.NoError(t, d.Close())
}

// hasty is an API that does not end well.
type hasty struct{ demo.API }

func (h hasty) Close() error { return errors.Join(h.API.Close(), errors.New("cut off")) }

func TestCloseWaitsForBothAndSaysWhatWentWrong(t *testing.T) {
	t.Parallel()
	d, err := demo.Start(t.Context(), demo.Config{
		Addr: free, AuthAddr: free, API: api.Config{Framework: "nethttp"},
		Start: func(l net.Listener, cfg api.Config) (demo.API, error) {
			served, err := demo.Orders(l, cfg)
			return hasty{served}, err
		},
	})
	require.NoError(t, err)
	assert.EqualError(t, d.Close(), "cut off")
}

func TestWhatFailsLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*demo.Config)
		says   string
	}{
		"the authorization server": {func(c *demo.Config) { c.AuthAddr = "0.0.0.0:0" }, "choose another with -auth-addr"},
		"the API":                  {func(c *demo.Config) { c.API.Framework = "rails" }, "rails"},
		"an API of one's own": {func(c *demo.Config) {
			c.Start = func(l net.Listener, _ api.Config) (demo.API, error) {
				return nil, errors.Join(errors.New("no"), l.Close())
			}
		}, "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := demo.Config{Addr: reserved(t), AuthAddr: reserved(t), API: api.Config{Framework: "nethttp"}}
			row.change(&cfg)
			_, err := demo.Start(t.Context(), cfg)
			assert.ErrorContains(t, err, row.says)
			assertClosed(t, cfg.Addr, "the API's socket")
			assertClosed(t, cfg.AuthAddr, "the authorization server's socket")
		})
	}
}
