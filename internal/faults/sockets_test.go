package faults_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// The faults of connections and of endless bodies once more, over TLS on real
// loopback sockets. Times here are those of the wall: short, and asserted only
// where an order of events is meant.

const (
	quick   = 250 * time.Millisecond // a fetch may take
	patient = 30 * time.Second       // a test waits for what should take a moment
)

// newSocketWorld is a world whose issuer is a TLS server. Its Gate asks once a
// second.
func newSocketWorld(t *testing.T, timeout time.Duration) *world {
	t.Helper()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	w := openWorld(t, iss, &wire{healthy: sockets{t}.serve(goodCert(), iss.Handler()), impostors: sockets{t}}, func(cfg *sallyport.Config) {
		cfg.Keys.Timeout, cfg.Keys.RefreshInterval, cfg.Keys.Cooldown = timeout, time.Second, -1
	})
	w.pace = 10 * time.Millisecond
	return w
}

func overSockets() []row {
	endless := row{name: "serves a header without end", begin: func(w *world) { w.iss.Serve(endlessHeader) }, want: outage("server response headers exceeded")}
	rows := append([]row{endless}, connection...)
	for i := range bodies {
		if strings.Contains(bodies[i].name, "200 MB") {
			r := bodies[i]
			r.name = "serves " + r.name
			rows = append(rows, r)
		}
	}
	return rows
}

// timeout is short where the row waits for it, and out of the way elsewhere.
func (r row) timeout() time.Duration {
	if strings.HasSuffix(r.want.shows, timedOut) {
		return quick
	}
	return patient
}

func endlessHeader(w http.ResponseWriter, _ *http.Request) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, err = buf.WriteString("HTTP/1.1 200 OK\r\n")
	for err == nil {
		_, err = buf.WriteString("X-More: " + strings.Repeat("more ", 200) + "\r\n")
	}
}

// says is what a row wants to see in Status.
func (r row) says() string { return strings.TrimPrefix(r.want.shows, "LastError: ") }

func TestFaultsOverSocketsBeforeTheFirstLoad(t *testing.T) {
	t.Parallel()
	for _, r := range overSockets() {
		t.Run("the issuer "+r.name, func(t *testing.T) {
			t.Parallel()
			w := newSocketWorld(t, r.timeout())
			r.begin(w)
			a := w.call(w.long(w.known))
			assert.Equal(t, r.want.cold, a.String())
			assert.Positive(t, a.retryAfter)
			assert.ErrorContains(t, w.status().LastError, r.says())
		})
	}
}

// TestFaultsOverSocketsAfterAGoodLoad takes all rows at once, because each of
// them waits for seconds to pass.
func TestFaultsOverSocketsAfterAGoodLoad(t *testing.T) {
	t.Parallel()
	rows := overSockets()
	worlds, tokens := make([]*world, len(rows)), make([]string, len(rows))
	for i, r := range rows {
		worlds[i] = newSocketWorld(t, r.timeout()).ready()
		tokens[i] = worlds[i].long(worlds[i].known)
		r.begin(worlds[i])
	}
	for i, r := range rows {
		w := worlds[i]
		require.Eventually(t, func() bool { return w.status().Failures > 1 }, patient, time.Millisecond, "the issuer %s", r.name)
		assert.Equal(t, "200", w.call(tokens[i]).String(), "known key, the issuer %s", r.name)
		tokens[i] = w.long(w.publish())
		assert.Equal(t, r.want.newcomer, w.call(tokens[i]).String(), "new key, the issuer %s", r.name)
		assert.ErrorContains(t, w.status().LastError, r.says())
		r.finish(w)
	}
	for i, r := range rows {
		_, err := worlds[i].until("200", tokens[i], 10*time.Millisecond, patient)
		require.NoError(t, err, "the issuer %s", r.name)
		assert.Zero(t, worlds[i].iss.Strays())
	}
}

// TestNoCallerWaitsForASocketThatHangs lets one fetch hang: every call has to
// end before it does.
func TestNoCallerWaitsForASocketThatHangs(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"before the header":         hang,
		"in the middle of the body": hangInBody,
		"between single bytes":      drip(10 * time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSocketWorld(t, time.Hour).ready()
			tokens := make([]string, 64)
			for i := range tokens {
				tokens[i] = w.long(w.known)
			}
			var entered, left atomic.Int64
			w.iss.Serve(func(rw http.ResponseWriter, r *http.Request) {
				entered.Add(1)
				defer left.Add(1)
				h(rw, r)
			})
			require.Eventually(t, func() bool { return entered.Load() == 1 }, patient, time.Millisecond)

			assert.Equal(t, map[string]int{"200": len(tokens)}, tally(w.crowd(tokens...)))
			ctx, cancel := context.WithTimeout(t.Context(), quick)
			defer cancel()
			a := w.callWith(ctx, w.forged("unknown"))
			assert.Equal(t, "503 canceled", a.String(), "a caller that needs the fetch waits for as long as its context lasts")
			assert.Zero(t, left.Load(), "the fetch still hangs")

			require.NoError(t, w.gate.Close())
			require.Eventually(t, func() bool { return left.Load() == 1 }, patient, time.Millisecond, "Close ends the fetch")
			assert.Equal(t, "200", w.call(tokens[0]).String(), "the keys that are there still count")
		})
	}
}
