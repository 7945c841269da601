package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is devauth with its log, and an API that notes the tokens it is shown.
type world struct {
	auth *devauth.Server
	log  testkit.Buffer
	api  string

	tokens []string // the API is called by one program at a time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{}
	w.auth = testkit.Auth(t, devauth.Config{Logger: slog.New(slog.NewTextHandler(&w.log, nil))})
	api := httptest.NewServer(http.HandlerFunc(w.serveAPI))
	t.Cleanup(api.Close)
	w.api = api.URL
	return w
}

func (w *world) serveAPI(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/moved":
		http.Redirect(rw, r, "/orders", http.StatusTemporaryRedirect)
	case "/forbidden":
		rw.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope"`)
		rw.WriteHeader(http.StatusForbidden)
	default:
		w.tokens = append(w.tokens, r.Header.Get("Authorization"))
		_, _ = rw.Write([]byte("orders"))
	}
}

// flags are how a client's scheme wants its credentials sent, but for the secret.
func (w *world) flags(t *testing.T, scheme devauth.Scheme) (flags []string, secret string) {
	t.Helper()
	who, err := w.auth.Client(scheme, devauth.GetOnly)
	require.NoError(t, err)
	own := map[devauth.Scheme][]string{
		devauth.OKQ8:      {"-scope", who.Audiences[0] + "/.default"},
		devauth.Messaging: {"-auth-style", "header"},
		devauth.Bokbasen:  {"-auth-style", "params", "-audience", who.Audiences[0]},
	}
	return append(own[scheme], "-token-url", w.auth.TokenRequest(who).URL, "-client-id", who.ID), who.Secret
}

// program runs the client and returns its exit status and what it printed.
func program(ctx context.Context, secret string, args ...string) (code int, out, errs string) {
	var stdout, stderr bytes.Buffer
	getenv := func(name string) string { return map[string]string{"CLIENT_SECRET": secret}[name] }
	code = run(ctx, args, getenv, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestOneTokenIsFetchedForManyCalls(t *testing.T) {
	t.Parallel()
	for _, scheme := range devauth.Schemes {
		w := newWorld(t)
		flags, secret := w.flags(t, scheme)
		code, out, errs := program(t.Context(), secret, append(flags, "-api", w.api+"/orders", "-n", "5")...)
		require.Equal(t, exitOK, code, errs)
		assert.Equal(t, 1, strings.Count(w.log.String(), "devauth: token "), "token requests")
		assert.Equal(t, 5, strings.Count(out, "-> 200 OK orders\n"), out)
		require.Len(t, w.tokens, 5)
		token := strings.TrimPrefix(w.tokens[0], "Bearer ")
		assert.Equal(t, 2, strings.Count(token, "."), "a JWT")
		assert.Len(t, slices.Compact(w.tokens), 1)
		assert.NotContains(t, out+errs, token)

		code, _, errs = program(t.Context(), "not-the-secret", append(flags, "-api", w.api+"/orders")...)
		assert.Equal(t, exitFailed, code)
		assert.Regexp(t, "invalid_client|access_denied", errs, "why there is no token")
		assert.NotContains(t, errs, "not-the-secret")
	}
}

func TestACallThatFailsIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flags, secret := w.flags(t, devauth.Messaging)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	nobody := "http://" + testkit.FreeAddr(t)
	for _, row := range []struct {
		name          string
		ctx           context.Context
		url, tokenURL string // none: devauth's
		out, errs     string
	}{
		{"an API that says no is a failure", t.Context(), w.api + "/forbidden", "", "-> 403 Forbidden", "insufficient_scope"},
		{"a redirect is not followed with the token", t.Context(), w.api + "/moved", "", "-> 307", "307"},
		{"a cancelled program stops", cancelled, w.api + "/orders", "", "", "canceled"},
		{"an API that does not answer", t.Context(), nobody, "", "", nobody},
		{"an issuer that does not answer", t.Context(), w.api + "/orders", nobody + "/token", "", nobody},
	} {
		args := append(slices.Clone(flags), "-api", row.url)
		if row.tokenURL != "" {
			args = append(args, "-token-url", row.tokenURL)
		}
		code, out, errs := program(row.ctx, secret, args...)
		assert.Equal(t, exitFailed, code, row.name)
		assert.Contains(t, out, row.out, row.name)
		assert.Contains(t, errs, row.errs, row.name)
		assert.Empty(t, w.tokens, row.name)
	}
}

func TestWrongFlagsAreNamedTogether(t *testing.T) {
	t.Parallel()
	const full = "-token-url https://issuer.example/token -client-id c "
	for _, row := range []struct {
		name, args, secret string
		want               []string
	}{
		{"no secret, too many calls, a stray word", full + "-n 1001 stray", "", []string{"CLIENT_SECRET", "-n must be between 1 and 1000", `"stray"`}},
		{"another variable for the secret", full + "-secret-env OTHER", "s", []string{"variable OTHER"}},
		{"nothing about the token", "-auth-style body", "s", []string{"-token-url must be a URL", "-client-id is missing", `-auth-style "body" must be params or header`}},
		{"a token endpoint in the clear", full + "-token-url http://issuer.example/token", "s", []string{"-token-url must be https"}},
		{"an API in the clear", full + "-api http://api.example/", "s", []string{"-api must be https"}},
		{"an unknown flag", "-colour", "s", []string{"-colour"}},
	} {
		code, out, errs := program(t.Context(), row.secret, strings.Fields(row.args)...)
		assert.Equal(t, exitUsage, code, row.name)
		for _, want := range row.want {
			assert.Contains(t, errs, want, row.name)
		}
		assert.Empty(t, out, row.name)
	}
	code, _, errs := program(t.Context(), "", "-h")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, errs, "-token-url")
}
