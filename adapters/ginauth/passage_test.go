package ginauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/adapters/internal/kit"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// get sends a request over a socket and returns what the answer says of caches.
func get(t *testing.T, h http.Handler, path, token string) []string {
	t.Helper()
	server := httptest.NewServer(h)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := server.Client().Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	return res.Header["Cache-Control"]
}

func TestCacheControlOfWhatPasses(t *testing.T) {
	t.Parallel()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/public" {
			w.Header().Set("Cache-Control", "public")
		}
		w.WriteHeader(http.StatusEarlyHints)
	}))
	t.Cleanup(upstream.Close)
	to, err := url.Parse(upstream.URL)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }, Transport: upstream.Client().Transport}
	private, public := []string{"private"}, []string{"public"}
	for _, row := range []struct {
		name    string
		path    string
		handler gin.HandlerFunc
		want    []string
	}{
		{"108 an answer that says nothing is private", "/", func(c *gin.Context) { c.String(200, "x") }, private},
		{"108 one of bytes too", "/", func(c *gin.Context) { _, _ = c.Writer.Write([]byte{0}) }, private},
		{"108 one of a string too", "/", func(c *gin.Context) { _, _ = c.Writer.WriteString("x") }, private},
		{"108 one without a body too", "/", func(c *gin.Context) { c.Status(204) }, private},
		{"108 one that does nothing at all", "/", func(*gin.Context) {}, private},
		{"108 one that begins by a flush", "/", func(c *gin.Context) { c.Writer.Flush() }, private},
		{"108 one whose header is sent at once", "/", func(c *gin.Context) { c.AbortWithStatus(409) }, private},
		{"108 a handler that sets its own keeps it", "/", func(c *gin.Context) { c.Header("Cache-Control", "public") }, public},
		{"108 a handler that adds its own keeps it alone", "/", func(c *gin.Context) { c.Writer.Header().Add("Cache-Control", "public"); c.Status(200) }, public},
		{"108 a proxy adds what upstream says", "/public", func(c *gin.Context) { proxy.ServeHTTP(c.Writer, c.Request) }, public},
		{"108 a proxy adds nothing where upstream is silent", "/silent", func(c *gin.Context) { proxy.ServeHTTP(c.Writer, c.Request) }, private},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g, left := kit.Guard(middleware.Config{}), kit.Guard(middleware.Config{NoCacheControl: true})
			on := func(doors ...gin.HandlerFunc) *gin.Engine {
				e := gin.New()
				e.GET(row.path, append(doors, row.handler)...)
				return e
			}
			table := gin.New()
			table.Use(enforce(t, g, ginauth.Policy{Rules: map[string]claims.Rule{row.path: kit.Reads()}}))
			table.GET(row.path, row.handler)
			assert.Equal(t, row.want, get(t, on(ginauth.Require(g, kit.Reads())), row.path, kit.Reader))
			assert.Equal(t, row.want, get(t, on(ginauth.Optional(g), ginauth.Require(g, kit.Reads())), row.path, kit.Reader), "two doors")
			assert.Equal(t, row.want, get(t, table, row.path, kit.Reader), "a table")
			if row.want[0] == "private" {
				row.want = nil
			}
			assert.Equal(t, row.want, get(t, on(ginauth.Require(left, kit.Reads())), row.path, kit.Reader), "by option")
			assert.Equal(t, row.want, get(t, on(ginauth.Optional(g)), row.path, ""), "anonymous")
		})
	}
}
