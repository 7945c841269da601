package proxies_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/integration/proxies"
	"github.com/sallyport-go/sallyport/middleware"
)

// The configurations that ask before they forward.
var askers = map[string]string{"nginx": "nginx-auth.conf", "caddy": "Caddyfile-auth"}

// judge is what answers the proxy.
func judge(t *testing.T, g gateway) http.Handler {
	t.Helper()
	server, err := proxies.NewServer(g.Gate)
	require.NoError(t, err)
	return server.Handler
}

func TestForwardAuthJudgesTheRequestThatTheProxyGot(t *testing.T) {
	t.Parallel()
	g := newGateway(t, middleware.Config{})
	h := judge(t, g)
	for what, row := range map[string]struct {
		header http.Header
		from   string
		status int
	}{
		"a GET that the level get allows":          {header: forwarded("GET", "/orders"), status: http.StatusNoContent},
		"a query belongs to no path":               {header: forwarded("GET", "/orders?next=/../x"), status: http.StatusNoContent},
		"a DELETE that the level get does not":     {header: forwarded("DELETE", "/orders"), status: http.StatusForbidden},
		"a path that no rule names":                {header: forwarded("GET", "/"), status: http.StatusForbidden},
		"another spelling of a path":               {header: forwarded("GET", "/x/../orders"), status: http.StatusForbidden},
		"an escaped slash":                         {header: forwarded("POST", "/orders/1%2fpay"), status: http.StatusForbidden},
		"two slashes are no host":                  {header: forwarded("GET", "//api.example/orders"), status: http.StatusForbidden},
		"an address instead of a path":             {header: forwarded("GET", "https://api.example/orders"), status: http.StatusBadRequest},
		"a target that cannot be read":             {header: forwarded("GET", "/%zz"), status: http.StatusBadRequest},
		"no method":                                {header: http.Header{"X-Forwarded-Uri": {"/orders"}}, status: http.StatusInternalServerError},
		"an empty method":                          {header: forwarded("", "/orders"), status: http.StatusInternalServerError},
		"no target":                                {header: http.Header{"X-Forwarded-Method": {"GET"}}, status: http.StatusInternalServerError},
		"two methods":                              {header: http.Header{"X-Forwarded-Method": {"GET", "DELETE"}, "X-Forwarded-Uri": {"/orders"}}, status: http.StatusInternalServerError},
		"two targets":                              {header: http.Header{"X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {"/orders", "/"}}, status: http.StatusInternalServerError},
		"an address that is not that of the proxy": {header: forwarded("GET", "/orders"), from: "192.0.2.1:1", status: http.StatusForbidden},
		"an address that is none":                  {header: forwarded("GET", "/orders"), from: "@", status: http.StatusForbidden},
		"the proxy's address as IPv6 writes it":    {header: forwarded("GET", "/orders"), from: "[::ffff:127.0.0.1]:1", status: http.StatusNoContent},
		"a header that asks for another method":    {header: forwarded("GET", "/orders", "X-Http-Method-Override", "DELETE"), status: http.StatusForbidden},
		"a method in lower case is another method": {header: forwarded("get", "/orders"), status: http.StatusForbidden},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			question := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			question.Header = row.header
			question.Header.Set("Authorization", "Bearer "+g.token(audience+"/get"))
			question.RemoteAddr = "127.0.0.1:1"
			if row.from != "" {
				question.RemoteAddr = row.from
			}
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, question)
			assert.Equal(t, row.status, answer.Code)
			if row.status == http.StatusNoContent {
				assert.Equal(t, "partner", answer.Header().Get("X-Client-Id"))
			}
		})
	}
}

func forwarded(method, target string, more ...string) http.Header {
	h := http.Header{"X-Forwarded-Method": {method}, "X-Forwarded-Uri": {target}}
	for i := 0; i < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

// app is an application that checks nothing: what reaches it was let in.
type app struct {
	mu  sync.Mutex
	got []received
}

type received struct {
	*http.Request

	body string
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, received{r, string(body)})
}

// taken returns what came since it was last called.
func (a *app) taken() []received {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.got
	a.got = nil
	return got
}

func TestAProxyThatAsksFirst(t *testing.T) {
	t.Parallel()
	for name, site := range askers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, behind := newGateway(t, middleware.Config{Exempt: []string{"GET /healthz"}}), new(app)
			answers := judge(t, g)
			s := start(t, name, site, map[string]string{application: serve(t, behind), authorizer: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Zero(t, r.ContentLength, "the body goes to the application alone")
				assert.Empty(t, r.TransferEncoding)
				answers.ServeHTTP(w, r)
			}))})
			get, all := g.token(audience+"/get"), g.token(audience+"/get "+audience+"/delete orders.pay")
			eachVersion(t, s, func(t *testing.T, client *http.Client) {
				for _, row := range askedRows(g, get) {
					a := do(t, client, row.call)
					assert.Equal(t, row.status, a.StatusCode, row.what)
					assert.Equal(t, row.challenge, a.Header.Get("WWW-Authenticate"), row.what)
					assert.Equal(t, row.retry, a.Header.Get("Retry-After") != "", row.what)
					assert.Empty(t, behind.taken(), row.what)
					if row.status != http.StatusUnauthorized { // for which nginx writes an answer of its own, which no cache keeps
						assert.Equal(t, "no-store", a.Header.Get("Cache-Control"), row.what)
					}
				}
				question := do(t, client, call{path: "/auth", tokens: []string{get}})
				assert.GreaterOrEqual(t, question.StatusCode, http.StatusBadRequest, "callers do not ask themselves")

				for _, c := range []call{
					{path: "/orders?page=2", tokens: []string{get}},
					{method: http.MethodDelete, path: "/orders", tokens: []string{all}},
					{method: http.MethodPost, path: "/orders/a%20b/pay", tokens: []string{all}},
				} {
					c.header, c.body = http.Header{"X-Client-Id": {"forged"}}, strings.NewReader("the order")
					assert.Equal(t, http.StatusOK, do(t, client, c).StatusCode, c.path)
					got := behind.taken()
					require.Len(t, got, 1)
					assert.Equal(t, "the order", got[0].body)
					assert.Equal(t, c.path, got[0].RequestURI)
					assert.Equal(t, []string{"partner"}, got[0].Header.Values("X-Client-Id"))
					assert.Empty(t, got[0].Header.Values("Authorization"))
				}
				do(t, client, call{path: "/healthz", header: http.Header{"X-Client-Id": {"forged"}}})
				got := behind.taken()
				require.Len(t, got, 1, "what is exempt passes without a token")
				assert.Empty(t, got[0].Header.Get("X-Client-Id"))
			})
		})
	}
}

// askedRows are calls that must not reach the application.
func askedRows(g gateway, get string) []refusal {
	scope := func(s string) string { return `Bearer realm="api", error="insufficient_scope", scope="` + s + `"` }
	claimed := http.Header{"X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {"/orders"}, "X-Client-Id": {"forged"}}
	return []refusal{
		{what: "no token", call: call{path: "/orders"}, status: http.StatusUnauthorized, challenge: `Bearer realm="api"`},
		{what: "a bad token", call: call{path: "/orders", tokens: []string{"e30.e30.e30"}}, status: http.StatusUnauthorized, challenge: `Bearer realm="api", error="invalid_token"`},
		{what: "a malformed header", call: call{path: "/orders", tokens: []string{"a b"}}, status: http.StatusBadRequest, challenge: `Bearer realm="api", error="invalid_request"`},
		{what: "a token that cannot be checked", call: call{path: "/orders", tokens: []string{g.down.Token()}}, status: http.StatusServiceUnavailable, retry: true},
		{what: "a DELETE with the level get", call: call{method: http.MethodDelete, path: "/orders", tokens: []string{get}}, status: http.StatusForbidden, challenge: scope("delete")},
		{
			what: "a DELETE whose caller says that it is a GET", call: call{method: http.MethodDelete, path: "/orders", tokens: []string{get}, header: claimed},
			status: http.StatusForbidden, challenge: scope("delete"),
		},
		{
			what: "a path whose caller says that it is another", call: call{method: http.MethodPost, path: "/orders/1/pay", tokens: []string{get}, header: claimed},
			status: http.StatusForbidden, challenge: scope("orders.pay"),
		},
		{what: "a path that no rule names", call: call{path: "/other", tokens: []string{get}}, status: http.StatusForbidden, challenge: `Bearer realm="api", error="insufficient_scope"`},
		{what: "another spelling of a path", call: call{path: "/x/../orders", tokens: []string{get}}, status: http.StatusForbidden, challenge: `Bearer realm="api", error="insufficient_scope"`},
	}
}

func TestAProxyThatCannotAskLetsNothingPass(t *testing.T) {
	t.Parallel()
	for name, site := range askers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, behind := newGateway(t, middleware.Config{}), new(app)
			nobody := httptest.NewServer(nil)
			nobody.Close()
			s := start(t, name, site, map[string]string{application: serve(t, behind), authorizer: nobody.Listener.Addr().String()})
			a := do(t, s.client(t, 1), call{path: "/orders", tokens: []string{g.token(audience + "/get")}})
			assert.GreaterOrEqual(t, a.StatusCode, http.StatusInternalServerError)
			assert.Empty(t, behind.taken())
		})
	}
}

// What auth_request does by itself, without the lines of the configuration that see to it.
func TestWhatAuthRequestLosesUnlessItIsTold(t *testing.T) {
	t.Parallel()
	g, behind := newGateway(t, middleware.Config{}), new(app)
	get := g.token(audience + "/get")

	mapped := start(t, "nginx", askers["nginx"], map[string]string{application: serve(t, behind), authorizer: serve(t, judge(t, g))}, "error_page 403", "error_page 500")
	for what, row := range map[string]refusal{
		"a 400 becomes a 500":       {call: call{path: "/orders", tokens: []string{"a b"}}, status: http.StatusInternalServerError},
		"a 503 becomes a 500":       {call: call{path: "/orders", tokens: []string{g.down.Token()}}, status: http.StatusInternalServerError},
		"a 403 loses its challenge": {call: call{method: http.MethodDelete, path: "/orders", tokens: []string{get}}, status: http.StatusForbidden},
		"a 401 keeps its challenge": {call: call{path: "/orders"}, status: http.StatusUnauthorized, challenge: `Bearer realm="api"`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			a := do(t, mapped.client(t, 1), row.call)
			assert.Equal(t, row.status, a.StatusCode)
			assert.Equal(t, row.challenge, a.Header.Get("WWW-Authenticate"))
			assert.Empty(t, a.Header.Get("Retry-After"))
		})
	}

	t.Run("a Guard that is asked without ForwardAuth sees a GET and lets a DELETE pass", func(t *testing.T) {
		t.Parallel()
		asked, reached := make(chan string, 1), new(app)
		guarded := g.RequireAccess(claims.AccessLevels{Resources: []string{audience}})(http.HandlerFunc(proxies.Allow))
		s := start(t, "nginx", askers["nginx"], map[string]string{application: serve(t, reached), authorizer: serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.Method
			guarded.ServeHTTP(w, r)
		}))})
		a := do(t, s.client(t, 1), call{method: http.MethodDelete, path: "/orders", tokens: []string{get}})
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Equal(t, http.MethodGet, <-asked)
		assert.Len(t, reached.taken(), 1)
	})
}
