package middleware_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tokens is a Verifier that knows some tokens; every other one has a
// bad signature. It counts how often it was asked.
type tokens struct {
	claims map[string]*claims.Claims
	errs   map[string]error
	calls  atomic.Int64
}

func (v *tokens) Verify(_ context.Context, token string) (*claims.Claims, error) {
	v.calls.Add(1)
	if err, ok := v.errs[token]; ok {
		return nil, err
	}
	if c, ok := v.claims[token]; ok {
		return c, nil
	}
	return nil, &verifier.Error{Reason: reason.BadSignature, Issuer: "https://issuer.example", KeyID: `"k1"`}
}

const (
	reader = "token-of-reader" // scope orders.read, client reader-app
	writer = "token-of-writer" // scope orders.read orders.write
	bound  = "token-with-cnf"  // scope orders.read, cnf {jkt}
)

func parse(t *testing.T, payload string) *claims.Claims {
	t.Helper()
	c, err := claims.Parse([]byte(payload), claims.DefaultMapping())
	require.NoError(t, err)
	return c
}

func newTokens(t *testing.T) *tokens {
	t.Helper()
	return &tokens{
		claims: map[string]*claims.Claims{
			reader: parse(t, `{"iss":"https://issuer.example","sub":"r","aud":"api://orders","client_id":"reader-app","scope":"orders.read get"}`),
			writer: parse(t, `{"iss":"https://issuer.example","sub":"w","client_id":"writer-app","scope":"orders.read orders.write"}`),
			bound:  parse(t, `{"iss":"https://issuer.example","sub":"b","scope":"orders.read","cnf":{"jkt":"thumb"}}`),
		},
		errs: map[string]error{},
	}
}

func newGuard(t *testing.T, cfg middleware.Config) *middleware.Guard {
	t.Helper()
	if cfg.Verifier == nil {
		cfg.Verifier = newTokens(t)
	}
	g, err := middleware.New(cfg)
	require.NoError(t, err)
	return g
}

type verifierFunc func(context.Context, string) (*claims.Claims, error)

func (f verifierFunc) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	return f(ctx, token)
}

type binding struct {
	members []string
	err     error
	calls   int
	cred    middleware.Credential
	claims  *claims.Claims
}

func (b *binding) Confirms() []string { return b.members }

func (b *binding) Check(_ *http.Request, c middleware.Credential, cl *claims.Claims) error {
	b.calls++
	b.cred, b.claims = c, cl
	return b.err
}

// handler answers 200 with the subject of the claims, "-" without claims.
var handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	subject := "-"
	if c, ok := claims.FromContext(r.Context()); ok {
		subject = c.Subject()
	}
	_, _ = w.Write([]byte(subject))
})

func request(authorization ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	if len(authorization) > 0 {
		r.Header["Authorization"] = authorization
	}
	return r
}

func deny(g *middleware.Guard, err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Deny(w, r, err) })
}

func withToken(token string) *http.Request { return request("Bearer " + token) }

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// read parses a request as a server would from the wire.
func read(t *testing.T, lines ...string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	require.NoError(t, err)
	return r
}

// change is a middleware that hands on a changed request.
func change(f func(*http.Request) *http.Request, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, f(r)) })
}

// events collects what a Guard reports.
type events struct {
	mu   sync.Mutex
	list []middleware.Event
}

func (e *events) add(_ context.Context, ev middleware.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, ev)
}

// lines are the events as "outcome reason".
func (e *events) lines() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := []string{}
	for _, ev := range e.list {
		out = append(out, strings.TrimSpace(string(ev.Outcome)+" "+string(ev.Reason)))
	}
	return out
}

func allReads() claims.Rule  { return claims.AllScopes("orders.read") }
func allWrites() claims.Rule { return claims.AllScopes("orders.read", "orders.write") }

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

type params = [][2]string
