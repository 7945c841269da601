package mcpauth_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

// Once it is judged an answer is sent as it comes: what a tool says while it runs
// arrives before it has ended.
func TestAnAnswerIsSentAsItComesOnceItIsJudged(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	goOn := make(chan struct{})
	mcp.AddTool(k.server, &mcp.Tool{Name: "list"}, func(ctx context.Context, req *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, struct{}, error) {
		err := req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: "p", Progress: 1, Message: "half way"})
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return nil, struct{}{}, err
	})
	m := message{token: k.token("a", "get"), session: k.open(k.token("a", "")), header: [][2]string{version(oldVersion)}, body: call("list")}
	response, err := client.Do(m.request(t.Context(), t, k.url))
	require.NoError(t, err)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "half way") {
	}
	assert.Contains(t, lines.Text(), "half way")
	close(goOn)
	rest := ""
	for lines.Scan() {
		rest += lines.Text()
	}
	assert.Contains(t, rest, `"result"`)
}

// A caller that leaves before its message is judged gets nothing, and a judgement
// that comes later writes nothing.
func TestAJudgementThatComesTooLateWritesNothing(t *testing.T) {
	t.Parallel()
	for name, scopes := range map[string]string{"refused": "", "allowed": "get"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKit(t, config{})
			session := k.open(k.token("a", "")) // from here on the table judges inside of what is added now
			arrived, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			k.server.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
				return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
					if method != "tools/call" {
						return next(ctx, method, req)
					}
					close(arrived)
					<-goOn
					result, err := next(ctx, method, req)
					done <- err
					return result, err
				}
			})
			served := make(chan struct{})
			k.url = k.serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if r.Header.Get("Mcp-Session-Id") != "" {
						close(served)
					}
				}()
				k.root.ServeHTTP(w, r)
			})) + "/mcp"
			ctx, leave := context.WithCancel(t.Context())
			m := message{token: k.token("a", scopes), session: session, header: [][2]string{version(oldVersion)}, body: call("list")}
			request, gone := m.request(ctx, t, k.url), make(chan error, 1)
			go func() {
				response, err := client.Do(request)
				if err == nil {
					_, err = io.Copy(io.Discard, response.Body)
					_ = response.Body.Close()
				}
				gone <- err
			}()
			<-arrived
			leave()
			<-gone
			<-served
			close(goOn)
			err := <-done
			if scopes == "" {
				assert.ErrorContains(t, err, "does not allow this")
				assert.Empty(t, k.took())
			} else {
				assert.NoError(t, err)
				assert.Equal(t, []string{"list"}, k.took())
			}
		})
	}
}

// A stream of a session ends with the token that it was opened with.
func TestAStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	k := newKit(t, config{guard: middleware.Config{EndAtExpiry: true}, now: func() time.Time { return now }})
	session := k.open(k.token("a", ""))
	token := k.token("a", "", jwkstest.Claims{"exp": now.Unix() - 29}) // of the leeway of 30 s a second is left
	m := message{method: http.MethodGet, token: token, session: session, header: [][2]string{version(oldVersion)}}
	response, err := client.Do(m.request(t.Context(), t, k.url))
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	_, err = io.Copy(io.Discard, response.Body) // until the server ends it
	assert.NoError(t, err)
}
