package api_test

import (
	"net/http"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/stretchr/testify/assert"
)

func TestEveryRouteForEveryClientOfEveryScheme(t *testing.T) {
	t.Parallel()
	auth := testkit.Auth(t, devauth.Config{})
	for _, framework := range api.Frameworks() {
		w := start(t, api.Config{Framework: framework, Auth: auth})
		// What each client gets, by the levels that it was granted.
		for _, route := range []struct {
			method, path      string
			all, reader, none int
			level             string // that a 403 asks for
		}{
			{http.MethodGet, "/orders", 200, 200, 403, "get"},
			{http.MethodHead, "/orders", 200, 200, 403, "get"},
			{http.MethodPost, "/orders", 201, 403, 403, "post"},
			{http.MethodPut, "/orders/1", 200, 403, 403, "put"},
			{http.MethodDelete, "/orders/1", 204, 403, 403, "delete"},
			{http.MethodGet, "/whoami", 200, 200, 200, ""},
			{http.MethodGet, "/healthz", 200, 200, 200, ""},
			{http.MethodGet, "/keys", 200, 200, 200, ""},
		} {
			for client, want := range map[string]int{devauth.AllLevels: route.all, devauth.GetOnly: route.reader, devauth.NoLevel: route.none} {
				for _, scheme := range devauth.Schemes {
					who := []any{"%s: %s %s of %s/%s", framework, route.method, route.path, scheme, client}
					a := w.do(route.method, route.path, mint(t, auth, scheme, client, devauth.Sound), "")
					assert.Equal(t, want, a.Status, who...)
					want403 := ""
					if want == http.StatusForbidden {
						want403 = `Bearer realm="orders", error="insufficient_scope", scope="` + route.level + `"`
					}
					assert.Equal(t, want403, challenge(a), who...)
				}
			}
		}
	}
}
