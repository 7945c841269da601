package api_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// denying is an API that follows a file, and how its file is written.
func denying(t *testing.T, framework, text string, issuer *jwkstest.Issuer, meters metric.MeterProvider) (w *world, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "denied")
	write(t, path, text)
	cfg := trusting(issuer)
	cfg.Framework, cfg.DenyFile, cfg.MeterProvider = framework, path, meters
	return start(t, cfg), path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// refuses reports whether a token is refused, as one that was withdrawn.
func (w *world) refuses(token string) bool {
	w.t.Helper()
	if w.get("/orders", token).Status != http.StatusUnauthorized {
		return false
	}
	assert.Equal(w.t, "revoked", w.last())
	return true
}

// soon waits for what takes two seconds at most, and longer on a slow machine.
func soon(t *testing.T, condition func() bool, what string) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, 20*time.Millisecond, what)
}

func TestAFileDeniesTokens(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	everywhere(t, func(t *testing.T, framework string) {
		w, path := denying(t, framework, "id-at-start\n", issuer, nil)
		assert.True(t, w.refuses(issuer.Token(jwkstest.Claims{"jti": "id-at-start"})))

		later := issuer.Token(jwkstest.Claims{"jti": "id-later"})
		subject, client := issuer.Token(jwkstest.Claims{"sub": "alice"}), issuer.Token(jwkstest.Claims{"client_id": "warehouse"})
		assert.False(t, w.refuses(later) || w.refuses(subject) || w.refuses(client))
		before := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		write(t, path, "id-at-start\nid-later\nsub "+issuer.Issuer()+" alice "+before+"\nclient "+issuer.Issuer()+" warehouse "+before+"\n")
		for name, token := range map[string]string{"jti": later, "sub": subject, "client": client} {
			soon(t, func() bool { return w.refuses(token) }, name)
		}
	})
}

// TestAFileThatIsHalfWrittenOrGoneFreesNobody writes half of a line, what is no text,
// and nothing at all, and last a file that lost a line for good.
func TestAFileThatIsHalfWrittenOrGoneFreesNobody(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	stolen, left := issuer.Token(jwkstest.Claims{"jti": "stolen"}), issuer.Token(jwkstest.Claims{"sub": "alice"})
	whole := "stolen\nsub " + issuer.Issuer() + " alice " + time.Now().Add(time.Minute).UTC().Format(time.RFC3339) + "\n"
	everywhere(t, func(t *testing.T, framework string) {
		meters := new(meters)
		w, path := denying(t, framework, whole, issuer, meters)
		assert.True(t, w.refuses(stolen) && w.refuses(left))
		trouble := func() []map[string]any { return w.records("denylist cannot be read, what was denied stays denied") }
		again := func() []map[string]any { return w.records("denylist is whole again") }
		for n, damage := range []struct{ what, says string }{
			{"sub " + issuer.Issuer() + " ali", "ends with no RFC 3339 time"},
			{"\xff\xfe", "UTF-8"},
			{"", "no such file"}, // it vanishes
		} {
			if damage.what == "" {
				require.NoError(t, os.Remove(path))
			} else {
				write(t, path, damage.what)
			}
			soon(t, func() bool { return len(trouble()) > n }, damage.says)
			record := trouble()[n]
			assert.Contains(t, record["error"], damage.says)
			assert.GreaterOrEqual(t, record["age"], 0.0, "how old the list is, in nanoseconds")
			assert.EqualValues(t, 2, record["entries"])
			assert.NotContains(t, w.log.String(), "alice", "no line is logged")
			old := meters.last(t, "sallyport.denylist.age")
			soon(t, func() bool { return meters.last(t, "sallyport.denylist.age") > old+1.5 }, "its age is measured, and grows")
			assert.True(t, w.refuses(stolen) && w.refuses(left), "it frees nobody, for longer than a whole file has to be unchanged: "+damage.says)
			write(t, path, whole)
			soon(t, func() bool { return len(again()) > n }, "it is whole again")
		}
		write(t, path, strings.TrimPrefix(whole, "stolen\n"))
		soon(t, func() bool { return !w.refuses(stolen) }, "a whole file that lost a line counts")
		assert.True(t, w.refuses(left))
	})
}

// meters keep the gauges of the denylist, and ask them.
type meters struct {
	noop.MeterProvider

	mu   sync.Mutex
	asks []metric.Callback
}

func (m *meters) Meter(string, ...metric.MeterOption) metric.Meter { return meter{m: m} }

type meter struct {
	noop.Meter
	m *meters
}

// gauge is a gauge that knows its name.
type gauge struct {
	noop.Float64ObservableGauge
	name string
}

func (meter) Float64ObservableGauge(name string, _ ...metric.Float64ObservableGaugeOption) (metric.Float64ObservableGauge, error) {
	return gauge{name: name}, nil
}

func (m meter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.m.mu.Lock()
	defer m.m.mu.Unlock()
	m.m.asks = append(m.m.asks, f)
	return noop.Registration{}, nil
}

// seen are the values of one collection, by name.
type seen struct {
	noop.Observer
	values map[string]float64
}

func (s seen) ObserveFloat64(of metric.Float64Observable, value float64, _ ...metric.ObserveOption) {
	if g, ok := of.(gauge); ok {
		s.values[g.name] = value
	}
}

// last returns what a gauge says now.
func (m *meters) last(t *testing.T, name string) float64 {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	all := seen{values: map[string]float64{}}
	for _, ask := range m.asks {
		require.NoError(t, ask(context.Background(), all))
	}
	require.Contains(t, all.values, name)
	return all.values[name]
}
