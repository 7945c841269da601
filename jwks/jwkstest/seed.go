package jwkstest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// WithSeed makes an issuer that is the same each time, for known answers that are written down: its keys, and the
// signatures by them, follow from the seed and from the order in which keys are made. Their kids are test-rs256-1,
// test-es256-2 and so on, for whoever has the seed has the keys. A token is the same again if its claims are: set jti
// and the times.
func WithSeed(seed string) Option { return issuerOption(func(iss *Issuer) { iss.seed = seed }) }

// kid returns the name of the n-th key.
func (iss *Issuer) kid(alg string, n int) string {
	if iss.seed == "" {
		return fmt.Sprintf("key-%d", n)
	}
	return fmt.Sprintf("test-%s-%d", strings.ToLower(alg), n)
}

// seeded returns the private key of an algorithm that the issuer makes next, which its number tells from the others.
func (iss *Issuer) seeded(a algorithm) (any, error) {
	iss.mu.Lock()
	iss.seeds++
	random := newStream(iss.seed, fmt.Sprint("key ", iss.seeds))
	iss.mu.Unlock()
	switch a.kind {
	case ec:
		order := a.curve.Params().N
		d := make([]byte, (order.BitLen()+7)/8)
		n := new(big.Int)
		for n.Sign() == 0 || n.Cmp(order) >= 0 {
			random.fill(d)
			n.Rsh(n.SetBytes(d), uint(8*len(d)-order.BitLen()))
		}
		return ecdsa.ParseRawPrivateKey(a.curve, n.FillBytes(d))
	case ed:
		return ed25519.NewKeyFromSeed(random.fill(make([]byte, ed25519.SeedSize))), nil
	case mac:
		return secret(random.fill(make([]byte, a.hash.Size()))), nil
	default:
		return random.rsaKey(1024)
	}
}

// stream is bytes that follow from a name.
type stream struct {
	name    [sha256.Size]byte
	counter uint64
	rest    []byte
}

func newStream(parts ...string) *stream {
	return &stream{name: sha256.Sum256([]byte(strings.Join(parts, "\x00")))}
}

func (s *stream) Read(p []byte) (int, error) {
	for i := range p {
		if len(s.rest) == 0 {
			block := sha256.Sum256(binary.BigEndian.AppendUint64(s.name[:], s.counter))
			s.counter, s.rest = s.counter+1, block[:]
		}
		p[i], s.rest = s.rest[0], s.rest[1:]
	}
	return len(p), nil
}

func (s *stream) fill(p []byte) []byte {
	_, _ = s.Read(p) // has no end
	return p
}

// rsaKey returns a key of two primes of so many bits. It is made here because rsa.GenerateKey takes no source of
// randomness any more.
func (s *stream) rsaKey(bits int) (*rsa.PrivateKey, error) {
	e, one := big.NewInt(65537), big.NewInt(1)
	p, q := s.prime(bits, e), s.prime(bits, e)
	phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())},
		D:         new(big.Int).ModInverse(e, phi),
		Primes:    []*big.Int{p, q},
	}
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, err
	}
	return key, nil
}

// prime returns a prime with its two highest bits set, one less than which has no factor in common with e.
func (s *stream) prime(bits int, e *big.Int) *big.Int {
	one := big.NewInt(1)
	p := new(big.Int).SetBytes(s.fill(make([]byte, bits/8)))
	p.SetBit(p.SetBit(p.SetBit(p, bits-1, 1), bits-2, 1), 0, 1)
	for two := big.NewInt(2); ; p.Add(p, two) {
		less := new(big.Int).Sub(p, one)
		if p.ProbablyPrime(0) && p.ProbablyPrime(20) && new(big.Int).GCD(nil, nil, less, e).Cmp(one) == 0 {
			return p
		}
	}
}

// salt returns where a signature by the key takes its randomness from.
func (k *Key) salt(fallback io.Reader, input []byte) io.Reader {
	if k.seed == "" {
		return fallback
	}
	return newStream(k.seed, "salt", string(input))
}
