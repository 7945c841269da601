package mcpauth

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
)

// An SDK that does not take whom the Guard has let pass, as it does not take one whose
// token ended centuries ago, is shown nobody: it opens no session, and runs nothing.
func TestACallerWhomTheSDKDoesNotTakeIsNobody(t *testing.T) {
	t.Parallel()
	table := &Table{}
	server := mcp.NewServer(&mcp.Implementation{Name: "t", Version: "1"}, nil)
	table.servers.guard(server, table.judge)
	sdk := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	for expiry, refused := range map[time.Time]bool{time.Unix(1, 0): false, time.Now().AddDate(-600, 0, 0): true} {
		c := &call{table: &Table{}, who: new(claims.Claims)} // of another table: this one does not judge it
		c.info = &auth.TokenInfo{Expiration: expiry, Extra: map[string]any{callKey: c}}
		r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(
			`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`))
		r.Header.Set("Accept", "application/json, text/event-stream")
		r.Header.Set("Content-Type", "application/json")
		ctx := withTokenInfo(r.Context(), c.info)
		assert.Equal(t, refused, auth.TokenInfoFromContext(ctx) == nil)
		w := httptest.NewRecorder()
		sdk.ServeHTTP(w, r.WithContext(ctx))
		assert.Equal(t, refused, strings.Contains(w.Body.String(), errRefused.Message), w.Body)
		sessions := 0
		for session := range server.Sessions() {
			sessions++
			assert.NoError(t, session.Close())
		}
		assert.Equal(t, refused, sessions == 0)
	}
}
