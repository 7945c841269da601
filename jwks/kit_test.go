package jwks_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Keys made once for the whole binary: RSA is slow to generate.
var (
	rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	p256   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384   = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// bubble runs test in a synctest bubble, in parallel with other tests.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// each runs test for every row, in parallel.
func each[R any](t *testing.T, rows map[string]R, test func(t *testing.T, row R)) {
	t.Helper()
	t.Parallel()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, row)
		})
	}
}

// eachInBubble is each, with a bubble of its own for every row.
func eachInBubble[R any](t *testing.T, rows map[string]R, test func(t *testing.T, row R)) {
	t.Helper()
	each(t, rows, func(t *testing.T, row R) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) { test(t, row) })
	})
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// ed is an Ed25519 key that is always the same for a name.
func ed(name string) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, name)
	return ed25519.NewKeyFromSeed(seed)
}

func edPublic(name string) ed25519.PublicKey {
	public, ok := ed(name).Public().(ed25519.PublicKey)
	if !ok {
		panic("not Ed25519")
	}
	return public
}

// members are a JWK's, and change what jwk makes.
type members map[string]any

// jwk is the Ed25519 key of that name, under the kid of that name.
func jwk(name string, more ...members) members {
	m := members{"kty": "OKP", "crv": "Ed25519", "kid": name, "x": b64(edPublic(name))}
	for _, other := range more {
		for k, v := range other {
			if v == nil {
				delete(m, k)
				continue
			}
			m[k] = v
		}
	}
	return m
}

func rsaJWK(kid string) members {
	return members{"kty": "RSA", "kid": kid, "n": b64(rsaKey().N.Bytes()), "e": b64(big.NewInt(int64(rsaKey().E)).Bytes())}
}

func ecJWK(kid string, key *ecdsa.PrivateKey) members {
	point := must(key.PublicKey.Bytes())
	half := len(point) / 2
	return members{"kty": "EC", "crv": key.Params().Name, "kid": kid, "x": b64(point[1 : 1+half]), "y": b64(point[1+half:])}
}

// set is a JWK Set.
func set(keys ...members) string {
	if keys == nil {
		keys = []members{}
	}
	return string(must(json.Marshal(map[string]any{"keys": keys})))
}

// setOf is the set of the Ed25519 keys of those names.
func setOf(names ...string) string {
	var keys []members
	for _, name := range names {
		keys = append(keys, jwk(name))
	}
	return set(keys...)
}

const (
	issuerURL = "https://issuer.example"
	oidcPath  = "/.well-known/openid-configuration"
	oauthPath = "/.well-known/oauth-authorization-server"
	setURL    = issuerURL + "/jwks"
)

// answer answers a request, as an http.RoundTripper does.
type answer = func(r *http.Request) (*http.Response, error)

// server is an issuer behind a fake RoundTripper, which a synctest bubble can
// wait for. Without an answer of its own it serves its set.
type server struct {
	mu       sync.Mutex
	answer   answer
	body     string
	header   http.Header
	latency  time.Duration
	requests []request
}

type request struct {
	at     time.Time
	url    string
	header http.Header
}

func newServer(body string) *server { return &server{body: body, header: http.Header{}} }

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.requests = append(s.requests, request{time.Now(), r.URL.String(), r.Header.Clone()})
	answer, latency := s.answer, s.latency
	s.mu.Unlock()
	if latency > 0 {
		if err := pause(r.Context(), latency); err != nil {
			return nil, err
		}
	}
	if answer != nil {
		return answer(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return reply(r, http.StatusOK, s.body, s.header.Clone()), nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func reply(r *http.Request, status int, body string, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
}

// serve changes the set.
func (s *server) serve(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body, s.answer = body, nil
}

// respond changes how requests are answered.
func (s *server) respond(answer answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) slow(latency time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.latency = latency
}

func (s *server) set(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.header.Set(name, value)
}

// tagged answers with body and an ETag, and every request with an ETag with 304.
func tagged(body string) answer {
	return func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("If-None-Match") != "" {
			return reply(r, http.StatusNotModified, "", nil), nil
		}
		return reply(r, http.StatusOK, body, http.Header{"Etag": {`"v1"`}}), nil
	}
}

// status answers with a status and, where there is a value, Retry-After.
func status(code int, retryAfter string) answer {
	return func(r *http.Request) (*http.Response, error) {
		return reply(r, code, setOf("evil"), http.Header{"Location": {"https://evil.example/jwks"}, "Retry-After": {retryAfter}}), nil
	}
}

// silent never answers.
func silent(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// fail has every request answered with that status.
func (s *server) fail(status int) {
	s.respond(func(r *http.Request) (*http.Response, error) { return reply(r, status, "", nil), nil })
}

func (s *server) seen() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.requests...)
}

// count is how many requests there were.
func (s *server) count() int { return len(s.seen()) }

func (s *server) last() request {
	all := s.seen()
	return all[len(all)-1]
}

// config fetches the server's set from a fixed address.
func (s *server) config() jwks.FetcherConfig {
	return jwks.FetcherConfig{Issuer: issuerURL, JWKSURL: setURL, Client: &http.Client{Transport: s}}
}

// newFetcher is closed when the test, or the bubble, ends.
func newFetcher(t *testing.T, cfg jwks.FetcherConfig) *jwks.Fetcher {
	t.Helper()
	f, err := jwks.NewFetcher(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// readyFetcher has made its first fetch.
func readyFetcher(t *testing.T, cfg jwks.FetcherConfig) *jwks.Fetcher {
	t.Helper()
	f := newFetcher(t, cfg)
	require.NoError(t, f.Ready(t.Context()))
	return f
}

// withServer runs test in a bubble, with a server of that set and a Fetcher that has fetched it.
func withServer(t *testing.T, body string, test func(t *testing.T, s *server, f *jwks.Fetcher)) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		t.Helper()
		s := newServer(body)
		test(t, s, readyFetcher(t, s.config()))
	})
}

// withIdle is withServer with a Fetcher that nothing has asked yet.
func withIdle(t *testing.T, body string, test func(t *testing.T, s *server, f *jwks.Fetcher)) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		t.Helper()
		s := newServer(body)
		test(t, s, newFetcher(t, s.config()))
	})
}

// recorded is a server of that set, a Fetcher that has fetched it, and its events.
func recorded(t *testing.T, body string) (*server, *jwks.Fetcher, *recorder) {
	t.Helper()
	s := newServer(body)
	f, events := heard(t, s.config())
	return s, f, events
}

// heard is readyFetcher, and the events of the Fetcher.
func heard(t *testing.T, cfg jwks.FetcherConfig) (*jwks.Fetcher, *recorder) {
	t.Helper()
	events := &recorder{}
	cfg.OnEvent = events.hear
	return readyFetcher(t, cfg), events
}

// unavailable is err, which has to say that keys could not be had.
func unavailable(t *testing.T, err error) *jwks.UnavailableError {
	t.Helper()
	var u *jwks.UnavailableError
	require.ErrorAs(t, err, &u)
	return u
}

// kids are the ids in the snapshot.
func kids(f jwks.KeySet) []string {
	var out []string
	for k := range f.Snapshot().Keys() {
		out = append(out, k.ID())
	}
	return out
}

func hasKid(f jwks.KeySet, kid string) bool {
	_, err := f.Snapshot().Key(kid, "EdDSA")
	return err == nil
}

// recorder collects events.
type recorder struct {
	mu     sync.Mutex
	events []jwks.Event
}

func (r *recorder) hear(e jwks.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) all() []jwks.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]jwks.Event(nil), r.events...)
}

func (r *recorder) kinds() []string {
	var out []string
	all := r.all()
	for i := range all {
		out = append(out, all[i].Kind)
	}
	return out
}

// count is how many events of that kind there were.
func (r *recorder) count(kind string) (n int) {
	for _, k := range r.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}

func (r *recorder) last() jwks.Event {
	all := r.all()
	return all[len(all)-1]
}

// metadata is a discovery document.
func metadata(issuer, uri string) string {
	return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"token_endpoint":"https://issuer.example/token"}`, issuer, uri)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// The timeouts of fetches over real sockets: of those that have to time out, and
// of those that must not on any machine.
const (
	brief = 200 * time.Millisecond
	long  = 2 * time.Minute
)

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

type roundTripper func(r *http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// site answers by URL, 404 for what it has not.
func (s *server) site(pages map[string]string) {
	s.respond(func(r *http.Request) (*http.Response, error) {
		body, ok := pages[r.URL.String()]
		if !ok {
			return reply(r, http.StatusNotFound, "", nil), nil
		}
		return reply(r, http.StatusOK, body, nil), nil
	})
}

// urls are those asked for since the first n requests.
func (s *server) urls(n int) []string {
	var out []string
	for _, r := range s.seen()[n:] {
		out = append(out, r.url)
	}
	return out
}

// discovering finds the set of issuer.
func (s *server) discovering(issuer string) jwks.FetcherConfig {
	return jwks.FetcherConfig{Issuer: issuer, Client: &http.Client{Transport: s}}
}

// measured is what a Fetcher reports to OpenTelemetry.
type measured struct {
	reader *sdkmetric.ManualReader
	meters *sdkmetric.MeterProvider
	spans  *tracetest.SpanRecorder
	traces *sdktrace.TracerProvider
}

func newMeasured() *measured {
	m := &measured{reader: sdkmetric.NewManualReader(), spans: tracetest.NewSpanRecorder()}
	m.meters = sdkmetric.NewMeterProvider(sdkmetric.WithReader(m.reader))
	m.traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(m.spans))
	return m
}

func (m *measured) by(cfg jwks.FetcherConfig) jwks.FetcherConfig {
	cfg.MeterProvider, cfg.TracerProvider = m.meters, m.traces
	return cfg
}

// scopes are what the instruments have in common.
func (m *measured) scopes(t *testing.T) []metricdata.ScopeMetrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(t.Context(), &all))
	return all.ScopeMetrics
}

// values are the points of a metric by the values of their attributes but the
// issuer's, in the order of their names; of a histogram, how many were recorded.
func (m *measured) values(t *testing.T, name string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	add := func(set attribute.Set, value float64) {
		var labels []string
		for _, kv := range set.ToSlice() {
			if kv.Key == "sallyport.issuer" {
				require.Equal(t, issuerURL, kv.Value.AsString())
				continue
			}
			labels = append(labels, kv.Value.String())
		}
		out[strings.Join(labels, " ")] = value
	}
	for _, scope := range m.scopes(t) {
		for _, metric := range scope.Metrics {
			if metric.Name != name {
				continue
			}
			switch data := metric.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					add(p.Attributes, float64(p.Count))
				}
			}
		}
	}
	return out
}
