package jwks_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestEveryAddressIsHeldToTheSameRules(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://issuer.example/x":      "use https: http is accepted for loopback addresses and localhost alone",
		"http://127.0.0.1.example/x":   "use https: http is accepted",
		"ftp://127.0.0.1/x":            "use https",
		"gopher://localhost/x":         "use https",
		"file:///etc/passwd":           "no absolute URL",
		"issuer.example/x":             "no absolute URL",
		"https://issuer.example/x#top": "has a fragment",
		"https://me@issuer.example/x":  "holds a user name",
		"https://issuer.example:port/": "not a URL",
	} {
		for name, cfg := range map[string]jwks.FetcherConfig{
			"JWKSURL":      {JWKSURL: address},
			"DiscoveryURL": {Issuer: "https://issuer.example", DiscoveryURL: address},
			"Issuer":       {Issuer: address},
		} {
			_, err := jwks.NewFetcher(cfg)
			assert.ErrorContains(t, err, "jwks: "+name+" ", address)
			assert.ErrorContains(t, err, want, "%s %s", name, address)
		}
	}
	for _, address := range []string{"https://issuer.example/x", "http://127.0.0.1:80/x", "http://[::1]/x", "http://localhost/x", "http://LocalHost:8080/x"} {
		for _, cfg := range []jwks.FetcherConfig{{JWKSURL: address}, {Issuer: "https://issuer.example", DiscoveryURL: address}, {Issuer: address}} {
			_, err := jwks.NewFetcher(cfg)
			assert.NoError(t, err, address)
		}
	}
}

func TestAMistakeInAnAddressRepeatsNoPassword(t *testing.T) {
	t.Parallel()
	_, err := jwks.NewFetcher(jwks.FetcherConfig{JWKSURL: "https://me:hunter2@issuer.example/x"})
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2")
	assert.Contains(t, err.Error(), "issuer.example/x", "which address it is about")
}

// What a server says before the body is bounded too, and is asked for in the words of its format.
func TestAHeaderWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	body := set(jwk("a"))
	accepts := make(chan string, 2)
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		accepts <- r.Header.Get("Accept")
		w.Header().Set("X-Long", strings.Repeat("x", 256<<10))
		_, _ = w.Write([]byte(body))
	})
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: server.URL, Timeout: 5 * time.Second})
	err := f.Refresh(t.Context(), "a")
	var unavailable *jwks.UnavailableError
	require.ErrorAs(t, err, &unavailable)
	assert.ErrorContains(t, err, "headers exceeded", "whatever is behind them")
	assert.Equal(t, "application/jwk-set+json, application/json", <-accepts)

	f = newFetcher(t, jwks.FetcherConfig{Issuer: server.URL, Timeout: 5 * time.Second})
	require.Error(t, f.Refresh(t.Context(), "a"))
	assert.Equal(t, "application/json", <-accepts)
}
