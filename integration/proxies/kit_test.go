package proxies_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/websocket"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/integration/internal/report"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

const audience = "api://orders"

// With CI=true one of the proxies may be missing.
var table = report.New("proxies", 3, "nginx", "haproxy", "caddy", "apache")

func TestMain(m *testing.M) { os.Exit(table.Main(m)) }

// gateway is a Gate with an issuer that works and one whose keys cannot be fetched.
type gateway struct {
	*sallyport.Gate

	issuer, down *jwkstest.Issuer
}

func newGateway(t *testing.T, guard middleware.Config) gateway {
	t.Helper()
	g := gateway{issuer: newIssuer(t), down: newIssuer(t)}
	g.down.Fail(http.StatusInternalServerError)
	gate, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic(g.issuer.Issuer(), audience), providers.Generic(g.down.Issuer(), audience)},
		Guard:     guard,
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	g.Gate = gate
	return g
}

func newIssuer(t *testing.T) *jwkstest.Issuer {
	t.Helper()
	return jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience(audience))
}

// token returns a good token with these scopes.
func (g gateway) token(scopes string) string {
	return g.issuer.Token(jwkstest.Claims{"scope": scopes, "client_id": "partner"})
}

// serve runs a handler behind the proxy and returns its address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// orders is the guarded API behind the proxies.
func orders(g gateway) *http.ServeMux {
	read, write := g.Require(claims.AllScopes("orders.read")), g.Require(claims.AllScopes("orders.write"))
	mux := http.NewServeMux()
	mux.Handle("GET /orders", read(http.HandlerFunc(list)))
	mux.Handle("POST /orders", write(http.HandlerFunc(create)))
	mux.Handle("GET /socket", read(websocket.Server{Handler: func(c *websocket.Conn) { _, _ = io.Copy(c, c) }}))
	return mux
}

func list(w http.ResponseWriter, r *http.Request) {
	c, _ := claims.FromContext(r.Context())
	fmt.Fprint(w, "orders for ", c.ClientID())
}

func create(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, n)
}

// eachVersion runs a test with HTTP/1.1 and with HTTP/2 between caller and proxy.
func eachVersion(t *testing.T, s *server, test func(t *testing.T, client *http.Client)) {
	t.Helper()
	for version, name := range map[int]string{1: "HTTP/1.1", 2: "HTTP/2.0"} {
		t.Run(name, func(t *testing.T) {
			client := s.client(t, version)
			test(t, client)
			require.Equal(t, name, do(t, client, call{path: "/orders"}).Proto)
		})
	}
}

// client returns a client whose connections all go to the proxy, in HTTP/1.1 or HTTP/2.
func (s *server) client(t *testing.T, version int) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(version == 1)
	protocols.SetHTTP2(version == 2)
	transport := &http.Transport{
		Protocols:             protocols,
		TLSClientConfig:       s.tls(),
		ExpectContinueTimeout: 5 * time.Second, // where a call asks whether to send its body
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (s *server) tls() *tls.Config {
	return &tls.Config{RootCAs: s.ca, ServerName: host, MinVersion: tls.VersionTLS12}
}

// call is a request to be sent by do.
type call struct {
	method, path string
	tokens       []string // one Authorization line each
	header       http.Header
	body         io.Reader
}

// answer is what came back, read to its end.
type answer struct {
	*http.Response
	body   string
	reused bool
	conn   string // the client's address
}

func do(t *testing.T, client *http.Client, c call) answer {
	t.Helper()
	a, err := try(t, client, c)
	require.NoError(t, err)
	return a
}

func try(t *testing.T, client *http.Client, c call) (answer, error) {
	t.Helper()
	var a answer
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { a.reused, a.conn = info.Reused, info.Conn.LocalAddr().String() }}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), c.method, "https://"+host+c.path, c.body)
	require.NoError(t, err)
	if c.header != nil {
		request.Header = c.header.Clone()
	}
	for _, token := range c.tokens {
		request.Header.Add("Authorization", "Bearer "+token)
	}
	a.Response, err = client.Do(request)
	if err != nil {
		return a, err
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	a.body = string(body)
	return a, err
}
