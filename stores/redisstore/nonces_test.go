package redisstore_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/stores/redisstore"
)

func secretsOf(t *testing.T, store *redisstore.Store) [][]byte {
	t.Helper()
	secrets := store.NonceSecrets()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	require.NoError(t, store.Ready(ctx))
	all, err := secrets.Secrets(t.Context())
	require.NoError(t, err)
	return all
}

func TestAllInstancesHaveTheSameSecrets(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one := secretsOf(t, open(t, s.client(), slowly))
	require.Len(t, one, 1)
	assert.Len(t, one[0], 32)
	assert.Equal(t, one, secretsOf(t, open(t, s.client(), slowly)))
	assert.NotEqual(t, one, secretsOf(t, open(t, s.client(), slowly, func(cfg *redisstore.Config) { cfg.Prefix = "other" })))
	process := newInstance(t, s.addr)
	assert.Equal(t, newInstance(t, s.addr).say("secrets", ""), process.say("secrets", ""))
	ttl := s.client().TTL(t.Context(), "sallyport:{sallyport}:nonces").Val()
	assert.Greater(t, ttl, 2*time.Hour)
	assert.Less(t, ttl, 3*time.Hour)
}

// TestASecretIsKnownToAllBeforeItIsUsedAndForALifetimeAfter looks at the secrets with
// the times in Redis set back, as if they were older.
func TestASecretIsKnownToAllBeforeItIsUsedAndForALifetimeAfter(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	client := s.client()
	const key = "sallyport:{sallyport}:nonces"
	age := func(d time.Duration) { // makes all secrets older
		for _, z := range client.ZRangeWithScores(t.Context(), key, 0, -1).Val() {
			require.NoError(t, client.ZIncrBy(t.Context(), key, -float64(d.Milliseconds()), z.Member.(string)).Err())
		}
	}
	look := func() [][]byte { return secretsOf(t, open(t, client, slowly)) } // a new instance reads at once
	first := look()
	age(30 * time.Minute)
	assert.Equal(t, first, look(), "its turn is an hour")

	age(30*time.Minute - 9*time.Second)
	second := look()
	require.Len(t, second, 2, "the next one is known 10 s ahead")
	assert.Equal(t, first[0], second[0], "and not yet used")
	assert.Equal(t, second, look(), "all have the same next one")

	age(10 * time.Second)
	assert.Equal(t, [][]byte{second[1], second[0]}, look(), "now it is used, and the old one is good still")
	age(5 * time.Minute)
	assert.Len(t, look(), 2, "for as long as a nonce lives")
	age(12 * time.Second)
	assert.Equal(t, [][]byte{second[1]}, look(), "and then no more")

	age(-2 * time.Hour) // the clock of Redis went back
	assert.Equal(t, [][]byte{second[1]}, look())
}

func TestSecretsOutliveAnOutageForOneLifetime(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := open(t, s.client(), func(cfg *redisstore.Config) { cfg.NonceLifetime = 10 * time.Second })
	before := secretsOf(t, store)
	s.kill()
	now, err := store.NonceSecrets().Secrets(t.Context())
	assert.NoError(t, err)
	assert.Equal(t, before, now)
	eventually(t, func() bool {
		_, err := store.NonceSecrets().Secrets(t.Context())
		return err != nil
	}, "none is known")
	assert.Error(t, store.NonceSecrets().Status().Err)
	s.restart() // with nothing
	eventually(t, func() bool {
		all, err := store.NonceSecrets().Secrets(t.Context())
		return err == nil && len(all) == 1 && !bytes.Equal(all[0], before[0])
	}, "a new one is there")
}

func TestSecretsOfAnotherMakeAreAnError(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	require.NoError(t, s.client().Do(t.Context(), "ZADD", "sallyport:{sallyport}:nonces", "1", "short").Err())
	store := open(t, s.client())
	secrets := store.NonceSecrets()
	eventually(t, func() bool { return secrets.Status().Err != nil }, "it was read, and is no secret")
	_, err := secrets.Secrets(t.Context())
	assert.ErrorContains(t, err, "the secrets of nonces are none of this package")
}
