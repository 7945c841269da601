package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

// idleTimeout is how long a session without calls is kept.
const idleTimeout = 30 * time.Minute

// openGate returns the Gate of the server. The resource is an audience of every
// issuer, as MCP wants it.
func (cfg *config) openGate() (*sallyport.Gate, error) {
	gate := sallyport.Config{Profile: sallyport.MCP, Logger: cfg.log}
	gate.Guard.Resource = cfg.resource
	gate.Guard.EndAtExpiry = true // of the streams of sessions
	for _, i := range cfg.issuers {
		gate.Providers = append(gate.Providers, providers.Generic(i.Name, withResource(i.Audiences, cfg.resource)...))
	}
	return sallyport.Open(gate)
}

func withResource(audiences []string, resource string) []string {
	if slices.Contains(audiences, resource) {
		return audiences
	}
	return append(slices.Clone(audiences), resource)
}

// levels are get and post, for every audience.
func (cfg *config) levels() claims.AccessLevels {
	levels := claims.AccessLevels{Resources: []string{cfg.resource}}
	for _, i := range cfg.issuers {
		for _, audience := range i.Audiences {
			if !slices.Contains(levels.Resources, audience) {
				levels.Resources = append(levels.Resources, audience)
			}
		}
	}
	return levels
}

// protect returns the server's endpoint behind its rules, and the metadata of the
// resource, which is open.
func protect(gate *sallyport.Gate, server *mcp.Server, levels claims.AccessLevels) (http.Handler, error) {
	table, err := newTable(gate, levels)
	if err != nil {
		return nil, err
	}
	metadata, err := gate.MetadataHandler(middleware.Metadata{More: map[string]any{"resource_name": "Orders"}})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", table.Handler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{SessionTimeout: idleTimeout}))
	mux.Handle(gate.MetadataPath(), metadata)
	return mux, nil
}

// newTable returns the rules of the server: a level for each tool that needs one.
func newTable(gate *sallyport.Gate, levels claims.AccessLevels) (*mcpauth.Table, error) {
	access, err := levels.Compile()
	if err != nil {
		return nil, err
	}
	return mcpauth.New(gate, mcpauth.Policy{Rules: map[string]claims.Rule{
		"tools/list":        claims.AnyToken(),
		"tools/call list":   access.Rule(http.MethodGet),
		"tools/call create": access.Rule(http.MethodPost),
		"tools/call whoami": claims.AnyToken(),
	}})
}

// order is one of the orders in memory.
type order struct {
	ID   string `json:"id"`
	Item string `json:"item"`
}

// orders are all of them. They are safe for concurrent use.
type orders struct {
	mu  sync.Mutex
	all []order
}

func (o *orders) add(item string) order {
	o.mu.Lock()
	defer o.mu.Unlock()
	one := order{strconv.Itoa(len(o.all) + 1), item}
	o.all = append(o.all, one)
	return one
}

func (o *orders) list() []order {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.all)
}

type (
	noInput  struct{}
	newOrder struct {
		Item string `json:"item,omitempty" jsonschema:"what is ordered"`
	}
	listed struct {
		Orders []order `json:"orders"`
	}
	caller struct {
		ClientID string   `json:"client_id"`
		Scopes   []string `json:"scopes"`
	}
)

// anything is the schema of a tool that ignores what it does not know.
var anything = map[string]any{"type": "object"}

func newServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "orders", Version: "1.0.0"}, nil)
	all := &orders{all: []order{{"1", "a book"}}}
	mcp.AddTool(server, &mcp.Tool{Name: "list", Description: "lists the orders", InputSchema: anything},
		func(context.Context, *mcp.CallToolRequest, noInput) (*mcp.CallToolResult, listed, error) {
			return nil, listed{all.list()}, nil
		})
	mcp.AddTool(server, &mcp.Tool{Name: "create", Description: "creates an order", InputSchema: anything},
		func(_ context.Context, _ *mcp.CallToolRequest, in newOrder) (*mcp.CallToolResult, order, error) {
			return nil, all.add(in.Item), nil
		})
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "says who calls, and what the token of this call may do", InputSchema: anything}, whoami)
	return server
}

func whoami(_ context.Context, req *mcp.CallToolRequest, _ noInput) (*mcp.CallToolResult, caller, error) {
	c, ok := mcpauth.Claims(req)
	if !ok {
		return nil, caller{}, errors.New("nobody is known to call")
	}
	return nil, caller{c.ClientID(), slices.AppendSeq([]string{}, c.Scopes())}, nil
}
