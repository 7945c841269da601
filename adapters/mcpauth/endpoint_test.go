package mcpauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

const (
	noToken     = `Bearer realm="api"` + metadata
	badToken    = `Bearer realm="api", error="invalid_token"` + metadata
	malformed   = `Bearer realm="api", error="invalid_request"` + metadata
	notAllowed  = `Bearer realm="api", error="insufficient_scope"` + metadata
	lacksPost   = `Bearer realm="api", error="insufficient_scope", scope="post"` + metadata
	lacksAdmin  = `Bearer realm="api", error="insufficient_scope", scope="admin"` + metadata
	lacksAll    = `Bearer realm="api", error="insufficient_scope", scope="admin post get"` + metadata
	asksForPost = `, scope="post"` // of a 401
)

// The answers to the same token and the same rule, by a stateful endpoint, which
// judges tools inside, and by a stateless one, which judges them by headers.
func TestConformance(t *testing.T) {
	t.Parallel()
	stateful := newKit(t, config{guard: middleware.Config{ChallengeScope: true}})
	stateless := newKit(t, config{guard: middleware.Config{ChallengeScope: true}, options: &mcp.StreamableHTTPOptions{Stateless: true}})
	for _, row := range []struct {
		name      string
		token     func(k *kit) string
		header    string // another Authorization line
		tool      string
		status    int
		challenge string
		byHeader  string // the challenge where headers name the tool; "" is the same
	}{
		{name: "a good token that may", token: scoped("get"), tool: "list", status: 200},
		{name: "a good token for any caller", token: scoped(""), tool: "whoami", status: 200},
		{name: "no token", tool: "create", status: 401, challenge: noToken, byHeader: noToken + asksForPost},
		{name: "a bad token", token: func(k *kit) string { return k.token("a", "post") + "x" }, tool: "create", status: 401, challenge: badToken, byHeader: badToken + asksForPost},
		{name: "an expired token", token: func(k *kit) string { return k.token("a", "post", jwkstest.Claims{"exp": 1}) }, tool: "create", status: 401, challenge: badToken, byHeader: badToken + asksForPost},
		{name: "two Authorization lines", token: scoped("post"), header: "Bearer x", tool: "create", status: 400, challenge: malformed},
		{name: "a token without the scope", token: scoped("get"), tool: "create", status: 403, challenge: lacksPost},
		{name: "a tool that has no entry of its own", token: scoped("get post"), tool: "other", status: 403, challenge: lacksAdmin},
		{name: "a tool that is not there is refused like one that is", token: scoped("get"), tool: "nothing", status: 403, challenge: lacksAdmin},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, k := range []*kit{stateful, stateless} {
				m := message{body: call(row.tool), header: [][2]string{version(oldVersion)}}
				want := row.challenge
				if k == stateless {
					m.body, m.header = newCall(row.tool), named("tools/call", row.tool)
					if row.byHeader != "" {
						want = row.byHeader
					}
				} else {
					m.session = k.open(k.token("a", ""))
				}
				if row.token != nil {
					m.token = row.token(k)
				}
				if row.header != "" {
					m.header = append(m.header, [2]string{"Authorization", row.header})
				}
				got := k.send(m)
				assert.Equal(t, row.status, got.status, got.body)
				assert.Equal(t, want, got.challenge)
				if row.status != http.StatusOK {
					assert.Equal(t, "no-store", got.header.Get("Cache-Control"))
					assert.Equal(t, "application/problem+json", got.header.Get("Content-Type"))
					assert.Empty(t, got.header.Get("Mcp-Session-Id"))
				}
			}
		})
	}
}

func scoped(scopes string) func(*kit) string {
	return func(k *kit) string { return k.token("a", scopes) }
}

func TestWhereTheKeysAreAwayTheAnswerIs503(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	k.issuer.Fail(http.StatusInternalServerError)
	got := k.send(message{token: k.token("a", "get"), body: initialize})
	assert.Equal(t, http.StatusServiceUnavailable, got.status)
	assert.NotEmpty(t, got.header.Get("Retry-After"))
	assert.Empty(t, got.challenge)
}

// Who may be in doubt what a message is gets a wider answer, before its body is read.
func TestHeadersDecideBeforeABodyIsRead(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{options: &mcp.StreamableHTTPOptions{Stateless: true}})
	for _, row := range []struct {
		name      string
		header    [][2]string
		challenge string
	}{
		{"the rule of the tool", named("tools/call", "create"), lacksPost},
		{"the rule of the method, for a name without an entry", named("tools/call", "other"), lacksAdmin},
		{"a method without an entry", named("prompts/list"), notAllowed},
		{"a method without an entry that has a name", named("prompts/get", "x"), notAllowed},
		{"a method that does not exist", named("tools/Call", "whoami"), notAllowed},
		{"121 no method", [][2]string{version(newVersion)}, lacksAll},
		{"an empty method", [][2]string{version(newVersion), {"Mcp-Method", ""}}, notAllowed},
		{"121 two methods", append(named("tools/call", "whoami"), [2]string{"Mcp-Method", "tools/call"}), lacksAll},
		{"121 a tool without a name", named("tools/call"), lacksAll},
		{"two names", named("tools/call", "whoami", "create"), lacksAll},
		{"two names, the same", named("tools/call", "whoami", "whoami"), lacksAll},
		{"two names of a method without", named("tools/list", "a", "b"), lacksAll},
		{"an empty name", named("tools/call", ""), notAllowed},
		{"two versions", append(named("tools/call", "whoami"), version(oldVersion)), lacksAll},
		{"a version that nobody knows", [][2]string{version("2027-01-01"), {"Mcp-Method", "tools/call"}, {"Mcp-Name", "whoami"}}, lacksAll},
		{"a version that is none", [][2]string{version("latest"), {"Mcp-Method", "tools/call"}, {"Mcp-Name", "whoami"}}, lacksAll},
		{"an empty version", [][2]string{version(""), {"Mcp-Method", "tools/call"}, {"Mcp-Name", "whoami"}}, lacksAll},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			body := new(untouched)
			w := k.direct(message{token: k.token("a", "get"), header: row.header}, body)
			assert.Equal(t, http.StatusForbidden, w.Code, w.Body)
			assert.Equal(t, row.challenge, w.Header().Get("WWW-Authenticate"))
			assert.False(t, body.read, "the body was read")
		})
	}
	assert.Empty(t, k.took())
}

// Headers that say another thing than the body open nothing: from the newest version
// on the SDK compares them, and of others nothing is believed.
func TestHeadersThatLieOpenNothing(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{options: &mcp.StreamableHTTPOptions{Stateless: true}})
	for _, row := range []struct {
		name   string
		header [][2]string
		body   string
		status int
	}{
		{"121 another tool", named("tools/call", "whoami"), newCall("create"), 400},
		{"121 another method", named("tools/list"), newCall("create"), 400},
		{"another method, of a message without a name", named("ping"), newCall("create"), 400},
		{"headers of the newest version, a body of an older one", named("tools/call", "whoami"), call("create"), 400},
		{"a version before headers were compared", [][2]string{version(oldVersion), {"Mcp-Method", "tools/call"}, {"Mcp-Name", "whoami"}}, call("create"), 403},
		{"no version", [][2]string{{"Mcp-Method", "tools/call"}, {"Mcp-Name", "whoami"}}, call("create"), 403},
		{"a batch behind the headers of one message", named("tools/call", "whoami"), "[" + newCall("whoami") + "," + newCall("create") + "]", 403},
		{"a batch of an older version", [][2]string{version(batchVersion), {"Mcp-Method", "tools/call"}, {"Mcp-Name", "whoami"}}, "[" + call("create") + "]", 403},
		{"a tool whose name stands in the body twice", [][2]string{version(oldVersion)}, strings.Replace(call("whoami"), `"arguments"`, `"name":"create","arguments"`, 1), 403},
		{"a tool whose name is written with an escape", [][2]string{version(oldVersion)}, strings.Replace(call("create"), `"create"`, `"cre\u0061te"`, 1), 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := k.send(message{token: k.token("a", "get"), header: row.header, body: row.body})
			assert.Equal(t, row.status, got.status, got.body)
		})
	}
	t.Cleanup(func() { assert.NotContains(t, k.took(), "create") })
}

// Clients of older versions get precise answers from a stateless server too: what
// headers do not tell is judged inside.
func TestAnOlderClientNeedsTheScopesOfItsToolAlone(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{options: &mcp.StreamableHTTPOptions{Stateless: true}})
	for _, v := range []string{oldVersion, batchVersion} {
		got := k.send(message{token: k.token("a", "get"), header: [][2]string{version(v)}, body: call("list")})
		assert.Equal(t, http.StatusOK, got.status, got.body)
		got = k.send(message{token: k.token("a", "get"), header: [][2]string{version(v)}, body: call("create")})
		assert.Equal(t, http.StatusForbidden, got.status, got.body)
		assert.Equal(t, lacksPost, got.challenge)
	}
	assert.Equal(t, []string{"list", "list"}, k.took())
}

func TestEveryForgeryIsRefused(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{options: &mcp.StreamableHTTPOptions{Stateless: true}})
	m := message{header: named("tools/call", "list"), body: newCall("list")}
	jwkstest.AttackHandler(t, k.issuer, k.root, m.request(t.Context(), t, "https://mcp.example/mcp"), jwkstest.Claims{"scope": "get"})
	assert.Contains(t, k.took(), "list", "for the good token")
}
