package trust_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// on runs a test against a server of each framework on a loopback socket, one after the other: they count together.
func (a *api) on(t *testing.T, test func(t *testing.T, framework string, server *httptest.Server)) {
	t.Helper()
	for _, name := range a.order {
		server := httptest.NewServer(a.routes[name])
		t.Cleanup(server.Close)
		test(t, name, server)
	}
}

// say sends bytes as they are on a connection of its own and reads all answers.
func say(t *testing.T, server *httptest.Server, lines ...string) (statuses []int) {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.NoError(t, conn.SetDeadline(time.Now().Add(2*time.Second)))
	_, err = io.WriteString(conn, strings.Join(lines, ""))
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	for answers := bufio.NewReader(conn); ; {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
	}
}

const host = "Host: api.example\r\n"

// TestNoShapeOfARequestOpensADoor sends what clients, proxies and attackers put on a connection. Whatever net/http makes
// of it, no handler runs without a good token, and none runs for a second request that hides in a first.
func TestNoShapeOfARequestOpensADoor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	good := "Authorization: Bearer " + a.token("orders.read") + "\r\n"
	const hidden = "GET /orders HTTP/1.1\r\nHost: api.example\r\n\r\n"
	rows := []struct {
		name   string
		send   string
		served int64 // by handlers; whatever the answers
	}{
		{"a good request is served", "GET /orders HTTP/1.1\r\n" + host + good + "Connection: close\r\n\r\n", 1},
		{"no token", "GET /orders HTTP/1.1\r\n" + host + "\r\n", 0},
		{"HTTP/1.0", "GET /orders HTTP/1.0\r\n\r\n", 0},
		{"HTTP/1.0 with a token", "GET /orders HTTP/1.0\r\n" + good + "\r\n", 1},
		{"a method in lower case", "get /orders HTTP/1.1\r\n" + host + "\r\n", 0},
		{"the URL whole", "GET http://api.example/orders HTTP/1.1\r\n" + host + "\r\n", 0},
		{"the URL whole, of another host", "GET http://other.example/orders HTTP/1.1\r\n" + host + "\r\n", 0},
		{"CONNECT", "CONNECT /orders HTTP/1.1\r\n" + host + "\r\n", 0},
		{"OPTIONS for all", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 0},
		{"a line that is folded is one line (RFC 9112 section 5.2)", "GET /orders HTTP/1.1\r\n" + host + "Authorization: Bearer\r\n " + good[len("Authorization: Bearer "):] + "Connection: close\r\n\r\n", 1},
		{"a space before the colon", "GET /orders HTTP/1.1\r\n" + host + strings.Replace(good, ":", " :", 1) + "\r\n", 0},
		{"an underscore in the name", "GET /orders HTTP/1.1\r\n" + host + strings.Replace(good, "Auth", "Auth_", 1) + "\r\n", 0},
		{"a name in capitals is the same name", "GET /orders HTTP/1.1\r\n" + host + strings.Replace(good, "Authorization", "AUTHORIZATION", 1) + "Connection: close\r\n\r\n", 1},
		{"a second token on a line of its own", "GET /orders HTTP/1.1\r\n" + host + good + good + "\r\n", 0},
		{"two tokens in capitals and small letters", "GET /orders HTTP/1.1\r\n" + host + good + strings.ToLower(good[:13]) + good[13:] + "\r\n", 0},
		{"a token in the trailer", "GET /orders HTTP/1.1\r\n" + host + "Trailer: Authorization\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + good + "\r\n", 0},
		{"a token for the proxy", "GET /orders HTTP/1.1\r\n" + host + "Proxy-" + good + "\r\n", 0},
		{"a token in a cookie", "GET /orders HTTP/1.1\r\n" + host + "Cookie: access_token=x; authorization=x\r\n\r\n", 0},
		{"the header named as a hop's own", "GET /orders HTTP/1.1\r\n" + host + "Connection: Authorization, close\r\n\r\n", 0},
		{"a path that a proxy is said to have cut", "GET / HTTP/1.1\r\n" + host + "X-Original-URL: /orders\r\nX-Rewrite-URL: /orders\r\nX-Forwarded-Uri: /orders\r\n\r\n", 0},
		{"a client that says it is local", "GET /orders HTTP/1.1\r\n" + host + "X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n\r\n", 0},
		{"a second request behind Content-Length and chunks", "POST /orders HTTP/1.1\r\n" + host + good + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden, 0},
		{"a second request behind two lengths", "POST /orders HTTP/1.1\r\n" + host + good + "Content-Length: 0\r\nContent-Length: 43\r\n\r\n" + hidden, 0},
		{"a second request behind an unknown coding", "POST /orders HTTP/1.1\r\n" + host + good + "Transfer-Encoding: xchunked\r\n\r\n" + hidden, 0},
		{"a second request behind a coding with a tab", "POST /orders HTTP/1.1\r\n" + host + good + "Transfer-Encoding:\tchunked, identity\r\n\r\n0\r\n\r\n" + hidden, 0},
		{"a second request behind a length with a sign", "POST /orders HTTP/1.1\r\n" + host + good + "Content-Length: +0\r\n\r\n" + hidden, 0},
		{"a second request in the body of a refused one", "POST /orders HTTP/1.1\r\n" + host + "Content-Length: 43\r\n\r\n" + hidden, 0},
		{"a second request in chunks of a refused one", "POST /orders HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n2b\r\n" + hidden + "\r\n0\r\n\r\n", 0},
		{"a second request behind a served one has no token", "GET /orders HTTP/1.1\r\n" + host + good + "\r\n" + hidden, 1},
		{"a good request behind a refused one is served", hidden + "GET /orders HTTP/1.1\r\n" + host + good + "\r\n", 1},
		{"a good request behind a refused one with a body is served", "POST /orders HTTP/1.1\r\n" + host + "Content-Length: 43\r\n\r\n" + hidden + "GET /orders HTTP/1.1\r\n" + host + good + "\r\n", 1},
	}
	require.Len(t, hidden, 43)
	a.on(t, func(t *testing.T, framework string, server *httptest.Server) {
		t.Helper()
		for _, row := range rows {
			before := a.served.Load()
			statuses := say(t, server, row.send)
			assert.Equal(t, row.served, a.served.Load()-before, "%s: %s: answered %v", framework, row.name, statuses)
			ok := 0
			for _, status := range statuses {
				if status < 300 {
					ok++
				}
			}
			if row.name != "OPTIONS for all" { // net/http answers it by itself, and says nothing
				assert.Equal(t, int(row.served), ok, "%s: %s: answered %v", framework, row.name, statuses)
			}
		}
	})
}

// A rule goes by the method that the router goes by, whatever else a request says.
func TestTheMethodIsThatOfTheRequestLine(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	reader := "Authorization: Bearer " + a.token("orders.read") + "\r\n"
	a.on(t, func(t *testing.T, framework string, server *httptest.Server) {
		t.Helper()
		for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"} {
			before := a.served.Load()
			for _, row := range []struct {
				line, says string
				want       int
			}{
				{"DELETE /orders", "GET", http.StatusForbidden},
				{"POST /orders", "GET", http.StatusForbidden},
				{"DELETE /orders?_method=GET&access_token=x", "GET", http.StatusForbidden},
			} {
				statuses := say(t, server, row.line+" HTTP/1.1\r\n"+host+reader+name+": "+row.says+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				assert.Equal(t, []int{row.want}, statuses, "%s: %s: %s", framework, row.line, name)
			}
			assert.Equal(t, before, a.served.Load())
			statuses := say(t, server, "GET /orders HTTP/1.1\r\n"+host+reader+name+": DELETE\r\nConnection: close\r\n\r\n")
			assert.Equal(t, []int{http.StatusOK}, statuses, "what is said besides is of no account")
		}
	})
}

// HTTP/2 has no connection-wide header and many requests at once; the answers are those of HTTP/1.1.
func TestHTTP2IsHeldToTheSame(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	token := a.token("orders.read")
	for _, name := range a.order {
		server := httptest.NewUnstartedServer(a.routes[name])
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		client := server.Client()
		require.IsType(t, &http.Transport{}, client.Transport)
		client.Transport.(*http.Transport).TLSClientConfig.MinVersion = tls.VersionTLS12
		for _, row := range []struct {
			method string
			lines  []string
			want   int
		}{
			{http.MethodGet, nil, 401},
			{http.MethodGet, []string{"Bearer " + token}, 200},
			{http.MethodGet, []string{"Bearer " + token, "Bearer " + token}, 400},
			{http.MethodGet, []string{"Bearer " + token[1:]}, 401},
			{http.MethodDelete, []string{"Bearer " + token}, 403},
			{http.MethodGet, []string{"bearer  " + token}, 200},
			{http.MethodGet, []string{"Basic dTpw", "Bearer " + token}, 400},
			{http.MethodPost, []string{"Bearer " + token}, 403},
		} {
			req, err := http.NewRequestWithContext(t.Context(), row.method, server.URL+"/orders", strings.NewReader(""))
			require.NoError(t, err)
			req.Header["Authorization"] = row.lines
			resp, err := client.Do(req)
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			assert.Equal(t, 2, resp.ProtoMajor, name)
			assert.Equal(t, row.want, resp.StatusCode, "%s: %s with %d tokens", name, row.method, len(row.lines))
			assert.Equal(t, row.want != 200, resp.Header.Get("WWW-Authenticate") != "", "%s: a challenge in %d", name, row.want)
		}
	}
}
