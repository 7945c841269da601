package adapters_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// One connection serves many requests: a verdict is of one request alone.

func TestAConnectionGoesOnAfterADenial(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", f.servers[at])
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
		answers := bufio.NewReader(conn)
		for i, step := range []struct {
			send string
			want int
		}{
			{head("GET /orders"), 401},
			{head("GET /orders", reader), 200},
			{head("GET /orders"), 401},
			{head("GET /orders", reader+"x"), 401},
			{head("GET /orders", reader, reader), 400},
			{head("GET /orders", reader), 200},
			{head("POST /orders", reader), 403},
			{withBody("POST /orders", head("GET /orders", reader)), 401},
			{withBody("POST /orders", head("GET /orders", reader), reader), 403},
			{head("GET /orders"), 401},
			{head("GET /orders", reader), 200},
		} {
			_, err := io.WriteString(conn, step.send)
			require.NoError(t, err, "step %d", i)
			status, err := hear(answers)
			require.NoError(t, err, "step %d", i)
			assert.Equal(t, step.want, status, "step %d", i)
		}
		assert.Zero(t, answers.Buffered(), "something was answered that nobody asked")
	})
}

// overHTTP2 is a client of a TLS server, which counts the connections.
func (f *fixture) overHTTP2(t *testing.T, at site) (client *http.Client, url string, opened *atomic.Int64) {
	t.Helper()
	server := httptest.NewUnstartedServer(f.handlers[at])
	opened = new(atomic.Int64)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client = server.Client()
	transport, ok := client.Transport.(*http.Transport)
	require.True(t, ok)
	transport.TLSClientConfig.MinVersion = tls.VersionTLS12
	return client, server.URL, opened
}

func TestHTTP2IsHeldToTheSame(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := strings.TrimPrefix(f.bearer("orders.read"), "Authorization: ")
	rows := []struct {
		name, method, target string
		header               http.Header
		want                 int
		challenge            string
	}{
		{"no token", "GET", "/orders", nil, 401, `Bearer realm="orders"`},
		{"a token", "GET", "/orders", http.Header{"Authorization": {reader}}, 200, ""},
		{"two tokens", "GET", "/orders", http.Header{"Authorization": {reader, reader}}, 400, `Bearer realm="orders", error="invalid_request"`},
		{"other credentials and a token", "GET", "/orders", http.Header{"Authorization": {"Basic dTpw", reader}}, 400, `Bearer realm="orders", error="invalid_request"`},
		{"a bad token", "GET", "/orders", http.Header{"Authorization": {reader + "x"}}, 401, `Bearer realm="orders", error="invalid_token"`},
		{"the scheme in small letters and two spaces", "GET", "/orders", http.Header{"Authorization": {strings.Replace(reader, "Bearer ", "bearer  ", 1)}}, 200, ""},
		{"another method", "POST", "/orders", http.Header{"Authorization": {reader}}, 403, `Bearer realm="orders", error="insufficient_scope", scope="orders.read orders.write"`},
		{"another method that is said to be this one", "POST", "/orders", http.Header{"Authorization": {reader}, "X-Http-Method-Override": {"GET"}}, 403, `Bearer realm="orders", error="insufficient_scope", scope="orders.read orders.write"`},
		{"a token in the query", "GET", "/orders?access_token=" + strings.TrimPrefix(reader, "Bearer "), nil, 401, `Bearer realm="orders"`},
	}
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		client, url, opened := f.overHTTP2(t, at)
		for _, row := range rows {
			req, err := http.NewRequestWithContext(t.Context(), row.method, url+row.target, strings.NewReader("body"))
			require.NoError(t, err)
			if row.header != nil {
				req.Header = row.header.Clone()
			}
			resp, err := client.Do(req)
			require.NoError(t, err, row.name)
			_ = resp.Body.Close()
			assert.Equal(t, 2, resp.ProtoMajor, row.name)
			assert.Equal(t, row.want, resp.StatusCode, row.name)
			assert.Equal(t, row.challenge, resp.Header.Get("WWW-Authenticate"), row.name)
			assert.Equal(t, row.want == 200, resp.Header.Get("X-Handler") == "reached", row.name)
		}
		assert.Equal(t, int64(1), opened.Load(), "all on one connection")
	})
}

// Streams of one connection are open at the same time. Each is answered for its
// own token, and for none if it has none.
func TestStreamsOfHTTP2AreJudgedApart(t *testing.T) {
	t.Parallel()
	const streams = 60
	f := newAttackFixture(t)
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		client, url, opened := f.overHTTP2(t, at)
		first, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+public, http.NoBody)
		require.NoError(t, err)
		require.Equal(t, "200 hello nobody\n", answerTo(client, first), "it opens the connection")
		var got, want [streams]string
		var open sync.WaitGroup
		for i := range streams {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/whoami", http.NoBody)
			require.NoError(t, err)
			caller := "caller-" + strconv.Itoa(i)
			switch i % 3 {
			case 0:
				req.Header.Set("Authorization", "Bearer "+f.issuer.Token(jwkstest.Claims{"sub": caller}))
				want[i] = "200 hello " + caller + "\n"
			case 1:
				want[i] = "401 Unauthorized: a bearer access token is required\n"
			default:
				req.Header.Set("Authorization", "Bearer "+f.issuer.Token(jwkstest.WithAudience("api://other")))
				want[i] = "401 Unauthorized: the access token is not valid here\n"
			}
			open.Go(func() { got[i] = answerTo(client, req) })
		}
		open.Wait()
		assert.Equal(t, want, got)
		assert.Equal(t, int64(1), opened.Load(), "all on one connection")
	})
}

func answerTo(client *http.Client, req *http.Request) string {
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return strconv.Itoa(resp.StatusCode) + " " + string(body)
}
