package api_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// audience of the issuers that jwkstest makes here.
const audience = "api://orders"

// world is the API on a real loopback socket, a client and the log.
type world struct {
	*api.Server
	t      *testing.T
	client *http.Client
	log    *syncBuffer
}

// start serves an API that trusts these issuers. It ends with the test.
func start(t *testing.T, cfg api.Config) *world {
	t.Helper()
	w := &world{t: t, log: &syncBuffer{}}
	cfg.Framework = cmp.Or(cfg.Framework, "nethttp")
	cfg.Logger = slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l, err := api.Listen(t.Context(), "-addr", "127.0.0.1:0")
	require.NoError(t, err)
	w.Server, err = api.Start(l, cfg)
	require.NoError(t, err)
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	w.client = &http.Client{Transport: transport, Timeout: time.Minute}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		require.NoError(t, w.Close())
	})
	return w
}

// trusting is the configuration for issuers of jwkstest.
func trusting(issuers ...*jwkstest.Issuer) api.Config {
	var cfg api.Config
	for _, i := range issuers {
		cfg.Issuers = append(cfg.Issuers, api.Issuer{Name: i.Issuer(), Audiences: []string{audience}})
	}
	return cfg
}

// newIssuer is one with quick keys.
func newIssuer(t *testing.T, options ...jwkstest.Option) *jwkstest.Issuer {
	t.Helper()
	return jwkstest.New(t, append([]jwkstest.Option{
		jwkstest.WithAudience(audience), jwkstest.WithAlgorithm("ES256"), jwkstest.Claims{"scope": "get"},
	}, options...)...)
}

// in is w for a subtest.
func (w *world) in(t *testing.T) *world {
	t.Helper()
	c := *w
	c.t = t
	return &c
}

// answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (w *world) do(method, path, token, body string) answer {
	w.t.Helper()
	a, err := w.try(method, path, token, body)
	require.NoError(w.t, err)
	return a
}

// try is do for goroutines, which must not end the test.
func (w *world) try(method, path, token, body string) (answer, error) {
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL()+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := w.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text)}, err
}

func (w *world) get(path, token string) answer {
	w.t.Helper()
	return w.do(http.MethodGet, path, token, "")
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(a.body), into), a.body)
}

func (a answer) challenge() string { return a.header.Get("WWW-Authenticate") }

// reasons are those of the log's refusals, in order.
func (w *world) reasons() []string {
	w.t.Helper()
	var out []string
	for _, r := range w.records("request refused") {
		out = append(out, r["reason"].(string))
	}
	return out
}

// records are the log's lines with that message.
func (w *world) records(message string) []map[string]any {
	w.t.Helper()
	var out []map[string]any
	for line := range strings.Lines(w.log.String()) {
		var record map[string]any
		require.NoError(w.t, json.Unmarshal([]byte(line), &record), line)
		if record["msg"] == message {
			out = append(out, record)
		}
	}
	return out
}

// newAuth is a development authorization server on a socket of its own.
func newAuth(t *testing.T) *devauth.Server {
	t.Helper()
	auth, err := devauth.Start("127.0.0.1:0", devauth.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, auth.Close()) })
	return auth
}

// mint is a token of a devauth's client.
func mint(t *testing.T, auth *devauth.Server, scheme devauth.Scheme, client string, flaw devauth.Flaw) string {
	t.Helper()
	c, err := auth.Client(scheme, client)
	require.NoError(t, err)
	token, err := auth.Mint(scheme, c.ID, flaw)
	require.NoError(t, err)
	return token
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
