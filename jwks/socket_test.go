package jwks_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

// These faults need real sockets, all on loopback. Where a fetch has to time
// out it does so after a fraction of a second.

const brief = 200 * time.Millisecond

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

func socketFetcher(t *testing.T, handler http.HandlerFunc) *jwks.Fetcher {
	t.Helper()
	s := serve(t, handler)
	return newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Timeout: 10 * time.Second})
}

func TestDiscoveryOverSockets(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	mux.HandleFunc("GET "+oidcPath, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, metadata(s.URL, s.URL+"/keys")) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, set(jwk("a"), rsaJWK("r"), ecJWK("e", p256())))
	})
	f := newFetcher(t, jwks.FetcherConfig{Issuer: s.URL})
	require.NoError(t, f.Ready(t.Context()))
	assert.Equal(t, []string{"a", "r", "e"}, kids(f))
}

func TestFaultsOfSockets(t *testing.T) {
	t.Parallel()
	silent := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	drip := func(each time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, c := range []byte(setOf("a")) {
				_, _ = w.Write([]byte{c})
				_ = http.NewResponseController(w).Flush()
				if pause(r.Context(), each) != nil {
					return
				}
			}
		}
	}
	cut := func(w http.ResponseWriter, _ *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"keys\":[")
		_ = buf.Flush()
		_ = conn.Close()
	}
	for name, row := range map[string]struct {
		handler http.HandlerFunc
		says    string
	}{
		"hangs before the header": {silent, "no complete answer within 200ms"},
		"hangs in the middle of the body": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"keys":[`)
			_ = http.NewResponseController(w).Flush()
			silent(w, r)
		}, "no complete answer within 200ms"},
		"sends a byte now and then":        {drip(10 * time.Millisecond), "no complete answer within 200ms"},
		"closes in the middle of the body": {cut, "broke off"},
		"redirects":                        {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "redirects are not followed"},
		"sends a header without end":       {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", string(make([]byte, 100<<10))) }, "header"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, row.handler)
			f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Timeout: brief})
			start := time.Now()
			var missing *jwks.UnavailableError
			require.ErrorAs(t, f.Refresh(t.Context(), "a"), &missing)
			require.ErrorContains(t, missing, row.says)
			assert.Less(t, time.Since(start), 10*time.Second)
			assert.False(t, f.Snapshot().Usable())
		})
	}
}

func TestRefusedConnectionAndUnknownHost(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: "http://" + l.Addr().String()})
	require.ErrorContains(t, f.Refresh(t.Context(), "a"), "refused")

	dialer := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "issuer.example", IsNotFound: true}
	}}
	f = newFetcher(t, jwks.FetcherConfig{JWKSURL: setURL, Client: &http.Client{Transport: dialer}})
	require.ErrorContains(t, f.Refresh(t.Context(), "a"), "no such host")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, setOf("a")) }))
	s.Config.ErrorLog = discard()
	s.StartTLS()
	t.Cleanup(s.Close)

	private := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: s.Client()})
	require.NoError(t, private.Ready(t.Context()), "a client that trusts the private CA")

	unknown := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL})
	require.ErrorContains(t, unknown.Refresh(t.Context(), "a"), "give a Client that trusts the issuer's CA")

	other := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: trusting(s, func(c *tls.Config) { c.ServerName = "other.example.org" })})
	require.ErrorContains(t, other.Refresh(t.Context(), "a"), "not other.example.org")

	expired := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: trusting(s, func(c *tls.Config) {
		c.Time = func() time.Time { return time.Now().AddDate(1000, 0, 0) }
	})})
	require.ErrorContains(t, expired.Refresh(t.Context(), "a"), "expired")
}

func trusting(s *httptest.Server, change func(*tls.Config)) *http.Client {
	t, ok := s.Client().Transport.(*http.Transport)
	if !ok {
		panic("not the transport of httptest")
	}
	t = t.Clone()
	t.DisableKeepAlives = true
	change(t.TLSClientConfig)
	return &http.Client{Transport: t}
}

func TestClientGivesItsOwnCredentialsAndIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer cluster" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprint(w, setOf("a"))
	})
	bearer := roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer cluster")
		return s.Client().Transport.RoundTrip(r)
	})
	client := &http.Client{Transport: bearer}
	f := newFetcher(t, jwks.FetcherConfig{JWKSURL: s.URL, Client: client})
	require.NoError(t, f.Ready(t.Context()))
	assert.Nil(t, client.CheckRedirect)
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
