package proxies_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/middleware"
)

// An upload is refused before it is read: the API answers and closes the
// connection. Apache sends on until that fails, and answers 502.
func TestARefusedUploadBehindEachProxy(t *testing.T) {
	t.Parallel()
	upload := make([]byte, 16<<20)
	status := map[string]int{"nginx": http.StatusUnauthorized, "haproxy": http.StatusUnauthorized, "caddy": http.StatusUnauthorized, "apache": http.StatusBadGateway}
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, middleware.Config{})
			s := start(t, name, site, map[string]string{application: serve(t, orders(g))})
			eachVersion(t, s, func(t *testing.T, client *http.Client) {
				for what, body := range map[string]io.Reader{"of known length": bytes.NewReader(upload), "in chunks": io.MultiReader(bytes.NewReader(upload))} {
					a, err := try(t, client, call{method: http.MethodPost, path: "/orders", body: body})
					if name == "caddy" && err != nil { // closed before the client could read the answer, as the API does without a proxy
						continue
					}
					require.NoError(t, err, what)
					assert.Equal(t, status[name], a.StatusCode, what)
				}
				a := do(t, client, call{method: http.MethodPost, path: "/orders", body: bytes.NewReader(upload), tokens: []string{g.token("orders.write")}})
				require.Equal(t, http.StatusCreated, a.StatusCode, "what is not refused arrives")
				assert.Equal(t, "16777216", a.body)
			})
		})
	}
}

// A client that asks first whether to send gets its 401 from Apache too.
func TestAnUploadThatAsksFirstGetsItsRefusalFromApache(t *testing.T) {
	t.Parallel()
	g := newGateway(t, middleware.Config{})
	s := start(t, "apache", forwarders["apache"], map[string]string{application: serve(t, orders(g))})
	eachVersion(t, s, func(t *testing.T, client *http.Client) {
		upload := bytes.NewReader(make([]byte, 16<<20))
		a := do(t, client, call{method: http.MethodPost, path: "/orders", body: upload, header: http.Header{"Expect": {"100-continue"}}})
		assert.Equal(t, http.StatusUnauthorized, a.StatusCode)
		assert.NotEmpty(t, a.Header.Get("WWW-Authenticate"))
	})
}
