// Package mcpauth protects servers made with the Go SDK of the Model Context
// Protocol, github.com/modelcontextprotocol/go-sdk, by the rules of one table.
//
//	table, err := mcpauth.New(gate, mcpauth.Policy{Rules: map[string]claims.Rule{
//		"tools/list":          claims.AnyToken(),
//		"tools/call report":   claims.AllScopes("reports.read"),
//		"tools/call clean-up": claims.AllScopes("reports.write"),
//	}})
//	...
//	mux.Handle("/mcp", table.Handler(func(*http.Request) *mcp.Server { return server }, nil))
//	mux.Handle(gate.MetadataPath(), metadata)
//
// The Guard stands outside: a request without a good token is answered with 401
// before its body is read. Inside, each message is judged as the SDK has decoded it,
// before a tool runs, and a message that is refused is answered with HTTP 403 and
// the challenge that MCP clients step up by.
//
// # Sessions
//
// A session belongs to the issuer, the subject and the client of the token that
// opened it. A request with its id and a token of anybody else is refused. Every
// tool sees what the token of its own request says, by [Claims], by claims.FromContext
// and by the SDK's TokenInfo, and not what that of the session's first request said.
//
// # What is not guarded
//
// Only requests that come through [Table.Handler] reach its servers. A server that
// is given to it refuses every other transport, such as standard input or
// mcp.SSEHandler: make another server for those.
package mcpauth

import (
	"errors"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-go/sallyport/claims"
)

// Guard is a *middleware.Guard or a *sallyport.Gate.
type Guard interface {
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	Check(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error)
	Deny(w http.ResponseWriter, r *http.Request, err error)
}

// Table is a policy without mistakes in front of servers. It is immutable, safe for
// concurrent use, and owns nothing that must be closed. [New] makes it; the zero
// Table and a nil one refuse every request with 503.
type Table struct {
	guard   Guard
	rules   map[entry]claims.Rule
	doors   map[entry]func(http.Handler) http.Handler
	any     func(http.Handler) http.Handler // of any token
	all     func(http.Handler) http.Handler // of all rules at once
	none    func(http.Handler) http.Handler // of nobody
	allRule claims.Rule
	servers servers
}

// New returns the table of a policy, or every mistake in it at once.
func New(guard Guard, p Policy) (*Table, error) {
	if isNil(guard) {
		return nil, errors.New("mcpauth: the Guard is nil")
	}
	rules, err := p.compile()
	if err != nil {
		return nil, err
	}
	t := &Table{
		guard: guard, rules: rules, doors: make(map[entry]func(http.Handler) http.Handler, len(rules)),
		any: guard.Require(claims.AnyToken()), none: guard.Require(claims.Rule{}), allRule: atOnce(rules),
	}
	for at, rule := range rules {
		t.doors[at] = guard.Require(rule)
	}
	t.all = guard.Require(t.allRule)
	return t, nil
}

// Handler returns the handler of a streamable HTTP endpoint whose servers are
// guarded by the table. The arguments are those of [mcp.NewStreamableHTTPHandler];
// getServer may choose a server by the claims in the context of the request. The
// handler is also asked by the audits of the other adapters what it requires.
func (t *Table) Handler(getServer func(*http.Request) *mcp.Server, options *mcp.StreamableHTTPOptions) http.Handler {
	if t == nil || t.guard == nil {
		return http.HandlerFunc(notMade)
	}
	if getServer == nil {
		panic("mcpauth: Handler: getServer is nil")
	}
	e := &endpoint{table: t, stateless: options != nil && options.Stateless}
	e.sdk = mcp.NewStreamableHTTPHandler(func(r *http.Request) *mcp.Server {
		server := getServer(r)
		if server != nil {
			t.servers.guard(server, t.judge)
		}
		return server
	}, options)
	inside := http.HandlerFunc(e.serve)
	e.any, e.all, e.none = t.any(inside), t.all(inside), t.none(inside)
	e.doors = make(map[entry]http.Handler, len(t.doors))
	for at, door := range t.doors {
		e.doors[at] = door(inside)
	}
	return e
}

// inShadow reports whether the Guard refuses nothing, by what its handlers say: its
// configuration may have been replaced since the last request.
func (t *Table) inShadow() bool {
	h, ok := t.none(http.NotFoundHandler()).(requirer)
	if !ok {
		return false
	}
	_, ruled := h.Requires(http.MethodPost, "")
	return !ruled
}

// requirer is a handler of a Guard, which says what it requires.
type requirer interface {
	Requires(method, pattern string) (access string, ruled bool)
}

// notMade answers for a table that New did not make, as the zero Guard does.
func notMade(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}
