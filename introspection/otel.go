package introspection

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// counter counts questions with OpenTelemetry: sallyport.introspection.questions by
// issuer and outcome (active, inactive, failed). Answers that are used again are
// not counted, nor is what is not asked.
type counter struct {
	questions metric.Int64Counter
	issuer    attribute.KeyValue
}

func newCounter(cfg Config) (counter, error) {
	meters := cfg.MeterProvider
	if meters == nil {
		meters = noop.NewMeterProvider()
	}
	questions, err := meters.Meter("github.com/sallyport-go/sallyport/introspection").Int64Counter("sallyport.introspection.questions",
		metric.WithUnit("{question}"), metric.WithDescription("Questions to an issuer's introspection endpoint, by outcome."))
	if err != nil {
		return counter{}, fmt.Errorf("introspection: MeterProvider: %w", err)
	}
	return counter{questions: questions, issuer: attribute.String("issuer", cfg.Issuer)}, nil
}

func (c counter) add(ctx context.Context, active bool) {
	outcome := "inactive"
	if active {
		outcome = "active"
	}
	c.record(ctx, outcome)
}

func (c counter) failed(ctx context.Context) { c.record(ctx, "failed") }

func (c counter) record(ctx context.Context, outcome string) {
	c.questions.Add(ctx, 1, metric.WithAttributes(c.issuer, attribute.String("outcome", outcome)))
}
