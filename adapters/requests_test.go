package adapters_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// Attacks by the shape of a request. The bytes go over sockets as they stand
// here; what net/http makes of them is not ours, but no handler may run for
// credentials that are not the request's own.

const (
	noRoute        = -1 // 404 or 405, which routers answer by themselves
	notTheHandlers = -2 // 200, and not of the API's handler; or another status of it
)

// attempt is what one connection carries, and what must come back on it.
type attempt struct {
	name   string
	send   string
	routes []int // status by status, no more and no less
	table  []int // nil: the same
}

// newAttackFixture is the API of the conformance rows, its keys loaded.
func newAttackFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t, jwkstest.WithAlgorithm("EdDSA"))
	f.serve(t, "plain", middleware.Config{}, f.issuer)
	f.check(t, row{name: "a good token", token: f.good(), want: accepted(hello)}, "routes") // a client that hangs up must not have to wait for keys
	return f
}

// everywhere runs a test for each framework and wiring.
func (f *fixture) everywhere(t *testing.T, test func(t *testing.T, at site)) {
	t.Helper()
	for _, fw := range frameworks {
		for _, wiring := range wirings {
			t.Run(fw.name+", "+wiring, func(t *testing.T) {
				t.Parallel()
				test(t, site{"plain", wiring, fw.name})
			})
		}
	}
}

func (f *fixture) tryEverywhere(t *testing.T, attempts []attempt) {
	t.Helper()
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		f.try(t, at, attempts)
	})
}

func (f *fixture) try(t *testing.T, at site, attempts []attempt) {
	t.Helper()
	for _, a := range attempts {
		want := a.routes
		if at.wiring == "table" && a.table != nil {
			want = a.table
		}
		assert.Equal(t, want, leveled(say(t, f.servers[at], a.send), want), a.name)
	}
}

// leveled calls 404 and 405 noRoute where that is expected.
func leveled(got, want []int) []int {
	for i, status := range got {
		if i < len(want) && want[i] == noRoute && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
			got[i] = noRoute
		}
	}
	return got
}

// say sends bytes on a connection of its own and reads all answers. 200 is one
// of the API's handler, by the header that it sets.
func say(t *testing.T, address, text string) (statuses []int) {
	t.Helper()
	conn := dial(t, address)
	defer conn.Close()
	_, _ = io.WriteString(conn, text) // a server that has read enough hangs up
	_ = conn.CloseWrite()
	for answers := bufio.NewReader(conn); ; {
		status, err := hear(answers)
		if err != nil {
			return statuses
		}
		statuses = append(statuses, status)
	}
}

// hear reads one answer.
func hear(answers *bufio.Reader) (status int, err error) {
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err = io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	if reached := resp.Header.Get("X-Handler") == "reached"; reached != (resp.StatusCode == http.StatusOK) {
		return notTheHandlers, nil
	}
	return resp.StatusCode, nil
}

// head is a request without a body.
func head(request string, headers ...string) string {
	return strings.Join(append([]string{request + " HTTP/1.1", "Host: api.example"}, headers...), "\r\n") + "\r\n\r\n"
}

// withBody is a request with one.
func withBody(request, body string, headers ...string) string {
	return head(request, append(headers, "Content-Length: "+strconv.Itoa(len(body)))...) + body
}

func (f *fixture) bearer(scopes string) string {
	return "Authorization: Bearer " + f.issuer.Token(scope(scopes))
}

// What stands behind a request, or in its body, is judged by itself: it has no
// credentials but its own, and what is a body is no request.
func TestNoRequestHidesInAnother(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader, writer := f.bearer("orders.read"), f.bearer("orders.read orders.write")
	bare, good := head("GET /orders"), head("GET /orders", reader)
	chunk := func(body string) string {
		return strconv.FormatInt(int64(len(body)), 16) + "\r\n" + body + "\r\n0\r\n\r\n"
	}
	attempts := []attempt{
		{"one behind the other, both with a token", good + good, []int{200, 200}, nil},
		{"one without a token behind a served one", good + bare, []int{200, 401}, nil},
		{"one with a token behind a refused one", bare + good, []int{401, 200}, nil},
		{"one that may not behind one that may", head("POST /orders", writer) + head("POST /orders", reader), []int{200, 403}, nil},

		{"in the body of a refused one", withBody("POST /orders", good) + bare, []int{401, 401}, nil},
		{"in the body of a forbidden one", withBody("POST /orders", good, reader) + bare, []int{403, 401}, nil},
		{"in the body of a malformed one", withBody("POST /orders", good, reader, writer) + bare, []int{400, 401}, nil},
		{"in the body of a served one that nobody reads", withBody("POST /orders", good, writer) + bare, []int{200, 401}, nil},
		{"in the body of a GET", withBody("GET /orders", good) + bare, []int{401, 401}, nil},
		{"in chunks of a refused one", head("POST /orders", "Transfer-Encoding: chunked") + chunk(good) + bare, []int{401, 401}, nil},
		{"in a body that is longer than a server cares to read", withBody("POST /orders", strings.Repeat(good, 600_000/len(good))), []int{401}, nil},
		{"in a body that was to wait for 100 Continue", withBody("POST /orders", good, "Expect: 100-continue"), []int{401}, nil},
		{"in a body that ends too soon", head("POST /orders", "Content-Length: 100000") + good, []int{401}, nil},

		// Where a proxy in front may see one request and net/http two, the second has to bring a token of its own.
		{"behind both a length and chunks", head("POST /orders", writer, "Content-Length: 200", "Transfer-Encoding: chunked") + "0\r\n\r\n" + bare, []int{200, 401}, nil},
		{"behind chunks with an extension", head("POST /orders", writer, "Transfer-Encoding: chunked") + "0;a=b\r\n\r\n" + bare, []int{200, 401}, nil},
		{"behind chunks in HTTP/1.0, where there are none and one request is all", strings.Replace(head("POST /orders", writer, "Transfer-Encoding: chunked"), "HTTP/1.1", "HTTP/1.0", 1) + "0\r\n\r\n" + good, []int{200}, nil},
		{"behind empty lines", good + "\r\n\r\n" + bare, []int{200, 400}, nil},
		{"behind a head whose lines end in LF alone", strings.ReplaceAll(good, "\r\n", "\n") + bare, []int{200, 401}, nil},

		// These are none for net/http, and the connection ends.
		{"behind two lengths", head("POST /orders", writer, "Content-Length: 0", "Content-Length: 43") + good, []int{400}, nil},
		{"behind a length with a sign", head("POST /orders", writer, "Content-Length: +0") + good, []int{400}, nil},
		{"behind a negative length", head("POST /orders", writer, "Content-Length: -1") + good, []int{400}, nil},
		{"behind a list of lengths", head("POST /orders", writer, "Content-Length: 0, 0") + good, []int{400}, nil},
		{"behind an unknown coding", head("POST /orders", writer, "Transfer-Encoding: xchunked") + good, []int{501}, nil},
		{"behind two codings", head("POST /orders", writer, "Transfer-Encoding: chunked, identity") + "0\r\n\r\n" + good, []int{501}, nil},
		{"behind a coding on two lines", head("POST /orders", writer, "Transfer-Encoding: identity", "Transfer-Encoding: chunked") + "0\r\n\r\n" + good, []int{501}, nil},
		{"behind a coding with a vertical tab", head("POST /orders", writer, "Transfer-Encoding: \x0bchunked") + "0\r\n\r\n" + good, []int{400}, nil},
		{"behind a space before the colon", head("POST /orders", writer, "Content-Length : 0") + good, []int{400}, nil},
	}
	f.tryEverywhere(t, attempts)
}

// A token counts in one Authorization header, and nowhere else.
func TestNoShapeOfARequestOpensADoor(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	token := strings.TrimPrefix(reader, "Authorization: Bearer ")
	attempts := []attempt{
		{"a good request", head("GET /orders", reader), []int{200}, nil},
		{"HTTP/1.0", "GET /orders HTTP/1.0\r\n\r\n", []int{401}, nil},
		{"HTTP/1.0 with a token", "GET /orders HTTP/1.0\r\n" + reader + "\r\n\r\n", []int{200}, nil},
		{"HTTP/0.9", "GET /orders\r\n\r\n", []int{400}, nil},
		{"a version of HTTP that is none", "GET /orders HTTP/1.1x\r\nHost: api.example\r\n" + reader + "\r\n\r\n", []int{400}, nil},

		{"the target whole", head("GET http://api.example/orders"), []int{401}, nil},
		{"the target whole, of another host", head("GET http://other.example/orders"), []int{401}, nil},
		{"the target whole, with a user", head("GET http://Bearer:" + token + "@api.example/orders"), []int{401}, nil},
		{"CONNECT", head("CONNECT /orders"), []int{noRoute}, []int{401}},
		{"OPTIONS for all, which net/http answers and says nothing", head("OPTIONS *"), []int{notTheHandlers}, nil},
		{"OPTIONS for all, with a token", head("OPTIONS *", reader), []int{notTheHandlers}, nil},
		{"no Host", "GET /orders HTTP/1.1\r\n" + reader + "\r\n\r\n", []int{400}, nil},
		{"two Hosts", head("GET /orders", "Host: other.example", reader), []int{400}, nil},

		{"a name in capitals is the same name", head("GET /orders", strings.Replace(reader, "Authorization", "AUTHORIZATION", 1)), []int{200}, nil},
		{"a line that is folded is one line (RFC 9112 section 5.2)", head("GET /orders", "Authorization: Bearer\r\n "+token), []int{200}, nil},
		{"a token that is folded is two", head("GET /orders", "Authorization: Bearer "+token[:20]+"\r\n "+token[20:]), []int{400}, nil},
		{"a space before the colon", head("GET /orders", "Authorization : Bearer "+token), []int{400}, nil},
		{"a NUL behind", head("GET /orders", reader+"\x00"), []int{400}, nil},
		{"an underscore in the name", head("GET /orders", "Auth_orization: Bearer "+token), []int{401}, nil},
		{"two tokens in capitals and small letters", head("GET /orders", reader, "authorization: Bearer "+token), []int{400}, nil},
		{"a token behind other credentials", head("GET /orders", "Authorization: Basic dTpw", reader), []int{400}, nil},
		{"other credentials behind a token", head("GET /orders", reader+", Basic dTpw"), []int{400}, nil},

		{"a token in the trailer", head("GET /orders", "Trailer: Authorization", "Transfer-Encoding: chunked") + "0\r\n" + reader + "\r\n\r\n", []int{401}, nil},
		{"a token in the query", head("GET /orders?access_token=" + token), []int{401}, nil},
		{"a token in a form", withBody("POST /orders", "access_token="+token, "Content-Type: application/x-www-form-urlencoded"), []int{401}, nil},
		{"a token for the proxy", head("GET /orders", "Proxy-"+reader), []int{401}, nil},
		{"a token in the proxy's own header", head("GET /orders", "X-Forwarded-Access-Token: "+token, "X-Forwarded-"+reader), []int{401}, nil},
		{"a token in a cookie", head("GET /orders", "Cookie: access_token="+token+"; Authorization=Bearer "+token), []int{401}, nil},
		{"a token as a subprotocol of a WebSocket", head("GET /orders", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Protocol: bearer, "+token), []int{401}, nil},
		{"an upgrade to HTTP/2 without TLS", head("GET /orders", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), []int{401}, nil},
		{"the header named as one of the hop, as RFC 9110 section 7.6.1 forbids", head("GET /orders", "Connection: Authorization", reader), []int{200}, nil},
		{"a client that says it is local", head("GET /orders", "X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"), []int{401}, nil},
		{"a client that says who it is", head("GET /orders", "X-Remote-User: admin", "X-Forwarded-User: admin", "X-Client-Cert: x", "Remote-User: admin"), []int{401}, nil},
	}
	f.tryEverywhere(t, attempts)
}

// A rule goes by the method of the request line, as the router does, whatever is
// said besides.
func TestTheMethodIsThatOfTheRequestLine(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	level := func(name string) string { return f.bearer(audience + "/" + name) }
	attempts := []attempt{
		{"a method in small letters is another one", head("get /orders", reader), []int{noRoute}, []int{403}},
		{"TRACE", head("TRACE /orders", reader), []int{noRoute}, []int{403}},
	}
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method", "X-Forwarded-Method", "_method"} {
		var inTable []int // where it leads to another entry, or to none: something behind the API may obey it
		if slices.Contains([]string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"}, name) {
			inTable = []int{403}
		}
		attempts = append(attempts,
			attempt{name + ": POST called GET", head("POST /orders", reader, name+": GET"), []int{403}, nil},
			attempt{name + ": DELETE called GET", head("DELETE /orders/7", reader, name+": GET"), []int{403}, nil},
			attempt{name + ": GET called DELETE", head("GET /orders", reader, name+": DELETE"), []int{200}, inTable},
			attempt{name + ": a level's POST called GET", head("POST /levels", level("get"), name+": GET"), []int{403}, nil},
			attempt{name + ": a level's GET called POST", head("GET /levels", level("post"), name+": POST"), []int{403}, nil},
			attempt{name + ": a level's DELETE called PUT", head("DELETE /levels", level("put"), name+": PUT"), []int{403}, nil},
			attempt{name + ": in a form", withBody("POST /levels", name+"=GET", level("get"), "Content-Type: application/x-www-form-urlencoded"), []int{403}, nil},
			attempt{name + ": in the query", head("DELETE /orders/7?"+name+"=GET", reader), []int{403}, nil},
		)
	}
	strange := []attempt{ // some routers never come to a route's door with them
		{"a method in small letters has no level", head("get /levels", level("get")), nil, []int{403}},
		{"a method nobody knows has no level", head("PURGE /levels", level("get")), nil, []int{403}},
	}
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		f.try(t, at, attempts)
		if at.wiring == "table" {
			f.try(t, at, strange)
		}
	})
}

// Nor does a header say which path is meant, though many a proxy sends one.
func TestThePathIsThatOfTheRequestLine(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	var attempts []attempt
	for _, name := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Forwarded-Path", "X-Original-Uri", "X-Forwarded-Prefix", "X-Envoy-Original-Path"} {
		attempts = append(attempts,
			attempt{name + ": a public path", head("GET /orders", name+": "+public), []int{401}, nil},
			attempt{name + ": a path that the token is good for", head("DELETE /orders/7", reader, name+": /whoami"), []int{403}, nil},
			attempt{name + ": from a public path to another", head("GET "+public, name+": /orders/7"), []int{200}, nil},
			attempt{name + ": from where there is nothing", head("GET /nothing", reader, name+": /orders"), []int{noRoute}, []int{403}},
		)
	}
	f.tryEverywhere(t, attempts)
}

// A table judges credentials before it looks for a route: who has none learns
// nothing of what there is. With a door at each route the router comes first.
func TestATableJudgesCredentialsBeforeThePath(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	var attempts []attempt
	for _, path := range []string{"/nothing", "/forgotten", "/order", "/"} { // the table forgot one of them, which is there
		attempts = append(attempts,
			attempt{"no token: " + path, head("GET " + path), []int{noRoute}, []int{401}},
			attempt{"a bad token: " + path, head("GET "+path, reader+"x"), []int{noRoute}, []int{401}},
			attempt{"two tokens: " + path, head("GET "+path, reader, reader), []int{noRoute}, []int{400}},
			attempt{"a good token: " + path, head("GET "+path, reader), []int{noRoute}, []int{403}},
		)
	}
	f.tryEverywhere(t, attempts)
}

// public is exempt from the rules.
const public = "/home"

// One connection serves many requests, and each is judged by itself.
func TestAConnectionGoesOnAfterADenial(t *testing.T) {
	t.Parallel()
	f := newAttackFixture(t)
	reader := f.bearer("orders.read")
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		conn := dial(t, f.servers[at])
		defer conn.Close()
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

// Streams of one connection are open at the same time. Each is answered for its
// own header, and for none if it has none.
func TestHTTP2IsHeldToTheSame(t *testing.T) {
	t.Parallel()
	const streams = 60
	f := newAttackFixture(t)
	bearer := func(options ...jwkstest.TokenOption) string { return "Bearer " + f.issuer.Token(options...) }
	f.everywhere(t, func(t *testing.T, at site) {
		t.Helper()
		var opened atomic.Int64
		server := httptest.NewUnstartedServer(f.handlers[at])
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				opened.Add(1)
			}
		}
		server.EnableHTTP2 = true
		server.StartTLS()
		t.Cleanup(server.Close)
		request := func(path string, authorization ...string) string {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, server.URL+path, strings.NewReader("body"))
			require.NoError(t, err)
			req.Header["Authorization"] = authorization
			req.Header.Set("X-Http-Method-Override", http.MethodGet)
			resp, err := server.Client().Do(req)
			if err != nil {
				return err.Error()
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return fmt.Sprint(resp.ProtoMajor, " ", resp.StatusCode, " ", string(body), resp.Header["Www-Authenticate"], err)
		}
		require.Equal(t, "2 200 hello nobody\n[] <nil>", request(public), "it opens the connection")
		var got, want [streams]string
		var open sync.WaitGroup
		for i := range streams {
			caller := "caller-" + strconv.Itoa(i)
			call := []struct {
				path, want    string
				authorization []string
			}{
				{"/whoami", "200 hello " + caller + "\n[]", []string{bearer(jwkstest.Claims{"sub": caller})}},
				{"/whoami", "401 Unauthorized: a bearer access token is required\n[Bearer realm=\"orders\"]", nil},
				{"/whoami", "401 Unauthorized: the access token is not valid here\n[Bearer realm=\"orders\", error=\"invalid_token\"]", []string{bearer(jwkstest.WithAudience("api://other"))}},
				{"/whoami", "400 Bad Request: the credentials are malformed\n[Bearer realm=\"orders\", error=\"invalid_request\"]", []string{"Basic dTpw", bearer()}},
				{"/levels", "403 Forbidden: the access token does not allow this\n[Bearer realm=\"orders\", error=\"insufficient_scope\", scope=\"put\"]", []string{bearer(scope("get"))}},
			}[i%5]
			want[i] = "2 " + call.want + " <nil>"
			open.Go(func() { got[i] = request(call.path, call.authorization...) })
		}
		open.Wait()
		assert.Equal(t, want, got)
		assert.Equal(t, int64(1), opened.Load(), "all on one connection")
	})
}
