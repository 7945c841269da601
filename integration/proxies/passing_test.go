package proxies_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/process"
	"github.com/sallyport-go/sallyport/middleware"
)

// A table of rules judges the path that arrives.
func TestThePathArrivesAsItWasSentBehindEachProxy(t *testing.T) {
	t.Parallel()
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			behind := new(app)
			s := start(t, name, site, map[string]string{application: serve(t, behind)})
			eachVersion(t, s, func(t *testing.T, client *http.Client) {
				behind.taken()
				for _, path := range []string{"/orders/a%2Fb", "/orders/a%2fb%20c?next=%2F..%2Fx", "/orders//1", "/orders/1;v=2", "/orders/%2e%2e;x/1"} {
					require.Equal(t, http.StatusOK, do(t, client, call{path: path}).StatusCode, path)
					got := behind.taken()
					require.Len(t, got, 1)
					assert.Equal(t, path, got[0].RequestURI)
				}
			})
		})
	}
}

// While the API is away a proxy answers by itself, and it finds the API again at once.
func TestTheAPIComesBackBehindEachProxy(t *testing.T) {
	t.Parallel()
	status := map[string]int{"nginx": http.StatusBadGateway, "haproxy": http.StatusServiceUnavailable, "caddy": http.StatusBadGateway, "apache": http.StatusServiceUnavailable}
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, addr := newGateway(t, middleware.Config{}), process.FreeAddr(t)
			client := start(t, name, site, map[string]string{application: addr}).client(t, 2)
			a := do(t, client, call{path: "/orders", tokens: []string{g.token("orders.read")}})
			assert.Equal(t, status[name], a.StatusCode)
			assert.Empty(t, a.Header.Get("Retry-After"), "by this the Guard's 503 is told apart")

			listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
			require.NoError(t, err)
			server := httptest.NewUnstartedServer(orders(g))
			require.NoError(t, server.Listener.Close())
			server.Listener = listener
			server.Start()
			t.Cleanup(server.Close)
			a = do(t, client, call{path: "/orders", tokens: []string{g.token("orders.read")}})
			assert.Equal(t, "orders for partner", a.body)
		})
	}
}
