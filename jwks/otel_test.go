package jwks_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-go/sallyport/jwks"
)

// attributesOf are those of a span, by name.
func attributesOf(s sdktrace.ReadOnlySpan) map[attribute.Key]attribute.Value {
	out := map[attribute.Key]attribute.Value{}
	for _, kv := range s.Attributes() {
		out[kv.Key] = kv.Value
	}
	return out
}

func TestEachFetchIsCountedTimedAndHasASpan(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		m := newMeasured()
		s.respond(func(r *http.Request) (*http.Response, error) {
			assert.True(t, trace.SpanFromContext(r.Context()).SpanContext().IsValid(), "the transport's spans nest in it")
			time.Sleep(20 * time.Millisecond)
			return tagged(setOf("a"))(r)
		})
		f := readyFetcher(t, m.by(s.config()))
		time.Sleep(16 * time.Minute)
		s.fail(http.StatusInternalServerError)
		require.Error(t, f.Refresh(t.Context(), "b"))

		assert.Equal(t, map[string]float64{"fetched": 1, "not_modified": 1, "failed": 1}, m.values(t, "sallyport.jwks.fetches"))
		assert.Equal(t, map[string]float64{"fetched": 1, "not_modified": 1, "500 failed": 1}, m.values(t, "sallyport.jwks.fetch.duration"), "with error.type")
		spans := m.spans.Ended()
		require.Len(t, spans, 3)
		for i, want := range []string{"fetched", "not_modified", "failed"} {
			got, attrs := spans[i], attributesOf(spans[i])
			assert.Equal(t, "jwks.fetch", got.Name())
			assert.Equal(t, want, attrs["sallyport.result"].AsString())
			assert.Equal(t, issuerURL, attrs["sallyport.issuer"].AsString())
			assert.Equal(t, setURL, attrs["url.full"].AsString())
			assert.Equal(t, int64(1), attrs["sallyport.keys"].AsInt64())
			assert.Equal(t, i == 2, attrs["sallyport.forced"].AsBool())
			assert.Equal(t, i == 2, got.Status().Code == codes.Error)
			assert.Equal(t, i == 2, len(got.Events()) == 1, "the error")
			assert.Equal(t, i == 2, attrs["error.type"].AsString() == "500")
		}
	})
}

func TestTheScopeIsTheModuleWithItsVersion(t *testing.T) {
	t.Parallel()
	m := newMeasured()
	newFetcher(t, m.by(jwks.FetcherConfig{Issuer: issuerURL}))
	scopes := m.scopes(t)
	require.Len(t, scopes, 1)
	assert.Equal(t, "github.com/sallyport-go/sallyport", scopes[0].Scope.Name)
	assert.NotEmpty(t, scopes[0].Scope.Version)
}

// An alarm on an increase misses the first one where the series begins with it.
func TestTheSeriesOfAlarmsAreThereFromTheStart(t *testing.T) {
	t.Parallel()
	m := newMeasured()
	newFetcher(t, m.by(jwks.FetcherConfig{Issuer: issuerURL}))
	assert.Equal(t, map[string]float64{"fetched": 0, "not_modified": 0, "failed": 0}, m.values(t, "sallyport.jwks.fetches"))
	assert.Equal(t, map[string]float64{"": 0}, m.values(t, "sallyport.jwks.unknown_kids"))
	assert.Equal(t, map[string]float64{"usable": 0, "skipped": 0}, m.values(t, "sallyport.jwks.keys"))
	assert.Equal(t, map[string]float64{"": 5}, m.values(t, "sallyport.jwks.budget"))
	assert.Equal(t, map[string]float64{"not_started": 1, "loading": 0, "usable": 0, "too_old": 0, "missing": 0}, m.values(t, "sallyport.jwks.state"))
}

func TestDiscoveryHasASpanWithinThatOfItsFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		m := newMeasured()
		s.site(map[string]string{issuerURL + oauthPath: metadata(issuerURL, setURL), setURL: setOf("a")})
		f := readyFetcher(t, m.by(s.discovering(issuerURL)))
		spans := m.spans.Ended()
		require.Len(t, spans, 2)
		discovery, fetch := spans[0], spans[1]
		assert.Equal(t, "jwks.discovery", discovery.Name())
		assert.Equal(t, fetch.SpanContext().SpanID(), discovery.Parent().SpanID())
		assert.Equal(t, issuerURL, attributesOf(discovery)["sallyport.issuer"].AsString())
		assert.Equal(t, setURL, attributesOf(discovery)["url.full"].AsString())
		assert.Equal(t, codes.Unset, discovery.Status().Code)

		s.site(map[string]string{issuerURL + oidcPath: metadata("https://evil.example", setURL)})
		time.Sleep(16 * time.Minute) // a refresh finds no set
		require.Error(t, f.Refresh(t.Context(), "b"))
		time.Sleep(2 * time.Second) // the next attempt reads the metadata again
		spans = m.spans.Ended()
		discovery = spans[len(spans)-2]
		assert.Equal(t, "jwks.discovery", discovery.Name())
		assert.Equal(t, "metadata", attributesOf(discovery)["error.type"].AsString())
		assert.Equal(t, codes.Error, discovery.Status().Code)
	})
}

func TestAFetchThatCloseEndsIsNotCountedAndItsSpanIsEnded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer("")
		s.slow(4 * time.Second)
		m, events := newMeasured(), &recorder{}
		f := newFetcher(t, m.by(jwks.FetcherConfig{JWKSURL: setURL, Client: &http.Client{Transport: s}, OnEvent: events.hear, Label: issuerURL}))
		go func() { _ = f.Ready(context.Background()) }()
		time.Sleep(time.Second)
		require.NoError(t, f.Close())
		spans := m.spans.Ended()
		require.Len(t, spans, 1)
		assert.Equal(t, "closed", attributesOf(spans[0])["error.type"].AsString())
		assert.Zero(t, m.values(t, "sallyport.jwks.fetches")["failed"], "a deployment is no failure of the issuer")
		assert.Empty(t, m.values(t, "sallyport.jwks.fetch.duration"))
		assert.Empty(t, events.all(), "closing is no failure")
	})
}

func TestTheLabelNamesTheIssuer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for want, cfg := range map[string]jwks.FetcherConfig{
			setURL:    {JWKSURL: setURL},
			issuerURL: {JWKSURL: setURL, Issuer: issuerURL},
			"other":   {JWKSURL: setURL, Issuer: issuerURL, Label: "other"},
		} {
			s, m := newServer(setOf("a")), newMeasured()
			cfg.Client = &http.Client{Transport: s}
			readyFetcher(t, m.by(cfg))
			assert.Equal(t, want, attributesOf(m.spans.Ended()[0])["sallyport.issuer"].AsString())
		}
	})
}

func TestUnknownKidsAreCountedOncePerCall(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, m := newServer(setOf("a")), newMeasured()
		f := readyFetcher(t, m.by(s.config()))
		require.NoError(t, f.Refresh(t.Context(), "a"))
		assert.Equal(t, map[string]float64{"": 0}, m.values(t, "sallyport.jwks.unknown_kids"), "a kid that is there")
		require.NoError(t, f.Refresh(t.Context(), "b"), "which waits for a fetch, and decides twice")
		require.NoError(t, f.Refresh(t.Context(), "b"))
		require.NoError(t, f.Refresh(t.Context(), ""))
		assert.Equal(t, map[string]float64{"": 3}, m.values(t, "sallyport.jwks.unknown_kids"))
	})
}

type broken struct {
	metricnoop.MeterProvider
	instrument string
}

func (b broken) Meter(string, ...metric.MeterOption) metric.Meter { return brokenMeter{broken: b} }

type brokenMeter struct {
	metricnoop.Meter
	broken
}

var errMeter = errors.New("no instruments today")

func (b brokenMeter) failing(name string) error {
	if name == b.instrument {
		return errMeter
	}
	return nil
}

func (b brokenMeter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return metricnoop.Int64Counter{}, b.failing(name)
}

func (b brokenMeter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return metricnoop.Float64Histogram{}, b.failing(name)
}

func (b brokenMeter) Int64ObservableUpDownCounter(name string, _ ...metric.Int64ObservableUpDownCounterOption) (metric.Int64ObservableUpDownCounter, error) {
	return metricnoop.Int64ObservableUpDownCounter{}, b.failing(name)
}

func (b brokenMeter) RegisterCallback(metric.Callback, ...metric.Observable) (metric.Registration, error) {
	return metricnoop.Registration{}, b.failing("callback")
}

func TestMeterThatFailsIsAMistakeOfConfiguration(t *testing.T) {
	t.Parallel()
	for _, instrument := range []string{"sallyport.jwks.fetches", "sallyport.jwks.fetch.duration", "sallyport.jwks.state", "callback"} {
		_, err := jwks.NewFetcher(jwks.FetcherConfig{JWKSURL: setURL, MeterProvider: broken{instrument: instrument}})
		require.ErrorIs(t, err, errMeter, instrument)
		assert.ErrorContains(t, err, "MeterProvider")
	}
}

// A failure has a class of a few words, which a label can carry: nothing of what
// the server wrote.
func TestFailedFetchesHaveAClass(t *testing.T) {
	t.Parallel()
	failing := func(err error) answer {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	for class, answer := range map[string]answer{
		"timeout":    silent,
		"500":        status(500, ""),
		"302":        status(302, ""),
		"_OTHER":     status(599, ""),
		"dns":        failing(&net.DNSError{Err: "no such host", Name: "issuer.example"}),
		"connection": failing(&net.OpError{Op: "dial", Err: errors.New("refused")}),
		"tls":        failing(x509.UnknownAuthorityError{}),
		"jwk_set":    func(r *http.Request) (*http.Response, error) { return reply(r, 200, `{"keys":[]}`, nil), nil },
	} {
		t.Run(class, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, m := newServer(""), newMeasured()
				s.respond(answer)
				require.Error(t, newFetcher(t, m.by(s.config())).Refresh(t.Context(), "a"))
				assert.Equal(t, map[string]float64{class + " failed": 1}, m.values(t, "sallyport.jwks.fetch.duration"))
			})
		})
	}
}

func TestWrongMetadataHasAClass(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, m := newServer(""), newMeasured()
		s.site(map[string]string{issuerURL + oidcPath: metadata("https://elsewhere.example", setURL)})
		require.Error(t, newFetcher(t, m.by(s.discovering(issuerURL))).Refresh(t.Context(), "a"))
		assert.Equal(t, map[string]float64{"metadata failed": 1}, m.values(t, "sallyport.jwks.fetch.duration"))
	})
}
