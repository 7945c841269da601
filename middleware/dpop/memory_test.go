package dpop_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
)

func TestAProofIsGoodOnce(t *testing.T) { //nolint:tparallel // its steps follow each other
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	a := newAPI(t, dpop.Config{Now: func() time.Time { return now }}, "ES256")
	begun, used := now, a.proof(jwkstest.Claims{"jti": "one"})
	replayed := func(name, proof string) {
		t.Helper()
		e := a.refused(t, a.request(proof))
		require.NotNil(t, e, name)
		assert.Equal(t, reason.ReplayedDPoPProof, e.Reason, name)
		assert.ErrorContains(t, e, "a proof of this key and jti was used before", name)
	}
	require.Nil(t, a.refused(t, a.request(used)))
	t.Run("69 the same proof again", func(t *testing.T) { replayed("", used) })
	t.Run("69 another proof with its jti", func(t *testing.T) { replayed("", a.proof(jwkstest.Claims{"jti": "one", "x": 1})) })
	t.Run("69 another token with its jti", func(t *testing.T) {
		other := *a
		other.token = a.iss.Token(a.prover.Bound())
		e := other.refused(t, other.request(other.proof(jwkstest.Claims{"jti": "one"})))
		require.NotNil(t, e)
		assert.Equal(t, reason.ReplayedDPoPProof, e.Reason)
	})
	t.Run("69 the jti of another key is another", func(t *testing.T) {
		other := *a
		other.prover = a.iss.NewProver("ES256")
		other.token = a.iss.Token(other.prover.Bound())
		assert.Nil(t, other.refused(t, other.request(other.proof(jwkstest.Claims{"jti": "one"}))))
	})
	now = begun.Add(30 * time.Second)
	t.Run("69 for as long as its window", func(t *testing.T) { replayed("", used) })
	now = begun.Add(31 * time.Second)
	e := a.refused(t, a.request(used))
	require.NotNil(t, e)
	assert.Equal(t, reason.InvalidDPoPProof, e.Reason, "then it is too old")
	now = begun.Add(38 * time.Second)
	assert.Nil(t, a.refused(t, a.request(a.proof(jwkstest.Claims{"jti": "one"}))), "and its jti forgotten")
}

// What a wrong proof names is not remembered: nobody can use up another's jti.
func TestOnlyGoodProofsAreRemembered(t *testing.T) {
	t.Parallel()
	m := must(dpop.NewMemory(dpop.MemoryConfig{}))
	a := newAPI(t, dpop.Config{Replays: m}, "ES256")
	for name, f := range a.prover.ForgedProofs("GET", address, a.token, jwkstest.Claims{"jti": "one"}) {
		assert.NotNil(t, a.refused(t, a.request(f.Proofs...)), name)
	}
	assert.Zero(t, m.Len())
	assert.Nil(t, a.refused(t, a.request(a.proof(jwkstest.Claims{"jti": "one"}))))
	assert.Equal(t, 1, m.Len())
}

func id(n int) [32]byte {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	m := must(dpop.NewMemory(dpop.MemoryConfig{Entries: 100, PerClient: 40, Now: func() time.Time { return now }}))
	put := func(n, client int, d time.Duration) error {
		fresh, err := m.Remember(t.Context(), id(n), id(client), now.Add(d))
		assert.Equal(t, err == nil, fresh)
		return err
	}
	for n := range 40 {
		require.NoError(t, put(n, -1, time.Second))
	}
	require.ErrorIs(t, put(40, -1, time.Second), dpop.ErrReplaysFull, "one client has a share")
	for n := 40; n < 100; n++ {
		require.NoError(t, put(n, -n, 2*time.Second), "and the others theirs")
	}
	require.ErrorIs(t, put(100, -100, time.Second), dpop.ErrReplaysFull)
	fresh, err := m.Remember(t.Context(), id(7), id(-1), now)
	assert.NoError(t, err)
	assert.False(t, fresh, "what is there is a replay, full or not")
	now = now.Add(2 * time.Second)
	require.NoError(t, put(200, -1, time.Second), "the first forty are gone")
	assert.Equal(t, 61, m.Len())
	now = now.Add(10 * time.Second)
	require.NoError(t, put(201, -1, time.Second))
	assert.Equal(t, 1, m.Len())
}

// The tables are used again and again: nothing may be lost or found twice.
func TestMemoryForgetsWhatEndedAndNothingElse(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	m := must(dpop.NewMemory(dpop.MemoryConfig{Entries: 5000, PerClient: 5000, Now: func() time.Time { return now }}))
	type entry struct{ until time.Time }
	model := map[int]entry{}
	for step := range 20_000 {
		n := step * 7919 % 9000
		if step%50 == 0 {
			now = now.Add(time.Second)
		}
		old, known := model[n]
		known = known && now.Unix() <= old.until.Unix()
		until := now.Add(time.Duration(step%60) * time.Second)
		fresh, err := m.Remember(t.Context(), id(n), id(n%13), until)
		require.NoError(t, err)
		require.Equal(t, !known, fresh, "step %d", step)
		if fresh {
			model[n] = entry{until}
		}
	}
}

func TestMemoryCannotTellOfWhatEnded(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := must(dpop.NewMemory(dpop.MemoryConfig{Now: func() time.Time { return now }}))
	for name, until := range map[string]time.Time{"a second ago": now.Add(-time.Second), "long ago": {}} {
		fresh, err := m.Remember(t.Context(), id(1), id(1), until)
		assert.False(t, fresh, name)
		require.ErrorContains(t, err, "the clock went back", name)
		assert.NotErrorIs(t, err, dpop.ErrReplaysFull)
	}
	assert.Zero(t, m.Len())
}

func TestOneOfManyCallersWithOneProofPasses(t *testing.T) {
	t.Parallel()
	m := must(dpop.NewMemory(dpop.MemoryConfig{}))
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 500 {
				if fresh, err := m.Remember(t.Context(), id(n), id(1), time.Now().Add(time.Minute)); fresh && err == nil {
					passed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 500, passed.Load())
}

// The bytes are those that the documentation states.
func TestTheBytesOfAMillionProofs(t *testing.T) { //nolint:paralleltest // it measures the heap
	heap := func() uint64 {
		var s runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&s)
		return s.HeapAlloc
	}
	var clients [1000][32]byte
	for n := range clients {
		clients[n] = id(-n)
	}
	before := heap()
	m := must(dpop.NewMemory(dpop.MemoryConfig{}))
	until := time.Now().Add(time.Hour)
	for n := range dpop.DefaultEntries {
		fresh, err := m.Remember(t.Context(), id(n), clients[n%1000], until.Add(time.Duration(n%60)*time.Second))
		if !fresh || err != nil {
			t.Fatal(n, err)
		}
	}
	after := heap()
	bytes := (after - before) >> 20
	t.Logf("%d proofs take %d MiB", m.Len(), bytes)
	assert.Less(t, bytes, uint64(64))
	_, err := m.Remember(t.Context(), id(-1), id(-1), until)
	assert.ErrorIs(t, err, dpop.ErrReplaysFull)
}

func TestMistakesOfAMemory(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]dpop.MemoryConfig{
		"Entries -1 must be between 1 and": {Entries: -1},
		"PerClient 11 must be between 1":   {Entries: 10, PerClient: 11},
		"PerClient -1 must be between 1":   {PerClient: -1},
	} {
		_, err := dpop.NewMemory(cfg)
		assert.ErrorContains(t, err, want)
	}
	_, err := new(dpop.Memory).Remember(t.Context(), id(1), id(1), time.Now())
	assert.ErrorIs(t, err, dpop.ErrReplaysFull, "the zero Memory is full")
	m := must(dpop.NewMemory(dpop.MemoryConfig{Entries: 3}))
	for n := range 3 {
		_, err = m.Remember(t.Context(), id(n), id(1), time.Now().Add(time.Minute))
		assert.Equal(t, n > 0, err != nil, "a tenth, and at least one")
	}
}

// Many keys are one client; client ids are of their issuer.
func TestAClientIsNamedByIssuerAndClientID(t *testing.T) {
	t.Parallel()
	m := must(dpop.NewMemory(dpop.MemoryConfig{Entries: 10, PerClient: 3}))
	at := time.Now().Truncate(time.Second)
	a := newAPI(t, dpop.Config{Replays: m, Now: func() time.Time { return at }}, "EdDSA")
	b := newAPI(t, dpop.Config{Replays: m, Now: func() time.Time { return at }}, "EdDSA")
	call := func(a *api, client any) error {
		a.prover = a.iss.NewProver("EdDSA")
		a.token = a.iss.Token(a.prover.Bound(), jwkstest.Claims{"client_id": client})
		if e := a.refused(t, a.request(a.proof())); e != nil {
			assert.Equal(t, reason.ProofsUnavailable, e.Reason)
			return e
		}
		return nil
	}
	for n := range 3 {
		require.NoError(t, call(a, "busy"), fmt.Sprint(n))
	}
	assert.ErrorIs(t, call(a, "busy"), dpop.ErrReplaysFull, "whatever its key")
	assert.NoError(t, call(a, "other"))
	assert.NoError(t, call(b, "busy"), "of another issuer")
	assert.NoError(t, call(a, nil), "one without a name is its subject")
}
