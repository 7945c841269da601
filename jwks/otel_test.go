package jwks_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/sallyport-go/sallyport/jwks"
)

// telemetry records what reaches the OpenTelemetry API.
type telemetry struct {
	mu     sync.Mutex
	counts map[string]int64
	spans  []*span
}

type span struct {
	tracenoop.Span
	name       string
	attributes map[attribute.Key]attribute.Value
	err        error
	status     codes.Code
	ended      bool
}

type meters struct {
	metricnoop.MeterProvider
	of *telemetry
}

func (m meters) Meter(string, ...metric.MeterOption) metric.Meter { return meter{of: m.of} }

type meter struct {
	metricnoop.Meter
	of *telemetry
}

func (m meter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return counter{of: m.of, name: name}, nil
}

type counter struct {
	metricnoop.Int64Counter
	of   *telemetry
	name string
}

func (c counter) Add(_ context.Context, n int64, opts ...metric.AddOption) {
	set := metric.NewAddConfig(opts).Attributes()
	outcome, _ := set.Value("outcome")
	issuer, _ := set.Value("issuer")
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.counts[c.name+" "+issuer.AsString()+" "+outcome.AsString()] += n
}

type tracers struct {
	tracenoop.TracerProvider
	of *telemetry
}

func (t tracers) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{of: t.of} }

type tracer struct {
	tracenoop.Tracer
	of *telemetry
}

func (t tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	s := &span{name: name, attributes: map[attribute.Key]attribute.Value{}}
	config := trace.NewSpanStartConfig(opts...)
	s.SetAttributes(config.Attributes()...)
	t.of.mu.Lock()
	defer t.of.mu.Unlock()
	t.of.spans = append(t.of.spans, s)
	return trace.ContextWithSpan(ctx, s), s
}

func (s *span) SetAttributes(all ...attribute.KeyValue) {
	for _, kv := range all {
		s.attributes[kv.Key] = kv.Value
	}
}

func (s *span) RecordError(err error, _ ...trace.EventOption) { s.err = err }

func (s *span) SetStatus(c codes.Code, _ string) { s.status = c }

func (s *span) End(...trace.SpanEndOption) { s.ended = true }

func TestEachFetchIsCountedAndHasASpan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		record := &telemetry{counts: map[string]int64{}}
		cfg := s.config()
		cfg.MeterProvider, cfg.TracerProvider = meters{of: record}, tracers{of: record}
		s.respond(func(r *http.Request) (*http.Response, error) {
			assert.IsType(t, &span{}, trace.SpanFromContext(r.Context()), "the transport's spans nest in it")
			return tagged(setOf("a"))(r)
		})
		f := readyFetcher(t, cfg)
		time.Sleep(16 * time.Minute)
		s.fail(http.StatusInternalServerError)
		require.Error(t, f.Refresh(t.Context(), "b"))
		require.NoError(t, f.Close())

		assert.Equal(t, map[string]int64{
			"sallyport.jwks.fetches https://issuer.example fetched":      1,
			"sallyport.jwks.fetches https://issuer.example not_modified": 1,
			"sallyport.jwks.fetches https://issuer.example failed":       1,
		}, record.counts)
		require.Len(t, record.spans, 3)
		for i, want := range []string{"fetched", "not_modified", "failed"} {
			got := record.spans[i]
			assert.Equal(t, "jwks.fetch", got.name)
			assert.True(t, got.ended)
			assert.Equal(t, want, got.attributes["outcome"].AsString())
			assert.Equal(t, issuerURL, got.attributes["issuer"].AsString())
			assert.Equal(t, setURL, got.attributes["url.full"].AsString())
			assert.Equal(t, i == 2, got.attributes["forced"].AsBool())
			assert.Equal(t, i == 2, got.status == codes.Error)
			assert.Equal(t, i == 2, got.err != nil)
		}
	})
}

func TestSpanOfAFetchThatCloseEndsIsEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.slow(4 * time.Second)
		record, events := &telemetry{counts: map[string]int64{}}, &recorder{}
		f := newFetcher(t, jwks.FetcherConfig{JWKSURL: setURL, Client: &http.Client{Transport: s}, OnEvent: events.hear, MeterProvider: meters{of: record}, TracerProvider: tracers{of: record}})
		go func() { _ = f.Ready(context.Background()) }()
		time.Sleep(time.Second)
		require.NoError(t, f.Close())
		require.Len(t, record.spans, 1)
		assert.True(t, record.spans[0].ended)
		assert.ErrorIs(t, record.spans[0].err, jwks.ErrClosed)
		assert.Equal(t, setURL, record.spans[0].attributes["issuer"].AsString(), "the address is the name")
		assert.Empty(t, events.all(), "closing is no failure")
	})
}

type broken struct{ metricnoop.MeterProvider }

func (broken) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{} }

type brokenMeter struct{ metricnoop.Meter }

var errMeter = errors.New("no counters today")

func (brokenMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errMeter
}

func TestMeterThatFailsIsAMistakeOfConfiguration(t *testing.T) {
	t.Parallel()
	_, err := jwks.NewFetcher(jwks.FetcherConfig{JWKSURL: setURL, MeterProvider: broken{}})
	require.ErrorIs(t, err, errMeter)
	assert.ErrorContains(t, err, "MeterProvider")
}
