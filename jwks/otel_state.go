package jwks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/internal/version"
)

// The states of a [Fetcher] in metrics. Exactly one holds.
const (
	stateNotStarted = "not_started" // no call needed keys yet
	stateLoading    = "loading"     // the first fetch is under way
	stateUsable     = "usable"
	stateTooOld     = "too_old" // there are keys, and they could not be confirmed for too long
	stateMissing    = "missing" // fetches ended, and there is no key
)

var states = [...]string{stateNotStarted, stateLoading, stateUsable, stateTooOld, stateMissing}

// state returns the state that s is in.
func (s *Status) state() string {
	switch {
	case s.Usable:
		return stateUsable
	case !s.Started:
		return stateNotStarted
	case s.Fetches == 0:
		return stateLoading
	case len(s.Keys) > 0:
		return stateTooOld
	default:
		return stateMissing
	}
}

// gauges are what a collection reads off a Fetcher. What can be added up, over
// several Fetchers with one label, is an up-down counter.
type gauges struct {
	state, keys metric.Int64ObservableUpDownCounter
	budget      metric.Int64ObservableGauge
	age         metric.Float64ObservableGauge

	inState         [len(states)]metric.ObserveOption
	usable, skipped metric.ObserveOption
	ofIssuer        metric.ObserveOption
}

// watch has the provider read the state of the Fetcher whenever it collects,
// until the function that it returns is called.
func (f *Fetcher) watch(meters metric.MeterProvider) (unwatch func() error, err error) {
	if meters == nil {
		return func() error { return nil }, nil
	}
	meter := meters.Meter(version.Module, metric.WithInstrumentationVersion(version.Built()))
	g, err := newGauges(meter, f.telemetry.issuer)
	if err != nil {
		return nil, fmt.Errorf("jwks: MeterProvider: %w", err)
	}
	observe := func(_ context.Context, o metric.Observer) error {
		s := f.Status()
		g.observe(o, &s)
		return nil
	}
	watching, err := meter.RegisterCallback(observe, g.state, g.keys, g.budget, g.age)
	if err != nil {
		return nil, fmt.Errorf("jwks: MeterProvider: %w", err)
	}
	return watching.Unregister, nil
}

func newGauges(meter metric.Meter, issuer attribute.KeyValue) (*gauges, error) {
	g := &gauges{ofIssuer: metric.WithAttributeSet(attribute.NewSet(issuer))}
	var errs [4]error
	g.state, errs[0] = meter.Int64ObservableUpDownCounter("sallyport.jwks.state",
		metric.WithUnit("{issuer}"), metric.WithDescription("1 for the state that an issuer's keys are in, 0 for the others."))
	g.keys, errs[1] = meter.Int64ObservableUpDownCounter("sallyport.jwks.keys",
		metric.WithUnit("{key}"), metric.WithDescription("Keys of an issuer that can check tokens, and published ones that cannot."))
	g.budget, errs[2] = meter.Int64ObservableGauge("sallyport.jwks.budget",
		metric.WithUnit("{fetch}"), metric.WithDescription("Fetches that unknown key ids may still cause."))
	g.age, errs[3] = meter.Float64ObservableGauge("sallyport.jwks.age",
		metric.WithUnit("s"), metric.WithDescription("Time since an issuer's keys were last confirmed; nothing before the first time."))
	for i, state := range states {
		g.inState[i] = metric.WithAttributeSet(attribute.NewSet(issuer, attribute.String("sallyport.state", state)))
	}
	g.usable = metric.WithAttributeSet(attribute.NewSet(issuer, attribute.String("sallyport.key.state", "usable")))
	g.skipped = metric.WithAttributeSet(attribute.NewSet(issuer, attribute.String("sallyport.key.state", "skipped")))
	return g, errors.Join(errs[:]...)
}

func (g *gauges) observe(o metric.Observer, s *Status) {
	for i, state := range states {
		var in int64
		if state == s.state() {
			in = 1
		}
		o.ObserveInt64(g.state, in, g.inState[i])
	}
	var usable int64
	if s.Usable {
		usable = int64(len(s.Keys))
	}
	o.ObserveInt64(g.keys, usable, g.usable)
	o.ObserveInt64(g.keys, int64(len(s.Skipped)), g.skipped)
	o.ObserveInt64(g.budget, int64(s.BudgetLeft), g.ofIssuer)
	if !s.FetchedAt.IsZero() { // keys that were never there have no age, which is not the age 0
		o.ObserveFloat64(g.age, time.Since(s.FetchedAt).Seconds(), g.ofIssuer)
	}
}
