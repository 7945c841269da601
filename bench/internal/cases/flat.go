package cases

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/verifier"
)

const manyKeys, manyIssuers = 1000, 10000

// flatSeen compares a token seen before in a small and in a large installation.
func flatSeen() Group {
	return Group{Name: "FlatSeen", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		list := append([]Case{{Name: "keys=1/issuers=1/cache=empty", Run: accepts(check(one(contest.KeySet(f)), 0), f.Good)}}, large(f, 0)...)
		return append(list, Case{Name: "keys=1/issuers=1/cache=full", Run: accepts(fullCache(f), f.Good)}), f.Close
	}}
}

// flatFirst compares first sights: without a cache, with one that fills, and with
// a full one that drops another token for each.
func flatFirst() Group {
	return Group{Name: "FlatFirst", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		list := []Case{{Name: "keys=1/issuers=1/cache=off", Run: accepts(check(one(contest.KeySet(f)), -1), f.Good)}}
		list = append(list, large(f, -1)...)
		prepare, run := evicts(f)
		return append(list,
			Case{Name: "keys=1/issuers=1/cache=filling", Run: misses(f)},
			Case{Name: "keys=1/issuers=1/cache=full", Prepare: prepare, Run: run},
		), f.Close
	}}
}

func large(f *fixture.Fixture, cacheBytes int64) []Case {
	cache := "empty"
	if cacheBytes < 0 {
		cache = "off"
	}
	return []Case{
		{Name: fmt.Sprintf("keys=%d/issuers=1/cache=%s", manyKeys, cache), Run: accepts(check(keysAmong(f), cacheBytes), f.Good)},
		{Name: fmt.Sprintf("keys=1/issuers=%d/cache=%s", manyIssuers, cache), Run: accepts(check(issuersAmong(f), cacheBytes), f.Good)},
	}
}

func check(issuers []verifier.Issuer, cacheBytes int64) contest.Check {
	return contest.CheckWith(fixture.Must(verifier.New(verifier.Config{Issuers: issuers, CacheBytes: cacheBytes})))
}

func one(keys jwks.KeySet) []verifier.Issuer { return []verifier.Issuer{contest.Trust(keys)} }

// keysAmong returns an issuer whose keys have the fixture's in their middle.
func keysAmong(f *fixture.Fixture) []verifier.Issuer {
	keys := make([]*jwks.Key, manyKeys)
	for i := range keys {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		keys[i] = fixture.Must(jwks.NewKey(fmt.Sprintf("key-%d", i), "EdDSA", fixture.Must(public, err)))
	}
	keys[manyKeys/2] = fixture.Must(jwks.NewKey(f.KeyID, f.Algorithm, f.Public))
	return one(fixture.Must(jwks.NewStatic(keys...)))
}

// issuersAmong returns issuers with the fixture's in their middle.
func issuersAmong(f *fixture.Fixture) []verifier.Issuer {
	issuers := slices.Repeat(one(contest.KeySet(f)), manyIssuers)
	for i := range issuers {
		if i != manyIssuers/2 {
			issuers[i].Name = fmt.Sprintf("https://issuer-%d.example/", i)
		}
	}
	return issuers
}

// fullCache returns the check of a Verifier whose cache is full and has the good token.
func fullCache(f *fixture.Fixture) contest.Check {
	const smallest = 1 << 10 // no entry weighs less
	others := fixture.New("EdDSA")
	defer others.Close()
	keys := fixture.Must(jwks.NewStatic(
		fixture.Must(jwks.NewKey(f.KeyID, f.Algorithm, f.Public)),
		fixture.Must(jwks.NewKey("other", others.Algorithm, others.Public)),
	))
	v := fixture.Must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{contest.Trust(keys)}}))
	check := contest.CheckWith(v)
	for i := range (32 << 20) / smallest {
		if i%64 == 0 {
			accepts(check, f.Good)(1)
		}
		fixture.Must(v.Verify(context.Background(), others.Token(jwkstest.Header{"kid": "other"}, jwkstest.Claims{"uti": fmt.Sprintf("uti-%018d", i)})))
	}
	accepts(check, f.Good)(64)
	return check
}

// evicts checks tokens that were never seen with a cache that is full of others. Each run uses up a new token.
func evicts(f *fixture.Fixture) (prepare, run func(int)) {
	check := fullCache(f)
	var tokens []string
	made := 0
	prepare = func(n int) {
		tokens = tokens[:0]
		for range n {
			made++
			tokens = append(tokens, f.Token(jwkstest.Claims{"uti": fmt.Sprintf("new-%018d", made)}))
		}
	}
	run = func(n int) {
		for _, token := range tokens[:n] {
			accept(check, token)
		}
		tokens = tokens[n:]
	}
	return prepare, run
}

// refreshing compares tokens whose keys are there without a refresh and during one
// that hangs from before the first run to after the last.
func refreshing() Group {
	return Group{Name: "Refreshing", Open: func() ([]Case, func()) {
		quiet, hanging := fixture.New("RS256"), fixture.New("RS256")
		quietKeys, hangingKeys := fetched(quiet), fetched(hanging)
		release := hang(hanging, hangingKeys)
		list := []Case{
			{Name: "token=seen/refresh=none", Run: accepts(check(one(quietKeys), 0), quiet.Good)},
			{Name: "token=seen/refresh=hanging", Run: accepts(check(one(hangingKeys), 0), hanging.Good)},
			{Name: "token=first/refresh=none", Run: accepts(check(one(quietKeys), -1), quiet.Good)},
			{Name: "token=first/refresh=hanging", Run: accepts(check(one(hangingKeys), -1), hanging.Good)},
		}
		return list, func() {
			release()
			_, _ = quietKeys.Close(), hangingKeys.Close()
			quiet.Close()
			hanging.Close()
		}
	}}
}

// hang begins a refresh that lasts until it is released.
func hang(f *fixture.Fixture, keys *jwks.Fetcher) (release func()) {
	before, answer := f.Fetches(), f.Hang()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = keys.Refresh(context.Background(), "a-key-to-come")
	}()
	// An unknown key waits until the last fetch is a second old.
	for deadline := time.Now().Add(2 * time.Minute); f.Fetches() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			panic("no refresh began")
		}
	}
	return func() {
		select {
		case <-over:
			panic("the refresh did not hang until the end: nothing was measured")
		default:
		}
		answer()
		<-over
	}
}

// parallel is the throughput of a token seen before on one processor and on two;
// SHA-256 shows what the machine itself gains from the second.
func parallel() Group {
	return Group{Name: "Parallel", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		v := contest.NewVerifier(f, 0)
		sha, hit := holds(contest.SHA256(f)), accepts(contest.CheckWith(v), f.Good)
		return []Case{
			{Name: "impl=sha256/procs=1", Run: sha, Workers: 1},
			{Name: "impl=sallyport/cache=hit/procs=1", Run: hit, Workers: 1},
			{Name: "impl=sha256/procs=2", Run: sha, Workers: 2},
			{Name: "impl=sallyport/cache=hit/procs=2", Run: hit, Workers: 2},
		}, f.Close
	}}
}
