package mcpauth_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	audience = "api://mcp"
	resource = "https://mcp.example/mcp"
	metadata = `, resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"`
	patience = time.Minute

	oldVersion   = "2025-11-25"
	batchVersion = "2025-03-26"
	newVersion   = "2026-07-28"
)

// policy is the table of most tests.
func policy() mcpauth.Policy {
	return mcpauth.Policy{Rules: map[string]claims.Rule{
		"tools/list":        claims.AnyToken(),
		"tools/call":        claims.AllScopes("admin"),
		"tools/call list":   claims.AllScopes("get"),
		"tools/call create": claims.AllScopes("post"),
		"tools/call whoami": claims.AnyToken(),
	}}
}

// seen is what a tool saw of its call, in three ways.
type seen struct {
	Client      string   `json:"client"`      // of Claims
	Scopes      []string `json:"scopes"`      // of Claims
	FromContext []string `json:"fromContext"` // scopes of claims.FromContext
	TokenInfo   []string `json:"tokenInfo"`   // scopes of the SDK's TokenInfo in the request
	InContext   []string `json:"inContext"`   // scopes of the SDK's TokenInfo in the context
}

// kit is an endpoint with its issuer, and what ran in it.
type kit struct {
	t      *testing.T
	issuer *jwkstest.Issuer
	gate   *sallyport.Gate
	table  *mcpauth.Table
	server *mcp.Server
	url    string
	root   http.Handler

	mu  sync.Mutex
	ran []string
}

type config struct {
	policy  *mcpauth.Policy
	guard   middleware.Config
	options *mcp.StreamableHTTPOptions
	server  *mcp.ServerOptions
	others  []*jwkstest.Issuer
	now     func() time.Time // nil is time.Now
}

// newKit serves an endpoint at /mcp and, with a tenant, at /tenants/{tenant}/mcp.
func newKit(t *testing.T, cfg config) *kit {
	t.Helper()
	k := &kit{t: t, issuer: jwkstest.New(t, jwkstest.WithAudience(audience))}
	cfg.guard.Resource = resource
	trusted := []providers.Provider{providers.Generic(k.issuer.Issuer(), audience)}
	for _, other := range cfg.others {
		trusted = append(trusted, providers.Generic(other.Issuer(), audience))
	}
	var err error
	k.gate, err = sallyport.Open(sallyport.Config{Providers: trusted, Guard: cfg.guard, Verifier: verifier.Config{Now: cfg.now}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, k.gate.Close()) })
	if cfg.policy == nil {
		own := policy()
		cfg.policy = &own
	}
	k.table, err = mcpauth.New(k.gate, *cfg.policy)
	require.NoError(t, err)
	k.server = k.newServer(cfg.server)
	endpoint := k.table.Handler(func(*http.Request) *mcp.Server { return k.server }, cfg.options)
	mux := http.NewServeMux()
	mux.Handle("/mcp", endpoint)
	mux.Handle("/tenants/{tenant}/mcp", endpoint)
	k.root = mux
	k.url = k.serve(mux) + "/mcp"
	return k
}

// serve serves a handler on a socket until the test ends.
func (k *kit) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	k.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		for session := range k.server.Sessions() {
			_ = session.Close()
		}
	})
	return server.URL
}

// newServer returns a server whose tools note that they ran.
func (k *kit) newServer(options *mcp.ServerOptions) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, options)
	for _, name := range []string{"list", "create", "whoami", "other"} {
		mcp.AddTool(server, &mcp.Tool{Name: name}, func(ctx context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, seen, error) {
			k.note(name)
			return nil, look(ctx, req), nil
		})
	}
	return server
}

// look returns what a tool sees.
func look(ctx context.Context, req *mcp.CallToolRequest) seen {
	var s seen
	if c, ok := mcpauth.Claims(req); ok {
		s.Client, s.Scopes = c.ClientID(), slices.Sorted(c.Scopes())
	}
	if c, ok := claims.FromContext(ctx); ok {
		s.FromContext = slices.Sorted(c.Scopes())
	}
	if req.Extra != nil && req.Extra.TokenInfo != nil {
		s.TokenInfo = slices.Sorted(slices.Values(req.Extra.TokenInfo.Scopes))
	}
	if info := auth.TokenInfoFromContext(ctx); info != nil {
		s.InContext = slices.Sorted(slices.Values(info.Scopes))
	}
	return s
}

func (k *kit) note(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ran = append(k.ran, what)
}

// took returns what ran since the last time.
func (k *kit) took() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	ran := k.ran
	k.ran = nil
	return ran
}

// token returns a token of a client, with scopes.
func (k *kit) token(client, scopes string, more ...jwkstest.TokenOption) string {
	return k.issuer.Token(append([]jwkstest.TokenOption{jwkstest.Claims{"client_id": client, "sub": client, "scope": scopes}}, more...)...)
}

// message is one HTTP request.
type message struct {
	method  string // "" is POST
	path    string // "" is /mcp
	token   string
	session string
	header  [][2]string
	body    string
}

// answer is what a caller gets.
type answer struct {
	status    int
	challenge string
	header    http.Header
	body      string
}

// result returns the structured result of a tool.
func (a answer) result(t *testing.T) (s seen) {
	t.Helper()
	var m struct {
		Result struct {
			StructuredContent *seen `json:"structuredContent"`
		} `json:"result"`
	}
	m.Result.StructuredContent = &s
	text := a.body
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/event-stream") {
		text = lastEvent(text)
	}
	require.NoError(t, json.Unmarshal([]byte(text), &m), a.body)
	return s
}

func lastEvent(stream string) (data string) {
	lines := bufio.NewScanner(strings.NewReader(stream))
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok && text != "" {
			data = text
		}
	}
	return data
}

func (m message) request(ctx context.Context, t *testing.T, url string) *http.Request {
	t.Helper()
	if m.method == "" {
		m.method = http.MethodPost
	}
	if m.path != "" {
		url = strings.TrimSuffix(url, "/mcp") + m.path
	}
	r, err := http.NewRequestWithContext(ctx, m.method, url, strings.NewReader(m.body))
	require.NoError(t, err)
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Content-Type", "application/json")
	if m.token != "" {
		r.Header.Set("Authorization", "Bearer "+m.token)
	}
	if m.session != "" {
		r.Header.Set("Mcp-Session-Id", m.session)
	}
	for _, field := range m.header {
		r.Header.Add(field[0], field[1])
	}
	return r
}

// client keeps no connection, so that none outlives its test.
var client = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// send sends a message over a socket and reads its answer to the end.
func (k *kit) send(m message) answer {
	k.t.Helper()
	response, err := client.Do(m.request(k.t.Context(), k.t, k.url))
	require.NoError(k.t, err)
	defer response.Body.Close()
	var body []byte
	if m.method != http.MethodGet || response.StatusCode != http.StatusOK { // of a stream that goes on the status is enough
		body, err = io.ReadAll(response.Body)
		require.NoError(k.t, err)
	}
	return answer{response.StatusCode, strings.Join(response.Header.Values("WWW-Authenticate"), "\n"), response.Header, string(body)}
}

// version is the header with the version of the protocol.
func version(v string) [2]string { return [2]string{"MCP-Protocol-Version", v} }

// named are the headers of a message of the newest version.
func named(method string, names ...string) [][2]string {
	header := [][2]string{version(newVersion), {"Mcp-Method", method}}
	for _, name := range names {
		header = append(header, [2]string{"Mcp-Name", name})
	}
	return header
}

// call is the body of a call of a tool; of the newest version, it says so.
func call(tool string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{}}}`
}

const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}`

func newCall(tool string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tool + `","arguments":{},` + meta + `}}`
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// open opens a session and returns its id.
func (k *kit) open(token string) string {
	k.t.Helper()
	got := k.send(message{token: token, body: initialize})
	require.Equal(k.t, http.StatusOK, got.status, got.body)
	session := got.header.Get("Mcp-Session-Id")
	require.NotEmpty(k.t, session)
	done := k.send(message{token: token, session: session, header: [][2]string{version(oldVersion)}, body: `{"jsonrpc":"2.0","method":"notifications/initialized"}`})
	require.Equal(k.t, http.StatusAccepted, done.status, done.body)
	return session
}

// untouched is a body that must not be read.
type untouched struct{ read bool }

func (u *untouched) Read([]byte) (int, error) { u.read = true; return 0, io.EOF }

// direct hands a request to the handler without a socket, with a body of its own.
func (k *kit) direct(m message, body io.Reader) *httptest.ResponseRecorder {
	k.t.Helper()
	r := m.request(k.t.Context(), k.t, "https://mcp.example/mcp")
	r.Body = io.NopCloser(body)
	return serve(k.root, r)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
