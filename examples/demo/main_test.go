package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var (
	aToken  = regexp.MustCompile(`eyJ[\w-]{16,}`)
	summary = regexp.MustCompile(`(\d+) answers as promised, (\d+) not`)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// anywhere are free ports.
var anywhere = []string{"-addr", "127.0.0.1:0", "-auth-addr", "127.0.0.1:0"}

func startPlay(t *testing.T, out io.Writer) *play {
	t.Helper()
	p, err := newPlay(t.Context(), api.Config{Addr: "127.0.0.1:0", AuthAddr: "127.0.0.1:0", Framework: "nethttp"}, &screen{w: out})
	require.NoError(t, err)
	return p
}

// curled are the token requests that a shell makes of curl commands: curl is a
// function there that prints its arguments.
func curled(t *testing.T, script, secret string) []devauth.TokenRequest {
	t.Helper()
	shell := exec.CommandContext(t.Context(), "sh", "-c", `curl() { printf '%s\0' "$@"; printf '\036'; }; `+script)
	shell.Env = append(os.Environ(), "SECRET="+secret)
	out, err := shell.Output()
	require.NoError(t, err, script)
	var requests []devauth.TokenRequest
	for command := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x1e"), "\x1e") {
		var request devauth.TokenRequest
		words := strings.Split(strings.TrimSuffix(command, "\x00"), "\x00")
		for i := 0; i < len(words); i++ {
			switch word := words[i]; word {
			case "-s":
			case "-X":
				i++
				require.Equal(t, "POST", words[i])
			case "-d", "-u", "-H", "--data-urlencode":
				i++
				request.Args = append(request.Args, word, words[i])
			default:
				require.Empty(t, request.URL, "a second address: %q", word)
				request.URL = word
			}
		}
		requests = append(requests, request)
	}
	return requests
}

func TestEveryPromiseIsKept(t *testing.T) {
	t.Parallel()
	for _, framework := range api.Frameworks() {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			var out, errs testkit.Buffer
			code := run(t.Context(), append(slices.Clone(anywhere), "-once", "-all", "-framework", framework), &out, &errs)
			text := out.String()
			assert.Equal(t, exitOK, code, text)
			assert.Empty(t, errs.String())

			found := summary.FindStringSubmatch(text)
			require.NotNil(t, found, text)
			assert.Equal(t, "0", found[2])
			assert.Greater(t, len(found[1]), 2, "hundreds of calls: %s", found[1])
			for _, want := range []string{
				"served by " + framework,
				"token \\\n      -d grant_type=client_credentials", "-u orders-all:" + hidden, `"client_secret":"` + hidden + `"`,
				`error="insufficient_scope", scope="delete"`, "log: expired", "log: bad_signature", "log: wrong_audience", "log: no_token",
				`{"signing":"`, "calls, 0 refused", "Retry-After: ", "later, by itself",
				"8  The metadata of the API", "14  A denylist", "15  Two instances on one Redis", `error="use_dpop_nonce"`, `error="insufficient_user_authentication"`, "log: replayed_dpop_proof",
			} {
				assert.Contains(t, text, want)
			}
			assert.NotRegexp(t, aToken, text, "tokens are shortened")
			assert.NotContains(t, text, "TOKEN=", "nothing to paste where nothing is served any more")
			assert.NotContains(t, text, "\x1b", "no colours off a terminal")
			assert.NotContains(t, text, "✗")
			_, missing := exec.LookPath(redisProgram)
			assert.Equal(t, missing != nil, strings.Contains(text, "SKIPPED"), "what is skipped is said, and nothing else")
			assert.Equal(t, missing == nil, strings.Contains(text, "503  all        GET    /orders                Redis is dead"))
			for line := range strings.Lines(text) {
				assert.LessOrEqual(t, len([]rune(line)), 120, line)
			}
		})
	}
}

// spoiling spoils the API's answers, and leaves the authorization server's.
type spoiling struct {
	http.RoundTripper
	auth  string
	spoil func(*http.Response)
}

func (s spoiling) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := s.RoundTripper.RoundTrip(r)
	if err == nil && "http://"+r.URL.Host != s.auth {
		s.spoil(res)
	}
	return res, err
}

func (s spoiling) CloseIdleConnections() { s.RoundTripper.(*http.Transport).CloseIdleConnections() }

func TestABrokenPromiseIsNoticed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	var out, errs testkit.Buffer
	p := startPlay(t, &out)
	p.client.Transport = spoiling{p.client.Transport, p.auth.URL(), func(r *http.Response) {
		switch { // it lets everybody in, but for one in a hundred
		case calls.Add(1)%100 == 0:
			r.StatusCode = http.StatusUnauthorized
		case r.StatusCode >= 400:
			r.StatusCode = http.StatusOK
		}
	}}
	assert.Equal(t, exitFailed, p.perform(t.Context(), true, &errs))
	text := out.String()
	for _, want := range []string{"✗ 200  no token", "promised 401 Bearer", "promised 403 Bearer", "promised 503 with Retry-After", "promised 200, got 401"} {
		assert.Contains(t, text, want)
	}
	assert.Regexp(t, `\d+ answers as promised, [1-9]\d* not`, text)
	assert.Empty(t, errs.String())
}

func TestAPromiseBeyondBearerThatIsBrokenIsNoticed(t *testing.T) {
	t.Parallel()
	var out testkit.Buffer
	p := startPlay(t, &out)
	second, err := p.beyondBearer(t.Context())
	require.NoError(t, err)
	second.stepUp(t.Context())
	require.Zero(t, p.broken.Load(), out.String())
	token := second.tokenWith(t.Context(), thumbprint(second.thief), nil)
	second.call(t.Context(), get("partner", "/orders", token), caller{}, accepted(http.StatusOK), "")
	assert.EqualValues(t, 1, p.broken.Load())
	assert.Contains(t, out.String(), "promised 200, got 401 Bearer")
	assert.Error(t, second.checkMetadata([]byte(`{"resource":"https://elsewhere.example"}`)))
	second.close(t.Context())
	assert.NoDirExists(t, second.dir)
	assert.NoError(t, p.api.Close())
	p.client.CloseIdleConnections()
}

func TestAPlayWithoutRedisSaysSoAndCountsIt(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		program string
		needed  bool
		skipped int
		broken  int64
		want    string
	}{
		"none installed":               {"redis-server-that-is-not-installed", false, 1, 0, "SKIPPED  redis-server-that-is-not-installed is not installed: nothing of this act was played"},
		"none installed, and required": {"redis-server-that-is-not-installed", true, 0, 1, "REQUIRE_REDIS is set, and redis-server-that-is-not-installed is not installed"},
		"one that does not answer":     {"false", false, 0, 1, "false does not answer at 127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out testkit.Buffer
			p := startPlay(t, &out)
			p.redis, p.needsRedis = row.program, row.needed
			second, err := p.beyondBearer(t.Context())
			require.NoError(t, err)
			second.fleet(t.Context())
			assert.Equal(t, row.skipped, p.skipped)
			assert.Equal(t, row.broken, p.broken.Load())
			p.summary(0)
			assert.Contains(t, out.String(), row.want)
			assert.Equal(t, row.skipped == 1, strings.Contains(out.String(), fmt.Sprintf("%d not, 1 act SKIPPED", row.broken)))
			second.close(t.Context())
			assert.NoError(t, p.api.Close())
			p.client.CloseIdleConnections()
		})
	}
}

func TestAfterThePlayItServesAndSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	r := testkit.Run(t, run, anywhere...)
	out := &r.Stdout
	testkit.Until(t, out, "logged below")
	use := regexp.MustCompile(`curl -i -H "Authorization: Bearer \$TOKEN" (\S+/orders)\n`).FindStringSubmatch(out.String())
	require.NotNil(t, use)
	pasted := 0
	for line := range strings.Lines(out.String()) {
		line, ok := strings.CutPrefix(line, "TOKEN=$(")
		if !ok {
			continue
		}
		command, _, _ := strings.Cut(line, " | sed ")
		request, err := curled(t, command, "")[0].Request(t.Context())
		require.NoError(t, err)
		a := testkit.Do(t, request)
		require.Equal(t, http.StatusOK, a.Status, a.Body)
		found := regexp.MustCompile(`.*"access_token":"([^"]*)".*`).FindStringSubmatch(a.Body) // as the sed does
		require.NotNil(t, found)
		assert.Equal(t, http.StatusOK, testkit.Get(t, use[1], found[1]).Status)
		pasted++
	}
	assert.Equal(t, 6, pasted)

	assert.Equal(t, http.StatusUnauthorized, testkit.Get(t, use[1], "").Status)
	assert.Regexp(t, `401  GET /orders  log: no_token\n$`, out.String())

	r.AssertEnds(exitOK)
	assert.Empty(t, r.Stderr.String())
}

func TestAnAPIThatServesNoMoreEndsIt(t *testing.T) {
	t.Parallel()
	var out testkit.Buffer
	p := startPlay(t, &out)
	failed := make(chan struct{})
	close(failed)
	assert.False(t, p.serve(t.Context(), failed))
	assert.Contains(t, out.String(), "the API serves no more")
	assert.NoError(t, p.api.Close())
}

func TestAnInterruptedPlayEndsSoonAndIsNoSuccess(t *testing.T) {
	t.Parallel()
	r := testkit.Run(t, run, slices.Concat(anywhere, []string{"-once"})...)
	testkit.Until(t, &r.Stdout, "Keys rotate")
	r.AssertEnds(exitFailed)
	assert.Contains(t, r.Stdout.String(), "interrupted")
	assert.NotContains(t, r.Stdout.String(), "✗", "what was cut off is not held against the API")
}

func TestWrongUseIsNamed(t *testing.T) {
	t.Parallel()
	addr := testkit.Listener(t).Addr().String()
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-twice"}, exitUsage, "-twice"},
		{[]string{"once"}, exitUsage, `unexpected argument "once"`},
		{[]string{"-addr", ":8080"}, exitUsage, `-addr ":8080": give a loopback address, such as 127.0.0.1:8080`},
		{[]string{"-addr", "0.0.0.0:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-addr", "[::]:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-addr", "192.0.2.1:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-addr", "example.com:8080"}, exitUsage, "give a loopback address"},
		{[]string{"-framework", "rails"}, exitUsage, `-framework "rails" is not there`},
		{[]string{"-addr", "127.0.0.1:0", "-auth-addr", addr}, exitFailed, addr + " is in use: stop the other program or choose another with -auth-addr\n"},
	} {
		var out, errs testkit.Buffer
		assert.Equal(t, row.code, run(t.Context(), row.args, &out, &errs))
		assert.Contains(t, errs.String(), row.want)
		assert.Empty(t, out.String())
	}
	var out, errs testkit.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-h"}, &out, &errs))
	assert.Contains(t, out.String(), "-once")
}

func TestTheReadmesTokenRequestsWork(t *testing.T) {
	t.Parallel()
	auth := testkit.Auth(t, devauth.Config{})
	script := regexp.MustCompile("(?s)```sh\n(# OKQ8.*?)```").FindStringSubmatch(readReadme(t))
	require.NotNil(t, script)
	for i, scheme := range devauth.Schemes {
		who, err := auth.Client(scheme, devauth.AllLevels)
		require.NoError(t, err)
		requests := curled(t, strings.ReplaceAll(script[1], "http://127.0.0.1:9000", auth.URL()), who.Secret)
		require.Len(t, requests, len(devauth.Schemes))
		assert.Contains(t, strings.Join(requests[i].Args, " "), who.ID, "the client that may do everything")

		r, err := requests[i].Request(t.Context())
		require.NoError(t, err)
		a := testkit.Do(t, r)
		assert.Equal(t, http.StatusOK, a.Status, scheme)
		assert.Regexp(t, `"access_token":"[^".]+\.[^".]+\.[^".]+"`, a.Body)
	}
}

func TestTheReadmeShowsHowToRunEachProgram(t *testing.T) {
	t.Parallel()
	text := readReadme(t)
	shown := map[string]bool{}
	for _, found := range regexp.MustCompile(`go run \./(\w+)`).FindAllStringSubmatch(text, -1) {
		shown[found[1]] = true
		_, err := os.Stat("../" + found[1] + "/main.go")
		assert.NoError(t, err)
	}
	programs, err := filepath.Glob("../*/main.go")
	require.NoError(t, err)
	programs = slices.DeleteFunc(programs, func(main string) bool { // one that is a module of its own has a README of its own
		_, err := os.Stat(filepath.Dir(main) + "/go.mod")
		return err == nil
	})
	assert.Len(t, shown, len(programs))
	for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(text, -1) {
		_, err := os.Stat("../" + link[1])
		assert.NoError(t, err, "a link of the README")
	}
}

func readReadme(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	return string(data)
}
