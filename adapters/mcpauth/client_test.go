package mcpauth_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
)

// stepper is a client's OAuth handler that has the next token at every challenge.
type stepper struct {
	mu     sync.Mutex
	tokens []string // the first is in use
	met    []string // challenges
}

func (s *stepper) TokenSource(context.Context) (oauth2.TokenSource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[0] == "" {
		return nil, nil
	}
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s.tokens[0]}), nil
}

func (s *stepper) Authorize(_ context.Context, _ *http.Request, response *http.Response) error {
	defer response.Body.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met = append(s.met, response.Header.Get("WWW-Authenticate"))
	if len(s.tokens) > 1 {
		s.tokens = s.tokens[1:]
	}
	return nil
}

// The SDK's client opens a session, is refused a tool by HTTP, gets a token with its
// scope, and goes on in the same session.
func TestTheClientOfTheSDKStepsUpInItsSession(t *testing.T) {
	t.Parallel()
	for name, stateless := range map[string]bool{"stateful": false, "stateless": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, config{options: &mcp.StreamableHTTPOptions{Stateless: stateless}})
			handler := &stepper{tokens: []string{"", k.token("agent", "get"), k.token("agent", "get post")}}
			session, err := mcp.NewClient(&mcp.Implementation{Name: "t", Version: "1"}, nil).
				Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: k.url, OAuthHandler: handler, HTTPClient: client}, nil)
			require.NoError(t, err)
			defer session.Close()
			id := session.ID()
			assert.Equal(t, stateless, id == "")
			tools, err := session.ListTools(t.Context(), nil)
			require.NoError(t, err)
			assert.Len(t, tools.Tools, 4)
			for _, tool := range []string{"list", "create", "whoami"} {
				result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool})
				require.NoError(t, err, tool)
				assert.False(t, result.IsError)
			}
			assert.Equal(t, id, session.ID())
			assert.Equal(t, []string{"list", "create", "whoami"}, k.took())
			assert.Equal(t, []string{noToken, lacksPost}, handler.met)

			_, err = session.CallTool(t.Context(), &mcp.CallToolParams{Name: "other"})
			assert.Error(t, err, "there is no better token")
			assert.Empty(t, k.took())
		})
	}
}

var _ auth.OAuthHandler = (*stepper)(nil)

// All servers of a table are guarded, also those that are made for one session, and
// the program may choose them by who calls.
func TestAServerMayBeMadeForEverySession(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	var mu sync.Mutex
	chosen := []string{}
	table, err := mcpauth.New(k.gate, policy())
	require.NoError(t, err)
	k.url = k.serve(table.Handler(func(r *http.Request) *mcp.Server {
		c, _ := claims.FromContext(r.Context())
		mu.Lock()
		defer mu.Unlock()
		chosen = append(chosen, c.ClientID())
		return k.newServer(nil)
	}, nil)) + "/mcp"
	for _, name := range []string{"a", "b"} {
		session := k.open(k.token(name, ""))
		got := k.send(message{token: k.token(name, "get"), session: session, header: [][2]string{version(oldVersion)}, body: call("create")})
		assert.Equal(t, http.StatusForbidden, got.status, got.body)
		got = k.send(message{token: k.token(name, "post"), session: session, header: [][2]string{version(oldVersion)}, body: call("create")})
		assert.Equal(t, http.StatusOK, got.status, got.body)
		got = k.send(message{method: http.MethodDelete, token: k.token(name, ""), session: session})
		assert.Equal(t, http.StatusNoContent, got.status)
	}
	mu.Lock()
	defer mu.Unlock()
	assert.Contains(t, chosen, "a")
	assert.Contains(t, chosen, "b")
}
