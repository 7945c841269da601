package mcpauth

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-go/sallyport/claims"
)

// Claims returns what the token of this very request says, for a tool, a prompt or a
// resource, and for middleware of a server. The context that they get has the same,
// for claims.FromContext. It reports false in shadow mode, for a request that would
// have been refused.
//
//	func report(ctx context.Context, req *mcp.CallToolRequest, in input) (*mcp.CallToolResult, output, error) {
//		c, ok := mcpauth.Claims(req)
func Claims(req mcp.Request) (*claims.Claims, bool) {
	c := callOf(req)
	if c == nil || c.who == nil {
		return nil, false
	}
	return c.who, true
}

// callKey is where TokenInfo.Extra has the call that it is of.
const callKey = "github.com/sallyport-go/sallyport"

// callOf returns the call that a message came with, nil for none of ours.
func callOf(req mcp.Request) *call {
	if req == nil {
		return nil
	}
	extra := req.GetExtra()
	if extra == nil || extra.TokenInfo == nil {
		return nil
	}
	c, _ := extra.TokenInfo.Extra[callKey].(*call)
	return c
}

// anybody is whom the sessions of shadow mode belong to, where nothing is refused, and
// nobody when that mode ends.
const anybody = "anybody, in shadow mode"

// tokenInfo returns what the SDK knows a call by.
func (t *Table) tokenInfo(c *call) *auth.TokenInfo {
	info := &auth.TokenInfo{UserID: anybody, Extra: map[string]any{callKey: c}}
	if c.who == nil {
		return info
	}
	info.Scopes, info.Expiration = slices.Collect(c.who.Scopes()), c.who.ExpiresAt()
	if !t.inShadow() {
		info.UserID = userID(c.who)
	}
	return info
}

// userID returns what the SDK binds a session to: issuer, subject and client, quoted,
// so that no two callers have one in common.
//
// https://modelcontextprotocol.io/docs/tutorials/security/security_best_practices#session-hijacking
func userID(c *claims.Claims) string {
	return strconv.Quote(c.Issuer()) + " " + strconv.Quote(c.Subject()) + " " + strconv.Quote(c.ClientID())
}

// identifiable wants a caller whom a session can belong to.
var identifiable = claims.Func("a subject or a client, whom sessions belong to", func(c *claims.Claims) bool {
	return c.Subject() != "" || c.ClientID() != ""
})

var anyToken = claims.AnyToken()

func (e *endpoint) identified() claims.Rule {
	if e.stateless {
		return anyToken
	}
	return identifiable
}

// never is a time that is not over: the Guard has judged exp, by its own clock.
const never = math.MaxInt64

// withTokenInfo returns a context that has a TokenInfo where the SDK looks for one.
// Nothing but the SDK's own middleware can put it there. Where it does not, the context
// of a request has none, so that its messages are refused as those of other transports.
func withTokenInfo(ctx context.Context, info *auth.TokenInfo) context.Context {
	verified := func(context.Context, string, *http.Request) (*auth.TokenInfo, error) { return info, nil }
	carrier := (&http.Request{Header: http.Header{"Authorization": {"Bearer verified"}}}).WithContext(ctx)
	passed := carrier
	auth.RequireBearerToken(verified, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true, ClockSkew: never})(
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { passed = r }),
	).ServeHTTP(nowhere{}, carrier)
	return passed.Context()
}

// nowhere is where the answer goes to a request that nobody sent.
type nowhere struct{}

// Header returns a header that nobody reads.
func (nowhere) Header() http.Header { return http.Header{} }

// Write drops the bytes.
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader drops the status.
func (nowhere) WriteHeader(int) {}
