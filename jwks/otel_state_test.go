package jwks_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

// The one state whose series is 1.
func stateOf(t *testing.T, m *measured) string {
	t.Helper()
	var in []string
	values := m.values(t, "sallyport.jwks.state")
	require.Len(t, values, 5)
	for state, value := range values {
		if value == 1 {
			in = append(in, state)
		}
	}
	require.Len(t, in, 1)
	return in[0]
}

func TestTheStateOfTheKeysIsMeasured(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, m := newServer(set(jwk("a"), jwk("b"), jwk("c", members{"use": "enc"}))), newMeasured()
		s.slow(time.Second)
		cfg := m.by(s.config())
		cfg.MaxStaleness = time.Hour
		f := newFetcher(t, cfg)
		assert.Equal(t, "not_started", stateOf(t, m))
		s.fail(http.StatusInternalServerError)
		go func() { _ = f.Ready(context.Background()) }()
		time.Sleep(500 * time.Millisecond)
		assert.Equal(t, "loading", stateOf(t, m))
		time.Sleep(time.Second)
		assert.Equal(t, "missing", stateOf(t, m))
		assert.Empty(t, m.values(t, "sallyport.jwks.age"), "keys that were never there have no age")

		s.serve(set(jwk("a"), jwk("b"), jwk("c", members{"use": "enc"})))
		require.NoError(t, f.Ready(t.Context()))
		assert.Equal(t, "usable", stateOf(t, m))
		assert.Equal(t, map[string]float64{"usable": 2, "skipped": 1}, m.values(t, "sallyport.jwks.keys"))
		time.Sleep(90 * time.Second)
		assert.Equal(t, map[string]float64{"": 90}, m.values(t, "sallyport.jwks.age"))

		s.fail(http.StatusInternalServerError)
		time.Sleep(2 * time.Hour)
		assert.Equal(t, "too_old", stateOf(t, m))
		assert.Equal(t, map[string]float64{"usable": 0, "skipped": 1}, m.values(t, "sallyport.jwks.keys"), "keys that may not be used any more are not usable")
		f.Distrust("a")
		f.Distrust("b")
		assert.Equal(t, "missing", stateOf(t, m))
	})
}

func TestTheBudgetIsMeasured(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, m := newServer(setOf("a")), newMeasured()
		f := readyFetcher(t, m.by(s.config()))
		for _, kid := range []string{"w", "x", "y"} {
			require.NoError(t, f.Refresh(t.Context(), kid))
		}
		assert.Equal(t, map[string]float64{"": 2}, m.values(t, "sallyport.jwks.budget"))
	})
}

func TestTheStateIsMeasuredUntilClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, m := newServer(setOf("a")), newMeasured()
		f := readyFetcher(t, m.by(s.config()))
		require.NoError(t, f.Close())
		require.NoError(t, f.Close())
		for _, name := range []string{"sallyport.jwks.state", "sallyport.jwks.keys", "sallyport.jwks.age", "sallyport.jwks.budget"} {
			assert.Empty(t, m.values(t, name), name)
		}
	})
}

// Issuers that come and go share a label: their keys and states add up.
func TestFetchersWithOneLabelAddUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := newMeasured()
		for range 2 {
			readyFetcher(t, m.by(newServer(setOf("a", "b")).config()))
		}
		newFetcher(t, m.by(jwks.FetcherConfig{Issuer: issuerURL}))
		assert.Equal(t, map[string]float64{"usable": 4, "skipped": 0}, m.values(t, "sallyport.jwks.keys"))
		assert.Equal(t, map[string]float64{"not_started": 1, "loading": 0, "usable": 2, "too_old": 0, "missing": 0}, m.values(t, "sallyport.jwks.state"))
		assert.Equal(t, map[string]float64{"fetched": 2, "not_modified": 0, "failed": 0}, m.values(t, "sallyport.jwks.fetches"))
	})
}
