package mcpauth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

type nothing struct{}

// greeter is a server whose tools greet who calls.
func greeter() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "greeter", Version: "1"}, nil)
	for _, name := range []string{"greet", "insult"} {
		mcp.AddTool(server, &mcp.Tool{Name: name}, func(_ context.Context, req *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
			c, _ := mcpauth.Claims(req)
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: name + " " + c.ClientID()}}}, nil, nil
		})
	}
	return server
}

func ExampleTable_Handler() {
	issuer := jwkstest.Start(jwkstest.WithAudience("https://mcp.example/mcp"))
	defer issuer.Close()
	gate, err := sallyport.New(issuer.Issuer(), "https://mcp.example/mcp")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()

	server := greeter()
	table, err := mcpauth.New(gate, mcpauth.Policy{Rules: map[string]claims.Rule{
		"tools/list":        claims.AnyToken(),
		"tools/call greet":  claims.AllScopes("greet"),
		"tools/call insult": claims.AllScopes("insult"),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", table.Handler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))

	token := issuer.Token(jwkstest.Claims{"client_id": "agent", "scope": "greet"})
	for _, tool := range []string{"greet", "insult"} {
		r := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(call(tool)))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		w := serve(mux, r)
		fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"), strings.Contains(w.Body.String(), "greet agent"))
	}
	// Output:
	// 200  true
	// 403 Bearer realm="api", error="insufficient_scope", scope="insult" false
}

func ExampleTable_Audit() {
	gate, err := sallyport.New("https://issuer.example/", "https://mcp.example/mcp")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()
	table, err := mcpauth.New(gate, mcpauth.Policy{Rules: map[string]claims.Rule{
		"tools/list":       claims.AnyToken(),
		"tools/call greet": claims.AllScopes("greet"),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := table.Audit(context.Background(), greeter())
	fmt.Print(report)
	fmt.Println(err)
	// Output:
	// tools/call  greet   -> all scopes greet
	// tools/call  insult  -> FORGOTTEN: nobody, for no entry of the table names it
	// tools/list  *       -> any verified token
	// audit: no rule protects tools/call insult (it requires nobody, for no entry of the table names it)
}
