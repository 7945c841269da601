package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/revocation"
	"github.com/sallyport-go/sallyport/stores/redisstore"
)

var (
	_ revocation.Source = (*redisstore.Denylist)(nil)
	_ revocation.Sink   = (*redisstore.Denylist)(nil)
)

// following is a Store whose denylist was read.
func following(t *testing.T, s *server, changes ...func(*redisstore.Config)) *redisstore.Denylist {
	t.Helper()
	store := open(t, s.client(), changes...)
	list := store.Denylist()
	ctx, cancel := context.WithTimeout(t.Context(), patient)
	defer cancel()
	require.NoError(t, store.Ready(ctx))
	return list
}

// slowly is for tests that are not about the age of the copy: it is read every
// fifteen seconds, and good for a minute.
func slowly(cfg *redisstore.Config) { cfg.MaxAge = time.Minute }

// often reads often and minds no pause.
func often(d time.Duration) func(*redisstore.Config) {
	return func(cfg *redisstore.Config) { cfg.MaxAge = d }
}

func TestADenialCountsHereAtOnceAndElsewhereWithinASecond(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, other := following(t, s, slowly), following(t, s)
	assert.False(t, revoked(t, other, "id-1"))
	require.NoError(t, one.Deny(t.Context(), deny("id-1")))
	is, err := one.Revoked(t.Context(), withID(t, "id-1"))
	assert.True(t, is, "without waiting for the next reading")
	assert.NoError(t, err)
	eventually(t, func() bool {
		is, _ := other.Revoked(t.Context(), withID(t, "id-1"))
		return is
	}, "the other knows")
	assert.False(t, revoked(t, other, "id-2"))
	assert.Equal(t, 1, other.Len())

	require.NoError(t, other.Allow(t.Context(), deny("id-1"), deny("none")))
	assert.False(t, revoked(t, other, "id-1"))
	assert.Zero(t, following(t, s).Len())
	require.NoError(t, one.Deny(t.Context(), deny("id-2")))
	assert.Equal(t, 1, one.Len(), "it has read what was allowed, too")
	late := following(t, s)
	assert.False(t, revoked(t, late, "id-1"))
}

func TestTwoProcessesShareADenylist(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, other := newInstance(t, s.addr), newInstance(t, s.addr)
	assert.Equal(t, "false", other.knows("id-1"))
	assert.Equal(t, "denied", one.say("deny", "id-1"))
	assert.Equal(t, "true", one.knows("id-1"))
	eventually(t, func() bool { return other.say("revoked", "id-1") == "true" }, "the other process knows")
	s.kill()
	eventually(t, func() bool { return failed(other.say("revoked", "free")) }, "nothing is let through")
	assert.Contains(t, other.say("revoked", "id-1"), "the denylist was read")
	s.restart() // with nothing: it kept no file
	for _, process := range []*instance{one, other} {
		eventually(t, func() bool { return process.say("revoked", "id-1") == "true" }, "what it lost is known still")
	}
	late := newInstance(t, s.addr)
	eventually(t, func() bool { return late.say("revoked", "id-1") == "true" }, "and was given back, for one that is new")
}

func TestEveryKindOfEntryIsShared(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one := following(t, s, slowly)
	before, until := time.UnixMilli(1_800_000_000_500), time.Now().Add(time.Hour).Round(time.Millisecond)
	entries := []revocation.Entry{
		revocation.Token("", "any\"\x01", time.Time{}), revocation.Token(issuer, "one", until), revocation.Subject(issuer, "ä lice", before),
		revocation.Client(issuer, "app", before), revocation.Issuer(issuer, before),
		{Issuer: issuer, Subject: "bob", Before: before, Until: until},
	}
	require.NoError(t, one.Deny(t.Context(), entries...))
	for name, changes := range map[string]map[string]any{
		"a token of any issuer": {"jti": "any\"\x01", "iss": "https://other.example/"},
		"a token":               {"jti": "one", "iat": 1_900_000_000},
		"a subject":             {"sub": "ä lice", "client_id": "x"},
		"a client":              {"sub": "x"},
		"an issuer":             {"sub": "x", "client_id": "x"},
	} {
		is, err := following(t, s, slowly).Revoked(t.Context(), token(t, changes))
		assert.NoError(t, err)
		assert.True(t, is, name)
	}
	for name, changes := range map[string]map[string]any{
		"a token of another issuer": {"jti": "one", "iss": "https://other.example/"},
		"one that was issued later": {"iat": 1_800_000_001},
	} {
		is, err := following(t, s, slowly).Revoked(t.Context(), token(t, changes))
		assert.NoError(t, err)
		assert.False(t, is, name)
	}
	require.NoError(t, one.Allow(t.Context(), entries...))
	assert.Zero(t, one.Len())
}

func TestOfTwoDenialsTheLaterTimesCountWhoeverWritesThem(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one, other := following(t, s, slowly), following(t, s, slowly)
	at := func(before, until int) revocation.Entry {
		e := revocation.Subject(issuer, "alice", time.Unix(1_800_000_000+int64(before), 0))
		if until > 0 {
			e.Until = time.Now().Add(time.Duration(until) * time.Hour)
		}
		return e
	}
	issued := func(at int) bool {
		is, err := following(t, s, slowly).Revoked(t.Context(), token(t, map[string]any{"iat": 1_800_000_000 + at}))
		require.NoError(t, err)
		return is
	}
	require.NoError(t, one.Deny(t.Context(), at(10, 0)))
	require.NoError(t, other.Deny(t.Context(), at(5, 1)))
	assert.True(t, issued(9))
	assert.False(t, issued(10))
	require.NoError(t, other.Deny(t.Context(), at(20, 1)))
	assert.True(t, issued(19))
	assert.EqualValues(t, -1, s.client().TTL(t.Context(), "sallyport:{sallyport}:denied").Val(), "one is for ever")
}

func TestAnEntryIsForgottenWhenItEnds(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one := following(t, s, slowly)
	for life := time.Second; ; life *= 2 { // on a machine that is slow it may have ended before it is looked at
		require.NoError(t, one.Deny(t.Context(), revocation.Token("", "short", time.Now().Add(life))))
		if revoked(t, one, "short") {
			break
		}
		require.Less(t, life, patient, "it is never denied")
	}
	eventually(t, func() bool { return !revoked(t, one, "short") }, "it ends")
	require.NoError(t, one.Deny(t.Context(), deny("id-1")))
	for _, key := range []string{"denied:log", "denied:end"} {
		assert.EqualValues(t, 1, s.client().ZCard(t.Context(), "sallyport:{sallyport}:"+key).Val(), key)
	}
	assert.EqualValues(t, 1, s.client().HLen(t.Context(), "sallyport:{sallyport}:denied").Val())
}

func TestAFullDenylistSaysSo(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one := following(t, s, slowly, func(cfg *redisstore.Config) { cfg.MaxDenied = 2 })
	require.NoError(t, one.Deny(t.Context(), deny("id-1"), deny("id-2")))
	assert.ErrorIs(t, one.Deny(t.Context(), deny("id-3")), redisstore.ErrFull)
	require.NoError(t, one.Deny(t.Context(), deny("id-1")), "one that is there takes no room")
	assert.True(t, revoked(t, one, "id-1"))
	assert.ErrorContains(t, one.Deny(t.Context(), revocation.Entry{}), "has no Issuer")
}

func TestALongListComesInPiecesAndWhole(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one := following(t, s, slowly)
	var entries []revocation.Entry
	for n := range 12_345 {
		entries = append(entries, deny(fmt.Sprint("id-", n)))
	}
	require.NoError(t, one.Deny(t.Context(), entries...))
	assert.Equal(t, len(entries), one.Len())
	other := following(t, s, slowly)
	for n := range entries {
		require.True(t, revoked(t, other, fmt.Sprint("id-", n)))
	}
	assert.Equal(t, len(entries), other.Len())
}

func TestWithoutRedisNothingIsLetThrough(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	hasty := open(t, s.client(), func(cfg *redisstore.Config) { cfg.Timeout = 100 * time.Millisecond })
	list := hasty.Denylist()
	eventually(t, func() bool { return list.Deny(t.Context(), deny("id-1")) == nil }, "it is denied")
	assert.True(t, revoked(t, list, "id-1"))
	s.hang()
	eventually(t, func() bool {
		_, err := list.Revoked(t.Context(), withID(t, "free"))
		return err != nil
	}, "an old copy is no answer")
	_, err := list.Revoked(t.Context(), withID(t, "id-1"))
	assert.ErrorContains(t, err, "the denylist was read")
	assert.ErrorContains(t, err, "ago, more than 1s: ")
	eventually(t, func() bool { return errors.Is(list.Status().Err, context.DeadlineExceeded) }, "it says why")
	assert.Error(t, list.Deny(t.Context(), deny("id-2")))
	s.goOn()
	eventually(t, func() bool {
		is, err := list.Revoked(t.Context(), withID(t, "id-1"))
		return is && err == nil
	}, "it goes on")

	away := open(t, clientOf(t, deadAddress(t)))
	_, err = away.Denylist().Revoked(t.Context(), withID(t, "free"))
	assert.ErrorContains(t, err, "the denylist was never read")
}

func TestWhatRedisLosesIsGivenBack(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	one := following(t, s, often(2*time.Second))
	require.NoError(t, one.Deny(t.Context(), deny("id-1"), deny("id-2"), revocation.Token("", "over", time.Now().Add(time.Millisecond))))
	require.NoError(t, one.Allow(t.Context(), deny("id-2")))
	require.NoError(t, s.client().FlushAll(t.Context()).Err())
	eventually(t, func() bool { return following(t, s, slowly).Len() == 1 }, "another one gets it")
	assert.True(t, revoked(t, one, "id-1"))
	assert.False(t, revoked(t, one, "id-2"), "what was allowed is not denied again")
}

// TestAfterTroubleTheWholeListIsCompared has another Redis answer after an outage, one
// that others wrote to since: what it lacks is not to be told by its numbers.
func TestAfterTroubleTheWholeListIsCompared(t *testing.T) {
	t.Parallel()
	was, is := newServer(t), newServer(t)
	var addr atomic.Pointer[string]
	addr.Store(&was.addr)
	client := redis.NewClient(&redis.Options{Addr: "redis", MaxRetries: -1, Dialer: func(_ context.Context, network, _ string) (net.Conn, error) {
		return net.Dial(network, *addr.Load())
	}})
	defer client.Close()
	list := open(t, client, often(2*time.Second)).Denylist()
	eventually(t, func() bool { return list.Status().Age >= 0 }, "the whole was read")
	eventually(t, func() bool { return list.Deny(t.Context(), deny("id-1")) == nil }, "it is denied")
	was.kill()
	eventually(t, func() bool { return list.Status().Err != nil }, "there is trouble")
	require.NoError(t, following(t, is, slowly).Deny(t.Context(), deny("id-2")))
	addr.Store(&is.addr)
	eventually(t, func() bool { return following(t, is, slowly).Len() == 2 }, "it is given back")
}

func TestADenylistOfAnotherMakeIsAnError(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ key, value string }{
		"its key is none":     {"id-1", "0 0"},
		"its value is none":   {`{"jti":"id-1"}`, "x"},
		"it names no issuer":  {`{"sub":"alice"}`, "0 0"},
		"its entry is faulty": {`{"jti":"id-1"}`, "1 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			list := following(t, s, often(time.Second))
			client, base := s.client(), "sallyport:{sallyport}:denied"
			require.NoError(t, client.HSet(t.Context(), base, row.key, row.value).Err())
			require.NoError(t, client.Do(t.Context(), "ZADD", base+":log", "7", row.key).Err())
			require.NoError(t, client.Set(t.Context(), base+":seq", "7", 0).Err())
			eventually(t, func() bool {
				_, err := list.Revoked(t.Context(), withID(t, "free"))
				return err != nil
			}, "what cannot be read may be a denial")
		})
	}
}

func TestAClosedStoreLetsNothingThrough(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	store := open(t, s.client(), often(50*time.Millisecond))
	list, secrets := store.Denylist(), store.NonceSecrets()
	require.NoError(t, store.Close())
	require.NoError(t, store.Close(), "a second time is no harm")
	_, err := store.Replays().Remember(t.Context(), digest("proof"), digest("client"), time.Now().Add(time.Minute))
	assert.ErrorContains(t, err, "closed")
	assert.ErrorContains(t, list.Deny(t.Context(), deny("id-1")), "closed")
	eventually(t, func() bool {
		_, err := list.Revoked(t.Context(), withID(t, "free"))
		return err != nil
	}, "its copy grows old")
	_ = secrets
	late := open(t, s.client())
	require.NoError(t, late.Close())
	_, err = late.NonceSecrets().Secrets(t.Context())
	assert.Error(t, err)
	assert.NotErrorIs(t, err, context.Canceled)
}
