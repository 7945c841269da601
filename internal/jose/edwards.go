package jose

import (
	"crypto/ed25519"
	"errors"
	"math/big"
	"slices"
)

// The curve of Ed25519 is -x^2 + y^2 = 1 + d x^2 y^2 modulo p.
// RFC 8032 section 5.1: https://www.rfc-editor.org/rfc/rfc8032#section-5.1
var (
	edwardsP = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	edwardsD = edwardsQuotient(big.NewInt(-121665), big.NewInt(121666))
)

// checkEd25519 refuses what is no point of the curve, written in the one way
// that RFC 8032 section 5.1.3 allows, and the points of small order: under
// those a signature that is made without any private key verifies.
func checkEd25519(k ed25519.PublicKey) error {
	encoded := slices.Clone(k)
	slices.Reverse(encoded)
	encoded[0] &= 0x7f // the sign of x
	y := new(big.Int).SetBytes(encoded)
	if y.Cmp(edwardsP) >= 0 {
		return errors.New("jose: Ed25519 key x whose y coordinate is not below 2^255-19")
	}
	if big.Jacobi(edwardsX2(y), edwardsP) < 0 {
		return errors.New("jose: Ed25519 key x that is not a point on its curve")
	}
	for range 3 {
		y = edwardsDouble(y)
	}
	if y.Cmp(big.NewInt(1)) == 0 { // eight times the point is the neutral one
		return forbidden("jose: Ed25519 key x that is a point of small order")
	}
	return nil
}

// edwardsX2 returns x^2 of the points with that y.
func edwardsX2(y *big.Int) *big.Int {
	one, y2 := big.NewInt(1), new(big.Int).Mul(y, y)
	dy2 := new(big.Int).Mul(edwardsD, y2)
	return edwardsQuotient(y2.Sub(y2, one), dy2.Add(dy2, one))
}

// edwardsDouble returns the y of twice a point, which its own y determines:
// (y^2 + x^2) / (2 + x^2 - y^2).
func edwardsDouble(y *big.Int) *big.Int {
	x2, y2 := edwardsX2(y), new(big.Int).Mul(y, y)
	under := new(big.Int).Sub(x2, y2)
	return edwardsQuotient(x2.Add(x2, y2), under.Add(under, big.NewInt(2)))
}

// edwardsQuotient returns a/b modulo p. On the curve no b is zero.
func edwardsQuotient(a, b *big.Int) *big.Int {
	q := new(big.Int).ModInverse(b, edwardsP)
	return q.Mod(q.Mul(q, a), edwardsP)
}

// smallOrder are the y coordinates of the eight points of small order, as they are
// encoded, without the sign of x.
var smallOrder = [...][ed25519.PublicKeySize]byte{
	{},  // order 4
	{1}, // the neutral point
	{ // order 2
		0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
	},
	{ // order 8
		0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
	},
	{ // order 8
		0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
		0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
	},
}

// weakEd25519 reports whether 32 bytes are a point of small order, or one that is
// not written in the one way that RFC 8032 section 5.1.3 allows. Unlike
// [checkEd25519] it does not look whether they are a point at all, and costs
// nanoseconds.
func weakEd25519(k []byte) bool {
	y := [ed25519.PublicKeySize]byte(k)
	y[31] &= 0x7f
	if slices.Contains(smallOrder[:], y) {
		return true
	}
	for i := 1; i < 31; i++ {
		if y[i] != 0xff {
			return false
		}
	}
	return y[31] == 0x7f && y[0] >= 0xed // 2^255-19 and above
}
