package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is devauth with its log, and an API that notes the tokens it is shown.
type world struct {
	auth *devauth.Server
	log  testkit.Buffer
	api  *httptest.Server

	mu     sync.Mutex
	tokens map[string]int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{tokens: map[string]int{}}
	w.auth = testkit.Auth(t, devauth.Config{Logger: slog.New(slog.NewTextHandler(&w.log, nil))})
	w.api = httptest.NewServer(http.HandlerFunc(w.serveAPI))
	t.Cleanup(w.api.Close)
	return w
}

// fetches is how many token requests there were.
func (w *world) fetches() int { return strings.Count(w.log.String(), "devauth: token ") }

func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	switch token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case r.URL.Path == "/moved":
		http.Redirect(rw, r, "/orders", http.StatusTemporaryRedirect)
	case r.URL.Path == "/forbidden":
		rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
		rw.WriteHeader(http.StatusForbidden)
	case !ok || strings.Count(token, ".") != 2:
		rw.WriteHeader(http.StatusUnauthorized)
	default:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tokens[token]++
		_, _ = rw.Write([]byte("orders"))
	}
}

// seen forgets and returns how often each token was shown to the API.
func (w *world) seen() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	tokens := w.tokens
	w.tokens = map[string]int{}
	return tokens
}

// config is how a client's scheme wants its credentials sent.
func (w *world) config(t *testing.T, scheme devauth.Scheme, name string) clientcredentials.Config {
	t.Helper()
	who, err := w.auth.Client(scheme, name)
	require.NoError(t, err)
	c := clientcredentials.Config{ClientID: who.ID, ClientSecret: who.Secret, AuthStyle: oauth2.AuthStyleInParams, TokenURL: w.auth.TokenRequest(who).URL}
	switch scheme {
	case devauth.OKQ8:
		c.Scopes = []string{who.Audiences[0] + "/.default"}
	case devauth.Messaging:
		c.AuthStyle = oauth2.AuthStyleInHeader
	case devauth.Bokbasen:
		c.EndpointParams = url.Values{"audience": who.Audiences[:1]}
	}
	return c
}

func arguments(c clientcredentials.Config, more ...string) []string {
	args := []string{"-token-url", c.TokenURL, "-client-id", c.ClientID, "-audience", c.EndpointParams.Get("audience")}
	for _, s := range c.Scopes {
		args = append(args, "-scope", s)
	}
	if c.AuthStyle == oauth2.AuthStyleInHeader {
		args = append(args, "-auth-style", "header")
	}
	return append(args, more...)
}

func secretEnv(c clientcredentials.Config) func(string) string {
	return func(name string) string { return map[string]string{"CLIENT_SECRET": c.ClientSecret}[name] }
}

// program runs the client and returns its exit status and what it printed.
func program(ctx context.Context, c clientcredentials.Config, more ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	code = run(ctx, arguments(c, more...), secretEnv(c), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestClient(t *testing.T) {
	w := newWorld(t) // the rows share it and its counts, one after the other

	for _, scheme := range devauth.Schemes {
		t.Run(string(scheme)+" fetches one token for many calls", func(t *testing.T) {
			before := w.fetches()
			code, out, errs := program(t.Context(), w.config(t, scheme, devauth.GetOnly), "-api", w.api.URL+"/orders", "-n", "5")
			require.Equal(t, exitOK, code, errs)
			assert.Equal(t, 1, w.fetches()-before, "token requests")
			assert.Equal(t, 5, strings.Count(out, "-> 200 OK orders\n"), out)
			tokens := w.seen()
			require.Len(t, tokens, 1)
			for token, calls := range tokens {
				assert.Equal(t, 5, calls)
				assert.NotContains(t, out+errs, token)
			}
		})
		t.Run(string(scheme)+" fetches one token for concurrent calls", func(t *testing.T) {
			before := w.fetches()
			client := newClient(t.Context(), w.config(t, scheme, devauth.AllLevels))
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					assert.NoError(t, call(t.Context(), client, http.MethodGet, w.api.URL+"/orders", &bytes.Buffer{}))
				})
			}
			wg.Wait()
			assert.Equal(t, 1, w.fetches()-before, "token requests")
			assert.Len(t, w.seen(), 1)
		})
		t.Run(string(scheme)+" says why there is no token", func(t *testing.T) {
			c := w.config(t, scheme, devauth.AllLevels)
			c.ClientSecret = "not-the-secret"
			code, _, errs := program(t.Context(), c, "-api", w.api.URL+"/orders")
			assert.Equal(t, exitFailed, code)
			assert.Regexp(t, "invalid_client|access_denied", errs)
			assert.NotContains(t, errs, c.ClientSecret)
			assert.Empty(t, w.seen())
		})
	}

	messaging := w.config(t, devauth.Messaging, devauth.AllLevels)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, row := range []struct {
		name            string
		ctx             context.Context
		path, out, errs string
	}{
		{"an API that says no is a failure", t.Context(), "/forbidden", "-> 403 Forbidden", "insufficient_scope"},
		{"a redirect is not followed with the token", t.Context(), "/moved", "-> 307", "307"},
		{"a cancelled program stops", cancelled, "/orders", "", "canceled"},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, out, errs := program(row.ctx, messaging, "-api", w.api.URL+row.path)
			assert.Equal(t, exitFailed, code)
			assert.Contains(t, out, row.out)
			assert.Contains(t, errs, row.errs)
			assert.Empty(t, w.seen())
		})
	}
}

func TestWrongFlagsAreNamedTogether(t *testing.T) {
	t.Parallel()
	noEnv := func(string) string { return "" }
	full := clientcredentials.Config{TokenURL: "https://issuer.example/token", ClientID: "c", ClientSecret: "s"}
	for _, row := range []struct {
		name   string
		args   []string
		getenv func(string) string
		want   []string
	}{
		{"no secret, too many calls, a stray word", arguments(full, "-n", "1001", "stray"), noEnv, []string{"CLIENT_SECRET", "-n must be between 1 and 1000", `"stray"`}},
		{"another variable for the secret", arguments(full, "-secret-env", "OTHER"), noEnv, []string{"variable OTHER"}},
		{
			"nothing about the token", []string{"-auth-style", "body"}, secretEnv(full),
			[]string{"-token-url must be a URL", "-client-id is missing", `-auth-style "body" must be params or header`},
		},
		{"a token endpoint in the clear", append(arguments(full), "-token-url", "http://issuer.example/token"), secretEnv(full), []string{"-token-url must be https"}},
		{"an API in the clear", arguments(full, "-api", "http://api.example/"), secretEnv(full), []string{"-api must be https"}},
		{"an unknown flag", []string{"-colour"}, secretEnv(full), []string{"-colour"}},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), row.args, row.getenv, &out, &errs), row.name)
		for _, want := range row.want {
			assert.Contains(t, errs.String(), want, row.name)
		}
		assert.Empty(t, out.String(), row.name)
	}
	var out, errs bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, noEnv, &out, &errs))
	assert.Contains(t, errs.String(), "-token-url")
}

func TestAnAPIThatDoesNotAnswerIsAFailure(t *testing.T) {
	t.Parallel()
	address := "http://" + testkit.FreeAddr(t)
	begun := time.Now()
	code, _, errs := program(t.Context(), clientcredentials.Config{TokenURL: address + "/token", ClientID: "c", ClientSecret: "s"}, "-api", address)
	assert.Equal(t, exitFailed, code)
	assert.Less(t, time.Since(begun), requestTimeout)
	assert.Contains(t, errs, address)
}
