package jwks

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
)

const scope = "github.com/sallyport-go/sallyport/jwks"

// telemetry records fetches with OpenTelemetry: the counter
// sallyport.jwks.fetches by outcome and issuer, and a span per fetch. Without
// providers it does nothing.
type telemetry struct {
	issuer  attribute.KeyValue
	fetches metric.Int64Counter
	tracer  trace.Tracer
}

func newTelemetry(cfg FetcherConfig) (telemetry, error) {
	meters, tracers := cfg.MeterProvider, cfg.TracerProvider
	if meters == nil {
		meters = metricnoop.NewMeterProvider()
	}
	if tracers == nil {
		tracers = tracenoop.NewTracerProvider()
	}
	fetches, err := meters.Meter(scope).Int64Counter("sallyport.jwks.fetches",
		metric.WithUnit("{fetch}"), metric.WithDescription("Fetches of an issuer's keys, by outcome."))
	if err != nil {
		return telemetry{}, fmt.Errorf("jwks: MeterProvider: %w", err)
	}
	issuer := cfg.Issuer
	if issuer == "" {
		issuer = cfg.JWKSURL
	}
	return telemetry{issuer: attribute.String("issuer", issuer), fetches: fetches, tracer: tracers.Tracer(scope)}, nil
}

// start opens the span of a fetch. end closes and counts it.
func (t telemetry) start(ctx context.Context, forced bool) (spanned context.Context, end func(kind, url string, keys int, err error)) {
	//nolint:spancheck // end closes it, and fetch calls end on every path
	spanned, span := t.tracer.Start(ctx, "jwks.fetch", trace.WithSpanKind(trace.SpanKindInternal),
		trace.WithAttributes(t.issuer, attribute.Bool("forced", forced)))
	return spanned, func(kind, url string, keys int, err error) { //nolint:spancheck // as above
		outcome := attribute.String("outcome", kind)
		t.fetches.Add(ctx, 1, metric.WithAttributes(t.issuer, outcome))
		span.SetAttributes(outcome, attribute.String("url.full", url), attribute.Int("keys", keys))
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, "keys could not be fetched")
		}
		span.End()
	}
}
