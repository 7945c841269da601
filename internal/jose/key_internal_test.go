package jose

import (
	"encoding/asn1"
	"math/big"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASignatureInDERIsWhatASN1MakesOfIt(t *testing.T) {
	t.Parallel()
	for _, size := range []int{32, 48, 66} {
		zero, one, high := make([]byte, size), make([]byte, size), make([]byte, size)
		one[size-1] = 1
		high[0] = 0x80
		most := slices.Repeat([]byte{0xff}, size)
		short := slices.Concat(make([]byte, size/2), most[:size-size/2]) // leading zeros before a high bit
		for _, r := range [][]byte{zero, one, high, most, short} {
			for _, s := range [][]byte{zero, one, high, most, short} {
				want, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(r), new(big.Int).SetBytes(s)})
				require.NoError(t, err)
				var room [maxDER]byte
				got := appendDER(room[:0], slices.Concat(r, s))
				assert.Equal(t, want, got, "%x %x", r, s)
				assert.Same(t, &room[0], &got[0], "it fits")
			}
		}
	}
}
