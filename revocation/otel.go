package revocation

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/metric"
)

const meterName = "github.com/sallyport-go/sallyport/revocation"

// measure has the age and the size of the file measured, until end is called.
func (f *File) measure(p metric.MeterProvider) (end func() error, err error) {
	if p == nil {
		return func() error { return nil }, nil
	}
	meter := p.Meter(meterName)
	age, err := meter.Float64ObservableGauge("sallyport.denylist.age",
		metric.WithUnit("s"), metric.WithDescription("How long ago the denylist was last read and found whole."))
	if err != nil {
		return nil, fmt.Errorf("revocation: MeterProvider: %w", err)
	}
	entries, err := meter.Int64ObservableGauge("sallyport.denylist.entries",
		metric.WithUnit("{entry}"), metric.WithDescription("Entries of the denylist that are in force."))
	if err != nil {
		return nil, fmt.Errorf("revocation: MeterProvider: %w", err)
	}
	registered, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := f.Status()
		o.ObserveFloat64(age, s.Age.Seconds())
		o.ObserveInt64(entries, int64(s.Entries))
		return nil
	}, age, entries)
	if err != nil {
		return nil, fmt.Errorf("revocation: MeterProvider: %w", err)
	}
	return registered.Unregister, nil
}
