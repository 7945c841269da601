package verifier_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/verifier"
)

// A kid comes from whoever wrote the token and goes to logs and terminals.
func TestEveryCharacterOfAKidIsFitForALog(t *testing.T) {
	t.Parallel()
	k := newFuzzKit()
	for c := range rune(0x180) {
		kid := string(c)
		if kid == "e" || kid == "d" { // the issuer's own
			continue
		}
		name, err := json.Marshal(kid)
		require.NoError(t, err)
		_, err = k.fresh.Verify(t.Context(), k.sign(`{"alg":"ES256","kid":`+string(name)+`}`, fuzzGood, true))
		var refused *verifier.Error
		require.ErrorAs(t, err, &refused, "%q", kid)
		require.Equal(t, strconv.QuoteToASCII(kid), refused.KeyID)
		for i := range len(refused.KeyID) {
			require.True(t, refused.KeyID[i] >= ' ' && refused.KeyID[i] <= '~', "%q", refused.KeyID)
		}
	}
}

func TestTheHeadersThatAreRememberedAreBounded(t *testing.T) {
	t.Parallel()
	const most = 256
	v := newFuzzKit().anew(t)
	k := newFuzzKit()
	var last string
	for i := range most + 40 {
		last = k.sign(fmt.Sprintf(`{"alg":"EdDSA","kid":"d","n":%d}`, i), fuzzGood, false)
		for range 2 {
			_, err := v.Verify(t.Context(), last)
			require.NoError(t, err)
		}
		require.Equal(t, min(i+1, most), v.KnownHeaders())
	}
	forged := last[:len(last)-2] + "AA"
	_, err := v.Verify(t.Context(), forged)
	require.Error(t, err)
	assert.Equal(t, most, v.KnownHeaders())
	tokens, _ := v.Remembered()
	assert.Equal(t, most+40, tokens, "tokens are remembered whether their header is or not")
}
