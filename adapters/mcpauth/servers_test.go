package mcpauth_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
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
	for range 1000 { // what a goroutine that ends holds takes a while
		if runtime.GC(); last.Value() == nil {
			break
		}
		runtime.Gosched()
	}
	assert.Nil(t, last.Value())
}
