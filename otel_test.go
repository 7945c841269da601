package sallyport_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// sums are the points of the metrics of a Gate by name and attributes.
func sums(t *testing.T, from *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	for _, scope := range collect(t, from) {
		assert.Equal(t, "github.com/sallyport-go/sallyport", scope.Scope.Name)
		for _, m := range scope.Metrics {
			if data, ok := m.Data.(metricdata.Sum[int64]); ok {
				for _, p := range data.DataPoints {
					out[m.Name+" "+p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Value
				}
			}
		}
	}
	return out
}

func TestTheCacheIsMeasuredUntilClose(t *testing.T) {
	t.Parallel()
	iss, reader := newIssuer(t), sdkmetric.NewManualReader()
	g, err := sallyport.Open(sallyport.Config{
		Providers:     []providers.Provider{providers.Generic(iss.Issuer(), audience)},
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		Verifier:      verifier.Config{CacheBytes: 20 << 10},
	})
	g = closing(t, g, err)
	got := sums(t, reader)
	assert.Contains(t, got, "sallyport.cache.lookups sallyport.result=hit", "from the start")
	assert.Contains(t, got, "sallyport.cache.evictions ")
	token := iss.Token()
	for range 3 {
		_, err := g.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	got = sums(t, reader)
	assert.Equal(t, int64(2), got["sallyport.cache.lookups sallyport.result=hit"])
	assert.Equal(t, int64(1), got["sallyport.cache.lookups sallyport.result=miss"])
	assert.Equal(t, int64(20<<10), got["sallyport.cache.limit "])
	assert.Positive(t, got["sallyport.cache.usage "])
	assert.Zero(t, got["sallyport.cache.evictions "])
	for range 50 {
		_, err := g.Verify(t.Context(), iss.Token())
		require.NoError(t, err)
	}
	got = sums(t, reader)
	assert.Positive(t, got["sallyport.cache.evictions "])
	assert.LessOrEqual(t, got["sallyport.cache.usage "], int64(20<<10))
	require.NoError(t, g.Close())
	assert.NotContains(t, sums(t, reader), "sallyport.cache.limit ")
}

func TestACacheThatIsOffHasNoMetrics(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	g, err := sallyport.Open(sallyport.Config{
		Providers:     []providers.Provider{providers.Generic("https://issuer.example", audience)},
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		Verifier:      verifier.Config{CacheBytes: -1},
	})
	closing(t, g, err)
	assert.NotContains(t, sums(t, reader), "sallyport.cache.limit ")
}

// The keys and the requests of an issuer have one label: that of the tokens.
// Of a template it is the template, whatever tenants call.
func TestKeysAndRequestsHaveTheSameLabel(t *testing.T) {
	t.Parallel()
	reader := sdkmetric.NewManualReader()
	g, err := sallyport.Open(sallyport.Config{
		Providers:     []providers.Provider{providers.EntraTenants([]string{"5f1c3a52-7d0e-4b6a-9a3f-0c2b7d9e8f41"}, "api://orders", "0d4f7c1e-93ab-4c26-8f5e-b1a7c3d5e790")},
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
	})
	closing(t, g, err)
	got := sums(t, reader)
	for _, name := range []string{"https://login.microsoftonline.com/{tenantid}/v2.0", "https://sts.windows.net/{tenantid}/"} {
		assert.Contains(t, got, fmt.Sprintf("sallyport.jwks.fetches sallyport.issuer=%s,sallyport.result=failed", name))
		assert.Contains(t, got, fmt.Sprintf("sallyport.requests sallyport.issuer=%s,sallyport.outcome=verified", name))
	}
}

func TestATracerProviderHasDecisionsInTheSpanOfTheRequest(t *testing.T) {
	t.Parallel()
	iss, spans := newIssuer(t), tracetest.NewSpanRecorder()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	g, err := sallyport.Open(sallyport.Config{
		Providers:      []providers.Provider{providers.Generic(iss.Issuer(), audience)},
		TracerProvider: tracers,
	})
	g = closing(t, g, err)
	ctx, span := tracers.Tracer("").Start(t.Context(), "request")
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+iss.Token())
	_, _, err = g.Check(r, claims.AnyToken())
	require.NoError(t, err)
	span.End()
	ended := spans.Ended()
	last := ended[len(ended)-1]
	assert.Equal(t, "request", last.Name())
	assert.Contains(t, last.Attributes(), attribute.String("sallyport.outcome", "verified"))
}

// The guide has a row for each metric, and no other.
func TestTheGuideHasEachMetric(t *testing.T) {
	t.Parallel()
	iss, reader := newIssuer(t), sdkmetric.NewManualReader()
	g, err := sallyport.Open(sallyport.Config{
		Providers:     []providers.Provider{providers.Generic(iss.Issuer(), audience)},
		Resolve:       newRows().resolve,
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		Introspection: []introspection.Config{{
			Issuer: iss.Issuer(), Endpoint: iss.IntrospectionURL(),
			Credentials: introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed(jwkstest.IntrospectionSecret)),
		}},
	})
	g = closing(t, g, err)
	for _, token := range []string{iss.Token(), iss.OpaqueToken()} {
		r := httptest.NewRequest(http.MethodGet, "/orders", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		_, _, err = g.Check(r, claims.AnyToken())
		require.NoError(t, err)
	}
	var measured []string
	for _, scope := range collect(t, reader) {
		for _, m := range scope.Metrics {
			kind, attributes := shape(m.Data)
			measured = append(measured, strings.Join([]string{m.Name, kind, m.Unit, strings.Join(attributes, ", ")}, " | "))
		}
	}
	guide, err := os.ReadFile("docs/guide/telemetry.md")
	require.NoError(t, err)
	var described []string
	for line := range strings.Lines(string(guide)) {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if len(cells) < 6 || !strings.HasPrefix(cells[1], "`sallyport.") {
			continue
		}
		attributes := regexp.MustCompile(` \([^)]*\)`).ReplaceAllString(cells[4], "")
		attributes = strings.ReplaceAll(attributes, ", error.type", "") // of a failure alone
		described = append(described, strings.Join([]string{strings.Trim(cells[1], "`"), cells[2], cells[3], attributes}, " | "))
	}
	assert.ElementsMatch(t, measured, described)
}

// shape returns the kind of a metric, and its attributes without the prefix, as
// the guide has them.
func shape(data metricdata.Aggregation) (kind string, attributes []string) {
	names := map[string]bool{}
	add := func(set attribute.Set) {
		for _, kv := range set.ToSlice() {
			names[strings.TrimPrefix(string(kv.Key), "sallyport.")] = true
		}
	}
	switch data := data.(type) {
	case metricdata.Sum[int64]:
		kind = "up-down counter"
		if data.IsMonotonic {
			kind = "counter"
		}
		for _, p := range data.DataPoints {
			add(p.Attributes)
		}
	case metricdata.Gauge[int64]:
		kind = "gauge"
		add(data.DataPoints[0].Attributes)
	case metricdata.Gauge[float64]:
		kind = "gauge"
		add(data.DataPoints[0].Attributes)
	case metricdata.Histogram[float64]:
		kind = "histogram"
		add(data.DataPoints[0].Attributes)
	}
	for _, name := range []string{"outcome", "reason", "issuer", "seen", "result", "state", "key.state"} {
		if names[name] {
			attributes = append(attributes, name)
		}
	}
	return kind, attributes
}

func TestCallsOfResolveAreCountedByTheirResult(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bubble(t, func(t *testing.T) {
		r, one, other := newRows(), sdkmetric.NewManualReader(), sdkmetric.NewManualReader()
		r.put(iss.Issuer(), row(iss, audience))
		cfg := sallyport.Config{Resolve: r.resolve, Resolving: sallyport.Resolving{Burst: 2, DangerouslyPrivateNetworks: true}}
		cfg.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(one))
		g := open(t, cfg)
		h := g.Authenticate(ok)
		counts := func(from *sdkmetric.ManualReader) (out [4]int64) {
			got := sums(t, from)
			for i, result := range []string{"found", "unknown", "failed", "refused"} {
				n, there := got["sallyport.resolve.calls sallyport.result="+result]
				assert.True(t, there, "from the start")
				out[i] = n
			}
			return out
		}
		assert.Equal(t, [4]int64{}, counts(one))
		invented := func(n int) string {
			return iss.Token(jwkstest.Claims{"iss": fmt.Sprint("https://invented.example/", n)})
		}
		for range 3 {
			assert.Equal(t, 200, status(h, iss.Token(lasting(time.Hour))))
			assert.Equal(t, 401, status(h, invented(1)))
		}
		assert.Equal(t, [4]int64{1, 1, 0, 0}, counts(one), "what is known, or remembered, is no call")
		r.failing(errors.New("down"))
		assert.Equal(t, 503, status(h, invented(2)))
		assert.Equal(t, 503, status(h, invented(2)))
		assert.Equal(t, [4]int64{1, 1, 1, 0}, counts(one))
		for n := range 5 {
			assert.Equal(t, 503, status(h, invented(3+n)))
		}
		assert.Equal(t, [4]int64{1, 1, 1, 5}, counts(one))

		r.failing(nil)
		cfg.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(other))
		require.NoError(t, g.Replace(t.Context(), cfg))
		assert.Equal(t, 200, status(h, iss.Token(lasting(time.Hour))))
		assert.Equal(t, [4]int64{1, 0, 0, 0}, counts(other), "by the provider that is in force")
		assert.Equal(t, [4]int64{1, 1, 1, 5}, counts(one))
	})
}
