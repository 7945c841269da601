package faults_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Defaults of jwks.FetcherConfig, as it documents them.
const (
	fetchTimeout = 5 * time.Second
	refreshEvery = 15 * time.Minute
)

// world is one issuer, the wire to it, and an API behind a Gate.
type world struct {
	t      *testing.T
	iss    *jwkstest.Issuer
	known  *jwkstest.Key // published and signing from the beginning
	wire   *wire
	gate   *sallyport.Gate
	door   http.Handler
	events recorder
	skew   atomic.Int64 // of the API's clock
}

type settings func(*sallyport.Config)

// newWorld is for a synctest bubble: its issuer has no socket.
func newWorld(t *testing.T, change ...settings) *world {
	t.Helper()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	return openWorld(t, iss, &wire{healthy: iss.Client().Transport}, change...)
}

func openWorld(t *testing.T, iss *jwkstest.Issuer, way *wire, change ...settings) *world {
	t.Helper()
	w := &world{t: t, iss: iss, known: iss.Key(), wire: way}
	cfg := sallyport.Config{
		Providers: []providers.Provider{providers.Generic(iss.Issuer(), iss.Audience())},
		Keys:      jwks.FetcherConfig{Client: &http.Client{Transport: way}, OnEvent: w.events.add},
		Verifier:  verifier.Config{Now: func() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }},
		Guard:     middleware.Config{OnEvent: tellReason},
	}
	for _, c := range change {
		c(&cfg)
	}
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = gate.Close() })
	w.gate = gate
	w.door = gate.Require(claims.AnyToken())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	return w
}

func (w *world) ready() *world {
	w.t.Helper()
	require.NoError(w.t, w.gate.Ready(w.t.Context()))
	return w
}

func (w *world) status() jwks.Status { return w.gate.Keys()[0] }

// publish adds a key to the set, which does not sign until Use.
func (w *world) publish() *jwkstest.Key {
	key := w.iss.NewKey("EdDSA")
	w.iss.Publish(key)
	return key
}

// long is a token of that key that outlives every test. It was issued a while
// ago, so that a clock which is an hour off still accepts it.
func (w *world) long(key *jwkstest.Key) string {
	now := time.Now()
	return w.iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"iat": now.Add(-2 * time.Hour), "exp": now.Add(12 * time.Hour)})
}

// forged is a token under that kid whose signature is of another header.
func (w *world) forged(kid string) string {
	_, rest, _ := strings.Cut(w.long(w.known), ".")
	return underKid(kid, rest)
}

func underKid(kid, rest string) string {
	return encoded(`{"alg":"EdDSA","typ":"at+jwt","kid":%q}`, kid) + "." + rest
}

// strangers mints tokens of made-up kids, signed by none.
func (w *world) strangers() func() string {
	_, rest, _ := strings.Cut(w.long(w.known), ".")
	var n atomic.Int64
	return func() string { return underKid(fmt.Sprintf("made-up-%d", n.Add(1)), rest) }
}

// foreigners mints tokens of made-up issuers.
func (w *world) foreigners() func() string {
	parts := strings.Split(w.long(w.known), ".")
	var n atomic.Int64
	return func() string {
		payload := encoded(`{"iss":"https://made-up-%d.example","aud":%q,"exp":%d}`, n.Add(1), w.iss.Audience(), time.Now().Add(time.Hour).Unix())
		return parts[0] + "." + payload + "." + parts[2]
	}
}

func encoded(format string, args ...any) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, args...))
}

// client mints a token of the signing key, another one every ten seconds and when the key changes.
func (w *world) client() func() string {
	var mu sync.Mutex
	var token string
	var key *jwkstest.Key
	var got time.Time
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); key != w.iss.Key() || now.Sub(got) >= 10*time.Second {
			key, got = w.iss.Key(), now
			token = w.iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"exp": now.Add(10 * time.Second)})
		}
		return token
	}
}

type answer struct {
	status     int
	reason     reason.Code
	retryAfter int // seconds, 0 if none was sent
	took       time.Duration
}

func (a answer) String() string {
	return strings.TrimSpace(strconv.Itoa(a.status) + " " + string(a.reason))
}

type reasonKey struct{}

// withReason has the function called with the Guard's reason, which is not sent.
func withReason(ctx context.Context, tell func(reason.Code)) context.Context {
	return context.WithValue(ctx, reasonKey{}, tell)
}

func tellReason(ctx context.Context, ev middleware.Event) {
	if tell, ok := ctx.Value(reasonKey{}).(func(reason.Code)); ok {
		tell(ev.Reason)
	}
}

var orders = &url.URL{Path: "/orders"}

func (w *world) call(token string) (a answer) {
	r := &http.Request{Method: http.MethodGet, URL: orders, Header: http.Header{"Authorization": {"Bearer " + token}}}
	rec, start := httptest.NewRecorder(), time.Now()
	w.door.ServeHTTP(rec, r.WithContext(withReason(w.t.Context(), func(why reason.Code) { a.reason = why })))
	a.status, a.took = rec.Code, time.Since(start)
	a.retryAfter, _ = strconv.Atoi(rec.Header().Get("Retry-After"))
	return a
}

func (w *world) crowd(tokens ...string) []answer {
	out := make([]answer, len(tokens))
	var wg sync.WaitGroup
	for i, token := range tokens {
		wg.Go(func() { out[i] = w.call(token) })
	}
	wg.Wait()
	return out
}

// until polls every step for the answer, and says how long it took.
func (w *world) until(want, token string, step, most time.Duration) time.Duration {
	w.t.Helper()
	start := time.Now()
	for {
		got := w.call(token).String()
		if got == want {
			return time.Since(start)
		}
		require.LessOrEqual(w.t, time.Since(start), most, "still %s, want %s", got, want)
		time.Sleep(step)
	}
}

func tally(answers []answer) map[string]int {
	out := map[string]int{}
	for _, a := range answers {
		out[a.String()]++
	}
	return out
}

type recorder struct {
	mu    sync.Mutex
	heard []string
}

func (r *recorder) add(e jwks.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, fmt.Sprint(e.Kind))
}

// take returns the different kinds since the last call, sorted.
func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.heard
	r.heard = nil
	slices.Sort(out)
	return slices.Compact(out)
}

// between finds what stands between two marks of a document.
func between(t *testing.T, name, begin, end string) (head, written, tail string) {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	head, rest, begins := strings.Cut(string(text), begin)
	written, tail, ends := strings.Cut(rest, end)
	require.True(t, begins && ends, "%s has lost the marks %q and %q", name, begin, end)
	return head + begin, written, end + tail
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
