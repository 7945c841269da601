package verifier_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/verifier"
)

// TestTheCacheNeverChangesAnAnswer lives through random histories with two
// verifiers of the same configuration, one of which remembers.
func TestTheCacheNeverChangesAnAnswer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprintf("history %d", seed), func(t *testing.T) {
			t.Parallel()
			newHistory(t, seed).live(250)
		})
	}
}

// history is a world that changes at random.
type history struct {
	*world

	t              *testing.T
	random         *rand.Rand
	caching, fresh *verifier.Verifier
	tokens         []string
	withdrawn      map[string]bool // by jti
	mood           map[string]bool // of the validator, by jti
	now            time.Time
	stale          bool
	log            []string
	answers        map[string]int
}

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	h := &history{
		t:         t,
		random:    rand.New(rand.NewPCG(seed, 20261120)), // a history can be repeated
		withdrawn: map[string]bool{}, mood: map[string]bool{}, answers: map[string]int{},
		now: noon,
	}
	h.world = newWorld(t)
	h.cfg.MaxAge = time.Hour
	h.cfg.Revoked = func(_ context.Context, c *claims.Claims) (bool, error) { return h.withdrawn[c.ID()], nil }
	h.cfg.Validators = []func(context.Context, *claims.Claims) error{func(_ context.Context, c *claims.Claims) error {
		if h.mood[c.ID()] {
			return context.DeadlineExceeded
		}
		return nil
	}}
	h.caching, h.fresh = h.verifier(t), h.uncached(t)
	return h
}

func (h *history) live(events int) {
	for range events {
		events := []func() string{
			h.mint, h.mint, h.mint, h.mint, h.mintWithoutKid, h.rotate, h.remove, h.remove, h.replace, h.double,
			h.revoke, h.change, h.pass, h.pass, h.goBack, h.age, h.refresh,
		}
		what := events[h.random.IntN(len(events))]()
		h.log = append(h.log, what)
		h.compare()
	}
	require.Greater(h.t, h.answers["good"], 50, "a history in which little is good shows little: %v", h.answers)
	require.Greater(h.t, len(h.answers), 5, "nor one that refuses for few reasons: %v", h.answers)
	h.t.Log(h.answers)
}

// compare asks both about some tokens, twice, so that the second may be remembered.
func (h *history) compare() {
	for range min(len(h.tokens), 5) {
		token := h.tokens[h.random.IntN(len(h.tokens))]
		for range 2 {
			got, gotErr := h.caching.Verify(h.t.Context(), token)
			want, wantErr := h.fresh.Verify(h.t.Context(), token)
			require.Equal(h.t, reasonOf(h.t, wantErr), reasonOf(h.t, gotErr), "after %v", h.log)
			if wantErr != nil {
				require.Equal(h.t, facts(h.t, wantErr), facts(h.t, gotErr), "after %v", h.log)
				h.answers[string(reasonOf(h.t, wantErr))]++
				continue
			}
			require.Equal(h.t, want.ID(), got.ID(), "after %v", h.log)
			h.answers["good"]++
		}
	}
}

func (h *history) keep(token, what string) string {
	h.tokens = append(h.tokens, token)
	if len(h.tokens) > 12 {
		h.tokens = h.tokens[1:]
	}
	return what
}

// id is one of few, so that hooks find tokens to speak about.
func (h *history) id() string { return fmt.Sprintf("id-%d", h.random.IntN(12)) }

func (h *history) life() jwkstest.Claims {
	return jwkstest.Claims{
		"jti": h.id(), "iat": h.now, "nbf": h.now.Add(-time.Minute),
		"exp": h.now.Add(time.Duration(h.random.IntN(7200)) * time.Second),
	}
}

func (h *history) mint() string { return h.keep(h.Token(h.life()), "mint") }

func (h *history) mintWithoutKid() string {
	return h.keep(h.Token(h.life(), jwkstest.Header{"kid": nil}), "mint without kid")
}

func (h *history) rotate() string {
	h.Rotate()
	h.keys.fetch()
	return "rotate"
}

func (h *history) remove() string {
	keys := h.Published()
	if len(keys) < 2 {
		return h.rotate()
	}
	kid := keys[h.random.IntN(len(keys)-1)].ID() // the newest signs
	h.Remove(kid)
	h.keys.fetch()
	return "remove " + kid
}

func (h *history) replace() string {
	keys := h.Published()
	kid := keys[h.random.IntN(len(keys))].ID()
	h.Replace(kid)
	h.keys.fetch()
	return "replace " + kid
}

// double publishes another key under a kid that is there, and a moment later
// takes both away.
func (h *history) double() string {
	keys := h.Published()
	kid := keys[h.random.IntN(len(keys))].ID()
	h.Publish(h.NewKey("ES256", jwkstest.JWK{"kid": kid}))
	h.keys.fetch()
	h.compare()
	h.Remove(kid)
	return "double " + kid + ", " + h.rotate()
}

func (h *history) revoke() string {
	id := h.id()
	h.withdrawn[id] = !h.withdrawn[id]
	return "revoke " + id
}

func (h *history) change() string {
	id := h.id()
	h.mood[id] = !h.mood[id]
	return "validator " + id
}

func (h *history) pass() string {
	h.now = h.now.Add(time.Duration(h.random.IntN(1800)) * time.Second)
	h.set(h.now)
	return "pass to " + h.now.Format(time.TimeOnly)
}

// goBack sets the clock back for a moment.
func (h *history) goBack() string {
	h.set(h.now.Add(-time.Duration(h.random.IntN(3600)) * time.Second))
	h.compare()
	h.set(h.now)
	return "back and forth"
}

func (h *history) age() string {
	h.stale = !h.stale
	h.keys.expire(h.stale)
	h.compare()
	if h.random.IntN(6) > 0 { // usually for a moment only
		h.stale = false
		h.keys.expire(false)
	}
	return fmt.Sprintf("stale %t", h.stale)
}

func (h *history) refresh() string {
	h.keys.fetch()
	return "refresh"
}
