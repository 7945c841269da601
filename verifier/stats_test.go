package verifier_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestVerifySeenTellsAFirstSightFromASecond(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, token := w.verifier(t), w.Token()
	for _, want := range []bool{false, true, true} {
		c, seen, err := v.VerifySeen(t.Context(), token, false)
		require.NoError(t, err)
		assert.NotNil(t, c)
		assert.Equal(t, want, seen)
	}
	w.set(noon.Add(24 * time.Hour))
	c, seen, err := v.VerifySeen(t.Context(), token, false)
	require.ErrorIs(t, err, reason.Expired)
	assert.Nil(t, c)
	assert.True(t, seen, "its signature was known to be good")
	_, seen, err = v.VerifySeen(t.Context(), "nonsense", false)
	require.ErrorIs(t, err, reason.Malformed)
	assert.False(t, seen)
}

func TestVerifySeenLeavesCnfToItsCallerWhereThatIsBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, token := w.verifier(t), w.Token(jwkstest.Claims{"cnf": map[string]string{"jkt": "thumb"}})
	_, _, err := v.VerifySeen(t.Context(), token, false)
	require.ErrorIs(t, err, reason.UnsupportedBinding)
	_, seen, err := v.VerifySeen(t.Context(), token, true)
	require.NoError(t, err)
	assert.True(t, seen)
}

func TestTheCacheCountsWhatItIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.CacheBytes = 1 << 20
	v, token := w.verifier(t), w.Token()
	for range 3 {
		_, err := v.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	_, err := v.Verify(t.Context(), "nonsense")
	require.ErrorIs(t, err, reason.Malformed)
	got := v.CacheStats()
	assert.Equal(t, verifier.CacheStats{Hits: 2, Misses: 1, Tokens: 1, Bytes: got.Bytes, MaxBytes: 1 << 20}, got, "what is no token is not looked up")
	assert.InDelta(t, 1500, got.Bytes, 1000)

	w.Replace(w.Key().ID())
	w.keys.fetch()
	_, err = v.Verify(t.Context(), token)
	require.Error(t, err)
	assert.Equal(t, uint64(2), v.CacheStats().Misses, "a token under another key than it was verified with is not known")
}

func TestTheCacheCountsWhatItGivesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.CacheBytes = 16 << 10
	v := w.verifier(t)
	for range 50 {
		_, err := v.Verify(t.Context(), w.Token())
		require.NoError(t, err)
	}
	got := v.CacheStats()
	assert.Equal(t, uint64(50), got.Misses)
	assert.Equal(t, 50, got.Tokens+int(got.Evictions))
	assert.Positive(t, got.Tokens)
	assert.LessOrEqual(t, got.Bytes, got.MaxBytes)
}

func TestCacheStatsOfAVerifierWithoutACacheAreZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.uncached(t)
	_, seen, err := v.VerifySeen(t.Context(), w.Token(), false)
	require.NoError(t, err)
	assert.False(t, seen)
	assert.Zero(t, v.CacheStats())
	assert.Zero(t, new(verifier.Verifier).CacheStats())
}

func TestIssuerOfIsTheConfiguredName(t *testing.T) {
	t.Parallel()
	const (
		template = "https://login.example/{tenantid}/v2.0"
		tenant   = "5f1c3a52-7d0e-4b6a-9a3f-0c2b7d9e8f41"
	)
	w := newWorld(t)
	w.cfg.Issuers = append(w.cfg.Issuers, verifier.Issuer{Name: template, Tenants: []string{tenant}, Audiences: []string{audience}, Keys: w.keys})
	v := w.verifier(t)
	assert.Equal(t, []string{issuerName, template}, v.Issuers())
	for iss, want := range map[string]string{
		issuerName: issuerName,
		"https://login.example/" + tenant + "/v2.0":                              template,
		"https://login.example/00000000-0000-0000-0000-000000000000/v2.0":        "",
		"https://elsewhere.example":                                              "",
		"https://login.example/" + tenant + "/v2.0" + "https://issuer.example/x": "",
	} {
		c, err := claims.Parse([]byte(`{"iss":"`+iss+`"}`), claims.DefaultMapping())
		require.NoError(t, err)
		assert.Equal(t, want, v.IssuerOf(c), iss)
	}
}
