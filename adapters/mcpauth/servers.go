package mcpauth

import (
	"runtime"
	"sync"
	"weak"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// servers are those that have a middleware already. They are not kept alive by it:
// a program may make one for every session.
type servers struct{ known sync.Map } // weak.Pointer[mcp.Server] to *sync.Once

// guard adds a middleware to a server, once.
func (s *servers) guard(server *mcp.Server, m mcp.Middleware) {
	key := weak.Make(server)
	seen, old := s.known.Load(key)
	if !old {
		if seen, old = s.known.LoadOrStore(key, new(sync.Once)); !old {
			runtime.AddCleanup(server, func(key weak.Pointer[mcp.Server]) { s.known.Delete(key) }, key)
		}
	}
	if once, ok := seen.(*sync.Once); ok {
		once.Do(func() { server.AddReceivingMiddleware(m) })
	}
}
