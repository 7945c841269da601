package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/internal/version"
	"github.com/sallyport-go/sallyport/reason"
)

// checkSeconds are the bounds of the histogram of checks: a token seen before
// takes a microsecond, a first sight a hundred, a wait for keys seconds.
var checkSeconds = []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2, 0.1, 0.5, 1, 5}

// meters count decisions and time checks. Counting allocates nothing of its own.
type meters struct {
	requests metric.Int64Counter
	duration metric.Float64Histogram
	timed    map[timing][]metric.RecordOption
}

// timing is what checks are timed by.
type timing struct {
	outcome Outcome
	seen    bool
}

func newMeters(p metric.MeterProvider) (*meters, error) {
	if isNil(p) {
		return nil, nil
	}
	meter := p.Meter(version.Module, metric.WithInstrumentationVersion(version.Built()))
	m := &meters{timed: make(map[timing][]metric.RecordOption)}
	var errs [2]error
	m.requests, errs[0] = meter.Int64Counter("sallyport.requests",
		metric.WithUnit("{request}"),
		metric.WithDescription("Requests that a guard decided on, by outcome, reason and issuer."))
	m.duration, errs[1] = meter.Float64Histogram("sallyport.check.duration",
		metric.WithUnit("s"),
		metric.WithDescription("Duration of the check of a token and its rule, by outcome and whether the token was seen before."),
		metric.WithExplicitBucketBoundaries(checkSeconds...))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("middleware: Config.MeterProvider refused an instrument: %w", err)
	}
	for _, outcome := range []Outcome{Verified, Refused, Shadow} {
		for _, seen := range []bool{false, true} {
			set := attribute.NewSet(outcomeKey.String(string(outcome)), seenKey.Bool(seen))
			m.timed[timing{outcome, seen}] = []metric.RecordOption{metric.WithAttributeSet(set)}
		}
	}
	return m, nil
}

// Reasons whose series begin at 0: those that alarms watch, and what a dashboard
// shows first. The others come with their first request.
var (
	watchedOfNone   = []reason.Code{reason.NoToken, reason.InvalidRequest, reason.Malformed, reason.UnknownIssuer, reason.UnknownTenant}
	watchedOfIssuer = []reason.Code{
		reason.KeysUnavailable, reason.RevocationUnavailable, reason.UnknownKey, reason.UnusableKey, reason.BadSignature,
		reason.Expired, reason.NotYetValid, reason.IssuedInFuture, reason.WrongAudience, reason.InsufficientScope, reason.InsufficientRole,
	}
)

// begin makes the series that alarms watch, so that an alarm on an increase sees
// the first one too.
func (m *meters) begin(all labels) {
	for is, s := range all {
		watched := watchedOfIssuer
		if is.issuer == "" {
			watched = watchedOfNone
		}
		named := is.issuer != other && is.outcome == Verified && is.issuer != ""
		for _, code := range watched {
			named = named || is.issuer != other && is.reason == code
		}
		if named {
			m.requests.Add(context.Background(), 0, s.set...)
		}
	}
}

// record counts a decision, and the time that the check of its token took.
func (m *meters) record(ctx context.Context, s *series, begun time.Time, seen bool) {
	m.requests.Add(ctx, 1, s.set...)
	if !begun.IsZero() {
		m.duration.Record(ctx, time.Since(begun).Seconds(), m.timed[timing{s.outcome, seen}]...)
	}
}

// annotate writes the decision into the span of the request, if it has one that
// is recorded.
func annotate(ctx context.Context, s *series, ev *Event) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(s.attributes...)
	if ev.Claims != nil || ev.Issuer != "" {
		span.SetAttributes(seenKey.Bool(ev.Seen))
	}
}
