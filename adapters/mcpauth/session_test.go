package mcpauth_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// caller are the claims that a session belongs to.
func caller(sub, client any) jwkstest.Claims {
	return jwkstest.Claims{"sub": sub, "client_id": client, "scope": "get post admin"}
}

// Nobody acts in the session of another caller, whatever its token may do.
func TestASessionBelongsToIssuerSubjectAndClient(t *testing.T) {
	t.Parallel()
	other := jwkstest.New(t, jwkstest.WithAudience(audience))
	k := newKit(t, config{others: []*jwkstest.Issuer{other}})
	for _, row := range []struct {
		name         string
		opens, comes string
		refused      bool
	}{
		{"the same caller with the same token", k.issuer.Token(caller("s", "c"), jwkstest.Claims{"jti": "1"}), k.issuer.Token(caller("s", "c"), jwkstest.Claims{"jti": "1"}), false},
		{"the same caller with a newer token", k.issuer.Token(caller("s", "c"), jwkstest.Claims{"jti": "1"}), k.issuer.Token(caller("s", "c"), jwkstest.Claims{"jti": "2"}), false},
		{"120 another client of the same subject", k.issuer.Token(caller("s", "c")), k.issuer.Token(caller("s", "d")), true},
		{"120 another subject by the same client", k.issuer.Token(caller("s", "c")), k.issuer.Token(caller("u", "c")), true},
		{"120 the same names at another issuer", k.issuer.Token(caller("s", "c")), other.Token(caller("s", "c")), true},
		{"120 names that look the same side by side", k.issuer.Token(caller(`a" "b`, "c")), k.issuer.Token(caller("a", `b" "c`)), true},
		{"a name that moves from the subject to the client", k.issuer.Token(caller("ab", "c")), k.issuer.Token(caller("a", "bc")), true},
		{"a client alone and a subject alone", k.issuer.Token(caller(nil, "x")), k.issuer.Token(caller("x", nil)), true},
		{"a client alone", k.issuer.Token(caller(nil, "x")), k.issuer.Token(caller(nil, "x")), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			session := k.open(row.opens)
			header := [][2]string{version(oldVersion)}
			if !row.refused {
				got := k.send(message{token: row.comes, session: session, header: header, body: call("create")})
				assert.Equal(t, http.StatusOK, got.status, got.body)
				got = k.send(message{method: http.MethodDelete, token: row.comes, session: session, header: header})
				assert.Equal(t, http.StatusNoContent, got.status, got.body)
				return
			}
			for _, m := range []message{
				{body: call("create")},
				{body: initialize},
				{body: `{"jsonrpc":"2.0","id":9,"result":{}}`},
				{body: "[" + call("create") + "]"},
				{method: http.MethodGet},
				{method: http.MethodDelete},
			} {
				m.token, m.session, m.header = row.comes, session, header
				got := k.send(m)
				assert.Equal(t, http.StatusForbidden, got.status, "%s %s: %s", m.method, m.body, got.body)
			}
			got := k.send(message{token: row.opens, session: session, header: header, body: call("whoami")})
			assert.Equal(t, http.StatusOK, got.status, "it is its owner's still: %s", got.body)
		})
	}
}

// A tool sees what the token of its own call says, however it asks, and not what the
// token said that opened the session.
func TestAToolSeesTheTokenOfItsOwnCall(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	session := k.open(k.token("agent", "get post admin"))
	for _, scopes := range []string{"get", "", "admin get", "post"} {
		got := k.send(message{token: k.token("agent", scopes), session: session, header: [][2]string{version(oldVersion)}, body: call("whoami")})
		require.Equal(t, http.StatusOK, got.status, got.body)
		s := got.result(t)
		want := slices.Sorted(slices.Values(strings.Fields(scopes)))
		assert.Equal(t, "agent", s.Client)
		assert.Equal(t, want, s.Scopes, "Claims")
		assert.Equal(t, want, s.FromContext, "claims.FromContext")
		assert.Equal(t, want, s.TokenInfo, "the TokenInfo of the request")
		assert.Equal(t, want, s.InContext, "the TokenInfo of the context")
	}
	got := k.send(message{token: k.token("agent", "get"), session: session, header: [][2]string{version(oldVersion)}, body: call("create")})
	assert.Equal(t, http.StatusForbidden, got.status, "the scopes of the token that opened the session count no more")
}

// What the guide warns of: a Guard around the SDK's handler alone protects the door,
// and no session. When this fails, the SDK has changed, and the page must.
func TestAGuardAroundTheHandlerAloneBindsNoSession(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	stale := make(chan []string, 1)
	server := mcp.NewServer(&mcp.Implementation{Name: "obvious", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, seen, error) {
		c, ok := claims.FromContext(ctx)
		if !ok {
			return nil, seen{}, assert.AnError
		}
		stale <- slices.Sorted(c.Scopes())
		return nil, seen{Client: c.ClientID()}, nil
	})
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, nil)
	k.server, k.url = server, k.serve(k.gate.Require(claims.AnyToken())(handler))+"/mcp"

	session := k.open(k.token("victim", "get post"))
	got := k.send(message{token: k.token("attacker", ""), session: session, header: [][2]string{version(oldVersion)}, body: call("whoami")})
	assert.Equal(t, http.StatusOK, got.status, got.body)
	assert.Equal(t, "victim", got.result(t).Client, "the attacker acts as the victim")
	assert.Equal(t, []string{"get", "post"}, <-stale, "with its scopes")
}

func TestATokenWithoutSubjectAndClientOpensNoSession(t *testing.T) {
	t.Parallel()
	nobody := jwkstest.Claims{"sub": nil, "client_id": nil}
	stateful, stateless := newKit(t, config{}), newKit(t, config{options: &mcp.StreamableHTTPOptions{Stateless: true}})
	got := stateful.send(message{token: stateful.issuer.Token(nobody), body: initialize})
	assert.Equal(t, http.StatusForbidden, got.status, got.body)
	assert.Equal(t, notAllowed, got.challenge)
	got = stateless.send(message{token: stateless.issuer.Token(nobody), header: named("tools/call", "whoami"), body: newCall("whoami")})
	assert.Equal(t, http.StatusOK, got.status, "there is no session: %s", got.body)
}

// The SDK's TokenInfo is set from the verified claims, by whatever scheme the token
// came and whenever it expires.
func TestTheTokenInfoIsSetWhateverTheSchemeAndTheExpiry(t *testing.T) {
	t.Parallel()
	now := time.Now()
	expiry := now.Unix() - 5 // within the leeway of the verifier
	infos := make(chan *auth.TokenInfo, 1)
	k := newKit(t, config{guard: middleware.Config{Credentials: func(r *http.Request) (middleware.Credential, error) {
		return middleware.Credential{Scheme: "Bearer", Token: r.Header.Get("X-Token")}, nil
	}}, options: &mcp.StreamableHTTPOptions{Stateless: true}, now: func() time.Time { return now }})
	k.server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
			if method == "tools/call" {
				infos <- req.GetExtra().TokenInfo
			}
			return next(ctx, method, req)
		}
	})
	got := k.send(message{header: append(named("tools/call", "whoami"), [2]string{"X-Token", k.token("a", "get", jwkstest.Claims{"exp": expiry})}), body: newCall("whoami")})
	require.Equal(t, http.StatusOK, got.status, got.body)
	info := <-infos
	assert.Equal(t, []string{"get"}, info.Scopes)
	assert.Equal(t, expiry, info.Expiration.Unix())
	assert.Equal(t, `"`+k.issuer.Issuer()+`" "a" "a"`, info.UserID)
}
