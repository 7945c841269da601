package servers_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/api"
	"github.com/sallyport-go/sallyport/integration/servers"
)

func TestMain(m *testing.M) { os.Exit(servers.Report.Main(m)) }

// each runs a test with every server, a new one for each test.
func each(t *testing.T, test func(t *testing.T, s servers.Server)) {
	t.Helper()
	for _, name := range servers.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, servers.New(t, name))
		})
	}
}

// answer is what a caller sees.
type answer struct {
	status     int
	challenge  string
	retryAfter string
	body       string
}

// client keeps its connections, as a caller does.
var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}

// get calls the API with a bearer token, "" for none.
func get(t *testing.T, url, token string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	challenge, _, _ := strings.Cut(response.Header.Get("WWW-Authenticate"), ", resource_metadata=") // of an audience that is an address
	return answer{response.StatusCode, challenge, response.Header.Get("Retry-After"), string(body)}
}

// readPath is a path that a reading token opens: /whoami asks for no scope.
func readPath(f *servers.Facts) string {
	if f.NoScopes {
		return "/whoami"
	}
	return "/orders"
}

// refusedFor asserts that the API refuses a token with 401, and logs that reason.
func refusedFor(t *testing.T, a *api.API, token, reason string) {
	t.Helper()
	got := get(t, a.URL+"/whoami", token)
	assert.Equal(t, http.StatusUnauthorized, got.status, got.body)
	assert.Equal(t, `Bearer realm="orders", error="invalid_token"`, got.challenge)
	logs(t, a, "reason="+reason+" status=401")
}

// logs asserts that the API writes a text to its log, which arrives by a pipe.
func logs(t *testing.T, a *api.API, text string) {
	t.Helper()
	assert.Eventually(t, func() bool { return strings.Contains(a.Log(), text) }, 5*time.Second, 10*time.Millisecond, "%s in\n%s", text, a.Log())
}

// token asks for a token by x/oauth2.
func token(t *testing.T, f servers.Facts, parameters url.Values) string {
	t.Helper()
	text, err := f.Token(t.Context(), parameters)
	require.NoError(t, err)
	return text
}

// read returns what a token says.
func read(t *testing.T, token string) (header, payload map[string]any) {
	t.Helper()
	header, payload, err := servers.Read(token)
	require.NoError(t, err)
	return header, payload
}

// with returns parameters with one replaced, or removed by "".
func with(parameters url.Values, name, value string) url.Values {
	changed := url.Values{}
	for key, values := range parameters {
		changed[key] = values
	}
	changed.Del(name)
	if value != "" {
		changed.Set(name, value)
	}
	return changed
}

// forged returns the token with another signature.
func forged(token string) string {
	signature := make([]byte, 256)
	_, _ = rand.Read(signature)
	return token[:strings.LastIndexByte(token, '.')+1] + base64.RawURLEncoding.EncodeToString(signature)
}

// stray returns a token without a valid signature, of a key id that does not exist: what
// a stranger can send at any time.
func stray(f servers.Facts) string {
	encode := base64.RawURLEncoding.EncodeToString
	header := `{"alg":"RS256","typ":"at+jwt","kid":"` + rand.Text() + `"}`
	payload := `{"iss":"` + f.Issuer + `","aud":"` + f.Audience + `","exp":4000000000,"sub":"x","scope":"get"}`
	signature := make([]byte, 256)
	_, _ = rand.Read(signature)
	return encode([]byte(header)) + "." + encode([]byte(payload)) + "." + encode(signature)
}

// start starts the API that trusts the server.
func start(t *testing.T, f servers.Facts, more ...string) *api.API {
	t.Helper()
	return api.Start(t, append(f.Flags(), more...)...)
}

const (
	callers   = 4
	mostCalls = 4000 // of all callers together
	perToken  = 8    // calls that a caller makes with one token
	pause     = 5 * time.Millisecond
)

// load is callers that get a token, call the API some times with it, and get
// the next one. A call that is not answered 200 is remembered with its token.
type load struct {
	facts servers.Facts
	url   string
	stop  context.CancelFunc
	work  sync.WaitGroup
	start time.Time

	mu      sync.Mutex
	left    int
	calls   int
	tokens  int
	failed  int // token requests
	slowest time.Duration
	kids    map[string]bool
	refused []refusal
}

type refusal struct{ token, what string }

// begin starts the callers. They end by end, by the end of the test, or when
// they made their share of calls.
func begin(t *testing.T, url string, f servers.Facts) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{facts: f, url: url, stop: cancel, left: mostCalls, kids: map[string]bool{}, start: time.Now()}
	for range callers {
		l.work.Go(func() { l.caller(ctx) })
	}
	t.Cleanup(l.finish)
	return l
}

func (l *load) finish() {
	l.stop()
	l.work.Wait()
}

// wait lets the callers go on for a while.
func (*load) wait(d time.Duration) { <-time.After(d) }

// end ends the callers and asserts that no good token was refused.
func (l *load) end(t *testing.T) {
	t.Helper()
	l.finish()
	torn, bad := 0, 0
	for _, r := range l.refused {
		if l.facts.TornTokens && r.token != "" {
			good, err := l.facts.Good(t.Context(), r.token)
			if assert.NoError(t, err) && !good { // the server signed it with another key than it names
				torn++
				continue
			}
		}
		if bad++; bad <= 3 {
			assert.Fail(t, "a call was refused", r.what)
		}
	}
	assert.Zero(t, bad, "calls that were refused")
	assert.Greater(t, l.calls, 20*callers)
	assert.GreaterOrEqual(t, l.tokens, callers)
	t.Logf("%d calls with %d tokens of %d keys in %v: %d refused, %d token requests failed, the slowest call took %v",
		l.calls, l.tokens, len(l.kids), time.Since(l.start).Round(time.Millisecond), bad, l.failed, l.slowest.Round(time.Millisecond))
	assert.LessOrEqual(t, torn, l.calls/4)
	if torn > 0 {
		t.Logf("%d more were refused, whose key and signature disagree", torn)
	}
}

func (l *load) caller(ctx context.Context) {
	token := ""
	for ctx.Err() == nil {
		next, err := l.facts.Token(ctx, l.facts.Reads)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil: // the server is away: a client goes on with the token that it has
			l.note(func() { l.failed++ })
		default:
			token = next
			header, _, _ := servers.Read(token)
			l.note(func() { l.tokens++; l.kids[fmt.Sprint(header["kid"])] = true })
		}
		for range perToken {
			if token == "" || !l.more() {
				return
			}
			l.call(ctx, token)
		}
	}
}

func (l *load) call(ctx context.Context, token string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, http.NoBody)
	if err != nil {
		l.note(func() { l.refused = append(l.refused, refusal{what: err.Error()}) })
		return
	}
	request.Header.Set("Authorization", "Bearer "+token)
	begun := time.Now()
	response, err := client.Do(request)
	if ctx.Err() != nil {
		return
	}
	took := time.Since(begun)
	l.note(func() {
		l.calls++
		l.slowest = max(l.slowest, took)
		switch {
		case err != nil:
			l.refused = append(l.refused, refusal{what: err.Error()})
		case response.StatusCode != http.StatusOK:
			l.refused = append(l.refused, refusal{token, fmt.Sprint(response.Status, " ", response.Header)})
		}
	})
	if err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

// more reports whether one more call may be made.
func (l *load) more() (ok bool) {
	l.note(func() {
		ok = l.left > 0
		l.left--
	})
	return ok
}

func (l *load) note(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
}

// fetch gets what a server publishes.
func fetch(t *testing.T, url string) (response *http.Response, members map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	response, err = client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	_ = json.NewDecoder(response.Body).Decode(&members) // a 404 has no JSON
	return response, members
}
