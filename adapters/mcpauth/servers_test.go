package mcpauth_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
)

// A server that a program made for one call is let go after it.
func TestATableKeepsNoServerAlive(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	var last weak.Pointer[mcp.Server]
	h := k.table.Handler(func(*http.Request) *mcp.Server {
		server := k.newServer(nil)
		last = weak.Make(server)
		return server
	}, &mcp.StreamableHTTPOptions{Stateless: true})
	m := message{token: k.token("a", "get"), header: named("tools/call", "list"), body: newCall("list")}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, m.request(t.Context(), t, "https://mcp.example/mcp"))
	assert.Equal(t, http.StatusOK, w.Code, w.Body)
	assert.Eventually(t, func() bool { // what a goroutine that ends holds takes a while
		runtime.GC()
		return last.Value() == nil
	}, patience, 10*time.Millisecond)
}
