package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is devauth, counting its token requests, and an API that notes the
// tokens it is shown.
type world struct {
	auth    *devauth.Server
	fetches atomic.Int64
	api     *httptest.Server

	mu     sync.Mutex
	tokens map[string]int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{tokens: map[string]int{}}
	front := httptest.NewUnstartedServer(nil)
	auth, err := devauth.New(devauth.Config{BaseURL: "http://" + front.Listener.Addr().String()})
	require.NoError(t, err)
	w.auth = auth
	front.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.fetches.Add(1)
		auth.ServeHTTP(rw, r)
	})
	front.Start()
	w.api = httptest.NewServer(http.HandlerFunc(w.serveAPI))
	t.Cleanup(func() {
		front.Close()
		w.api.Close()
	})
	return w
}

func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/moved":
		http.Redirect(rw, r, "/orders", http.StatusTemporaryRedirect)
		return
	case "/forbidden":
		rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || strings.Count(token, ".") != 2 {
		rw.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens[token]++
	_, _ = rw.Write([]byte("orders"))
}

// seen forgets and returns how often each token was shown to the API.
func (w *world) seen() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	tokens := w.tokens
	w.tokens = map[string]int{}
	return tokens
}

// credentials of a client as its scheme wants them sent.
func (w *world) credentials(t *testing.T, scheme devauth.Scheme, name string) Credentials {
	t.Helper()
	who, err := w.auth.Client(scheme, name)
	require.NoError(t, err)
	secret, err := w.auth.Secret(scheme, who.ID)
	require.NoError(t, err)
	c := Credentials{ClientID: who.ID, Secret: secret, Style: InParams}
	issuers := w.auth.Issuers()
	for n := range issuers {
		if issuers[n].Scheme == scheme {
			c.TokenURL = issuers[n].TokenURL
		}
	}
	switch scheme {
	case devauth.OKQ8:
		c.Scopes = []string{who.Audiences[0] + "/.default"}
	case devauth.Messaging:
		c.Style = InHeader
	case devauth.Bokbasen:
		c.Audience = who.Audiences[0]
	}
	return c
}

func arguments(c Credentials, more ...string) []string {
	args := []string{"-token-url", c.TokenURL, "-client-id", c.ClientID, "-auth-style", string(c.Style)}
	for _, s := range c.Scopes {
		args = append(args, "-scope", s)
	}
	if c.Audience != "" {
		args = append(args, "-audience", c.Audience)
	}
	return append(args, more...)
}

func secretEnv(c Credentials) func(string) string {
	return func(name string) string { return map[string]string{"CLIENT_SECRET": c.Secret}[name] }
}

func TestClient(t *testing.T) {
	w := newWorld(t) // making its keys takes a while, so the rows share it and its counts, one after the other

	for _, scheme := range []devauth.Scheme{devauth.OKQ8, devauth.Messaging, devauth.Bokbasen} {
		for _, name := range []string{devauth.AllLevels, devauth.GetOnly} {
			t.Run(string(scheme)+"/"+name+" fetches one token for many calls", func(t *testing.T) {
				before := w.fetches.Load()
				c := w.credentials(t, scheme, name)
				var out, errs bytes.Buffer
				code := run(t.Context(), arguments(c, "-api", w.api.URL+"/orders", "-n", "5"), secretEnv(c), &out, &errs)
				require.Equal(t, exitOK, code, errs.String())
				assert.Equal(t, int64(1), w.fetches.Load()-before, "token requests")
				assert.Equal(t, 5, strings.Count(out.String(), "-> 200 OK orders\n"), out.String())
				tokens := w.seen()
				require.Len(t, tokens, 1)
				for token, calls := range tokens {
					assert.Equal(t, 5, calls)
					assert.NotContains(t, out.String()+errs.String(), token)
				}
			})
		}
		t.Run(string(scheme)+" fetches one token for concurrent calls", func(t *testing.T) {
			before := w.fetches.Load()
			client, err := NewClient(t.Context(), w.credentials(t, scheme, devauth.AllLevels))
			require.NoError(t, err)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					assert.NoError(t, call(t.Context(), client, http.MethodGet, w.api.URL+"/orders", &bytes.Buffer{}))
				})
			}
			wg.Wait()
			assert.Equal(t, int64(1), w.fetches.Load()-before, "token requests")
			assert.Len(t, w.seen(), 1)
		})
		t.Run(string(scheme)+" says why there is no token", func(t *testing.T) {
			c := w.credentials(t, scheme, devauth.AllLevels)
			c.Secret = "not-the-secret"
			var out, errs bytes.Buffer
			code := run(t.Context(), arguments(c, "-api", w.api.URL+"/orders"), secretEnv(c), &out, &errs)
			assert.Equal(t, exitFailed, code)
			assert.Regexp(t, "invalid_client|access_denied", errs.String())
			assert.NotContains(t, errs.String(), c.Secret)
			assert.Empty(t, w.seen())
		})
	}

	messaging := w.credentials(t, devauth.Messaging, devauth.AllLevels)
	t.Run("an API that says no is a failure", func(t *testing.T) {
		var out, errs bytes.Buffer
		code := run(t.Context(), arguments(messaging, "-api", w.api.URL+"/forbidden"), secretEnv(messaging), &out, &errs)
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, out.String(), "-> 403 Forbidden")
		assert.Contains(t, errs.String(), "insufficient_scope")
	})
	t.Run("a redirect is not followed with the token", func(t *testing.T) {
		var out, errs bytes.Buffer
		code := run(t.Context(), arguments(messaging, "-api", w.api.URL+"/moved"), secretEnv(messaging), &out, &errs)
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, out.String(), "-> 307")
		assert.Empty(t, w.seen())
	})
	t.Run("a cancelled program stops", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var out, errs bytes.Buffer
		code := run(ctx, arguments(messaging, "-api", w.api.URL+"/orders"), secretEnv(messaging), &out, &errs)
		assert.Equal(t, exitFailed, code)
		assert.Contains(t, errs.String(), "canceled")
	})
}

func TestWrongFlagsAreNamedTogether(t *testing.T) {
	t.Parallel()
	noEnv := func(string) string { return "" }
	full := Credentials{TokenURL: "https://issuer.example/token", ClientID: "c", Secret: "s", Style: InParams}
	for _, row := range []struct {
		name   string
		args   []string
		getenv func(string) string
		want   []string
	}{
		{
			"no secret, too many calls, a stray word", arguments(full, "-n", "1001", "stray"), noEnv,
			[]string{"CLIENT_SECRET", "-n must be between 1 and 1000", `"stray"`},
		},
		{"another variable for the secret", arguments(full, "-secret-env", "OTHER"), noEnv, []string{"variable OTHER"}},
		{
			"nothing about the token",
			[]string{"-auth-style", "body"},
			secretEnv(full),
			[]string{"-token-url must be a URL", "-client-id is missing", `-auth-style "body" must be params or header`},
		},
		{
			"a token endpoint in the clear", arguments(Credentials{TokenURL: "http://issuer.example/token", ClientID: "c", Style: InHeader}), secretEnv(full),
			[]string{"-token-url must be https"},
		},
		{"an API in the clear", arguments(full, "-api", "http://api.example/"), secretEnv(full), []string{"-api must be https"}},
		{"an unknown flag", []string{"-colour"}, secretEnv(full), []string{"-colour"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			assert.Equal(t, exitUsage, run(t.Context(), row.args, row.getenv, &out, &errs))
			for _, want := range row.want {
				assert.Contains(t, errs.String(), want)
			}
			assert.Empty(t, out.String())
		})
	}
	var out, errs bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, noEnv, &out, &errs))
	assert.Contains(t, errs.String(), "-token-url")
}

func TestAnAPIThatDoesNotAnswerIsAFailure(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.NotFoundHandler())
	address := silent.URL
	silent.Close()
	c := Credentials{TokenURL: address + "/token", ClientID: "c", Secret: "s", Style: InHeader}
	var out, errs bytes.Buffer
	begun := time.Now()
	assert.Equal(t, exitFailed, run(t.Context(), arguments(c, "-api", address), secretEnv(c), &out, &errs))
	assert.Less(t, time.Since(begun), requestTimeout)
	assert.Contains(t, errs.String(), address)
}
