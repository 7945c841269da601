package verifier_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// TestEveryForgeryIsRefusedForItsReason tries all that the test kit can forge,
// for each kind of key, with Verify and with Explain.
func TestEveryForgeryIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, jwkstest.WithAlgorithm(alg))
			forgeries := w.Forgeries()
			w.keys.fetch()
			v := w.verifier(t)
			_, got := verify(t, v, w.Token())
			require.Empty(t, got, "the token that they are forged from is good")

			tried := 0
			for name, forgery := range forgeries {
				tried++
				_, got := verify(t, v, forgery.Token)
				assert.Equal(t, forgery.Reason, got, name)
				report := v.Explain(t.Context(), forgery.Token)
				assert.Equal(t, forgery.Reason, report.Reason, name)
				assert.Len(t, report.Checks, len(checkNames), name)
				assert.NotEmpty(t, report.Hint, name)
			}
			assert.Greater(t, tried, 250)
			_, got = verify(t, v, w.Token())
			assert.Empty(t, got, "and good ones still are")
		})
	}
}
