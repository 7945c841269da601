package cases

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

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
		full, closeFull := fullCache(f)
		return append(list, Case{Name: "keys=1/issuers=1/cache=full", Run: accepts(full, f.Good)}), func() { closeFull(); f.Close() }
	}}
}

// flatFirst is whether a first sight does. A cache so small that every token
// drives another out stands for a full one.
func flatFirst() Group {
	return Group{Name: "FlatFirst", Open: func() ([]Case, func()) {
		f := fixture.New("RS256")
		list := []Case{{Name: "keys=1/issuers=1/cache=off", Run: accepts(check(one(f), -1), f.Good)}}
		list = append(list, large(f, -1)...)
		const smallCache = 16 << 10
		return append(list,
			Case{Name: "keys=1/issuers=1/cache=filling", Run: misses(f, 0)},
			Case{Name: "keys=1/issuers=1/cache=evicting", Run: misses(f, smallCache)},
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
func fullCache(f *fixture.Fixture) (contest.Check, func()) {
	const smallest = 1 << 10 // no entry weighs less
	others := fixture.New("EdDSA")
	keys := must(jwks.NewStatic(
		must(jwks.NewKey(f.KeyID, f.Algorithm, f.Public)),
		must(jwks.NewKey("other", others.Algorithm, others.Public)),
	))
	v := must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{contest.Trust(keys)}}))
	check := contest.CheckWith(v)
	for i := range verifier.DefaultCacheBytes / smallest {
		if i%64 == 0 {
			accepts(check, f.Good)(1)
		}
		token := others.TokenUnder("other", fmt.Sprintf("uti-%018d", i))
		if _, err := v.Verify(context.Background(), token); err != nil {
			panic(err)
		}
	}
	accepts(check, f.Good)(64)
	return check, others.Close
}

// refreshing is whether a refresh that hangs is felt by those who bring tokens
// whose keys are there.
func refreshing() Group {
	return Group{Name: "Refreshing", Open: func() ([]Case, func()) {
		quiet, hanging := fixture.New("RS256"), fixture.New("RS256")
		quietKeys, hangingKeys := fetched(quiet), fetched(hanging)
		release := hanging.FakeIssuer().Hang()
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			_ = hangingKeys.Refresh(context.Background(), "a-key-to-come")
		}()
		trust := func(keys jwks.KeySet) []verifier.Issuer { return []verifier.Issuer{contest.Trust(keys)} }
		list := []Case{
			{Name: "token=seen/refresh=none", Run: accepts(check(trust(quietKeys), 0), quiet.Good)},
			{Name: "token=seen/refresh=hanging", Run: accepts(check(trust(hangingKeys), 0), hanging.Good)},
			{Name: "token=first/refresh=none", Run: accepts(check(trust(quietKeys), -1), quiet.Good)},
			{Name: "token=first/refresh=hanging", Run: accepts(check(trust(hangingKeys), -1), hanging.Good)},
		}
		return list, func() {
			release()
			<-asked
			_, _ = quietKeys.Close(), hangingKeys.Close()
			quiet.Close()
			hanging.Close()
		}
	}}
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
