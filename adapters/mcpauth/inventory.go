package mcpauth

import (
	"context"
	"errors"
	"iter"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// auditKey marks messages of Audit. Nothing outside of this package has one.
type auditKey struct{}

// inspect asks a server what it has, over a connection in memory.
func inspect(ctx context.Context, server *mcp.Server) (found []entry, err error) {
	if server == nil {
		return nil, errors.New("it is nil")
	}
	near, far := mcp.NewInMemoryTransports()
	serving, err := server.Connect(context.WithValue(ctx, auditKey{}, true), far, nil)
	if err != nil {
		return nil, err
	}
	asking, err := mcp.NewClient(&mcp.Implementation{Name: "mcpauth-audit", Version: "1"}, nil).Connect(ctx, near, nil)
	if err != nil {
		return nil, errors.Join(err, serving.Close())
	}
	found, err = inventory(ctx, asking)
	return found, errors.Join(err, asking.Close(), serving.Wait())
}

// inventory returns the methods of what a server says that it can do, with the names
// of what it lists.
func inventory(ctx context.Context, s *mcp.ClientSession) (found []entry, err error) {
	add := func(methods ...string) {
		for _, method := range methods {
			found = append(found, entry{method: method})
		}
	}
	can := s.InitializeResult().Capabilities
	if can.Tools != nil {
		add("tools/list")
		err = errors.Join(err, list(s.Tools(ctx, nil), func(tool *mcp.Tool) { found = append(found, entry{callTool, tool.Name}) }))
	}
	if can.Prompts != nil {
		add("prompts/list")
		err = errors.Join(err, list(s.Prompts(ctx, nil), func(p *mcp.Prompt) { found = append(found, entry{getPrompt, p.Name}) }))
	}
	if can.Resources != nil {
		add("resources/list", "resources/templates/list")
		err = errors.Join(err, list(s.Resources(ctx, nil), func(r *mcp.Resource) { found = append(found, entry{readResource, r.URI}) }))
		err = errors.Join(err, list(s.ResourceTemplates(ctx, nil), func(*mcp.ResourceTemplate) { add(readResource) }))
		if can.Resources.Subscribe {
			add("resources/subscribe", "resources/unsubscribe", "subscriptions/listen")
		}
	}
	if can.Completions != nil {
		add("completion/complete")
	}
	return found, err
}

func list[T any](all iter.Seq2[T, error], add func(T)) error {
	for one, err := range all {
		if err != nil {
			return err
		}
		add(one)
	}
	return nil
}
