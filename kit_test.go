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
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
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
	meters *sdkmetric.ManualReader
	spans  *tracetest.SpanRecorder

	mu       sync.Mutex
	recorded bytes.Buffer
}

func newAPI(tb testing.TB) *api {
	tb.Helper()
	a := &api{issuer: newIssuer(tb), meters: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	cfg := sallyport.Config{
		Providers:      []providers.Provider{providers.Generic(a.issuer.Issuer(), audience)},
		Logger:         slog.New(slog.NewTextHandler(a, &slog.HandlerOptions{Level: slog.LevelDebug})),
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(a.meters)),
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(a.spans)),
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

func (a *api) everything(tb testing.TB) string {
	tb.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	out := a.recorded.String() + fmt.Sprintf("%+v", collect(tb, a.meters))
	for _, span := range a.spans.Ended() {
		out += fmt.Sprintf("\nspan %s %v %v %v", span.Name(), span.Attributes(), span.Events(), span.Status())
	}
	return out
}

// collect reads what was measured.
func collect(tb testing.TB, from *sdkmetric.ManualReader) []metricdata.ScopeMetrics {
	tb.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(tb, from.Collect(tb.Context(), &all))
	return all.ScopeMetrics
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

// anybody is a Verifier that knows no bad token.
type anybody struct{}

func (anybody) Verify(context.Context, string) (*claims.Claims, error) {
	return claims.Parse([]byte(`{"iss":"x"}`), claims.Mapping{})
}

// noKeys is a KeySet that has none.
type noKeys struct{}

func (noKeys) Snapshot() *jwks.Snapshot              { return nil }
func (noKeys) Refresh(context.Context, string) error { return nil }
