package sallyport_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const audience = "api://orders"

// newIssuer is on a loopback socket and signs with ES256, whose keys are
// quickly made.
func newIssuer(tb testing.TB, options ...jwkstest.Option) *jwkstest.Issuer {
	tb.Helper()
	return jwkstest.New(tb, append([]jwkstest.Option{jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience(audience)}, options...)...)
}

// closing makes sure that a Gate is closed with its test.
func closing(tb testing.TB, g *sallyport.Gate, err error) *sallyport.Gate {
	tb.Helper()
	require.NoError(tb, err)
	tb.Cleanup(func() { assert.NoError(tb, g.Close()) })
	return g
}

// api is a server on a loopback socket, protected by a Gate, that remembers
// whatever is logged, counted or traced about its requests.
type api struct {
	*httptest.Server

	issuer *jwkstest.Issuer
	gate   *sallyport.Gate

	mu       sync.Mutex
	recorded bytes.Buffer
}

func newAPI(tb testing.TB) *api {
	tb.Helper()
	a := &api{issuer: newIssuer(tb)}
	cfg := sallyport.Config{
		Providers:      []providers.Provider{providers.Generic(a.issuer.Issuer(), audience)},
		Logger:         slog.New(slog.NewTextHandler(a, &slog.HandlerOptions{Level: slog.LevelDebug})),
		MeterProvider:  meters{record: a.record},
		TracerProvider: tracers{record: a.record},
	}
	cfg.Guard.OnEvent = func(_ context.Context, e middleware.Event) { a.record("%+v", e) }
	cfg.Keys.OnEvent = func(e jwks.Event) { a.record("%+v", e) }
	g, err := sallyport.Open(cfg)
	a.gate = closing(tb, g, err)

	a.Server = httptest.NewServer(a.gate.Require(claims.AllScopes("orders.read", "orders.list"))(http.NotFoundHandler()))
	tb.Cleanup(a.Close)
	return a
}

// Write makes it the target of a log.
func (a *api) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.recorded.Write(line)
}

func (a *api) record(format string, args ...any) { _, _ = fmt.Fprintf(a, format+"\n", args...) }

func (a *api) everything() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.recorded.String()
}

// token is a good one.
func (a *api) token(more ...jwkstest.TokenOption) string {
	return a.issuer.Token(append([]jwkstest.TokenOption{jwkstest.Claims{"scope": "orders.list orders.read"}}, more...)...)
}

// call sends a request with a token.
func (a *api) call(tb testing.TB, token string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, a.URL, http.NoBody)
	require.NoError(tb, err)
	req.Header["Authorization"] = []string{"Bearer " + token}
	resp, err := a.Client().Do(req)
	require.NoError(tb, err)
	require.NoError(tb, resp.Body.Close())
}

// meters and tracers record every attribute that they are given.
type (
	meters struct {
		noop.MeterProvider

		record func(format string, args ...any)
	}
	meter struct {
		noop.Meter

		record func(format string, args ...any)
	}
	counter struct {
		noop.Int64Counter

		name   string
		record func(format string, args ...any)
	}
	tracers struct {
		tracenoop.TracerProvider

		record func(format string, args ...any)
	}
	tracer struct {
		tracenoop.Tracer

		record func(format string, args ...any)
	}
)

func (m meters) Meter(string, ...metric.MeterOption) metric.Meter { return meter{record: m.record} }

func (m meter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return counter{name: name, record: m.record}, nil
}

func (c counter) Add(_ context.Context, _ int64, options ...metric.AddOption) {
	set := metric.NewAddConfig(options).Attributes()
	c.record("counted %s %v", c.name, set.ToSlice())
}

func (t tracers) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{record: t.record} }

func (t tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	cfg := trace.NewSpanStartConfig(options...)
	t.record("span %s %v", name, cfg.Attributes())
	return t.Tracer.Start(ctx, name, options...)
}

// anybody is a Verifier that knows no bad token.
type anybody struct{}

func (anybody) Verify(context.Context, string) (*claims.Claims, error) {
	return claims.Parse([]byte(`{"iss":"x"}`), claims.Mapping{})
}

// noKeys is a KeySet that has none.
type noKeys struct{}

func (noKeys) Snapshot() *jwks.Snapshot              { return nil }
func (noKeys) Refresh(context.Context, string) error { return nil }
