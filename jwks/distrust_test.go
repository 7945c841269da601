package jwks_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestADistrustedKeyLeavesAtOnceAndStaysAway(t *testing.T) {
	withServer(t, setOf("a", "b"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		b := must(f.Snapshot().Key("b", "EdDSA"))
		f.Distrust("a")
		assert.Equal(t, []string{"b"}, kids(f))
		assert.Same(t, b, must(f.Snapshot().Key("b", "EdDSA")), "other keys stay the identical ones")
		assert.Equal(t, []string{`kid "a" is distrusted`}, f.Status().Skipped)

		time.Sleep(16 * time.Minute)
		assert.Equal(t, 2, s.count())
		assert.Equal(t, []string{"b"}, kids(f), "a fetch by schedule does not bring it back")
		assert.Equal(t, []string{`kid "a" is distrusted`}, f.Status().Skipped)

		s.serve(set(jwk("a", members{"x": b64(edPublic("c"))}), jwk("b")))
		require.NoError(t, f.Refresh(t.Context(), "made-up"))
		assert.Equal(t, []string{"b"}, kids(f), "nor does another key under its kid")
	})
}

func TestADistrustedKidCausesNoFetch(t *testing.T) {
	withServer(t, setOf("a", "b"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		f.Distrust("a")
		time.Sleep(5 * time.Second)
		before := time.Now()
		for range 100 {
			require.NoError(t, f.Refresh(t.Context(), "a"))
		}
		assert.Equal(t, before, time.Now())
		time.Sleep(time.Minute)
		assert.Equal(t, 1, s.count())
	})
}

func TestADistrustedKidCausesNotEvenTheFirstFetch(t *testing.T) {
	withIdle(t, setOf("a", "b"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		f.Distrust("a")
		require.NoError(t, f.Refresh(t.Context(), "a"))
		time.Sleep(time.Minute)
		assert.Zero(t, s.count())
		require.NoError(t, f.Refresh(t.Context(), "b"))
		assert.Equal(t, []string{"b"}, kids(f))
	})
}

func TestADistrustedKeyIsNoBetterUnderAnotherKid(t *testing.T) {
	twice := func(name string, kid any) members { return jwk(name, members{"kid": kid}) }
	type row struct{ before, after string }
	eachInBubble(t, map[string]row{
		"listed under two kids":          {set(jwk("a"), twice("a", "alias"), jwk("b")), ""},
		"and once without":               {set(jwk("a"), twice("a", nil), jwk("b")), ""},
		"published under another later":  {setOf("a", "b"), set(twice("a", "alias"), jwk("b"))},
		"listed under two kids later on": {setOf("b"), set(twice("a", "alias"), jwk("a"), jwk("b"))},
	}, func(t *testing.T, row row) {
		s := newServer(row.before)
		f := readyFetcher(t, s.config())
		f.Distrust("a")
		assert.Equal(t, []string{"b"}, kids(f))
		if row.after != "" {
			s.serve(row.after)
		}
		time.Sleep(16 * time.Minute)
		assert.Equal(t, []string{"b"}, kids(f))
	})
}

func TestAnIssuerThatPublishesNothingElseIsNotFollowed(t *testing.T) {
	withServer(t, setOf("a"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		f.Distrust("a")
		assert.False(t, f.Snapshot().Usable())
		missing := unavailable(t, f.Refresh(t.Context(), "b"))
		assert.ErrorContains(t, missing, `kid "a" is distrusted`)

		s.respond(tagged(setOf("a"))) // a 304 does not make an empty set good
		time.Sleep(5 * time.Minute)
		assert.False(t, f.Snapshot().Usable())
		assert.Equal(t, f.Status().Failures+1, f.Status().Fetches)

		s.serve(setOf("a", "b"))
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"b"}, kids(f))
	})
}

func TestA304ConfirmsNoKeysThatTheIssuerWithdrewBesideADistrustedOne(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newServer(setOf("a", "b"))
		cfg := s.config()
		cfg.MaxStaleness = time.Hour
		f := readyFetcher(t, cfg)
		f.Distrust("a")
		s.respond(tagged(setOf("a"))) // b is gone
		time.Sleep(2 * time.Hour)
		assert.False(t, f.Snapshot().Usable())
	})
}

func TestDistrustDuringAFetch(t *testing.T) {
	withIdle(t, setOf("a", "b"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.slow(2 * time.Second)
		var caller sync.WaitGroup
		caller.Go(func() { assert.NoError(t, f.Refresh(t.Context(), "a")) })
		time.Sleep(time.Second)
		f.Distrust("a")
		caller.Wait()
		assert.Equal(t, []string{"b"}, kids(f))
	})
}

func TestDistrustOfNothing(t *testing.T) {
	withServer(t, set(jwk("a"), jwk("b", members{"kid": nil})), func(t *testing.T, s *server, f *jwks.Fetcher) {
		before := f.Snapshot()
		f.Distrust("")
		f.Distrust("never-seen")
		assert.Same(t, before, f.Snapshot())
		assert.Empty(t, f.Status().Skipped)
		s.serve(setOf("a", "never-seen"))
		time.Sleep(16 * time.Minute)
		assert.Equal(t, []string{"a"}, kids(f), "it is distrusted before it comes")
		require.NoError(t, f.Close())
		f.Distrust("a")
		assert.Empty(t, kids(f), "after Close, too")
	})
}

func TestDistrustIsSafeForConcurrentUse(t *testing.T) {
	withServer(t, setOf("a", "b", "c"), func(t *testing.T, s *server, f *jwks.Fetcher) {
		s.serve(setOf("a", "b", "c", "d"))
		var crowd sync.WaitGroup
		for _, kid := range []string{"a", "b", "a", "b"} {
			crowd.Go(func() { f.Distrust(kid) })
			crowd.Go(func() { assert.NoError(t, f.Refresh(t.Context(), "d")) })
			crowd.Go(func() { _ = slices.Collect(f.Snapshot().Keys()) })
		}
		crowd.Wait()
		assert.Equal(t, []string{"c", "d"}, kids(f))
	})
}
