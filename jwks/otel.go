package jwks

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/sallyport-go/sallyport/internal/version"
)

// The attributes. docs/guide/telemetry.md has every metric and span with them.
const (
	issuerKey    attribute.Key = "sallyport.issuer"
	resultKey    attribute.Key = "sallyport.result"
	forcedKey    attribute.Key = "sallyport.forced"
	keysKey      attribute.Key = "sallyport.keys"
	errorTypeKey attribute.Key = "error.type" // https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
	urlKey       attribute.Key = "url.full"   // https://opentelemetry.io/docs/specs/semconv/registry/attributes/url/
)

// fetchSeconds are the bounds of the histogram of fetches, which Timeout ends.
var fetchSeconds = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// telemetry records fetches and lookups of unknown keys with OpenTelemetry.
// Without providers it does nothing.
type telemetry struct {
	issuer   attribute.KeyValue
	fetches  metric.Int64Counter
	duration metric.Float64Histogram
	unknown  metric.Int64Counter
	ofIssuer metric.MeasurementOption
	counted  []metric.AddOption // ofIssuer alone, made once
	tracer   trace.Tracer
}

func newTelemetry(cfg FetcherConfig) (telemetry, error) {
	meters, tracers := cfg.MeterProvider, cfg.TracerProvider
	if meters == nil {
		meters = metricnoop.NewMeterProvider()
	}
	if tracers == nil {
		tracers = tracenoop.NewTracerProvider()
	}
	issuer := issuerKey.String(cmp.Or(cfg.Label, cfg.Issuer, cfg.JWKSURL))
	t := telemetry{
		issuer:   issuer,
		ofIssuer: metric.WithAttributeSet(attribute.NewSet(issuer)),
		tracer:   tracers.Tracer(version.Module, trace.WithInstrumentationVersion(version.Built())),
	}
	t.counted = []metric.AddOption{t.ofIssuer}
	meter := meters.Meter(version.Module, metric.WithInstrumentationVersion(version.Built()))
	var errs [3]error
	t.fetches, errs[0] = meter.Int64Counter("sallyport.jwks.fetches",
		metric.WithUnit("{fetch}"), metric.WithDescription("Fetches of an issuer's keys, by result."))
	t.duration, errs[1] = meter.Float64Histogram("sallyport.jwks.fetch.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of a fetch of an issuer's keys, discovery included, by result."),
		metric.WithExplicitBucketBoundaries(fetchSeconds...))
	t.unknown, errs[2] = meter.Int64Counter("sallyport.jwks.unknown_kids",
		metric.WithUnit("{call}"), metric.WithDescription("Calls whose token asks for a key that the issuer's set does not have."))
	for _, err := range errs {
		if err != nil {
			return telemetry{}, fmt.Errorf("jwks: MeterProvider: %w", err)
		}
	}
	t.begin()
	return t, nil
}

// begin makes the series of the counters, so that an alarm on an increase sees
// the first one too.
func (t *telemetry) begin() {
	ctx := context.Background()
	for _, kind := range []string{Fetched, NotModified, Failed} {
		t.fetches.Add(ctx, 0, t.ofIssuer, metric.WithAttributes(resultKey.String(kind)))
	}
	t.unknown.Add(ctx, 0, t.ofIssuer)
}

// start opens the span of a fetch. end closes it, and counts the fetch unless
// Close ended it.
func (t *telemetry) start(ctx context.Context, forced bool) (spanned context.Context, end func(kind, url string, keys int, err error)) {
	//nolint:spancheck // end closes it, and fetch calls end on every path
	spanned, span := t.tracer.Start(ctx, "jwks.fetch", trace.WithSpanKind(trace.SpanKindInternal),
		trace.WithAttributes(t.issuer, forcedKey.Bool(forced)))
	begun := time.Now()
	return spanned, func(kind, url string, keys int, err error) { //nolint:spancheck // as above
		result := resultKey.String(kind)
		if ctx.Err() == nil {
			t.fetches.Add(ctx, 1, t.ofIssuer, metric.WithAttributes(result))
			attrs := []attribute.KeyValue{result}
			if err != nil {
				attrs = append(attrs, errorTypeKey.String(errorType(err)))
			}
			t.duration.Record(ctx, time.Since(begun).Seconds(), t.ofIssuer, metric.WithAttributes(attrs...))
		}
		span.SetAttributes(result, urlKey.String(url), keysKey.Int(keys))
		finish(span, err, "keys could not be fetched")
	}
}

// startDiscovery opens the span of one reading of the issuer's metadata, within
// that of the fetch. end closes it.
func (t *telemetry) startDiscovery(ctx context.Context) (spanned context.Context, end func(jwksURL string, err error)) {
	if t == nil {
		return ctx, func(string, error) {}
	}
	//nolint:spancheck // end closes it
	spanned, span := t.tracer.Start(ctx, "jwks.discovery", trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(t.issuer))
	return spanned, func(jwksURL string, err error) { //nolint:spancheck // as above
		if err == nil {
			span.SetAttributes(urlKey.String(jwksURL))
		}
		finish(span, err, "the metadata could not be read")
	}
}

func finish(span trace.Span, err error, description string) {
	if err != nil {
		span.SetAttributes(errorTypeKey.String(errorType(err)))
		span.RecordError(err)
		span.SetStatus(codes.Error, description)
	}
	span.End()
}

// unknownKid counts a call whose key is not in the set.
func (t *telemetry) unknownKid(ctx context.Context) { t.unknown.Add(ctx, 1, t.counted...) }

// errorType returns the class of a failed fetch, for error.type: one of a few
// words, or a status that HTTP defines. It has nothing of the server's text.
//
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/error/
func errorType(err error) string {
	var (
		answer    *statusError
		document  *documentError
		untrusted *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		lookup    *net.DNSError
		operation *net.OpError
		set       setError
	)
	switch {
	case errors.Is(err, ErrClosed):
		return "closed"
	case errors.As(err, &document) || errors.Is(err, errNoMetadata):
		return "metadata"
	case errors.As(err, &answer) && http.StatusText(answer.status) != "":
		return strconv.Itoa(answer.status)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	case errors.As(err, &untrusted) || errors.As(err, &authority):
		return "tls"
	case errors.As(err, &lookup):
		return "dns"
	case errors.As(err, &operation):
		return "connection"
	case errors.As(err, &set):
		return "jwk_set"
	}
	return "_OTHER" // as the convention calls what has no class
}
