package mcpauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-go/sallyport/claims"
)

// call is one HTTP request and the messages in it.
type call struct {
	table   *Table
	request *http.Request  // as the Guard let it pass
	who     *claims.Claims // nil in shadow mode, of a request that would have been refused
	info    *auth.TokenInfo
	answer  *held // nil for a request without messages
}

func (t *Table) newCall(r *http.Request, who *claims.Claims) *call {
	c := &call{table: t, request: r, who: who}
	c.info = t.tokenInfo(c)
	return c
}

// admit asks for the rule of a message, and has the answer to its request sent or
// replaced by the refusal. It returns the call as the message may see it: without
// claims, in shadow mode, if it would have been refused.
func (c *call) admit(rule claims.Rule) (*call, error) {
	_, who, err := c.table.guard.Check(c.request, rule)
	if err != nil {
		c.answer.refuse(err)
		return nil, err
	}
	c.answer.release()
	if who == c.who {
		return c, nil
	}
	return c.table.newCall(c.request, who), nil
}

// admitBatch asks for all rules at once, because the answer to a batch can be one
// status alone.
func (c *call) admitBatch() error {
	if _, _, err := c.table.guard.Check(c.request, c.table.allRule); err != nil {
		c.answer.refuse(err)
		return errors.New("mcpauth: the batch is refused")
	}
	return nil
}

// context returns the context of a message with what its own request brought. What
// it has otherwise is of the request that opened the session.
func (c *call) context(ctx context.Context) context.Context {
	return claims.NewContext(withTokenInfo(ctx, c.info), c.who)
}

// errRefused is what a message is answered with that is refused. Callers see the
// status of the request instead, but for a message that has no answer of its own.
var errRefused = &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: "the access token does not allow this"}

// judge is the middleware of a server that is guarded by the table. A message that
// came by no endpoint of ours is refused.
func (t *Table) judge(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if ctx.Value(auditKey{}) != nil {
			return next(ctx, method, req)
		}
		c := callOf(req)
		if c == nil {
			return nil, errRefused
		}
		if c.table != t { // a server of two tables: the other one judges
			return next(ctx, method, req)
		}
		name, isNamed := nameOf(req.GetParams())
		c, err := c.admit(t.ruleFor(method, name, isNamed))
		if err != nil {
			return nil, errRefused
		}
		req.GetExtra().TokenInfo = c.info // which is this message's own
		return next(c.context(ctx), method, req)
	}
}

// nameOf returns the name that a message has by what the SDK decoded.
func nameOf(params mcp.Params) (name string, isNamed bool) {
	switch p := params.(type) {
	case *mcp.CallToolParamsRaw:
		if p != nil {
			return p.Name, true
		}
	case *mcp.GetPromptParams:
		if p != nil {
			return p.Name, true
		}
	case *mcp.ReadResourceParams:
		if p != nil {
			return p.URI, true
		}
	}
	return "", false
}
