package cases

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/sallyport-go/sallyport/bench/internal/contest"
	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

const (
	manyKeys    = 1000
	manyIssuers = 10000
)

// flatSeen is whether a token seen before costs more in a large installation.
func flatSeen() Group {
	return Group{Name: "FlatSeen", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		list := append([]Case{{Name: "keys=1/issuers=1/cache=empty", Run: accepts(check(one(f), 0), f.Good)}}, large(f, 0)...)
		full := fullCache(f)
		return append(list, Case{Name: "keys=1/issuers=1/cache=full", Run: accepts(full, f.Good)}), f.Close
	}}
}

// flatFirst is whether a first sight does: without a cache, and with one, where
// a full cache has to drive another token out for each that comes.
func flatFirst() Group {
	return Group{Name: "FlatFirst", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		list := []Case{{Name: "keys=1/issuers=1/cache=off", Run: accepts(check(one(f), -1), f.Good)}}
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
	return contest.CheckWith(must(verifier.New(verifier.Config{Issuers: issuers, CacheBytes: cacheBytes})))
}

func one(f *fixture.Fixture) []verifier.Issuer {
	return []verifier.Issuer{contest.Trust(must(contest.KeySet(f)))}
}

// keysAmong is the fixture's key in the middle of many others.
func keysAmong(f *fixture.Fixture) []verifier.Issuer {
	var keys []*jwks.Key
	for i := range manyKeys - 1 {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		keys = append(keys, must(jwks.NewKey(fmt.Sprintf("key-%d", i), "EdDSA", public)))
		if i == manyKeys/2 {
			keys = append(keys, must(jwks.NewKey(f.KeyID, f.Algorithm, f.Public)))
		}
	}
	return []verifier.Issuer{contest.Trust(must(jwks.NewStatic(keys...)))}
}

// issuersAmong is the fixture's issuer in the middle of many others.
func issuersAmong(f *fixture.Fixture) []verifier.Issuer {
	keys := must(contest.KeySet(f))
	var issuers []verifier.Issuer
	for i := range manyIssuers - 1 {
		other := contest.Trust(keys)
		other.Name = fmt.Sprintf("https://issuer-%d.example/", i)
		issuers = append(issuers, other)
		if i == manyIssuers/2 {
			issuers = append(issuers, contest.Trust(keys))
		}
	}
	return issuers
}

// fullCache is a Verifier whose cache has no room left for the tokens that it
// was given, and which remembers the good one.
func fullCache(f *fixture.Fixture) contest.Check {
	const smallest = 1 << 10 // no entry weighs less
	others := fixture.New("EdDSA")
	defer others.Close()
	keys := must(jwks.NewStatic(
		must(jwks.NewKey(f.KeyID, f.Algorithm, f.Public)),
		must(jwks.NewKey("other", others.Algorithm, others.Public)),
	))
	v := must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{contest.Trust(keys)}}))
	check := contest.CheckWith(v)
	for i := range (32 << 20) / smallest {
		if i%64 == 0 {
			accepts(check, f.Good)(1)
		}
		token := others.TokenUnder("other", fmt.Sprintf("uti-%018d", i))
		if _, err := v.Verify(context.Background(), token); err != nil {
			panic(err)
		}
	}
	accepts(check, f.Good)(64)
	return check
}

// evicts checks tokens that were never seen with a cache that is full of
// others. A token that was measured once would be remembered, so each run
// uses up a new one.
func evicts(f *fixture.Fixture) (prepare, run func(int)) {
	check := fullCache(f)
	var tokens []string
	made := 0
	prepare = func(n int) {
		tokens = tokens[:0]
		for range n {
			made++
			tokens = append(tokens, f.TokenUnder(f.KeyID, fmt.Sprintf("new-%018d", made)))
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

// refreshing is whether a refresh that hangs is felt by those who bring tokens
// whose keys are there. It hangs from before the first run to after the last.
func refreshing() Group {
	return Group{Name: "Refreshing", Open: func() ([]Case, func()) {
		quiet, hanging := fixture.New("RS256"), fixture.New("RS256")
		quietKeys, hangingKeys := fetched(quiet), fetched(hanging)
		release := hang(hanging, hangingKeys)
		trust := func(keys jwks.KeySet) []verifier.Issuer { return []verifier.Issuer{contest.Trust(keys)} }
		list := []Case{
			{Name: "token=seen/refresh=none", Run: accepts(check(trust(quietKeys), 0), quiet.Good)},
			{Name: "token=seen/refresh=hanging", Run: accepts(check(trust(hangingKeys), 0), hanging.Good)},
			{Name: "token=first/refresh=none", Run: accepts(check(trust(quietKeys), -1), quiet.Good)},
			{Name: "token=first/refresh=hanging", Run: accepts(check(trust(hangingKeys), -1), hanging.Good)},
		}
		return list, func() {
			release()
			_, _ = quietKeys.Close(), hangingKeys.Close()
			quiet.Close()
			hanging.Close()
		}
	}}
}

// hang begins a refresh that ends when it is released.
func hang(f *fixture.Fixture, keys *jwks.Fetcher) (release func()) {
	iss := f.FakeIssuer()
	before := iss.Fetches()
	answer := iss.Hang()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = keys.Refresh(context.Background(), "a-key-to-come")
	}()
	// An unknown key waits until the last fetch is a second old.
	for deadline := time.Now().Add(10 * time.Second); iss.Fetches() == before; time.Sleep(time.Millisecond) {
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

// parallel is the throughput of a token seen before on one processor and on
// two; SHA-256 tells how much the machine itself gains from the second.
func parallel() Group {
	return Group{Name: "Parallel", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		v := must(contest.NewVerifier(f, 0))
		var list []Case
		for _, workers := range []int{1, 2} {
			list = append(list,
				Case{Name: fmt.Sprintf("impl=sha256/procs=%d", workers), Run: holds(contest.SHA256(f)), Workers: workers},
				Case{Name: fmt.Sprintf("impl=sallyport/cache=hit/procs=%d", workers), Run: accepts(contest.CheckWith(v), f.Good), Workers: workers},
			)
		}
		return list, f.Close
	}}
}
