package main

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { testkit.Main(m, main) }

var serving = regexp.MustCompile(`msg="serving orders" url=(\S+)`)

func TestSignalsDrainAndEndTheProgram(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		program, log := testkit.Program(t, anywhere...), &testkit.Buffer{}
		program.Stderr = log
		require.NoError(t, program.Start())
		testkit.Until(t, log, "serving orders")
		assert.Equal(t, http.StatusOK, testkit.Get(t, serving.FindStringSubmatch(log.String())[1]+"/healthz", "").Status)
		require.NoError(t, program.Process.Signal(signal))
		assert.NoError(t, program.Wait(), "exit status")
		assert.Contains(t, log.String(), "ending, requests under way are finished first")
	}
}

var anywhere = []string{"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0"}

// running is the program in this process.
type running struct {
	*testkit.Running
	t   *testing.T
	url string
}

func serve(t *testing.T, args ...string) *running {
	t.Helper()
	r := testkit.Run(t, run, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	testkit.Until(t, &r.Stderr, "serving orders")
	return &running{r, t, serving.FindStringSubmatch(r.Stderr.String())[1]}
}

func (r *running) get(path, token string) int {
	r.t.Helper()
	return testkit.Get(r.t, r.url+path, token).Status
}

func TestWithoutAnIssuerItBringsOneAndSaysHowToGetATokenThere(t *testing.T) {
	t.Parallel()
	r := serve(t, "-auth-addr", "127.0.0.1:0")
	testkit.Until(t, &r.Stdout, "Then call it")
	text := r.Stdout.String()
	assert.Equal(t, 9, strings.Count(text, "\nTOKEN=$(curl -s -X POST "), "one for each client of each scheme")
	assert.Contains(t, text, `curl -i -H "Authorization: Bearer $TOKEN" `+r.url+"/orders")
	found := regexp.MustCompile(`-u orders-all:(\S+)`).FindStringSubmatch(text)
	require.NotNil(t, found)
	assert.Equal(t, http.StatusUnauthorized, r.get("/orders", ""))
	assert.Equal(t, http.StatusOK, r.get("/healthz", ""))
	r.AssertEnds(exitOK)
	assert.NotContains(t, r.Stderr.String(), found[1], "secrets are for the terminal, not for the log")
}

func TestWhatCannotBeServedIsSaid(t *testing.T) {
	t.Parallel()
	addr := testkit.Listener(t).Addr().String()
	for want, args := range map[string][]string{
		addr + " is in use: stop the other program or choose another with -auth-addr": {"-addr", "127.0.0.1:0", "-auth-addr", addr},
		"-deny-file: ":                  {"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0", "-deny-file", filepath.Join(t.TempDir(), "missing")},
		"-origin \"ftp://api.example\"": {"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0", "-dpop", "accept", "-origin", "ftp://api.example"},
		"-resource: ":                   {"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0", "-resource", "http://api.example"},
		"use https":                     {"-addr", "127.0.0.1:0", "-issuer", "http://issuer.example", "-audience", "x"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitFailed, run(t.Context(), args, &out, &errs))
		assert.Contains(t, errs.String(), want)
		assert.NotContains(t, errs.String(), "secret")
		assert.Empty(t, out.String())
	}
}

func TestAnEndpointForQuestionsBelongsToTheIssuerRightBeforeIt(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"-issuer A -audience x -introspect URL -issuer B -audience z": "A",
		"-issuer A -issuer B -introspect URL -audience x":             "B",
		"-introspect URL -issuer A -issuer B -audience x":             "A",
	} {
		cfg, err := parse(append(strings.Fields(args), "-introspect-client", "id:secret"), io.Discard)
		require.NoError(t, err)
		assert.Equal(t, want, cfg.IntrospectIssuer, args)
	}
}

func TestAnAudienceBelongsToTheIssuersRightBeforeIt(t *testing.T) {
	t.Parallel()
	for args, want := range map[string][]api.Issuer{
		"-issuer A -audience x -audience y -issuer B -audience z":           {{Name: "A", Audiences: []string{"x", "y"}}, {Name: "B", Audiences: []string{"z"}}},
		"-issuer A -issuer B -audience x -audience y":                       {{Name: "A", Audiences: []string{"x", "y"}}, {Name: "B", Audiences: []string{"x", "y"}}},
		"-audience x -issuer A -issuer B -audience y -issuer A -audience z": {{Name: "A", Audiences: []string{"x", "y", "z"}}, {Name: "B", Audiences: []string{"x", "y"}}},
	} {
		cfg, err := parse(strings.Fields(args), io.Discard)
		require.NoError(t, err)
		assert.Equal(t, want, cfg.Issuers, args)
	}
}

func TestFlagsReachTheAPI(t *testing.T) {
	t.Parallel()
	issuer := jwkstest.New(t, jwkstest.WithName("https://issuer.example/"), jwkstest.WithAlgorithm("ES256"), jwkstest.Claims{"scope": "get"}, jwkstest.WithAudience("x"))
	issuer.SetCacheControl("max-age=3600")
	r := serve(t, "-framework", "nethttp", "-issuer", issuer.Issuer(), "-audience", "x", "-jwks-url", issuer.JWKSURL(), "-jwks-refresh", "1s", "-leeway", "0")
	late := issuer.Token(jwkstest.Claims{"exp": time.Now().Add(-time.Second)})
	assert.Equal(t, http.StatusOK, r.get("/orders", issuer.Token()))
	assert.Equal(t, http.StatusUnauthorized, r.get("/orders", late), "-leeway 0 is none")
	assert.Eventually(t, func() bool { return issuer.Fetches() > 2 }, testkit.Patience, testkit.Pause, "-jwks-refresh 1s, whatever the issuer says")
	assert.Zero(t, issuer.DiscoveryFetches(), "-jwks-url needs no discovery")
	r.AssertEnds(exitOK)
	assert.Empty(t, r.Stdout.String(), "nothing to copy where it brought no issuer")
}

func TestWrongFlagsAreNamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		args string
		want []string
	}{
		{"an unknown flag", "-colour", []string{"-colour", "orders -h lists the flags"}},
		{"a stray word", "-issuer https://a -audience x stray", []string{`unexpected argument "stray"`}},
		{"a framework that is not there", "-framework rails", []string{`-framework "rails" is not there`, "chi, gin, nethttp"}},
		{"no duration", "-leeway half", []string{`"half"`, "-leeway"}},
		{"too much leeway", "-leeway 6m", []string{"-leeway 6m0s must be between 0s and 5m0s"}},
		{"less than no leeway", "-leeway -1s", []string{"-leeway -1s must be between 0s and 5m0s"}},
		{"a refresh that is too short", "-jwks-refresh 10ms", []string{"-jwks-refresh 10ms is too short: use at least 1s"}},
		{"no refresh", "-jwks-refresh 0", []string{"-jwks-refresh 0s is too short"}},
		{"an issuer without an audience", "-issuer https://a", []string{"-issuer https://a has no audience: add -audience after it"}},
		{"an audience without an issuer", "-audience x", []string{"-audience without -issuer"}},
		{"an empty issuer", "-issuer= -audience x", []string{"-issuer", "empty"}},
		{"an empty audience", "-issuer https://a -audience=", []string{"-audience", "empty"}},
		{"a JWKS URL without an issuer", "-jwks-url https://a/keys", []string{"-jwks-url goes with exactly one -issuer: there are 0"}},
		{"a JWKS URL for two", "-jwks-url https://a/keys -issuer https://a -issuer https://b -audience x", []string{"-jwks-url goes with exactly one -issuer: there are 2"}},
		{"an authorization server that would not start", "-auth-addr 127.0.0.1:0 -issuer https://a -audience x", []string{"-auth-addr", "leave one out"}},
		{"no mode of DPoP", "-dpop maybe", []string{`-dpop "maybe" is not there`, "off, accept, require"}},
		{"nonces without proofs", "-dpop-nonce", []string{"-dpop-nonce is for proofs"}},
		{"an empty origin", "-dpop accept -origin=", []string{"-origin is empty"}},
		{"an empty resource", "-resource=", []string{"-resource is empty"}},
		{"no word of a challenge", "-step-up-acr 50%\"", []string{"-step-up-acr", "one word"}},
		{"no step at all", "-step-up-acr=", []string{"-step-up-acr is empty"}},
		{"an empty file name", "-deny-file=", []string{"-deny-file is empty"}},
		{"questions of nobody", "-issuer https://a -audience x -introspect https://a/ask", []string{"-introspect-client is missing"}},
		{"nobody to be asked", "-introspect-client a:b", []string{"-introspect-client is for -introspect"}},
		{"credentials without a secret", "-issuer https://a -audience x -introspect https://a/ask -introspect-client a", []string{"-introspect-client must be ID:SECRET"}},
		{"questions to no issuer that is known", "-introspect https://a/ask -introspect-client a:b", []string{"-introspect goes with an -issuer"}},
		{"an empty endpoint", "-introspect=", []string{"-introspect", "empty"}},
		{"a certificate without a key", "-tls-cert a", []string{"-tls-cert and -tls-key go together"}},
		{"a key without a certificate", "-tls-key a", []string{"-tls-cert and -tls-key go together"}},
		{"certificates of clients without TLS", "-mtls-ca a", []string{"-mtls-ca wants -tls-cert and -tls-key"}},
		{"several at once", "-framework rails -leeway 1h -audience x", []string{"rails", "-leeway", "-audience"}},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitUsage, run(t.Context(), strings.Fields(row.args), &out, &errs), row.name)
		for _, want := range row.want {
			assert.Contains(t, errs.String(), want, row.name)
		}
		assert.Empty(t, out.String(), row.name)
	}
	var out, errs bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &errs))
	for _, flag := range []string{
		"-addr", "-auth-addr", "-audience", "-deny-file", "-dpop", "-dpop-nonce", "-framework", "-introspect", "-introspect-client",
		"-issuer", "-jwks-refresh", "-jwks-url", "-leeway", "-mtls-ca", "-origin", "-redis", "-resource", "-step-up-acr", "-tls-cert", "-tls-key",
	} {
		assert.Regexp(t, "\n  "+flag+"[ \n]", out.String())
	}
	assert.Empty(t, errs.String(), "help is no mistake")
}
