package middleware

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	meterName   = "github.com/sallyport-go/sallyport/middleware"
	counterName = "sallyport.requests"
)

// otherReason is counted for the codes of a custom Verifier or Binding, of which
// there could be any number.
const otherReason reason.Code = "other"

// requestCounter counts decisions by outcome and reason. The attribute sets
// are made once, so that counting allocates nothing.
type requestCounter struct {
	requests metric.Int64Counter
	options  map[label][]metric.AddOption
}

type label struct {
	outcome Outcome
	reason  reason.Code
}

func newRequestCounter(p metric.MeterProvider) (*requestCounter, error) {
	if isNil(p) {
		return nil, nil
	}
	requests, err := p.Meter(meterName).Int64Counter(counterName,
		metric.WithUnit("{request}"),
		metric.WithDescription("Requests that a guard decided on, by outcome and reason."))
	if err != nil {
		return nil, fmt.Errorf("middleware: Config.MeterProvider refused the counter %s: %w", counterName, err)
	}
	c := &requestCounter{requests: requests, options: make(map[label][]metric.AddOption)}
	c.prepare(label{outcome: Verified})
	c.prepare(label{outcome: Anonymous})
	for _, outcome := range []Outcome{Refused, Shadow} {
		c.prepare(label{outcome, otherReason})
		for code := range classes {
			c.prepare(label{outcome, code})
		}
	}
	return c, nil
}

func (c *requestCounter) prepare(l label) {
	attrs := []attribute.KeyValue{attribute.String("outcome", string(l.outcome))}
	if l.reason != "" {
		attrs = append(attrs, attribute.String("reason", string(l.reason)))
	}
	c.options[l] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attrs...))}
}

func (c *requestCounter) count(ctx context.Context, ev Event) {
	options, ok := c.options[label{ev.Outcome, ev.Reason}]
	if !ok {
		options = c.options[label{ev.Outcome, otherReason}]
	}
	c.requests.Add(ctx, 1, options...)
}
