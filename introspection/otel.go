package introspection

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/sallyport-go/sallyport/internal/version"
)

// The attributes of the metric.
const (
	issuerKey attribute.Key = "sallyport.issuer"
	resultKey attribute.Key = "sallyport.result"
)

// counter counts questions with OpenTelemetry: sallyport.introspection.questions by
// issuer and result (active, inactive, failed). Answers that are used again are not
// counted, nor is what is not asked.
type counter struct {
	questions metric.Int64Counter
	issuer    attribute.KeyValue
}

func newCounter(cfg Config) (counter, error) {
	meters := cfg.MeterProvider
	if meters == nil {
		meters = noop.NewMeterProvider()
	}
	questions, err := meters.Meter(version.Module, metric.WithInstrumentationVersion(version.Built())).Int64Counter("sallyport.introspection.questions",
		metric.WithUnit("{question}"), metric.WithDescription("Questions to an issuer's introspection endpoint, by result."))
	if err != nil {
		return counter{}, fmt.Errorf("introspection: MeterProvider: %w", err)
	}
	return counter{questions: questions, issuer: issuerKey.String(cfg.Issuer)}, nil
}

func (c counter) answered(ctx context.Context, active bool) {
	result := "inactive"
	if active {
		result = "active"
	}
	c.add(ctx, result)
}

func (c counter) failed(ctx context.Context) { c.add(ctx, "failed") }

func (c counter) add(ctx context.Context, result string) {
	c.questions.Add(ctx, 1, metric.WithAttributes(c.issuer, resultKey.String(result)))
}
