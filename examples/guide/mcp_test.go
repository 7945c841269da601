package guide_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// openMCP opens the gate of an MCP server.
func openMCP(issuer providers.Provider) (*sallyport.Gate, error) {
	cfg := sallyport.Config{Profile: sallyport.MCP, Providers: []providers.Provider{issuer}}
	cfg.Guard.Resource = "https://mcp.example/mcp" // the address that clients know, and an audience of the issuer
	cfg.Guard.EndAtExpiry = true                   // the streams of sessions end with their token
	return sallyport.Open(cfg)
}

func mcpTable(gate *sallyport.Gate) (*mcpauth.Table, error) {
	table, err := mcpauth.New(gate, mcpauth.Policy{Rules: map[string]claims.Rule{
		"tools/list":        claims.AnyToken(),
		"tools/call report": claims.AllScopes("reports.read"),
		"tools/call delete": claims.AllScopes("reports.write"),
	}})
	return table, err
}

// guardMCP is an MCP server behind its rules.
func guardMCP(gate *sallyport.Gate, server *mcp.Server) (http.Handler, error) {
	table, err := mcpTable(gate)
	if err != nil {
		return nil, err
	}
	metadata, err := gate.MetadataHandler(middleware.Metadata{})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", table.Handler(func(*http.Request) *mcp.Server { return server }, nil))
	mux.Handle(gate.MetadataPath(), metadata)
	return mux, nil
}

type reportOf struct {
	Client string `json:"client"`
}

func mcpServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "reports", Version: "1"}, nil)
	report := func(ctx context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, reportOf, error) {
		c, _ := mcpauth.Claims(req) // of this very call; claims.FromContext(ctx) has the same
		return nil, reportOf{c.ClientID()}, nil
	}
	mcp.AddTool(server, &mcp.Tool{Name: "report"}, report)
	mcp.AddTool(server, &mcp.Tool{Name: "delete"}, report)
	return server
}

func TestMCP(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://issuer.example", "https://mcp.example/mcp", jwkstest.Claims{"client_id": "agent"})
	gate := closed(t)(openMCP(withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)))
	server := mcpServer()
	h, err := guardMCP(gate, server)
	require.NoError(t, err)
	t.Cleanup(func() {
		for session := range server.Sessions() {
			_ = session.Close()
		}
	})
	const where = `resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`
	headers := []string{"Content-Type", "application/json", "Accept", "application/json, text/event-stream"}
	send := func(token, body string, more ...string) (status int, challenge, session, answer string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://mcp.example/mcp", strings.NewReader(body))
		require.NoError(t, err)
		w := callWith(h, r, token, append(headers, more...)...)
		return w.Code, w.Header().Get("WWW-Authenticate"), w.Header().Get("Mcp-Session-Id"), w.Body.String()
	}
	const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	tool := func(name string) string {
		return `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"` + name + `","arguments":{}}}`
	}
	status, challenge, _, _ := send("", initialize)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Equal(t, `Bearer realm="api", `+where, challenge)

	reads := iss.Token(jwkstest.Claims{"scope": "reports.read"})
	_, _, session, _ := send(reads, initialize)
	in := []string{"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25"}
	send(reads, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, in...)
	status, _, _, answer := send(reads, tool("report"), in...)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, answer, `"client":"agent"`)
	status, challenge, _, _ = send(reads, tool("delete"), in...)
	assert.Equal(t, http.StatusForbidden, status)
	assert.Equal(t, `Bearer realm="api", error="insufficient_scope", scope="reports.write", `+where, challenge)
	status, _, _, _ = send(iss.Token(jwkstest.Claims{"client_id": "other", "scope": "reports.read reports.write"}), tool("report"), in...)
	assert.Equal(t, http.StatusForbidden, status, "another client")
}

func TestNoToolOfMCPIsForgotten(t *testing.T) {
	t.Parallel()
	iss := issuerNamed(t, "https://issuer.example", "https://mcp.example/mcp")
	gate := closed(t)(openMCP(withKeys(providers.Generic(iss.Issuer(), iss.Audience()), iss)))
	table, err := mcpTable(gate)
	require.NoError(t, err)
	report, err := table.Audit(t.Context(), mcpServer())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report)
}

// callWith is call with a request that there is.
func callWith(h http.Handler, r *http.Request, token string, headers ...string) *httptest.ResponseRecorder {
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
