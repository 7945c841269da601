package verifier_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Not parallel: it counts the proofs of the whole process.
func TestTokensAreRememberedHoweverManyHeadersThereAre(t *testing.T) {
	w := newWorld(t)
	v := w.verifier(t)
	proofs := 0
	defer verifier.WhileVerifying(func() { proofs++ })()
	const many = 300 // more than are remembered
	var tokens []string
	for i := range many {
		tokens = append(tokens, w.Token(jwkstest.Header{"x": fmt.Sprint(i)}))
	}
	for range 3 {
		for _, token := range tokens {
			_, got := verify(t, v, token)
			require.Empty(t, got)
		}
	}
	assert.Equal(t, many, proofs, "each is proven once")
}

func TestARememberedHeaderProvesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	good := w.Token()
	_, got := verify(t, v, good)
	require.Empty(t, got)

	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	other, _, _ := strings.Cut(strings.TrimPrefix(w.Token(jwkstest.Claims{"sub": "someone else"}), header+"."), ".")
	require.NotEqual(t, payload, other)
	_, got = verify(t, v, header+"."+other+"."+signature)
	assert.Equal(t, reason.BadSignature, got)

	next := w.Rotate()
	w.keys.fetch()
	_, got = verify(t, v, w.Token(jwkstest.WithKey(next)))
	assert.Empty(t, got, "a new header is read afresh")
}

func TestHeadersAreRememberedByManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	var tokens []string
	for i := range 40 {
		tokens = append(tokens, w.Token(jwkstest.Header{"x": fmt.Sprint(i)}))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, token := range tokens {
				_, err := v.Verify(t.Context(), token)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}
