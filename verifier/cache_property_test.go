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
			newHistory(t, seed).live(t, 250)
		})
	}
}

// history is a world that changes at random.
type history struct {
	*world

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
	h := &history{
		random:    rand.New(rand.NewPCG(seed, 20261120)), //nolint:gosec // a history must be repeatable
		withdrawn: map[string]bool{}, mood: map[string]bool{}, answers: map[string]int{},
		now: noon,
	}
	h.world = newWorld(t)
	h.cfg.MaxAge = time.Hour
	h.cfg.Revoked = func(_ context.Context, c *claims.Claims) (bool, error) { return h.withdrawn[c.ID()], nil }
	h.cfg.Validators = []verifier.Validator{func(_ context.Context, c *claims.Claims) error {
		if h.mood[c.ID()] {
			return context.DeadlineExceeded
		}
		return nil
	}}
	h.caching, h.fresh = h.verifier(t), h.uncached(t)
	return h
}

func (h *history) live(t *testing.T, events int) {
	for range events {
		events := []func(*testing.T) string{
			h.mint, h.mint, h.mint, h.mint, h.mintWithoutKid, h.rotate, h.remove, h.remove, h.replace, h.double,
			h.revoke, h.change, h.pass, h.pass, h.goBack, h.age, h.refresh,
		}
		what := events[h.random.IntN(len(events))](t)
		h.log = append(h.log, what)
		h.compare(t)
	}
	require.Greater(t, h.answers["good"], 50, "a history in which little is good shows little: %v", h.answers)
	require.Greater(t, len(h.answers), 5, "nor one that refuses for few reasons: %v", h.answers)
	t.Log(h.answers)
}

// compare asks both about some tokens, twice, so that the second may be remembered.
func (h *history) compare(t *testing.T) {
	for range min(len(h.tokens), 5) {
		token := h.tokens[h.random.IntN(len(h.tokens))]
		for range 2 {
			got, gotErr := h.caching.Verify(t.Context(), token)
			want, wantErr := h.fresh.Verify(t.Context(), token)
			require.Equal(t, reasonOf(t, wantErr), reasonOf(t, gotErr), "after %v", h.log)
			if wantErr != nil {
				require.Equal(t, facts(t, wantErr), facts(t, gotErr), "after %v", h.log)
				h.answers[string(reasonOf(t, wantErr))]++
				continue
			}
			require.Equal(t, want.ID(), got.ID(), "after %v", h.log)
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

func (h *history) mint(*testing.T) string { return h.keep(h.Token(h.life()), "mint") }

func (h *history) mintWithoutKid(*testing.T) string {
	return h.keep(h.Token(h.life(), jwkstest.Header{"kid": nil}), "mint without kid")
}

func (h *history) rotate(t *testing.T) string {
	h.Rotate()
	h.keys.fetch(t)
	return "rotate"
}

func (h *history) remove(t *testing.T) string {
	keys := h.Published()
	if len(keys) < 2 {
		return h.rotate(t)
	}
	kid := keys[h.random.IntN(len(keys)-1)].ID() // the newest signs
	h.Remove(kid)
	h.keys.fetch(t)
	return "remove " + kid
}

func (h *history) replace(t *testing.T) string {
	keys := h.Published()
	kid := keys[h.random.IntN(len(keys))].ID()
	h.Replace(kid)
	h.keys.fetch(t)
	return "replace " + kid
}

// double publishes another key under a kid that is there, and a moment later
// takes both away.
func (h *history) double(t *testing.T) string {
	keys := h.Published()
	kid := keys[h.random.IntN(len(keys))].ID()
	h.Publish(h.NewKey("ES256", jwkstest.JWK{"kid": kid}))
	h.keys.fetch(t)
	h.compare(t)
	h.Remove(kid)
	return "double " + kid + ", " + h.rotate(t)
}

func (h *history) revoke(*testing.T) string {
	id := h.id()
	h.withdrawn[id] = !h.withdrawn[id]
	return "revoke " + id
}

func (h *history) change(*testing.T) string {
	id := h.id()
	h.mood[id] = !h.mood[id]
	return "validator " + id
}

func (h *history) pass(*testing.T) string {
	h.now = h.now.Add(time.Duration(h.random.IntN(1800)) * time.Second)
	h.set(h.now)
	return "pass to " + h.now.Format(time.TimeOnly)
}

// goBack sets the clock back for a moment.
func (h *history) goBack(t *testing.T) string {
	h.set(h.now.Add(-time.Duration(h.random.IntN(3600)) * time.Second))
	h.compare(t)
	h.set(h.now)
	return "back and forth"
}

func (h *history) age(t *testing.T) string {
	h.stale = !h.stale
	h.keys.expire(t, h.stale)
	h.compare(t)
	if h.random.IntN(6) > 0 { // usually for a moment only
		h.stale = false
		h.keys.expire(t, false)
	}
	return fmt.Sprintf("stale %t", h.stale)
}

func (h *history) refresh(t *testing.T) string {
	h.keys.fetch(t)
	return "refresh"
}
