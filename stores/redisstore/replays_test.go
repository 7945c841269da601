package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/stores/redisstore"
)

func TestAProofIsFreshOnceInAllInstances(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, other := open(t, s.client()), open(t, s.client())
	assert.True(t, remember(t, one, "proof", "a"))
	assert.False(t, remember(t, one, "proof", "a"), "in the same instance")
	assert.False(t, remember(t, other, "proof", "a"), "in another")
	assert.False(t, remember(t, other, "proof", "b"), "whoever the client is said to be")
	assert.True(t, remember(t, other, "another proof", "a"))
	apart := open(t, s.client(), func(cfg *redisstore.Config) { cfg.Prefix = "other" })
	assert.True(t, remember(t, apart, "proof", "a"), "under another prefix")
}

func TestTwoProcessesRefuseEachOthersReplays(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, other := newInstance(t, s.addr), newInstance(t, s.addr)
	for n := range 20 {
		name := fmt.Sprint("proof", n)
		assert.Equal(t, "true", one.say("proof", name))
		assert.Equal(t, "false", other.say("proof", name))
		one, other = other, one
	}
}

func TestOfManyCallsAtOnceExactlyOneIsFresh(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	stores := []*redisstore.Store{open(t, s.client()), open(t, s.client()), open(t, s.client())}
	for proof := range 50 {
		var fresh atomic.Int32
		var wg sync.WaitGroup
		for n := range 9 {
			wg.Go(func() {
				if remember(t, stores[n%3], proof, "a") {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, fresh.Load())
	}
}

func TestAProofIsForgottenWhenItsTimeEnds(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	client := s.client()
	var one *redisstore.Store
	var prefix string
	var life time.Duration
	ask := func(name string, store *redisstore.Store) (bool, error) {
		return store.Replays().Remember(t.Context(), digest(name), digest("client"), time.Now().Add(life))
	}
	small := func(cfg *redisstore.Config) { cfg.MaxProofs, cfg.MaxProofsPerClient, cfg.Prefix = 3, 3, prefix }
	for life = 1500 * time.Millisecond; ; life *= 2 { // on a machine that is slow the first has ended before the last is there
		prefix = fmt.Sprint("life-", life.Milliseconds())
		one = open(t, client, small)
		fresh, err := one.Replays().Remember(t.Context(), digest("long"), digest("client"), time.Now().Add(4*patient))
		assert.True(t, fresh)
		assert.NoError(t, err)
		for _, name := range []string{"one", "two"} {
			fresh, err := ask(name, one)
			assert.True(t, fresh)
			assert.NoError(t, err)
		}
		if _, err = ask("three", open(t, client, small)); err != nil {
			assert.ErrorIs(t, err, redisstore.ErrFull)
			assert.ErrorIs(t, err, dpop.ErrReplaysFull)
			break
		}
		require.Less(t, life, patient, "it is never full")
	}
	eventually(t, func() bool { // it is counted by the second
		fresh, err := ask("three", one)
		return fresh && err == nil
	}, "there is room again")
	eventually(t, func() bool { return len(client.Keys(t.Context(), prefix+":*").Val()) == 3 }, "the long one is left, and what counts it")
	assert.False(t, remember(t, open(t, client, small), "long", "client"))

	fresh, err := one.Replays().Remember(t.Context(), digest("late"), digest("client"), time.Now().Add(-time.Hour))
	assert.True(t, fresh, "one that has ended takes a moment")
	assert.NoError(t, err)
}

func TestEachClientHasItsBoundAndAllHaveOne(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := open(t, s.client(), func(cfg *redisstore.Config) { cfg.MaxProofs, cfg.MaxProofsPerClient = 5, 3 })
	until := time.Now().Add(time.Minute)
	ask := func(name string, client string) (bool, error) {
		return store.Replays().Remember(t.Context(), digest(name), digest(client), until)
	}
	for n := range 3 {
		fresh, err := ask(fmt.Sprint("a", n), "a")
		assert.True(t, fresh)
		assert.NoError(t, err)
	}
	_, err := ask("a3", "a")
	assert.ErrorIs(t, err, redisstore.ErrFull)
	assert.ErrorIs(t, err, dpop.ErrReplaysFull)
	assert.ErrorContains(t, err, "this client has 3 proofs")
	fresh, err := ask("a0", "a")
	assert.False(t, fresh, "a replay is a replay, also where there is no room")
	assert.NoError(t, err)
	for n := range 2 {
		fresh, err := ask(fmt.Sprint("b", n), "b")
		assert.True(t, fresh, "another client has its own bound")
		assert.NoError(t, err)
	}
	_, err = ask("c0", "c")
	assert.ErrorIs(t, err, redisstore.ErrFull)
	assert.ErrorIs(t, err, dpop.ErrReplaysFull)
	assert.ErrorContains(t, err, "there are 5 proofs")
	fresh, err = open(t, s.client()).Replays().Remember(t.Context(), digest("a3"), digest("a"), until)
	assert.True(t, fresh, "what found no room was not remembered")
	assert.NoError(t, err)
}

// trips counts what a client sends.
type trips struct{ n atomic.Int32 }

func (c *trips) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *trips) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c *trips) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestACallCostsOneRoundTripAtMost(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	client, count := s.client(), new(trips)
	one := open(t, client)
	remember(t, one, "first", "a") // Redis learns the script
	client.AddHook(count)
	assert.True(t, remember(t, one, "proof", "a"))
	assert.EqualValues(t, 1, count.n.Load())
	assert.False(t, remember(t, one, "proof", "a"))
	assert.EqualValues(t, 1, count.n.Load(), "what was used here is known here")
	assert.False(t, remember(t, open(t, client), "proof", "a"))
	assert.EqualValues(t, 2, count.n.Load())
}

// TestAnAnswerThatIsLostIsNoReplay has the client send a command again: the first
// answer does not arrive.
func TestAnAnswerThatIsLostIsNoReplay(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remember(t, open(t, s.client()), "first", "a") // Redis learns the script
	var deaf atomic.Bool
	client := redis.NewClient(&redis.Options{Addr: s.addr, MinRetryBackoff: time.Millisecond, Dialer: func(_ context.Context, network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		return &lossy{Conn: c, deaf: &deaf}, err
	}})
	defer client.Close()
	require.NoError(t, client.Ping(t.Context()).Err())
	store := open(t, client)
	deaf.Store(true)
	assert.True(t, remember(t, store, "proof", "a"))
	assert.False(t, deaf.Load(), "an answer was lost")
	assert.False(t, remember(t, open(t, s.client()), "proof", "a"))
}

// lossy reads one answer and loses it, with the connection.
type lossy struct {
	net.Conn
	deaf *atomic.Bool
}

func (l *lossy) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if err == nil && l.deaf.CompareAndSwap(true, false) {
		_ = l.Close()
		return 0, errors.New("the connection is gone")
	}
	return n, err
}

// prompt has a client answered at once, by no Redis.
type prompt struct{ trips }

func (*prompt) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		cmd.(*redis.Cmd).SetVal(int64(1))
		return nil
	}
}

// TestAnAnswerThatCameCounts has answers come before anybody waits for them: that a
// call is over must not look like a call that was given up.
func TestAnAnswerThatCameCounts(t *testing.T) {
	t.Parallel()
	client := clientOf(t, deadAddress(t))
	client.AddHook(new(prompt))
	store := open(t, client)
	for n := range 5000 {
		require.True(t, remember(t, store, n, "a"))
	}
}

func TestAProofCannotBeJudgedWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--appendonly", "yes", "--appendfsync", "always")
	one, other := open(t, s.client()), open(t, s.client())
	require.True(t, remember(t, one, "before", "a"))
	until := time.Now().Add(time.Minute)

	s.kill()
	for range 3 {
		fresh, err := other.Replays().Remember(t.Context(), digest("meanwhile"), digest("client"), until)
		assert.False(t, fresh)
		assert.Error(t, err)
		assert.NotErrorIs(t, err, redisstore.ErrFull)
	}
	s.restart()
	eventually(t, func() bool {
		fresh, err := other.Replays().Remember(t.Context(), digest("meanwhile"), digest("client"), until)
		return fresh && err == nil
	}, "it is judged again")
	assert.False(t, remember(t, other, "before", "a"), "what was used before is used still")
}

// TestARedisThatHangsIsGivenUpAfterTheTimeOut has a client that would itself wait for
// ever.
func TestARedisThatHangsIsGivenUpAfterTheTimeOut(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	remember(t, open(t, s.client()), "before", "a") // Redis learns the script
	client := redis.NewClient(&redis.Options{Addr: s.addr, ReadTimeout: -1, WriteTimeout: -1, DialTimeout: time.Hour, PoolTimeout: time.Hour})
	defer client.Close()
	store := open(t, client, func(cfg *redisstore.Config) { cfg.Timeout = 50 * time.Millisecond })
	s.hang()
	var wg sync.WaitGroup
	for n := range 2000 { // more than may wait
		wg.Go(func() {
			fresh, err := store.Replays().Remember(context.Background(), digest("hang", n), digest("client"), time.Now().Add(time.Minute))
			assert.False(t, fresh)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
	wg.Wait()

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := store.Replays().Remember(canceled, digest("canceled"), digest("client"), time.Now().Add(time.Minute))
	assert.ErrorIs(t, err, context.Canceled)
	s.goOn()
	var again int
	eventually(t, func() bool { // each time another: what ran into the time-out may be remembered
		again++
		fresh, err := store.Replays().Remember(t.Context(), digest("after", again), digest("client"), time.Now().Add(time.Minute))
		return fresh && err == nil
	}, "it is judged again")
}

func TestARedisWithoutMemoryIsFull(t *testing.T) {
	t.Parallel()
	s := newServer(t, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
	_, err := open(t, s.client()).Replays().Remember(t.Context(), digest("proof"), digest("client"), time.Now().Add(time.Minute))
	assert.ErrorIs(t, err, redisstore.ErrFull)
}

func TestWhatIsKeptOfProofsIsNoPartOfThem(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	client := s.client()
	remember(t, open(t, client, func(cfg *redisstore.Config) { cfg.Prefix = "orders" }), "proof", "a")
	keys := client.Keys(t.Context(), "*").Val()
	assert.Len(t, keys, 3)
	for _, key := range keys {
		assert.True(t, strings.HasPrefix(key, "orders:{orders}:proof"), "%q", key)
		ttl := client.TTL(t.Context(), key).Val()
		assert.Greater(t, ttl, 50*time.Second, "%q", key)
		assert.Less(t, ttl, 65*time.Second, "%q", key)
	}
}

func BenchmarkRemember(b *testing.B) {
	s := newServer(b, "--save", "")
	store := open(b, redis.NewClient(&redis.Options{Addr: s.addr}))
	until := time.Now().Add(time.Minute)
	var n atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			if fresh, err := store.Replays().Remember(b.Context(), digest(i), digest("client", i%100), until); !fresh || err != nil {
				b.Error(fresh, err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "proofs/s")
	stats := s.client().Info(b.Context(), "commandstats").Val()
	var calls, micros int64
	if i := strings.Index(stats, "cmdstat_evalsha:"); i >= 0 {
		_, _ = fmt.Sscanf(stats[i:], "cmdstat_evalsha:calls=%d,usec=%d", &calls, &micros)
	}
	b.ReportMetric(float64(micros)/float64(calls), "redis-us/proof") // the time of its one thread
}
