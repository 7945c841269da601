package faults_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
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

// world is one issuer, the wire to it, and an API behind a Gate.
type world struct {
	t     *testing.T
	iss   *jwkstest.Issuer
	known *jwkstest.Key // published and signing from the beginning
	wire  *wire
	gate  *sallyport.Gate
	door  http.Handler
	heard recorder
	skew  atomic.Int64  // of the API's clock
	pace  time.Duration // between two bytes of a slow answer
}

// settings change how a world's Gate is configured.
type settings func(*sallyport.Config)

// newWorld is at home in a synctest bubble: its issuer has no socket.
func newWorld(t *testing.T, change ...settings) *world {
	t.Helper()
	w := &world{t: t, pace: time.Second}
	w.iss = jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	w.wire = &wire{healthy: w.iss.Client().Transport, hidden: pipes{}}
	w.open(change)
	return w
}

func (w *world) open(change []settings) {
	w.t.Helper()
	w.known = w.iss.Key()
	cfg := sallyport.Config{
		Providers: []providers.Provider{providers.Generic(w.iss.Issuer(), w.iss.Audience())},
		Keys:      jwks.FetcherConfig{Client: &http.Client{Transport: w.wire}, OnEvent: w.heard.hear},
		Verifier:  verifier.Config{Now: func() time.Time { return time.Now().Add(time.Duration(w.skew.Load())) }},
		Guard:     middleware.Config{OnEvent: note},
	}
	for _, c := range change {
		c(&cfg)
	}
	gate, err := sallyport.Open(cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { _ = gate.Close() })
	w.gate = gate
	w.door = gate.Require(claims.AnyToken())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// ready has made its first fetch.
func (w *world) ready() *world {
	w.t.Helper()
	require.NoError(w.t, w.gate.Ready(w.t.Context()))
	return w
}

// status is that of the one issuer's keys.
func (w *world) status() jwks.Status { return w.gate.Keys()[0] }

// long is a token of that key that lives through every test, and was issued a
// while ago, so that a clock which is an hour off does not matter to it.
func (w *world) long(key *jwkstest.Key) string {
	now := time.Now()
	return w.iss.Token(jwkstest.WithKey(key), jwkstest.Claims{"iat": now.Add(-2 * time.Hour), "exp": now.Add(12 * time.Hour)})
}

// stranger is a token with a made-up kid, or with a known one, and a signature
// that nobody made.
func (w *world) stranger(kid string) string {
	header := fmt.Sprintf(`{"alg":"EdDSA","typ":"at+jwt","kid":%q}`, kid)
	_, rest, _ := strings.Cut(w.long(w.known), ".")
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
}

// strangers make up a kid for every token, and sign none.
func (w *world) strangers() func() string {
	_, rest, _ := strings.Cut(w.long(w.known), ".")
	var n atomic.Int64
	return func() string {
		header := fmt.Sprintf(`{"alg":"EdDSA","typ":"at+jwt","kid":"made-up-%d"}`, n.Add(1))
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
	}
}

// foreigners make up an issuer for every token.
func (w *world) foreigners() func() string {
	header, rest, _ := strings.Cut(w.long(w.known), ".")
	_, signature, _ := strings.Cut(rest, ".")
	var n atomic.Int64
	return func() string {
		payload := fmt.Sprintf(`{"iss":"https://made-up-%d.example","aud":%q,"exp":%d}`, n.Add(1), w.iss.Audience(), time.Now().Add(time.Hour).Unix())
		return header + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + signature
	}
}

// client has a token of the key that signs, and asks for another one every ten
// seconds or when the key changes.
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

// publish adds a key to the set, which does not sign unless it is asked to.
func (w *world) publish() *jwkstest.Key {
	key := w.iss.NewKey("EdDSA")
	w.iss.Publish(key)
	return key
}

// answer is what one caller got.
type answer struct {
	status     int
	reason     reason.Code
	retryAfter int // seconds, 0 if none was sent
	took       time.Duration
}

func (a answer) String() string {
	return strings.TrimSpace(strconv.Itoa(a.status) + " " + string(a.reason))
}

type noteKey struct{}

// note hands the Guard's reason, which never goes over the wire, to the caller
// who put a place for it into the request.
func note(ctx context.Context, ev middleware.Event) {
	if at, ok := ctx.Value(noteKey{}).(*reason.Code); ok {
		*at = ev.Reason
	}
}

var orders = &url.URL{Path: "/orders"}

// call brings a token to the API.
func (w *world) call(token string) answer { return w.callWith(w.t.Context(), token) }

func (w *world) callWith(ctx context.Context, token string) answer {
	var why reason.Code
	r := (&http.Request{Method: http.MethodGet, URL: orders, Header: http.Header{"Authorization": {"Bearer " + token}}}).
		WithContext(context.WithValue(ctx, noteKey{}, &why))
	rec := httptest.NewRecorder()
	start := time.Now()
	w.door.ServeHTTP(rec, r)
	a := answer{status: rec.Code, reason: why, took: time.Since(start)}
	a.retryAfter, _ = strconv.Atoi(rec.Header().Get("Retry-After"))
	return a
}

// crowd brings many tokens at the same moment.
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
func (w *world) until(want string, token string, step, most time.Duration) (time.Duration, error) {
	start := time.Now()
	for {
		got := w.call(token).String()
		switch {
		case got == want:
			return time.Since(start), nil
		case time.Since(start) > most:
			return most, fmt.Errorf("still %s after %v, want %s", got, most, want)
		}
		time.Sleep(step)
	}
}

// tally counts answers.
func tally(answers []answer) map[string]int {
	out := map[string]int{}
	for _, a := range answers {
		out[a.String()]++
	}
	return out
}

// recorder collects events of keys.
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
	return slices.Clone(r.events)
}

func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}

// kinds are the different ones heard so far, sorted.
func (r *recorder) kinds() []string {
	var out []string
	events := r.all()
	for i := range events {
		out = append(out, events[i].Kind)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
