package jwks_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestUnusableKeysAreSkippedAndTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, f, events := recorded(t, set(members{"kty": "LWE", "kid": "q"}, jwk("a"), jwk("e", members{"use": strings.Repeat("é", 10_000)})))
		assert.Equal(t, []string{"a"}, kids(f))
		require.Len(t, f.Status().Skipped, 2)
		assert.Contains(t, f.Status().Skipped[0], "LWE")
		assert.Len(t, events.last().Status.Skipped, 2)
		assert.LessOrEqual(t, len(f.Status().Skipped[1]), 1<<10)
		assert.True(t, utf8.ValidString(f.Status().Skipped[1]))
	})
}

func TestEventsTellWhatHappened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		s.slow(time.Second)
		s.set("ETag", `"v"`)
		f, events := heard(t, s.config())
		e := events.last()
		assert.Equal(t, jwks.Fetched, e.Kind)
		assert.Equal(t, issuerURL, e.Status.Issuer)
		assert.Equal(t, setURL, e.Status.URL)
		assert.Len(t, e.Status.Keys, 1)
		assert.Equal(t, []string{"a"}, e.Added)
		assert.InDelta(t, 855, time.Until(e.Status.NextRefresh).Seconds(), 46)
		require.NoError(t, e.Status.LastError)

		s.serve(setOf("a", "b"))
		time.Sleep(time.Until(e.Status.NextRefresh) + 2*time.Second)
		assert.Equal(t, []string{jwks.Fetched, jwks.Fetched, jwks.Rotated}, events.kinds())
		assert.Equal(t, []string{"b"}, events.last().Added)
		assert.False(t, events.last().Forced)

		s.fail(http.StatusBadGateway)
		require.Error(t, f.Refresh(t.Context(), "c"))
		e = events.last()
		assert.Equal(t, jwks.Failed, e.Kind)
		assert.True(t, e.Forced)
		assert.Len(t, e.Status.Keys, 2)
		assert.Equal(t, time.Second, time.Until(e.Status.NextRefresh))
		require.ErrorContains(t, e.Status.LastError, "502")
	})
}

func TestEventsComeBeforeThoseWhoWaitGoOnAndMayAskForTheStatus(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a"))
		heard := make(chan jwks.Status, 1)
		cfg := s.config()
		var f *jwks.Fetcher
		cfg.OnEvent = func(jwks.Event) {
			time.Sleep(time.Minute)
			heard <- f.Status()
		}
		f = newFetcher(t, cfg)
		require.NoError(t, f.Refresh(t.Context(), "a"))
		select {
		case st := <-heard:
			assert.True(t, st.Usable, "the keys are in force already")
		default:
			t.Fatal("the event came late")
		}
	})
}

func TestKidsAreCutWhereTheyAreTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		long := strings.Repeat("é", 40)
		s, f, events := recorded(t, set(jwk("a", members{"kid": long})))
		assert.Equal(t, []string{strings.Repeat("é", 32)}, events.last().Added)
		assert.Contains(t, string(must(json.Marshal(f.Status()))), `"kid":"`+strings.Repeat("é", 32)+`"`)
		assert.True(t, hasKid(f, long))

		whole := strings.Repeat("k", 64)
		s.serve(set(jwk("a", members{"kid": whole})))
		time.Sleep(16 * time.Minute)
		assert.Equal(t, []string{whole}, events.last().Added)

		s.serve(set(jwk("a", members{"kid": "x" + long})))
		time.Sleep(16 * time.Minute)
		assert.Equal(t, []string{"x" + strings.Repeat("é", 31)}, events.last().Added, "at the start of a rune")
	})
}

func TestStatus(t *testing.T) {
	withIdle(t, set(jwk("a", members{"alg": "EdDSA"}), rsaJWK("r"), jwk("e", members{"use": "enc"})), func(t *testing.T, s *server, f *jwks.Fetcher) {
		assert.Equal(t, jwks.Status{Issuer: issuerURL, URL: setURL}, f.Status())

		require.NoError(t, f.Ready(t.Context()))
		loaded := time.Now()
		time.Sleep(10 * time.Second)
		st := f.Status()
		assert.True(t, st.Usable)
		assert.Equal(t, slices.Collect(f.Snapshot().Keys()), st.Keys)
		assert.Equal(t, loaded, st.FetchedAt)
		assert.EqualValues(t, 1, st.Fetches)
		require.NoError(t, st.LastError)

		s.fail(http.StatusInternalServerError)
		require.Error(t, f.Refresh(t.Context(), "new"))
		st = f.Status()
		assert.EqualValues(t, 2, st.Fetches)
		assert.EqualValues(t, 1, st.Failures)
		require.ErrorContains(t, st.LastError, "500")
		assert.Equal(t, time.Now(), st.LastErrorAt)
		assert.Equal(t, time.Now().Add(time.Second), st.NextRefresh)
		assert.Equal(t, loaded, st.FetchedAt)

		st.Keys[0], st.Skipped[0] = nil, "mine"
		assert.NotNil(t, f.Status().Keys[0], "a copy")
		assert.Contains(t, f.Status().Skipped[0], "enc", "a copy")
	})
}

func TestStatusInWords(t *testing.T) {
	withIdle(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		says := func(want string, started bool) {
			t.Helper()
			assert.Equal(t, want, f.Status().String())
			assert.Equal(t, started, f.Status().Started)
		}
		says("not started", false)
		s.fail(http.StatusInternalServerError)
		s.slow(time.Second)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.Error(t, f.Ready(ended), "it starts the fetch, and waits for nothing")
		says("waiting for the first fetch", true)
		time.Sleep(1500 * time.Millisecond)
		says("no keys yet, fetches failed", true)
		s.serve(setOf("a"))
		require.NoError(t, f.Ready(t.Context()))
		says("usable", true)
		s.fail(http.StatusInternalServerError)
		time.Sleep(25 * time.Hour)
		says("the keys are too old", true)
	})
}

func TestStatusAsJSON(t *testing.T) {
	withServer(t, set(jwk("a", members{"alg": "EdDSA"}), rsaJWK("r")), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.fail(http.StatusInternalServerError)
		require.Error(t, f.Refresh(t.Context(), "new"))
		text := must(json.Marshal(f.Status()))
		var got map[string]any
		require.NoError(t, json.Unmarshal(text, &got))
		assert.Equal(t, []any{map[string]any{"kid": "a", "alg": "EdDSA", "kty": "OKP"}, map[string]any{"kid": "r", "kty": "RSA"}}, got["keys"])
		assert.Equal(t, issuerURL, got["issuer"])
		assert.Equal(t, setURL, got["jwks_uri"])
		assert.InDelta(t, 1.0, got["age_seconds"], 0)
		assert.Contains(t, got["last_error"], "500")
		assert.Contains(t, got, "next_refresh")

		text, err := json.Marshal(newFetcher(t, s.config()).Status())
		require.NoError(t, err)
		assert.JSONEq(t, `{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/jwks","state":"not started","usable":false,"keys":[],"age_seconds":0,"fetches":0,"failures":0}`, string(text))
	})
}
