package redisstore_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/revocation"
	"github.com/sallyport-go/sallyport/stores/redisstore"
)

func TestEveryMistakeIsReported(t *testing.T) {
	t.Parallel()
	var none *redis.Client
	_, err := redisstore.New(redisstore.Config{
		Client: none, Prefix: "a{b", Timeout: -1, MaxAge: 2 * time.Minute, NonceLifetime: time.Microsecond, NonceRotation: -1,
		MaxProofs: -1, MaxProofsPerClient: -2, MaxDenied: -3,
	})
	for _, want := range []string{
		"Client is nil", `Prefix "a{b" has a brace`, "Timeout -1ns", "MaxAge 2m0s is more than a minute", "NonceLifetime 1µs", "NonceRotation -1ns",
		"MaxProofs -1", "MaxProofsPerClient -2", "MaxDenied -3",
	} {
		assert.ErrorContains(t, err, "redisstore: Config."+want)
	}
	assert.Equal(t, 9, 1+strings.Count(err.Error(), "\n"))
	assert.ErrorContains(t, redisstore.Config{MaxProofs: 5, MaxProofsPerClient: 6}.Validate(), "MaxProofsPerClient 6 is more than MaxProofs 5")
}

func TestReadyWaitsForWhatIsUsedAndRefusesARedisThatEvicts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	assert.NoError(t, open(t, s.client()).Ready(ctx))

	away := open(t, clientOf(t, deadAddress(t)))
	assert.Error(t, away.Ready(ctx))

	evicts := newServer(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	assert.ErrorContains(t, open(t, evicts.client()).Ready(ctx), `(maxmemory-policy "allkeys-lru")`)
}

// later waits until the clock of Redis has gone on.
func later(t *testing.T, s *server, by time.Duration) {
	t.Helper()
	client := s.client()
	end := client.Time(t.Context()).Val().Add(by)
	eventually(t, func() bool { return client.Time(t.Context()).Val().After(end) }, "the clock goes on")
}

// TestTheCommandsThatTheGuideNamesAreEnough has a user of Redis who may do what
// docs/guide/fleet.md says, and no more.
func TestTheCommandsThatTheGuideNamesAreEnough(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/guide/fleet.md")
	require.NoError(t, err)
	_, rules, found := strings.Cut(string(guide), "`~orders:* ")
	require.True(t, found)
	rules, _, _ = strings.Cut(rules, "`")
	s := newServer(t)
	args := []any{"ACL", "SETUSER", "orders", "on", ">secret", "~orders:*"}
	for rule := range strings.FieldsSeq(rules) {
		args = append(args, rule)
	}
	require.NoError(t, s.client().Do(t.Context(), args...).Err())
	client := redis.NewClient(&redis.Options{Addr: s.addr, Username: "orders", Password: "secret"})
	defer client.Close()
	store := open(t, client, slowly, func(cfg *redisstore.Config) { cfg.Prefix = "orders" })
	list := store.Denylist()
	assert.NotEmpty(t, secretsOf(t, store))
	require.NoError(t, list.Deny(t.Context(), deny("id-1"), revocation.Token("", "over", time.Now().Add(time.Second))))
	later(t, s, time.Second)
	require.NoError(t, list.Allow(t.Context(), deny("id-1"))) // and forgets what is over
	assert.True(t, remember(t, store, "proof", "a"))
	later(t, s, time.Second) // the second that is counted first is another
	assert.True(t, remember(t, store, "another proof", "a"))
	assert.Error(t, client.Get(t.Context(), "payments:x").Err(), "it may do no more")
	assert.Error(t, client.FlushAll(t.Context()).Err())
}

// TestAFailoverFreesNobody has Sentinel promote a replica when the master dies, the
// processes real.
func TestAFailoverFreesNobody(t *testing.T) {
	t.Parallel()
	master := newServer(t)
	replica := newServer(t)
	host, port, _ := net.SplitHostPort(master.addr)
	require.NoError(t, replica.client().Do(t.Context(), "REPLICAOF", host, port).Err())
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil,
		"sentinel monitor orders %s %s 1\nsentinel down-after-milliseconds orders 3000\nsentinel failover-timeout orders 3000\n", host, port), 0o600))
	sentinel := newServer(t, conf, "--sentinel")
	watcher := redis.NewSentinelClient(&redis.Options{Addr: sentinel.addr})
	defer watcher.Close()
	eventually(t, func() bool { return len(watcher.Replicas(t.Context(), "orders").Val()) == 1 }, "Sentinel knows the replica")

	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "orders", SentinelAddrs: []string{sentinel.addr}})
	defer client.Close()
	one := open(t, client, slowly)
	list := one.Denylist()
	require.NoError(t, list.Deny(t.Context(), deny("replicated")))
	assert.True(t, remember(t, one, "replicated", "a"))
	require.EqualValues(t, 1, client.Wait(t.Context(), 1, patient).Val())
	// What follows does not reach the replica: it is put out, and may not log in again.
	require.NoError(t, replica.client().ConfigSet(t.Context(), "masterauth", "none").Err())
	require.NoError(t, replica.client().ConfigSet(t.Context(), "masteruser", "nobody").Err())
	require.NoError(t, master.client().Do(t.Context(), "CLIENT", "KILL", "TYPE", "replica").Err())
	require.NoError(t, list.Deny(t.Context(), deny("not replicated")))
	assert.True(t, remember(t, one, "not replicated", "a"))
	assert.EqualValues(t, 1, replica.client().HLen(t.Context(), "sallyport:{sallyport}:denied").Val(), "it has the first alone")
	master.kill()
	var again int
	eventually(t, func() bool { // each time another: one that failed may be remembered
		again++
		fresh, err := one.Replays().Remember(t.Context(), digest("after", again), digest("client"), time.Now().Add(time.Minute))
		return fresh && err == nil
	}, "the replica is the master now")
	other := clientOf(t, replica.addr)
	assert.False(t, remember(t, one, "replicated", "a"))
	assert.False(t, remember(t, open(t, other), "replicated", "a"), "in another instance")
	assert.False(t, remember(t, one, "not replicated", "a"), "where it was used it is known still")
	for _, id := range []string{"replicated", "not replicated"} {
		eventually(t, func() bool {
			late := open(t, other, slowly)
			_ = late.Denylist()
			return late.Ready(t.Context()) == nil && revoked(t, late.Denylist(), id)
		}, "what the replica had not was given back: "+id)
	}
}

// TestKeysAreInOneSlotOfACluster runs every script against a cluster of one node,
// which refuses those whose keys are in several slots.
func TestKeysAreInOneSlotOfACluster(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--cluster-enabled", "yes")
	require.NoError(t, s.client().Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", "0", "16383").Err())
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.addr}})
	defer client.Close()
	eventually(t, func() bool { return client.Set(t.Context(), "is", "up", 0).Err() == nil }, "the cluster is up")
	store := open(t, client, slowly)
	list, ctx := store.Denylist(), t.Context()
	assert.NotEmpty(t, secretsOf(t, store))
	require.NoError(t, list.Deny(ctx, deny("id-1"), deny("id-2")))
	assert.True(t, revoked(t, list, "id-1"))
	for n := range 20 {
		assert.True(t, remember(t, store, n, n))
		assert.False(t, remember(t, open(t, client), n, n))
	}
}
