package middleware_test

import (
	"bufio"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tokens is a Verifier that knows some tokens; every other one has a
// bad signature. It counts how often it was asked.
type tokens struct {
	claims map[string]*claims.Claims
	errs   map[string]error
	calls  atomic.Int64
}

func (v *tokens) Verify(_ context.Context, token string) (*claims.Claims, error) {
	v.calls.Add(1)
	if err, ok := v.errs[token]; ok {
		return nil, err
	}
	if c, ok := v.claims[token]; ok {
		return c, nil
	}
	return nil, &verifier.Error{Reason: reason.BadSignature, Issuer: "https://issuer.example", KeyID: `"k1"`}
}

const (
	reader = "token-of-reader" // scope orders.read, client reader-app
	writer = "token-of-writer" // scope orders.read orders.write
	bound  = "token-with-cnf"  // scope orders.read, cnf {jkt}
)

func parse(t *testing.T, payload string) *claims.Claims {
	t.Helper()
	c, err := claims.Parse([]byte(payload), claims.DefaultMapping())
	require.NoError(t, err)
	return c
}

func newTokens(t *testing.T) *tokens {
	t.Helper()
	return &tokens{
		claims: map[string]*claims.Claims{
			reader: parse(t, `{"iss":"https://issuer.example","sub":"r","aud":"api://orders","client_id":"reader-app","scope":"orders.read get"}`),
			writer: parse(t, `{"iss":"https://issuer.example","sub":"w","client_id":"writer-app","scope":"orders.read orders.write"}`),
			bound:  parse(t, `{"iss":"https://issuer.example","sub":"b","scope":"orders.read","cnf":{"jkt":"thumb"}}`),
		},
		errs: map[string]error{},
	}
}

func newGuard(t *testing.T, cfg middleware.Config) *middleware.Guard {
	t.Helper()
	if cfg.Verifier == nil {
		cfg.Verifier = newTokens(t)
	}
	g, err := middleware.New(cfg)
	require.NoError(t, err)
	return g
}

// issued are tokens of a Verifier that says whose tokens it accepts.
type issued struct {
	*tokens
	names []string
}

func (v *issued) Issuers() []string { return v.names }

func (v *issued) IssuerOf(c *claims.Claims) string {
	if slices.Contains(v.names, c.Issuer()) {
		return c.Issuer()
	}
	return ""
}

// newIssued returns a real Verifier and the issuer of its tokens.
func newIssued(t *testing.T) (*verifier.Verifier, *jwkstest.Issuer) {
	t.Helper()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithoutServer(), jwkstest.WithName("https://issuer.example"))
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: iss.KeySet()}}})
	require.NoError(t, err)
	return v, iss
}

type verifierFunc func(context.Context, string) (*claims.Claims, error)

func (f verifierFunc) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return f(ctx, token)
}

type binding struct {
	members []string
	err     error
	calls   int
	cred    middleware.Credential
	claims  *claims.Claims
}

func (b *binding) Confirms() []string { return b.members }

func (b *binding) Check(_ *http.Request, c middleware.Credential, cl *claims.Claims) error {
	b.calls++
	b.cred, b.claims = c, cl
	return b.err
}

// handler answers 200 with the subject of the claims, "-" without claims.
var handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	subject := "-"
	if c, ok := claims.FromContext(r.Context()); ok {
		subject = c.Subject()
	}
	_, _ = w.Write([]byte(subject))
})

func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	if len(authorization) > 0 {
		r.Header["Authorization"] = authorization
	}
	return r
}

func deny(g *middleware.Guard, err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Deny(w, r, err) })
}

func withToken(token string) *http.Request { return request("Bearer " + token) }

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// read parses a request as a server would from the wire.
func read(t *testing.T, lines ...string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	require.NoError(t, err)
	return r
}

// change is a middleware that hands on a changed request.
func change(f func(*http.Request) *http.Request, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, f(r)) })
}

// events collects what a Guard reports.
type events struct {
	mu   sync.Mutex
	list []middleware.Event
}

func (e *events) add(_ context.Context, ev middleware.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

// lines are the events as "outcome reason".
func (e *events) lines() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []string{}
	for i := range e.list {
		ev := &e.list[i]
		out = append(out, strings.TrimSpace(string(ev.Outcome)+" "+string(ev.Reason)))
	}
	return out
}

func allReads() claims.Rule  { return claims.AllScopes("orders.read") }
func allWrites() claims.Rule { return claims.AllScopes("orders.read", "orders.write") }

// measured is what a Guard reports to OpenTelemetry.
type measured struct {
	reader *sdkmetric.ManualReader
	meters *sdkmetric.MeterProvider
	spans  *tracetest.SpanRecorder
	traces *sdktrace.TracerProvider
}

func newMeasured() *measured {
	m := &measured{reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	m.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(m.reader))
	m.traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(m.spans))
	return m
}

func (m *measured) scopes(t *testing.T) []metricdata.ScopeMetrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(t.Context(), &all))
	return all.ScopeMetrics
}

// series are the points of a metric by their attributes, written name=value in
// the order of the names and without "sallyport."; of a histogram, how many
// values it got.
func (m *measured) series(t *testing.T, name string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	add := func(set attribute.Set, n int64) {
		labels := make([]string, 0, set.Len())
		for _, kv := range set.ToSlice() {
			labels = append(labels, strings.TrimPrefix(string(kv.Key), "sallyport.")+"="+kv.Value.String())
		}
		out[strings.Join(labels, " ")] += n
	}
	for _, scope := range m.scopes(t) {
		for _, metric := range scope.Metrics {
			if metric.Name != name {
				continue
			}
			switch data := metric.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, int64(p.Count))
				}
			}
		}
	}
	return out
}

// counts are the requests that were counted, without the series that are 0.
func (m *measured) counts(t *testing.T) map[string]int64 {
	t.Helper()
	out := m.series(t, "sallyport.requests")
	maps.DeleteFunc(out, func(_ string, n int64) bool { return n == 0 })
	return out
}

// brokenMeters make no instrument.
type brokenMeters struct{ noop.MeterProvider }

type brokenMeter struct{ noop.Meter }

func (brokenMeters) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

func (brokenMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errors.New("no more instruments")
}

type params = [][2]string
