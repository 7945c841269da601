package sallyport

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/sallyport-go/sallyport/internal/directory"
	"github.com/sallyport-go/sallyport/internal/version"
	"github.com/sallyport-go/sallyport/verifier"
)

// cacheMeters are what a collection reads off the cache of verified tokens. All
// can be added up over several Gates.
type cacheMeters struct {
	lookups, evictions metric.Int64ObservableCounter
	usage, limit       metric.Int64ObservableUpDownCounter
}

// The results of a look-up in the cache.
var (
	hit  = metric.WithAttributeSet(attribute.NewSet(attribute.String("sallyport.result", "hit")))
	miss = metric.WithAttributeSet(attribute.NewSet(attribute.String("sallyport.result", "miss")))
)

// watchCache has the provider read the counts of the cache whenever it collects,
// until Close.
func (g *Gate) watchCache(s *state) error {
	meters := s.cfg.MeterProvider
	if meters == nil {
		return nil
	}
	meter := meters.Meter(version.Module, metric.WithInstrumentationVersion(version.Built()))
	m, err := newCacheMeters(meter)
	if err != nil {
		return fmt.Errorf("sallyport: MeterProvider: %w", err)
	}
	read := func(_ context.Context, o metric.Observer) error {
		if now := g.state().verifier.CacheStats(); now.MaxBytes > 0 {
			m.observe(o, &now)
		}
		return nil
	}
	s.watching, err = meter.RegisterCallback(read, m.lookups, m.evictions, m.usage, m.limit)
	if err != nil {
		return fmt.Errorf("sallyport: MeterProvider: %w", err)
	}
	return nil
}

func newCacheMeters(meter metric.Meter) (m cacheMeters, err error) {
	var errs [4]error
	m.lookups, errs[0] = meter.Int64ObservableCounter("sallyport.cache.lookups",
		metric.WithUnit("{token}"), metric.WithDescription("Tokens that were looked up in the cache of verified tokens, by result."))
	m.evictions, errs[1] = meter.Int64ObservableCounter("sallyport.cache.evictions",
		metric.WithUnit("{token}"), metric.WithDescription("Tokens that made room for others in the cache of verified tokens."))
	m.usage, errs[2] = meter.Int64ObservableUpDownCounter("sallyport.cache.usage",
		metric.WithUnit("By"), metric.WithDescription("Bytes that the cache of verified tokens takes."))
	m.limit, errs[3] = meter.Int64ObservableUpDownCounter("sallyport.cache.limit",
		metric.WithUnit("By"), metric.WithDescription("Bytes that the cache of verified tokens may take."))
	return m, errors.Join(errs[:]...)
}

func (m *cacheMeters) observe(o metric.Observer, s *verifier.CacheStats) {
	o.ObserveInt64(m.lookups, int64(s.Hits), hit)    //nolint:gosec // G115: no process counts so far
	o.ObserveInt64(m.lookups, int64(s.Misses), miss) //nolint:gosec // G115: as above
	o.ObserveInt64(m.evictions, int64(s.Evictions))  //nolint:gosec // G115: as above
	o.ObserveInt64(m.usage, s.Bytes)
	o.ObserveInt64(m.limit, s.MaxBytes)
}

// outcomes are what metrics call those of Resolve.
var outcomes = [...]string{directory.Found: "found", directory.Unknown: "unknown", directory.Failed: "failed", directory.Refused: "refused"}

// countResolve returns what counts the calls of Resolve. The series begin at 0, so
// that an alarm on an increase sees the first one too.
func countResolve(meters metric.MeterProvider) (func(directory.Outcome), error) {
	if meters == nil {
		return nil, nil //nolint:nilnil // nothing counts them
	}
	calls, err := meters.Meter(version.Module, metric.WithInstrumentationVersion(version.Built())).Int64Counter("sallyport.resolve.calls",
		metric.WithUnit("{call}"), metric.WithDescription("Calls of Resolve for an issuer that came at run time, and those that were not made, by result."))
	if err != nil {
		return nil, fmt.Errorf("sallyport: MeterProvider: %w", err)
	}
	var by [len(outcomes)][]metric.AddOption
	for i, outcome := range outcomes {
		by[i] = []metric.AddOption{metric.WithAttributeSet(attribute.NewSet(attribute.String("sallyport.result", outcome)))}
		calls.Add(context.Background(), 0, by[i]...)
	}
	return func(o directory.Outcome) { calls.Add(context.Background(), 1, by[o]...) }, nil
}

// unwatch ends what metrics read. The provider is its owner's, and may have ended
// before.
func (s *state) unwatch() {
	if s.watching != nil {
		_ = s.watching.Unregister()
	}
}
