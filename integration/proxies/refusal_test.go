package proxies_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/middleware"
)

func TestAnswersArriveBehindEachProxyOnOneConnection(t *testing.T) {
	t.Parallel()
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, middleware.Config{})
			s := start(t, name, site, map[string]string{application: serve(t, orders(g))})
			eachVersion(t, s, func(t *testing.T, client *http.Client) {
				first := do(t, client, call{path: "/orders", tokens: []string{g.token("orders.read")}})
				require.Equal(t, http.StatusOK, first.StatusCode)
				last := first.conn
				for _, row := range refusals(g) {
					for range 2 {
						a := do(t, client, row.call)
						assert.Equal(t, row.status, a.StatusCode, row.what)
						assert.Equal(t, row.challenge, a.Header.Get("WWW-Authenticate"), row.what)
						assert.Equal(t, row.retry, a.Header.Get("Retry-After") != "", row.what)
						assert.Equal(t, "no-store", a.Header.Get("Cache-Control"), row.what)
						assert.Equal(t, last, a.conn, "the connection goes on after: %s", row.what)
						if name == "apache" && first.ProtoMajor == 1 && row.closes {
							last = do(t, client, call{path: "/orders"}).conn
							assert.NotEqual(t, a.conn, last, "the trap is no more: %s", row.what)
						}
					}
				}
				a := do(t, client, call{path: "/orders", tokens: []string{g.token("orders.read")}})
				assert.Equal(t, "orders for partner", a.body)
				assert.Equal(t, "private", a.Header.Get("Cache-Control"))
				assert.Equal(t, last, a.conn)
			})
		})
	}
}

type refusal struct {
	what      string
	call      call
	status    int
	challenge string
	retry     bool
	closes    bool // in Apache, whose ap_set_keepalive closes after a 400 and a 503
}

func refusals(g gateway) []refusal {
	return []refusal{
		{"no token", call{path: "/orders"}, http.StatusUnauthorized, `Bearer realm="api"`, false, false},
		{"a bad token", call{path: "/orders", tokens: []string{"e30.e30.e30"}}, http.StatusUnauthorized, `Bearer realm="api", error="invalid_token"`, false, false},
		{"a malformed header", call{path: "/orders", tokens: []string{"a b"}}, http.StatusBadRequest, `Bearer realm="api", error="invalid_request"`, false, true},
		{
			"a token with another scope",
			call{path: "/orders", tokens: []string{g.token("orders.write")}},
			http.StatusForbidden, `Bearer realm="api", error="insufficient_scope", scope="orders.read"`, false, false,
		},
		{"a token that cannot be checked", call{path: "/orders", tokens: []string{g.down.Token()}}, http.StatusServiceUnavailable, "", true, true},
	}
}

func TestTwoAuthorizationHeadersAre400BehindEachProxy(t *testing.T) {
	t.Parallel()
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, middleware.Config{})
			s := start(t, name, site, map[string]string{application: serve(t, orders(g))})
			challenge := `Bearer realm="api", error="invalid_request"`
			if name == "nginx" {
				challenge = "" // it answers by itself
			}
			eachVersion(t, s, func(t *testing.T, client *http.Client) {
				for _, second := range []string{g.token("orders.read"), "e30.e30.e30", ""} {
					for _, tokens := range [][]string{{g.token("orders.read"), second}, {second, g.token("orders.read")}} {
						a := do(t, client, call{path: "/orders", tokens: tokens})
						assert.Equal(t, http.StatusBadRequest, a.StatusCode)
						assert.Equal(t, challenge, a.Header.Get("WWW-Authenticate"))
					}
				}
			})
		})
	}
}
