package mcpauth_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/providers"
)

// A refused tool does not run, and its caller sees the status of HTTP, also where the
// SDK has begun to answer: with an event store it writes an event first.
func TestAToolIsRefusedBeforeItHasAnswered(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]*mcp.StreamableHTTPOptions{
		"a stream of events":                 nil,
		"JSON":                               {JSONResponse: true},
		"a stream that begins with an event": {EventStore: mcp.NewMemoryEventStore(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, config{options: options})
			session := k.open(k.token("a", ""))
			got := k.send(message{token: k.token("a", "get"), session: session, header: [][2]string{version(oldVersion)}, body: call("create")})
			assert.Equal(t, http.StatusForbidden, got.status, got.body)
			assert.Equal(t, lacksPost, got.challenge)
			assert.NotContains(t, got.body, "event:")
			assert.Empty(t, k.took(), "it did not run")

			got = k.send(message{token: k.token("a", "post"), session: session, header: [][2]string{version(oldVersion)}, body: call("create")})
			assert.Equal(t, http.StatusOK, got.status, got.body)
			assert.Equal(t, []string{"post"}, got.result(t).Scopes)
			assert.Equal(t, []string{"create"}, k.took())
		})
	}
}

// What the SDK itself does not accept is answered by the SDK.
func TestWhatTheSDKRefusesIsItsOwnAnswer(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	session := k.open(k.token("a", "get post admin"))
	for body, status := range map[string]int{
		"{":                                     http.StatusBadRequest,
		"":                                      http.StatusBadRequest,
		`{"jsonrpc":"2.0","id":1,"method":"x"}`: http.StatusBadRequest,
		`{"jsonrpc":"2.0","id":9,"result":{}}`:  http.StatusAccepted,
	} {
		got := k.send(message{token: k.token("a", "get post admin"), session: session, header: [][2]string{version(oldVersion)}, body: body})
		assert.Equal(t, status, got.status, "%s: %s", body, got.body)
	}
	got := k.send(message{token: k.token("a", ""), session: session, header: named("tools/call", "whoami"), body: newCall("whoami")})
	assert.Equal(t, http.StatusBadRequest, got.status, "a stateful server takes no call of the newest version")
	assert.Contains(t, got.body, "-32022")
}

// The messages of a batch share one status, so it needs the rules of the whole table.
func TestABatchNeedsAllRulesAtOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	session := k.open(k.token("a", ""))
	for _, body := range []string{"[" + call("whoami") + "]", "\r\n\t [" + call("whoami") + "]", "\ufeff[" + call("whoami") + "]"} {
		got := k.send(message{token: k.token("a", "get"), session: session, header: [][2]string{version(batchVersion)}, body: body})
		assert.Equal(t, http.StatusForbidden, got.status, got.body)
		assert.Equal(t, lacksAll, got.challenge)
	}
	assert.Empty(t, k.took())
	got := k.send(message{token: k.token("a", "get post admin"), session: session, header: [][2]string{version(batchVersion)}, body: "[" + call("whoami") + "]"})
	assert.Equal(t, http.StatusOK, got.status, got.body)
	assert.Equal(t, []string{"whoami"}, k.took())
	got = k.send(message{token: k.token("a", ""), session: session, header: [][2]string{version(batchVersion)}, body: " \r\n\t" + call("whoami")})
	assert.Equal(t, http.StatusOK, got.status, "white space makes no batch: %s", got.body)
}

// A notification has no answer: one that is refused is dropped.
func TestARefusedNotificationIsDropped(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Rules["notifications/progress"] = claims.AllScopes("post")
	k := newKit(t, config{policy: &p})
	k.server = k.newServer(&mcp.ServerOptions{ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationServerRequest) { k.note("progress") }})
	k.url = k.serve(k.table.Handler(func(*http.Request) *mcp.Server { return k.server }, nil)) + "/mcp"
	session := k.open(k.token("a", ""))
	progress := `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}}`
	for _, scopes := range []string{"get", "post"} {
		got := k.send(message{token: k.token("a", scopes), session: session, header: [][2]string{version(oldVersion)}, body: progress})
		assert.Equal(t, http.StatusAccepted, got.status, got.body)
	}
	// messages of a session are read in order, so what came before this call is done
	got := k.send(message{token: k.token("a", ""), session: session, header: [][2]string{version(oldVersion)}, body: call("whoami")})
	require.Equal(t, http.StatusOK, got.status, got.body)
	assert.Equal(t, []string{"progress", "whoami"}, k.took())
}

type (
	searchParams struct{ mcp.ParamsBase }
	searchResult struct{ mcp.ResultBase }
)

// What no entry names is refused, methods of the program's own too.
func TestAMethodWithoutAnEntryIsRefused(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Rules["acme/search"] = claims.AllScopes("get")
	k := newKit(t, config{policy: &p})
	for _, method := range []string{"acme/search", "acme/erase"} {
		require.NoError(t, mcp.AddReceivingCustomMethod(k.server, method, func(context.Context, *mcp.ServerSession, *searchParams) (*searchResult, error) {
			k.note(method)
			return &searchResult{}, nil
		}))
	}
	session := k.open(k.token("a", ""))
	for body, status := range map[string]int{
		`{"jsonrpc":"2.0","id":1,"method":"acme/search"}`:                                      http.StatusOK,
		`{"jsonrpc":"2.0","id":1,"method":"acme/erase"}`:                                       http.StatusForbidden,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/list"}`:                                     http.StatusForbidden,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"x"}}`:                http.StatusForbidden,
		`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"file:///x"}}`:      http.StatusForbidden,
		`{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"file:///x"}}`: http.StatusForbidden,
		`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`:                                       http.StatusOK,
		`{"jsonrpc":"2.0","id":1,"method":"ping"}`:                                             http.StatusOK,
	} {
		got := k.send(message{token: k.token("a", "get post admin"), session: session, header: [][2]string{version(oldVersion)}, body: body})
		assert.Equal(t, status, got.status, "%s: %s", body, got.body)
	}
	assert.Equal(t, []string{"acme/search"}, k.took())
}

// A server that a table guards takes nothing that came past it.
func TestAServerRefusesWhatComesPastItsTable(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	k.open(k.token("a", ""))

	near, far := mcp.NewInMemoryTransports()
	_, err := k.server.Connect(t.Context(), far, nil)
	require.NoError(t, err)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "t", Version: "1"}, nil).Connect(t.Context(), near, nil)
	if err == nil {
		_ = session.Close()
	}
	assert.ErrorContains(t, err, "does not allow this")

	open := k.serve(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return k.server }, &mcp.StreamableHTTPOptions{Stateless: true}))
	k.url = open + "/mcp"
	got := k.send(message{header: named("tools/call", "whoami"), body: newCall("whoami")})
	assert.Contains(t, got.body, "does not allow this")
	assert.Empty(t, k.took())
}

// Two tables may guard one server: each judges its own calls.
func TestAServerOfTwoTables(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	strict, err := mcpauth.New(k.gate, mcpauth.Policy{Rules: map[string]claims.Rule{"tools/call": claims.AllScopes("admin")}})
	require.NoError(t, err)
	lax := k.url
	other := k.serve(strict.Handler(func(*http.Request) *mcp.Server { return k.server }, nil)) + "/mcp"
	for _, row := range []struct {
		url, scopes string
		status      int
	}{{lax, "", 200}, {other, "", 403}, {other, "admin", 200}, {lax, "", 200}} {
		k.url = row.url
		got := k.send(message{token: k.token("a", row.scopes), session: k.open(k.token("a", "")), header: [][2]string{version(oldVersion)}, body: call("whoami")})
		assert.Equal(t, row.status, got.status, "%s: %s", row.scopes, got.body)
	}
}

// A rule may ask about the request, such as the tenant of its path.
func TestARuleSeesTheRequest(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Rules["tools/call whoami"] = claims.EqualsParam("tenant", "tenant")
	for _, stateless := range []bool{false, true} {
		k := newKit(t, config{policy: &p, options: &mcp.StreamableHTTPOptions{Stateless: stateless}})
		acme := k.token("a", "", jwkstest.Claims{"tenant": "acme"})
		m := message{token: acme, body: call("whoami"), header: [][2]string{version(oldVersion)}}
		if stateless {
			m.body, m.header = newCall("whoami"), named("tools/call", "whoami")
		} else {
			m.session = k.open(acme)
		}
		for path, status := range map[string]int{"/tenants/acme/mcp": 200, "/tenants/globex/mcp": 403, "/mcp": 403} {
			m.path = path
			got := k.send(m)
			assert.Equal(t, status, got.status, "%s: %s", path, got.body)
		}
	}
}

// A token that is bound to a key works with its proof alone, and binds the session.
func TestATokenBoundByDPoPNeedsItsProof(t *testing.T) {
	t.Parallel()
	proofs, err := dpop.New(dpop.Config{Origin: "https://mcp.example"})
	require.NoError(t, err)
	k := newKit(t, config{guard: middleware.Config{Bindings: []middleware.Binding{proofs}}, options: &mcp.StreamableHTTPOptions{Stateless: true}})
	prover := k.issuer.NewProver("ES256")
	token := k.token("a", "get", prover.Bound())
	m := message{header: named("tools/call", "whoami"), body: newCall("whoami")}
	r := m.request(t.Context(), t, "https://mcp.example/mcp")
	prover.SetProof(r, token)
	w := serve(k.root, r)
	assert.Equal(t, http.StatusOK, w.Code, w.Body)
	assert.Equal(t, []string{"whoami"}, k.took())

	m.token = token
	w = serve(k.root, m.request(t.Context(), t, "https://mcp.example/mcp"))
	assert.Equal(t, http.StatusUnauthorized, w.Code, w.Body)
	assert.Empty(t, k.took())
}

// In shadow mode nothing is refused, sessions and rules included; a tool sees the
// claims of those alone who would have passed.
func TestShadowModeRefusesNothing(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{guard: middleware.Config{Shadow: true}})
	session := k.open(k.token("a", ""))
	for _, row := range []struct{ name, token, tool, client string }{
		{"a good token that may", k.token("a", "get"), "list", "a"},
		{"another caller", k.token("b", "get"), "list", "b"},
		{"a good token that may not", k.token("a", "get"), "create", ""},
		{"no token", "", "list", ""},
		{"a bad token", "x", "list", ""},
	} {
		got := k.send(message{token: row.token, session: session, header: [][2]string{version(oldVersion)}, body: call(row.tool)})
		if assert.Equal(t, http.StatusOK, got.status, "%s: %s", row.name, got.body) {
			assert.Equal(t, row.client, got.result(t).Client, row.name)
		}
	}
	got := k.send(message{body: initialize})
	assert.Equal(t, http.StatusOK, got.status, got.body)
}

// What the guide says of a proxy on the same machine.
func TestAForeignHostAtALoopbackAddressIsTheSDKsToRefuse(t *testing.T) {
	t.Parallel()
	for disabled, status := range map[bool]int{false: http.StatusForbidden, true: http.StatusOK} {
		k := newKit(t, config{options: &mcp.StreamableHTTPOptions{Stateless: true, DisableLocalhostProtection: disabled}})
		r := message{token: k.token("a", ""), header: named("tools/call", "whoami"), body: newCall("whoami")}.request(t.Context(), t, k.url)
		r.Host = "mcp.example"
		response, err := client.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, status, response.StatusCode)
		assert.Empty(t, response.Header["Www-Authenticate"])
	}
}

// What shadow mode has let in does not go on when the Guard is told to refuse.
func TestShadowModeThatEndsLeavesNoSessionToEverybody(t *testing.T) {
	t.Parallel()
	shadow, refusing := middleware.Config{Shadow: true, Resource: resource}, middleware.Config{Resource: resource}
	k := newKit(t, config{guard: shadow})
	into := func(guard middleware.Config) {
		require.NoError(t, k.gate.Replace(t.Context(), sallyport.Config{Providers: []providers.Provider{providers.Generic(k.issuer.Issuer(), audience)}, Guard: guard}))
	}
	header := [][2]string{version(oldVersion)}
	whoami := func(client, session string) int {
		return k.send(message{token: k.token(client, "get"), session: session, header: header, body: call("whoami")}).status
	}
	opened := k.open(k.token("a", ""))
	assert.Equal(t, http.StatusOK, whoami("b", opened), "in shadow mode nothing is refused")

	into(refusing)
	assert.Equal(t, http.StatusForbidden, whoami("b", opened), "a session that everybody could use")
	assert.Equal(t, http.StatusForbidden, whoami("a", opened), "is nobody's")
	own := k.open(k.token("a", ""))
	assert.Equal(t, http.StatusOK, whoami("a", own))
	assert.Equal(t, http.StatusForbidden, whoami("b", own), "a new one belongs to its caller")

	into(shadow)
	got := k.send(message{body: initialize})
	assert.Equal(t, http.StatusOK, got.status, "and shadow mode lets everybody through again: %s", got.body)
}
