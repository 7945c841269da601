package jose_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/jose"
)

// The encodings of the points of order 1, 2, 4 and 8 without the sign of x, as
// other libraries list them; the last two are not canonical.
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

func TestNoEd25519KeyIsAPointOfSmallOrder(t *testing.T) {
	t.Parallel()
	for i, text := range smallOrder {
		point := must(hex.DecodeString(text))
		for _, sign := range []byte{0, 0x80} {
			point[31] = point[31]&0x7f | sign
			_, err := jose.NewKey(ed25519.PublicKey(point))
			if i < 5 {
				require.EqualError(t, err, "jose: Ed25519 key x that is a point of small order", "%x", point)
			} else {
				require.EqualError(t, err, "jose: Ed25519 key x whose y coordinate is not below 2^255-19", "%x", point)
			}
		}
	}
}

func TestEveryCoordinateFrom2To255Minus19UpIsRefused(t *testing.T) {
	t.Parallel()
	for n := range 19 {
		point := must(hex.DecodeString(smallOrder[5]))
		point[0] += byte(n)
		_, err := jose.NewKey(ed25519.PublicKey(point))
		require.ErrorContains(t, err, "not below 2^255-19", "p + %d", n)
	}
}

func TestAnEd25519KeyIsOnItsCurve(t *testing.T) {
	t.Parallel()
	accepted := 0
	for y := int64(2); y < 200; y++ { // none is of small order
		point := make([]byte, 32)
		point[0] = byte(y)
		_, err := jose.NewKey(ed25519.PublicKey(point))
		require.Equal(t, onEdwards25519(big.NewInt(y)), err == nil, "%d: %v", y, err)
		if err == nil {
			accepted++
		} else {
			assert.EqualError(t, err, "jose: Ed25519 key x that is not a point on its curve")
		}
	}
	assert.Greater(t, accepted, 50)
}

// onEdwards25519 is RFC 8032 section 5.1.3 by another way: powers in the place
// of inverses and of the Jacobi symbol, and d as the number that is printed there.
func onEdwards25519(y *big.Int) bool {
	p, d := new(big.Int), new(big.Int)
	_, err := fmt.Sscan("57896044618658097711785492504343953926634992332820282019728792003956564819949 37095705934669439343138083508754565189542113879843219016388785533085940283555", p, d)
	if err != nil {
		panic(err)
	}
	one, y2 := big.NewInt(1), new(big.Int).Mul(y, y)
	u, v := new(big.Int).Sub(y2, one), new(big.Int).Add(new(big.Int).Mul(d, y2), one)
	inverse := new(big.Int).Exp(v, new(big.Int).Sub(p, big.NewInt(2)), p)
	half := new(big.Int).Rsh(new(big.Int).Sub(p, one), 1)
	euler := new(big.Int).Exp(new(big.Int).Mul(u, inverse), half, p)
	return euler.Cmp(one) <= 0
}
