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
