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

// An upload is refused before it is read: the API answers and closes the connection.
func TestARefusedUploadBehindEachProxy(t *testing.T) {
	t.Parallel()
	for name, site := range forwarders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, middleware.Config{})
			s := start(t, name, site, map[string]string{application: serve(t, orders(g))})
			eachVersion(t, s, func(t *testing.T, client *http.Client) {
				unanswered := 0 // Apache mostly sends on until that fails
				for range 2 {
					for what, body := range map[string]io.Reader{"of known length": upload(), "in chunks": io.MultiReader(upload())} {
						a, err := try(t, client, call{method: http.MethodPost, path: "/orders", body: body})
						switch {
						case name == "caddy" && err != nil: // closed before the client could read the answer, as the API does without a proxy
						case name == "apache" && err == nil && a.StatusCode == http.StatusBadGateway:
							unanswered++
						default:
							require.NoError(t, err, what)
							assert.Equal(t, http.StatusUnauthorized, a.StatusCode, what)
						}
					}
				}
				assert.Equal(t, name == "apache", unanswered > 0)
				a := do(t, client, call{method: http.MethodPost, path: "/orders", body: upload(), tokens: []string{g.token("orders.write")}})
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
	for _, version := range []int{1, 2} {
		a := do(t, s.client(t, version), call{method: http.MethodPost, path: "/orders", body: upload(), header: http.Header{"Expect": {"100-continue"}}})
		assert.Equal(t, version, a.ProtoMajor)
		assert.Equal(t, http.StatusUnauthorized, a.StatusCode)
		assert.NotEmpty(t, a.Header.Get("WWW-Authenticate"))
	}
}

func upload() *bytes.Reader { return bytes.NewReader(make([]byte, 16<<20)) }
