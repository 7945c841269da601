package revocation_test

import (
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/revocation"
)

func TestTheZeroListIsEmptyAndANilOneFails(t *testing.T) {
	t.Parallel()
	var zero revocation.List
	assert.False(t, revoked(t, &zero, token(t, nil)))
	assert.Empty(t, slices.Collect(zero.All()))
	require.NoError(t, zero.Allow(t.Context(), revocation.Token("", "id-1", time.Time{})))
	require.NoError(t, zero.Deny(t.Context(), revocation.Token("", "id-1", time.Time{})))
	assert.True(t, revoked(t, &zero, token(t, nil)))

	is, err := (*revocation.List)(nil).Revoked(t.Context(), token(t, nil))
	assert.False(t, is)
	assert.EqualError(t, err, "revocation: the list is nil")
	_, err = revocation.New(revocation.Config{MaxEntries: -1})
	assert.EqualError(t, err, "revocation: Config.MaxEntries -1 is negative: 0 is 100000")
}

func TestAnEntryEndsWhenNoTokenIsLeftThatItIsFor(t *testing.T) {
	t.Parallel()
	c := &clock{noon}
	entry := revocation.Subject(issuer, "alice", noon.Add(time.Hour))
	entry.Until = noon.Add(2 * time.Hour)
	l := list(t, revocation.Config{Now: c.now}, revocation.Token(issuer, "id-1", noon.Add(time.Minute)))
	c.Time = noon.Add(time.Minute - 1)
	assert.True(t, revoked(t, l, token(t, nil)))
	c.Time = noon.Add(time.Minute)
	assert.False(t, revoked(t, l, token(t, nil)))
	assert.Empty(t, slices.Collect(l.All()))

	require.NoError(t, l.Deny(t.Context(), entry))
	assert.True(t, revoked(t, l, token(t, nil)))
	c.Time = entry.Until
	assert.False(t, revoked(t, l, token(t, nil)))
	require.NoError(t, l.Deny(t.Context(), entry))
	assert.False(t, revoked(t, l, token(t, nil)), "it has ended before it was added")
	require.NoError(t, l.Allow(t.Context(), revocation.Token("", "none", time.Time{})))
	assert.Zero(t, l.Len(), "what has ended is not kept")
}

func TestOfTwoEntriesForTheSameTokensTheLaterTimesCount(t *testing.T) {
	t.Parallel()
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	at := func(before, until time.Time) revocation.Entry {
		e := revocation.Subject(issuer, "alice", before)
		e.Until = until
		return e
	}
	for name, row := range map[string]struct{ one, other, want revocation.Entry }{
		"the later Before":                  {at(hour(1), hour(5)), at(hour(2), hour(5)), at(hour(2), hour(5))},
		"the later Until":                   {at(hour(1), hour(5)), at(hour(1), hour(6)), at(hour(1), hour(6))},
		"each time for itself":              {at(hour(1), hour(6)), at(hour(2), hour(5)), at(hour(2), hour(6))},
		"no Before is later than any":       {at(hour(1), hour(5)), at(time.Time{}, hour(5)), at(time.Time{}, hour(5))},
		"no Until is later than any":        {at(hour(1), hour(5)), at(hour(1), time.Time{}), at(hour(1), time.Time{})},
		"one that has ended does not count": {at(hour(3), hour(-1)), at(hour(1), hour(5)), at(hour(1), hour(5))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{noon}
			for _, order := range [][]revocation.Entry{{row.one, row.other}, {row.other, row.one}} {
				l := list(t, revocation.Config{Now: c.now}, order...)
				assert.Equal(t, []revocation.Entry{row.want}, slices.Collect(l.All()))
				assert.Equal(t, 1, l.Len())
			}
		})
	}
}

func TestAFullListTakesNoMoreAndLosesNothing(t *testing.T) {
	t.Parallel()
	c := &clock{noon}
	l := list(t, revocation.Config{MaxEntries: 2, Now: c.now},
		revocation.Token("", "short", noon.Add(time.Minute)), revocation.Token("", "id-1", time.Time{}))
	more := revocation.Token("", "more", time.Time{})
	assert.ErrorIs(t, l.Deny(t.Context(), more), revocation.ErrFull)
	assert.ErrorIs(t, l.Replace(t.Context(), more, revocation.Client(issuer, "c", noon), revocation.Issuer("i", noon)), revocation.ErrFull)
	assert.Equal(t, 2, l.Len())
	assert.True(t, revoked(t, l, token(t, nil)))
	assert.False(t, revoked(t, l, token(t, says{"jti": "more"})))

	require.NoError(t, l.Deny(t.Context(), revocation.Token("", "id-1", noon)), "one that is there takes no room")
	c.Time = noon.Add(time.Minute)
	require.NoError(t, l.Deny(t.Context(), more), "one that has ended makes room")
	assert.True(t, revoked(t, l, token(t, says{"jti": "more"})))
	assert.Equal(t, 2, l.Len())
}

// TestAListAnswersLikeASet changes a list at random, over the bound at which what
// was added last is merged, and compares it with the plainest of sets.
func TestAListAnswersLikeASet(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	l, set := list(t, revocation.Config{MaxEntries: 5000}), map[string]bool{}
	entry := func(id string) revocation.Entry { return revocation.Token(issuer, id, time.Time{}) }
	for step := range 6000 {
		id := fmt.Sprint(random.IntN(2000))
		switch {
		case random.IntN(10) == 0:
			require.NoError(t, l.Allow(t.Context(), entry(id)))
			delete(set, id)
		case step%2999 == 2998:
			require.NoError(t, l.Replace(t.Context(), entry(id)))
			set = map[string]bool{id: true}
		default:
			require.NoError(t, l.Deny(t.Context(), entry(id)))
			set[id] = true
		}
		id = fmt.Sprint(random.IntN(2000))
		require.Equal(t, set[id], revoked(t, l, token(t, says{"jti": id})), "step %d", step)
		require.Equal(t, len(set), l.Len(), "step %d", step)
	}
	got := map[string]bool{}
	for e := range l.All() {
		got[e.ID] = true
	}
	assert.True(t, maps.Equal(set, got))
	for range l.All() {
		break
	}
}

func TestAListIsChangedWhileItIsAsked(t *testing.T) {
	t.Parallel()
	l := list(t, revocation.Config{}, revocation.Token("", "id-1", time.Time{}))
	denied, free := token(t, nil), token(t, says{"jti": "free"})
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 300 {
				if n == 0 {
					assert.NoError(t, l.Deny(t.Context(), revocation.Token("", fmt.Sprint(i), time.Time{})))
					continue
				}
				assert.True(t, revoked(t, l, denied))
				assert.False(t, revoked(t, l, free))
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 301, l.Len())
}

// TestADeniedTokenIsRefusedInEachOfItsSpellings has a token whose answer is cached,
// and the same one with the other signature that ECDSA has for it: (r, n-s).
func TestADeniedTokenIsRefusedInEachOfItsSpellings(t *testing.T) {
	t.Parallel()
	server := jwkstest.New(t, jwkstest.WithAudience("api://orders"), jwkstest.WithAlgorithm("ES256"))
	l := list(t, revocation.Config{})
	cfg := sallyport.Config{Providers: []providers.Provider{providers.Generic(server.Issuer(), "api://orders")}}
	cfg.Verifier.Revoked = l.Revoked
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	defer gate.Close()

	spellings := []string{server.Token(jwkstest.Claims{"jti": "stolen"})}
	dot := strings.LastIndexByte(spellings[0], '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(spellings[0][dot:])
	require.NoError(t, err)
	s := new(big.Int).SetBytes(signature[32:])
	s.Sub(elliptic.P256().Params().N, s).FillBytes(signature[32:])
	spellings = append(spellings, spellings[0][:dot]+base64.RawURLEncoding.EncodeToString(signature))
	for range 2 {
		for _, spelling := range spellings {
			_, err := gate.Verify(t.Context(), spelling)
			require.NoError(t, err)
		}
	}
	require.NoError(t, l.Deny(t.Context(), revocation.Token(server.Issuer(), "stolen", time.Now().Add(time.Hour))))
	for _, spelling := range spellings {
		_, err := gate.Verify(t.Context(), spelling)
		assert.ErrorIs(t, err, reason.Revoked)
	}
	_, err = gate.Verify(t.Context(), server.Token(jwkstest.Claims{"jti": "another"}))
	assert.NoError(t, err)
}

func TestAQuestionAllocatesNothing(t *testing.T) {
	l := list(t, revocation.Config{}, revocation.Token("", "a", time.Time{}), revocation.Token(issuer, "b", time.Time{}),
		revocation.Subject(issuer, "c", noon), revocation.Client(issuer, "d", noon), revocation.Issuer("e", noon))
	for name, c := range map[string]*claims.Claims{"it is denied": token(t, says{"jti": "a"}), "it is not": token(t, nil)} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = l.Revoked(t.Context(), c) }), name)
	}
}

func BenchmarkRevoked(b *testing.B) {
	for _, size := range []int{0, 100_000} {
		b.Run(fmt.Sprintf("entries=%d", size), func(b *testing.B) {
			entries := make([]revocation.Entry, 0, size)
			for n := range size / 2 {
				entries = append(entries, revocation.Token("", fmt.Sprintf("identifier-%08d", n), time.Time{}), revocation.Subject(issuer, fmt.Sprint(n), noon))
			}
			l := list(b, revocation.Config{}, entries...)
			c := token(b, nil)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = l.Revoked(b.Context(), c)
			}
		})
	}
}
