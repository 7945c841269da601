package proxies_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestACacheInFrontOfTheAPI(t *testing.T) {
	t.Parallel()
	tokenLines := []string{"proxy_no_cache", "proxy_cache_bypass"}
	for what, row := range map[string]struct {
		guard    middleware.Config
		says     string // the handler's own Cache-Control
		without  []string
		stranger int
	}{
		"what passes is private, so a stranger is asked for a token":           {without: tokenLines, stranger: http.StatusUnauthorized},
		"with NoCacheControl a stranger gets the answer":                       {guard: middleware.Config{NoCacheControl: true}, without: tokenLines, stranger: http.StatusOK},
		"with NoCacheControl and a cache that heeds Authorization he does not": {guard: middleware.Config{NoCacheControl: true}, stranger: http.StatusUnauthorized},
		"what the handler calls public a stranger gets":                        {says: "public, max-age=60", without: tokenLines, stranger: http.StatusOK},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			g := newGateway(t, row.guard)
			api := g.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if row.says != "" {
					w.Header().Set("Cache-Control", row.says)
				}
				list(w, r)
			}))
			s := start(t, "nginx", "nginx-cache.conf", map[string]string{application: serve(t, api)}, row.without...)
			client := s.client(t, 2)
			require.Equal(t, http.StatusUnauthorized, do(t, client, call{path: "/orders"}).StatusCode, "a refusal is not kept")
			require.Equal(t, "orders for partner", do(t, client, call{path: "/orders", tokens: []string{g.token("orders.read")}}).body)
			a := do(t, client, call{path: "/orders"})
			assert.Equal(t, row.stranger, a.StatusCode)
			if row.stranger == http.StatusOK {
				assert.Equal(t, "orders for partner", a.body)
			}
		})
	}
}
