package servers_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/api"
	"github.com/sallyport-go/sallyport/integration/servers"
)

const callback = "http://127.0.0.1:1/callback" // nothing listens there: the browser stops in front of it

// browser is a user who logs in and consents to whatever is asked.
type browser struct {
	client *http.Client
	mu     sync.Mutex
	asked  []string // the scopes of the authorization requests
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{client: &http.Client{
		Jar: jar, Timeout: 30 * time.Second,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), callback) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}}
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)" method="post"`)
	formPrompt = regexp.MustCompile(`name="prompt" value="([^"]+)"`)
)

// authorize is the [auth.AuthorizationCodeFetcher] of a user in front of a browser.
func (b *browser) authorize(ctx context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
	begin, err := url.Parse(args.URL)
	if err != nil {
		return nil, err
	}
	scopes := strings.Fields(begin.Query().Get("scope"))
	slices.Sort(scopes)
	b.mu.Lock()
	b.asked = append(b.asked, strings.Join(scopes, " "))
	b.mu.Unlock()
	response, page, err := b.send(ctx, http.MethodGet, args.URL, nil)
	for range 5 { // a login, a consent
		if err != nil {
			return nil, err
		}
		if to := response.Header.Get("Location"); strings.HasPrefix(to, callback) {
			u, err := url.Parse(to)
			if err != nil {
				return nil, err
			}
			return &auth.AuthorizationResult{Code: u.Query().Get("code"), State: u.Query().Get("state"), Iss: u.Query().Get("iss")}, nil
		}
		action, prompt := formAction.FindStringSubmatch(page), formPrompt.FindStringSubmatch(page)
		if action == nil || prompt == nil {
			return nil, errors.New("neither a form nor an end: " + page)
		}
		response, page, err = b.send(ctx, http.MethodPost, html.UnescapeString(action[1]), url.Values{"prompt": {prompt[1]}, "login": {"user"}, "password": {"any"}})
	}
	return nil, errors.New("the forms have no end")
}

func (b *browser) send(ctx context.Context, method, to string, form url.Values) (*http.Response, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := b.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	return response, string(page), err
}

// leastFirst asks for get where more is on offer, and for what a challenge names.
func leastFirst(discovered []string) []string {
	if len(discovered) > 1 {
		return []string{"get"}
	}
	return discovered
}

// registered is how a client registers itself.
func registered() *auth.DynamicClientRegistrationConfig {
	return &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
		ClientName: "test", RedirectURIs: []string{callback}, GrantTypes: []string{"authorization_code"}, ResponseTypes: []string{"code"},
		TokenEndpointAuthMethod: "none", Scope: "get post",
	}}
}

func connectMCP(t *testing.T, a *api.API, cfg *auth.AuthorizationCodeHandlerConfig) *mcp.ClientSession {
	t.Helper()
	cfg.RedirectURL, cfg.Client = callback, client
	handler, err := auth.NewAuthorizationCodeHandler(cfg)
	require.NoError(t, err)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).
		Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: a.URL + "/mcp", OAuthHandler: handler, HTTPClient: client}, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func callTool(t *testing.T, session *mcp.ClientSession, tool string) (members map[string]any) {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool})
	require.NoError(t, err, tool)
	require.False(t, result.IsError, result.Content)
	require.NoError(t, json.Unmarshal([]byte(result.Content[0].(*mcp.TextContent).Text), &members))
	return members
}

// The client of the SDK knows the address of an MCP server and nothing else: it finds
// the authorization server by the challenge and the metadata, gets a token from it
// for the scope of reading, and one more when a tool asks for it, in one session.
func TestTheClientOfMCPDiscoversAndStepsUp(t *testing.T) {
	t.Parallel()
	s := servers.New(t, servers.OIDCProvider)
	a := api.StartMCP(t, "-issuer", s.Facts().Issuer)

	t.Run("a client that its issuer knows", func(t *testing.T) {
		t.Parallel()
		user := newBrowser(t)
		session := connectMCP(t, a, &auth.AuthorizationCodeHandlerConfig{
			PreregisteredClient: &oauthex.ClientCredentials{ClientID: "agent"}, AuthorizationCodeFetcher: user.authorize, ScopeFilter: leastFirst,
		})
		id := session.ID()
		require.NotEmpty(t, id)
		assert.Len(t, callTool(t, session, "list")["orders"], 1)
		assert.Equal(t, []any{"get"}, callTool(t, session, "whoami")["scopes"])
		assert.Equal(t, []string{"get"}, user.asked)

		assert.NotEmpty(t, callTool(t, session, "create")["id"])
		assert.Equal(t, []string{"get", "get post"}, user.asked)
		who := callTool(t, session, "whoami")
		assert.Equal(t, "agent", who["client_id"])
		assert.ElementsMatch(t, []any{"get", "post"}, who["scopes"])
		assert.Equal(t, id, session.ID(), "the session goes on")
	})
	t.Run("a client that registers itself", func(t *testing.T) {
		t.Parallel()
		user := newBrowser(t)
		session := connectMCP(t, a, &auth.AuthorizationCodeHandlerConfig{DynamicClientRegistrationConfig: registered(), AuthorizationCodeFetcher: user.authorize})
		assert.ElementsMatch(t, []any{"get", "post"}, callTool(t, session, "whoami")["scopes"])
		callTool(t, session, "create")
		assert.Equal(t, []string{"get post"}, user.asked, "the metadata names the scopes of all tools")
	})
	// docs/guide/mcp.md warns of it
	t.Run("a client that registers anew to step up is another client, and leaves its session", func(t *testing.T) {
		t.Parallel()
		user := newBrowser(t)
		session := connectMCP(t, a, &auth.AuthorizationCodeHandlerConfig{DynamicClientRegistrationConfig: registered(), AuthorizationCodeFetcher: user.authorize, ScopeFilter: leastFirst})
		callTool(t, session, "list")
		_, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "create"})
		assert.ErrorContains(t, err, "Forbidden")
		assert.Equal(t, []string{"get", "get post"}, user.asked)
	})
}
