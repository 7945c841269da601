package jwkstest_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestTheKeySetFollowsTheIssuer(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"))
	set := iss.KeySet()
	require.True(t, set.Snapshot().Usable())
	key, err := set.Snapshot().Key("key-1", "ES256")
	require.NoError(t, err)
	assert.True(t, verifies(t, key, iss.Token()))

	iss.Rotate()
	key, err = set.Snapshot().Key("key-2", "ES256")
	require.NoError(t, err)
	assert.True(t, verifies(t, key, iss.Token()))

	iss.Replace("key-2")
	assert.False(t, verifies(t, key, iss.Token()))

	iss.Remove("key-1")
	require.NoError(t, set.Refresh(t.Context(), "key-1"))
	_, err = set.Snapshot().Key("key-1", "ES256")
	require.ErrorIs(t, err, jwks.ErrNoKey)

	iss.Remove("key-2")
	assert.False(t, set.Snapshot().Usable())
}

func verifies(t *testing.T, key *jwks.Key, token string) bool {
	t.Helper()
	end := strings.LastIndexByte(token, '.')
	return key.Verify("ES256", []byte(token[:end]), raw64(t, token[end+1:])) == nil
}

func TestAFetcherLivesOnAnIssuerInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("ES256"), jwkstest.WithName("https://login.example/tenant/v2.0"))
		fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer(), Client: iss.Client()})
		require.NoError(t, err)
		defer fetcher.Close()
		require.NoError(t, fetcher.Ready(t.Context()))
		assert.Equal(t, 1, iss.DiscoveryFetches())
		assert.Equal(t, 1, iss.Fetches())

		time.Sleep(time.Hour)
		next := iss.Rotate()
		before := iss.Fetches()
		require.NoError(t, fetcher.Refresh(t.Context(), next.ID()))
		_, err = fetcher.Snapshot().Key(next.ID(), "ES256")
		require.NoError(t, err)
		assert.Equal(t, before+1, iss.Fetches())
	})
}

func TestAFetcherLivesOnAnIssuerBySocket(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	fetcher, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer()})
	require.NoError(t, err)
	defer fetcher.Close()
	require.NoError(t, fetcher.Ready(t.Context()))
	assert.Len(t, slices.Collect(fetcher.Snapshot().Keys()), 1)
}
