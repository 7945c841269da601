package revocation_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/sallyport-go/sallyport/revocation"
)

// meters observe the gauges when they are asked to.
type meters struct {
	noop.MeterProvider
	failAt   string
	callback metric.Callback
	gauges   map[any]string
	seen     map[string]float64
}

func (m *meters) Meter(string, ...metric.MeterOption) metric.Meter { return meter{of: m} }

type meter struct {
	noop.Meter
	of *meters
}

type floatGauge struct {
	noop.Float64ObservableGauge
	_ byte // so that two gauges are two
}

type intGauge struct {
	noop.Int64ObservableGauge
	_ byte
}

func (m meter) Float64ObservableGauge(name string, _ ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	g := new(floatGauge)
	m.of.gauges[g] = name
	return g, m.of.fail(name)
}

func (m meter) Int64ObservableGauge(name string, _ ...metric.Int64ObservableGaugeOption) (metric.Int64ObservableGauge, error) {
	g := new(intGauge)
	m.of.gauges[g] = name
	return g, m.of.fail(name)
}

func (m meter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.of.callback = f
	return registration{of: m.of}, m.of.fail("callback")
}

func (m *meters) fail(at string) error {
	if at == m.failAt {
		return errors.New("refused")
	}
	return nil
}

type registration struct {
	embedded.Registration
	of *meters
}

func (r registration) Unregister() error {
	r.of.callback = nil
	return nil
}

type observer struct {
	embedded.Observer
	of *meters
}

func (o observer) ObserveFloat64(g metric.Float64Observable, v float64, _ ...metric.ObserveOption) {
	o.of.seen[o.of.gauges[g]] = v
}

func (o observer) ObserveInt64(g metric.Int64Observable, v int64, _ ...metric.ObserveOption) {
	o.of.seen[o.of.gauges[g]] = float64(v)
}

func (m *meters) observe(t *testing.T) map[string]float64 {
	t.Helper()
	m.seen = map[string]float64{}
	require.NoError(t, m.callback(context.Background(), observer{of: m}))
	return m.seen
}

func TestTheAgeOfTheFileIsMeasured(t *testing.T) {
	t.Parallel()
	m := &meters{gauges: map[any]string{}}
	follow(t, "id-1\n", revocation.FileConfig{MeterProvider: m}, func(p *page) {
		p.after(time.Second)
		assert.Equal(t, map[string]float64{"sallyport.denylist.age": 0, "sallyport.denylist.entries": 1}, m.observe(t))
		require.NoError(t, os.Remove(p.path))
		p.after(90 * time.Second)
		assert.Equal(t, map[string]float64{"sallyport.denylist.age": 90, "sallyport.denylist.entries": 1}, m.observe(t))
	})
	assert.Nil(t, m.callback, "nothing is measured once it is closed")
	for _, at := range []string{"sallyport.denylist.age", "sallyport.denylist.entries", "callback"} {
		_, err := revocation.OpenFile(revocation.FileConfig{Path: written(t, ""), MeterProvider: &meters{gauges: map[any]string{}, failAt: at}})
		assert.EqualError(t, err, "revocation: MeterProvider: refused", at)
	}
}
