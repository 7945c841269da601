package middleware_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/sallyport-go/sallyport/middleware"
)

// meterProvider adds up what the Guard counts, by attributes.
type meterProvider struct {
	noop.MeterProvider
	err   error
	meter string
	name  string
	unit  string
	mu    sync.Mutex
	sums  map[string]int64
}

type meter struct {
	noop.Meter
	p *meterProvider
}

type counter struct {
	noop.Int64Counter
	p *meterProvider
}

func (p *meterProvider) Meter(name string, _ ...metric.MeterOption) metric.Meter {
	p.meter = name
	return meter{p: p}
}

func (m meter) Int64Counter(name string, options ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	m.p.name, m.p.unit = name, metric.NewInt64CounterConfig(options...).Unit()
	return counter{p: m.p}, m.p.err
}

func (c counter) Add(_ context.Context, n int64, options ...metric.AddOption) {
	set := metric.NewAddConfig(options).Attributes()
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	if c.p.sums == nil {
		c.p.sums = make(map[string]int64)
	}
	key := ""
	for _, kv := range set.ToSlice() {
		if key != "" {
			key += " "
		}
		key += string(kv.Key) + "=" + kv.Value.String()
	}
	c.p.sums[key] += n
}

func (p *meterProvider) counts() map[string]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sums
}

func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	p := &meterProvider{}
	g := newGuard(t, middleware.Config{MeterProvider: p})
	require := g.Require(allWrites())(handler)
	serve(require, withToken(writer))
	serve(require, withToken(reader))
	serve(require, withToken(reader))
	serve(require, request())
	serve(g.Optional(handler), request())
	assert.Equal(t, map[string]int64{
		"outcome=verified":                          1,
		"outcome=refused reason=insufficient_scope": 2,
		"outcome=refused reason=no_token":           1,
		"outcome=anonymous":                         1,
	}, p.counts())
	assert.Equal(t, "github.com/sallyport-go/sallyport/middleware", p.meter)
	assert.Equal(t, "sallyport.requests", p.name)
	assert.Equal(t, "{request}", p.unit)
}

func TestShadowedRequestsAreCounted(t *testing.T) {
	t.Parallel()
	p := &meterProvider{}
	g := newGuard(t, middleware.Config{MeterProvider: p, Shadow: true})
	serve(g.Authenticate(handler), request())
	assert.Equal(t, map[string]int64{"outcome=shadow reason=no_token": 1}, p.counts())
}
