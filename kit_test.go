package sallyport_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
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
	"github.com/sallyport-go/sallyport/reason"
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
	events   []middleware.Event
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
	cfg.Guard.OnEvent = a.onEvent
	cfg.Keys.OnEvent = func(e jwks.Event) { a.record("%+v", e) }
	g, err := sallyport.Open(cfg)
	a.gate = closing(tb, g, err)

	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Fprint(w, c.Subject())
	})
	mux := http.NewServeMux()
	mux.Handle("/orders", a.gate.Require(claims.AllScopes("orders.read", "orders.list"))(ok))
	mux.Handle("/any", a.gate.Authenticate(ok))
	mux.Handle("/levels", a.gate.RequireAccess(claims.AccessLevels{Resources: []string{audience}})(ok))
	mux.Handle("/billing/levels", a.gate.RequireAccess(claims.AccessLevels{Resources: []string{"api://billing"}})(ok))
	mux.Handle("/apps", a.gate.Require(claims.AppOnly())(ok))
	mux.Handle("/users", a.gate.Require(claims.UserOnly())(ok))
	a.Server = httptest.NewServer(mux)
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

func (a *api) onEvent(_ context.Context, e middleware.Event) {
	a.record("%+v", e)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

func (a *api) lastReason() reason.Code {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.events[len(a.events)-1].Reason
}

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

// token is a good one for every route of the Gate's own.
func (a *api) token(more ...jwkstest.TokenOption) string {
	return a.issuer.Token(append([]jwkstest.TokenOption{jwkstest.Claims{"scope": "orders.list orders.read"}}, more...)...)
}

// answer is what a caller gets.
type answer struct {
	status     int
	challenges []string
	body       string
}

// call sends a request with these Authorization lines.
func (a *api) call(tb testing.TB, method, path string, lines ...string) answer {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, a.URL+path, nil)
	require.NoError(tb, err)
	if len(lines) > 0 {
		req.Header["Authorization"] = lines
	}
	resp, err := a.Client().Do(req)
	require.NoError(tb, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(tb, err)
	return answer{status: resp.StatusCode, challenges: resp.Header.Values("Www-Authenticate"), body: string(body)}
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
