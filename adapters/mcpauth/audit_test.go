package mcpauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"

	"github.com/go-chi/chi/v5"
)

// rich is a server with something of everything.
func rich() *mcp.Server {
	subscribe := func(context.Context, *mcp.SubscribeRequest) error { return nil }
	server := mcp.NewServer(&mcp.Implementation{Name: "rich", Version: "1"}, &mcp.ServerOptions{
		CompletionHandler:  func(context.Context, *mcp.CompleteRequest) (*mcp.CompleteResult, error) { return nil, nil },
		SubscribeHandler:   subscribe,
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
	})
	for _, name := range []string{"b", "a"} {
		mcp.AddTool(server, &mcp.Tool{Name: name}, func(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, struct{}, error) {
			return nil, struct{}{}, nil
		})
		server.AddPrompt(&mcp.Prompt{Name: name}, func(context.Context, *mcp.GetPromptRequest) (*mcp.GetPromptResult, error) { return nil, nil })
	}
	read := func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) { return nil, nil }
	server.AddResource(&mcp.Resource{Name: "one", URI: "file:///one"}, read)
	server.AddResourceTemplate(&mcp.ResourceTemplate{Name: "all", URITemplate: "file:///{name}"}, read)
	return server
}

func TestAuditFindsWhatWasForgotten(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	table, err := mcpauth.New(k.gate, mcpauth.Policy{Rules: map[string]claims.Rule{
		"tools/list": claims.AnyToken(), "tools/call a": claims.AllScopes("x"), "tools/call gone": claims.AllScopes("x"),
		"prompts/get": claims.AllScopes("y"), "prompts/get b": claims.AllScopes("z"), "prompt/list": claims.AnyToken(),
		"resources/read file:///one": claims.AllScopes("r"), "acme/search": claims.AnyToken(),
	}})
	require.NoError(t, err)
	server := rich()
	table.Handler(func(*http.Request) *mcp.Server { return server }, nil)
	report, err := table.Audit(t.Context(), server, "acme/search", "acme/erase")
	for _, forgotten := range []string{
		"tools/call b (it requires nobody, for no entry of the table names it)", "prompts/list (", "acme/erase (", "completion/complete (",
		"resources/list (", "resources/templates/list (", "resources/read (", "resources/subscribe (", "resources/unsubscribe (", "subscriptions/listen (",
	} {
		assert.ErrorContains(t, err, "audit: no rule protects "+forgotten)
	}
	assert.ErrorContains(t, err, `audit: the entry "tools/call gone" of the table names nothing that the server has`)
	assert.ErrorContains(t, err, `audit: the entry "prompt/list" of the table names nothing that the server has`)
	for _, ruled := range []string{"tools/list", "tools/call a", "prompts/get a", "prompts/get b", "file:///one", "acme/search"} {
		assert.NotContains(t, err.Error(), ruled+" (")
		assert.NotContains(t, err.Error(), `"`+ruled+`"`)
	}
	text := report.String()
	assert.Regexp(t, `(?m)^tools/call +a +-> all scopes x$`, text)
	assert.Regexp(t, `(?m)^tools/call +b +-> FORGOTTEN: nobody`, text)
	assert.Regexp(t, `(?m)^prompts/get +a +-> all scopes y$`, text)
	assert.Regexp(t, `(?m)^prompts/get +b +-> all scopes z$`, text)
	assert.Regexp(t, `(?m)^resources/read +file:///one +-> all scopes r$`, text)
}

func TestAuditPassesATableThatNamesEverything(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	report, err := k.table.Audit(t.Context(), k.server)
	assert.NoError(t, err)
	assert.Regexp(t, `(?m)^tools/call +create +-> all scopes post$`, report.String())
	k.open(k.token("a", "")) // the server is guarded now
	again, err := k.table.Audit(t.Context(), k.server)
	assert.NoError(t, err)
	assert.Equal(t, report, again)
}

func TestAuditInShadowModeFindsEverythingOpen(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{guard: middleware.Config{Shadow: true}})
	report, err := k.table.Audit(t.Context(), k.server)
	assert.ErrorContains(t, err, "no rule protects tools/call create (it requires nothing, for the Guard is in shadow mode)")
	assert.Contains(t, report.String(), "FORGOTTEN: nothing")
}

func TestAuditSaysThatAServerCannotBeAsked(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	_, err := k.table.Audit(t.Context(), nil)
	assert.ErrorContains(t, err, "could not be asked: it is nil")
	server := k.newServer(nil)
	server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if method == "tools/list" {
				return nil, assert.AnError
			}
			return next(ctx, method, req)
		}
	})
	_, err = k.table.Audit(t.Context(), server)
	assert.ErrorContains(t, err, "could not be asked: ")
}

// The audits of routers find the endpoint guarded.
func TestTheAuditOfARouterAsksTheEndpoint(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	r := chi.NewRouter()
	r.Handle("/mcp", k.table.Handler(func(*http.Request) *mcp.Server { return k.server }, nil))
	report, err := chiauth.Audit(r)
	assert.NoError(t, err)
	assert.Contains(t, report.String(), "what the table of mcpauth says of the message")
}
