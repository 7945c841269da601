package api_test

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// audience of the issuers that jwkstest makes here.
const audience = "api://orders"

// world is the API on a real loopback socket, and its log.
type world struct {
	*api.Server
	t   *testing.T
	log testkit.Buffer
}

// start serves an API that trusts these issuers. It ends with the test.
func start(t *testing.T, cfg api.Config) *world {
	t.Helper()
	w := &world{t: t}
	cfg.Framework = cmp.Or(cfg.Framework, "nethttp")
	cfg.Logger = slog.New(slog.NewJSONHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg.Addr = "127.0.0.1:0"
	var err error
	w.Server, err = api.Start(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
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

func (w *world) do(method, path, token, body string) testkit.Answer {
	w.t.Helper()
	return testkit.Do(w.t, testkit.NewRequest(w.t, method, w.URL()+path, token, body))
}

func (w *world) get(path, token string) testkit.Answer {
	w.t.Helper()
	return w.do(http.MethodGet, path, token, "")
}

func challenge(a testkit.Answer) string { return a.Header.Get("WWW-Authenticate") }

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
