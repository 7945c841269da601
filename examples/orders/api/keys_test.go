package api_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAStartWithoutKeysAnswers503AndRecoversByItself(t *testing.T) {
	t.Parallel()
	auth := newAuth(t)
	require.NoError(t, auth.SetOutage(true))
	w := start(t, api.Config{Issuers: api.Devauth(auth), JWKSRefresh: time.Second})
	tokens := map[devauth.Scheme]string{}
	for _, scheme := range schemes {
		tokens[scheme] = mint(t, auth, scheme, devauth.AllLevels, devauth.Sound)
		a := w.get("/orders", tokens[scheme])
		assert.Equal(t, http.StatusServiceUnavailable, a.status)
		assert.NotEmpty(t, a.header.Get("Retry-After"))
		assert.Empty(t, a.challenge(), "the token is not to blame")
	}
	assert.Equal(t, http.StatusOK, w.get("/healthz", "").status)
	assert.Equal(t, http.StatusUnauthorized, w.get("/orders", "").status, "no token is no token, whatever the keys")
	assert.Contains(t, w.reasons(), "keys_unavailable")
	for _, record := range w.records("keys cannot be had, still trying") {
		assert.Equal(t, "WARN", record["level"])
		assert.Contains(t, record["error"], "/.well-known/", "which URL")
		assert.Contains(t, record["error"], "503", "why")
		assert.NotEmpty(t, record["next_try_in"])
	}

	require.NoError(t, auth.SetOutage(false))
	for _, scheme := range schemes {
		require.EventuallyWithT(t, func(c *assert.CollectT) {
			a, err := w.try(http.MethodGet, "/orders", tokens[scheme], "")
			assert.NoError(c, err)
			assert.Equal(c, http.StatusOK, a.status)
		}, 15*time.Second, 50*time.Millisecond, "nobody restarted anything")
	}
	assert.Len(t, w.records("keys fetched"), 3, "recovery is told once for each issuer")
}

func TestAnUnreachableOrMalformedKeySetIsNamedInTheLog(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	token := issuer.Token()
	for name, row := range map[string]struct {
		keys http.HandlerFunc // nil: nobody listens
		want []string
	}{
		"nobody listens": {nil, []string{"http://127.0.0.1:1/keys", "refused"}},
		"not JSON": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
			[]string{"/jwks", "text/html"},
		},
		"no key": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
			[]string{"/jwks", "key"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := trusting(issuer)
			cfg.JWKSURL = "http://127.0.0.1:1/keys"
			if row.keys != nil {
				spoilt := newIssuer(t)
				spoilt.ServeJWKS(row.keys)
				cfg.JWKSURL = spoilt.JWKSURL()
			}
			w := start(t, cfg)
			assert.Equal(t, http.StatusServiceUnavailable, w.get("/orders", token).status)
			records := w.records("keys cannot be had, still trying")
			require.NotEmpty(t, records)
			for _, want := range row.want {
				assert.Contains(t, records[0]["error"], want)
			}
		})
	}
}

func TestARotationRefusesNoCall(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	w := start(t, trusting(issuer)) // the usual refresh interval: only the unknown key tells
	old := issuer.Token()
	require.Equal(t, http.StatusOK, w.get("/orders", old).status)

	var current atomic.Value
	current.Store(old)
	var rounds, refused atomic.Int64
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(2 * time.Millisecond):
				}
				for _, token := range []string{old, current.Load().(string)} {
					a, err := w.try(http.MethodGet, "/orders", token, "")
					if err != nil || a.status != http.StatusOK {
						refused.Add(1)
					}
				}
				rounds.Add(1)
			}
		})
	}
	stop := sync.OnceFunc(func() {
		close(done)
		callers.Wait()
	})
	defer stop()
	answered := func(least int64) {
		t.Helper()
		require.Eventually(t, func() bool { return rounds.Load() >= least }, 20*time.Second, 5*time.Millisecond, "the callers are stuck")
	}
	answered(8) // calls go on before the rotation,
	issuer.Rotate()
	current.Store(issuer.Token())
	require.Eventually(t, func() bool { return len(w.records("keys rotated")) > 0 }, 20*time.Second, 5*time.Millisecond)
	answered(rounds.Load() + 20) // while the new key is awaited, and with it
	stop()

	assert.Zero(t, refused.Load(), "of %d rounds", rounds.Load())
	assert.Equal(t, 2, issuer.Fetches(), "one fetch for the new key, however many calls missed it")
	assert.Len(t, w.records("keys rotated"), 1)
}

func TestJWKSRefreshBoundsHowLongAWithdrawnKeyIsTrusted(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	issuer.SetCacheControl("max-age=3600")
	cfg := trusting(issuer)
	cfg.JWKSRefresh = time.Second
	w := start(t, cfg)
	stolen := issuer.Token()
	require.Equal(t, http.StatusOK, w.get("/orders", stolen).status)

	kid := issuer.Key().ID()
	issuer.Rotate()
	issuer.Remove(kid)
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		a, err := w.try(http.MethodGet, "/orders", stolen, "")
		assert.NoError(c, err)
		assert.Equal(c, http.StatusUnauthorized, a.status)
	}, 10*time.Second, 50*time.Millisecond)
	assert.Contains(t, w.reasons(), "unknown_key")
}

func TestCallsGoOnWhileTheIssuerIsDown(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	cfg := trusting(issuer)
	cfg.JWKSRefresh = time.Second
	w := start(t, cfg)
	require.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).status)

	issuer.Fail(http.StatusInternalServerError)
	require.Eventually(t, func() bool { return len(w.records("keys cannot be had, still trying")) > 0 }, 10*time.Second, 50*time.Millisecond)
	assert.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).status, "a new token of a known key")
	var status struct {
		Issuers []struct {
			Issuer    string
			Usable    bool
			LastError string `json:"last_error"`
			Failures  int
		}
	}
	w.get("/keys", "").decode(t, &status)
	require.Len(t, status.Issuers, 1)
	assert.Equal(t, issuer.Issuer(), status.Issuers[0].Issuer)
	assert.True(t, status.Issuers[0].Usable)
	assert.NotEmpty(t, status.Issuers[0].LastError)
	assert.Positive(t, status.Issuers[0].Failures)
}

func TestAJWKSURLNeedsNoDiscovery(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.WithName("https://issuer.example/tenant"))
	cfg := trusting(issuer)
	cfg.JWKSURL = issuer.JWKSURL()
	w := start(t, cfg)
	assert.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).status)
	assert.Zero(t, issuer.DiscoveryFetches())
}
