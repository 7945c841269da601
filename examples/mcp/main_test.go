package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/internal/trust"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
)

func TestMain(m *testing.M) { testkit.Main(m, main) }

var serving = regexp.MustCompile(`msg="serving mcp" url=(\S+)`)

// start runs the program in this process and returns its URL.
func start(t *testing.T, args ...string) (*testkit.Running, string) {
	t.Helper()
	r := testkit.Run(t, run, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	testkit.Until(t, &r.Stderr, "serving mcp")
	return r, serving.FindStringSubmatch(r.Stderr.String())[1]
}

// fixed is a client that has one token and gets no other.
type fixed struct{ token string }

func (f fixed) TokenSource(context.Context) (oauth2.TokenSource, error) {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: f.token}), nil
}

func (fixed) Authorize(_ context.Context, _ *http.Request, response *http.Response) error {
	return response.Body.Close()
}

// connect opens a session by the SDK's client.
func connect(t *testing.T, url string, handler auth.OAuthHandler) *mcp.ClientSession {
	t.Helper()
	transport := &mcp.StreamableClientTransport{
		Endpoint: url + "/mcp", OAuthHandler: handler,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), transport, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// call calls a tool and decodes what it answers.
func call(t *testing.T, session *mcp.ClientSession, tool string, arguments map[string]any, into any) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	require.NoError(t, err, tool)
	require.False(t, result.IsError, result.Content)
	require.Len(t, result.Content, 1)
	require.NoError(t, json.Unmarshal([]byte(result.Content[0].(*mcp.TextContent).Text), into))
}

func TestItsToolsAnswerByTheLevelOfTheToken(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.Claims{"client_id": "agent"})
	r, url := start(t, "-issuer", issuer.Issuer(), "-audience", "api://orders")

	all := connect(t, url, fixed{issuer.Token(jwkstest.Claims{"scope": "get api://orders/post"})})
	assert.NotEmpty(t, all.ID(), "it is stateful")
	var found listed
	call(t, all, "list", nil, &found)
	assert.Len(t, found.Orders, 1)
	var made order
	call(t, all, "create", map[string]any{"item": "a pen", "more": true}, &made)
	assert.Equal(t, order{"2", "a pen"}, made)
	var who caller
	call(t, all, "whoami", nil, &who)
	assert.Equal(t, caller{"agent", []string{"get", "api://orders/post"}}, who)

	reads := connect(t, url, fixed{issuer.Token(jwkstest.Claims{"scope": "get", "aud": url + "/mcp"})}) // the resource is an audience too
	call(t, reads, "list", nil, &found)
	assert.Len(t, found.Orders, 2)
	_, err := reads.CallTool(t.Context(), &mcp.CallToolParams{Name: "create"})
	assert.ErrorContains(t, err, "Forbidden")

	nothing := connect(t, url, fixed{issuer.Token()})
	call(t, nothing, "whoami", nil, &who)
	assert.Equal(t, caller{"agent", []string{}}, who)
	r.AssertEnds(exitOK)
}

// The refusal of a tool is HTTP's, with what a client steps up by.
func TestARefusedToolIsAnAnswerOfHTTP(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t, jwkstest.WithAudience("api://orders"))
	_, url := start(t, "-issuer", issuer.Issuer(), "-audience", "api://orders")
	send := func(token, session, body string) testkit.Answer {
		t.Helper()
		request := testkit.NewRequest(t, http.MethodPost, url+"/mcp", token, body)
		request.Header.Set("Accept", "application/json, text/event-stream")
		request.Header.Set("Content-Type", "application/json")
		if session != "" {
			request.Header.Set("Mcp-Session-Id", session)
			request.Header.Set("Mcp-Protocol-Version", "2025-11-25")
		}
		return testkit.Do(t, request)
	}
	const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`
	where := `resource_metadata="` + url + `/.well-known/oauth-protected-resource/mcp"`
	a := send("", "", initialize)
	assert.Equal(t, http.StatusUnauthorized, a.Status)
	assert.Equal(t, `Bearer realm="api", `+where, a.Header.Get("WWW-Authenticate"))

	reads := issuer.Token(jwkstest.Claims{"scope": "get"})
	session := send(reads, "", initialize).Header.Get("Mcp-Session-Id")
	assert.Equal(t, http.StatusAccepted, send(reads, session, `{"jsonrpc":"2.0","method":"notifications/initialized"}`).Status)
	a = send(reads, session, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"create","arguments":{}}}`)
	assert.Equal(t, http.StatusForbidden, a.Status)
	assert.Equal(t, `Bearer realm="api", error="insufficient_scope", scope="post", `+where, a.Header.Get("WWW-Authenticate"))

	other := issuer.Token(jwkstest.Claims{"client_id": "other", "scope": "get post"})
	a = send(other, session, `{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"whoami","arguments":{}}}`)
	assert.Equal(t, http.StatusForbidden, a.Status, "the session is another client's")
	assert.NotContains(t, a.Body, "scopes")
}

func TestItsMetadataNamesTheResourceAndItsScopes(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t)
	_, url := start(t, "-issuer", issuer.Issuer())
	m := testkit.Get(t, url+"/.well-known/oauth-protected-resource/mcp", "").Members(t)
	assert.Equal(t, url+"/mcp", m["resource"])
	assert.Equal(t, []any{issuer.Issuer()}, m["authorization_servers"])
	assert.Equal(t, []any{"get", "post"}, m["scopes_supported"])

	_, url = start(t, "-issuer", issuer.Issuer(), "-resource", "https://mcp.example/orders")
	m = testkit.Get(t, url+"/.well-known/oauth-protected-resource/orders", "").Members(t)
	assert.Equal(t, "https://mcp.example/orders", m["resource"])
}

func TestNoToolIsForgotten(t *testing.T) {
	t.Parallel()
	gate, _ := testkit.Gate(t)
	cfg := config{resource: "https://mcp.example/mcp"}
	table, err := newTable(gate, cfg.levels())
	require.NoError(t, err)
	report, err := table.Audit(t.Context(), newServer())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(report)
}

func TestWithoutAnIssuerItBringsOne(t *testing.T) {
	t.Parallel()
	r, url := start(t, "-auth-addr", "127.0.0.1:0")
	testkit.Until(t, &r.Stdout, "TOKEN=$(curl")
	assert.Contains(t, r.Stdout.String(), "The MCP server is at "+url+"/mcp.")
	m := testkit.Get(t, url+"/.well-known/oauth-protected-resource/mcp", "").Members(t)
	assert.Len(t, m["authorization_servers"], 3)
	r.AssertEnds(exitOK)
}

func TestAStreamDoesNotKeepItFromEnding(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t)
	program, log := testkit.Program(t, "-addr", "127.0.0.1:0", "-issuer", issuer.Issuer(), "-audience", issuer.Audience()), &testkit.Buffer{}
	program.Stderr = log
	require.NoError(t, program.Start())
	testkit.Until(t, log, "serving mcp")
	connect(t, serving.FindStringSubmatch(log.String())[1], fixed{issuer.Token()}) // its client holds a stream
	require.NoError(t, program.Process.Signal(syscall.SIGTERM))
	assert.NoError(t, program.Wait(), "exit status")
	assert.NotContains(t, log.String(), "not cleanly")
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]trust.Issuer{
		"-issuer A -audience x -audience y -issuer B -audience z":           {{Name: "A", Audiences: []string{"x", "y"}}, {Name: "B", Audiences: []string{"z"}}},
		"-issuer A -issuer B -audience x":                                   {{Name: "A", Audiences: []string{"x"}}, {Name: "B", Audiences: []string{"x"}}},
		"-audience x -issuer A -issuer B -audience y -issuer A -audience z": {{Name: "A", Audiences: []string{"x", "y", "z"}}, {Name: "B", Audiences: []string{"x", "y"}}},
		"-issuer A": {{Name: "A"}},
	} {
		cfg, err := parse(strings.Fields(args), io.Discard)
		require.NoError(t, err)
		assert.Equal(t, want, cfg.issuers, args)
	}
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-audience", "x"}, exitUsage, "-audience without -issuer"},
		{[]string{"-issuer", ""}, exitUsage, "it is empty"},
		{[]string{"-audience", ""}, exitUsage, "it is empty"},
		{[]string{"x"}, exitUsage, `unexpected argument "x"`},
		{[]string{"-nothing"}, exitUsage, "lists the flags"},
		{[]string{"-h"}, exitOK, ""},
		{[]string{"-addr", "nowhere"}, exitFailed, "choose another address with -addr"},
		{[]string{"-addr", "127.0.0.1:0", "-auth-addr", "nowhere"}, exitFailed, "choose another address with -auth-addr"},
		{[]string{"-addr", "127.0.0.1:0", "-issuer", "https://a.example", "-resource", "http://mcp.example"}, exitFailed, "Resource is not https"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, row.code, run(t.Context(), row.args, &out, &errs), row.args)
		assert.Contains(t, errs.String(), row.says)
	}
}
