package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"math/big"
	"slices"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holePsychic = "r and s of an ECDSA signature are not checked against their range (CVE-2022-21449)"
	holeDER     = "an ECDSA signature may have another form than r and s of fixed width (RFC 7518 section 3.4)"
	holeCurve   = "curve or hash of the algorithm are taken from somewhere else than alg (RFC 7518 section 3.4)"
	holeEd      = "an Ed25519 signature is not checked as RFC 8032 section 5.1.7 says"
)

// ecSignatures are made with the issuer's key if it is an EC one, else with the
// one it publishes for ES256.
func (f *forger) ecSignatures() (out []forged) {
	key, alg := f.key, f.alg
	private, ok := key.private.(*ecdsa.PrivateKey)
	if !ok {
		key, alg = f.arsenal.ec, "ES256"
		private, _ = key.private.(*ecdsa.PrivateKey)
	}
	good := f.token(WithKey(key), WithAlgorithm(alg))
	input := good[:lastDot(good)]
	sig := []byte(decode(good[lastDot(good)+1:]))
	half := len(sig) / 2
	r, s, n := new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:]), private.Params().N
	zero, one := new(big.Int), big.NewInt(1)
	add := func(name, hole string, sig []byte) {
		out = append(out, forged{"ECDSA signature: " + name, Forgery{input + "." + encode(string(sig)), reason.BadSignature, hole}})
	}
	add("r and s are zero", holePsychic, wide(zero, zero, half))
	add("r is zero", holePsychic, wide(zero, s, half))
	add("s is zero", holePsychic, wide(r, zero, half))
	add("r and s are the order", holePsychic, wide(n, n, half))
	add("r is the order, s is one", holePsychic, wide(n, one, half))
	add("r is one, s is the order", holePsychic, wide(one, n, half))
	add("r and s are one", holePsychic, wide(one, one, half))
	add("r and s swapped", holeDER, wide(s, r, half))
	add("r and s little-endian", holeDER, append(reversed(sig[:half]), reversed(sig[half:])...))
	add("r and s too wide", holeDER, wide(r, s, half+8))
	add("r and s as wide as another curve's", holeDER, wide(r, s, otherWidth(half)))
	der, _ := asn1.Marshal(struct{ R, S *big.Int }{r, s}) // nothing in it can fail
	add("as DER", holeDER, der)
	add("as DER, filled up with zeros", holeDER, append(der, make([]byte, max(0, len(sig)-len(der)))...))
	return append(out, f.curves(key, alg)...)
}

// curves: another hash or curve than alg says.
func (f *forger) curves(key *Key, alg string) (out []forged) {
	private, _ := key.private.(*ecdsa.PrivateKey)
	good := f.token(WithKey(key), WithAlgorithm(alg))
	input := good[:lastDot(good)]
	for _, other := range []string{"ES256", "ES384", "ES512"} {
		if other == alg {
			continue
		}
		if sig, err := signEC(private, algorithms[other].sum([]byte(input))); err == nil {
			out = append(out, forged{"ECDSA signature: over the hash of " + other, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holeCurve}})
		}
		thief := f.arsenal.attackers[other]
		out = append(out, forged{
			"ECDSA: " + other + " under the kid of a key for " + alg,
			Forgery{f.token(WithKey(thief), Header{"kid": key.id}), reason.UnsupportedAlg, holeCurve},
		})
		if sig, err := thief.sign(other, []byte(input)); err == nil {
			out = append(out, forged{"ECDSA signature: on the curve of " + other, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holeCurve}})
		}
	}
	return out
}

// edSignatures are made with the issuer's key if it is an Ed25519 one, else
// with the one it publishes.
func (f *forger) edSignatures() (out []forged) {
	key := f.key
	private, ok := key.private.(ed25519.PrivateKey)
	if !ok {
		key = f.arsenal.ed
		private, _ = key.private.(ed25519.PrivateKey)
	}
	good := f.token(WithKey(key), WithAlgorithm("EdDSA"))
	input := good[:lastDot(good)]
	sig := []byte(decode(good[lastDot(good)+1:]))
	add := func(name string, sig []byte) {
		out = append(out, forged{"Ed25519 signature: " + name, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holeEd}})
	}
	// S + L is the same scalar again: refused, or a token would have two forms.
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := new(big.Int).SetBytes(reversed(sig[32:]))
	add("S plus the order", append(slices.Clone(sig[:32]), reversed(s.Add(s, order).FillBytes(make([]byte, 32)))...))
	add("S is zero, R the neutral point", append([]byte{1}, make([]byte, 63)...))
	add("R and S swapped", append(slices.Clone(sig[32:]), sig[:32]...))
	if other, err := private.Sign(rand.Reader, algorithms["ES512"].sum([]byte(input)), crypto.SHA512); err == nil {
		add("of the hash (Ed25519ph)", other)
	}
	if other, err := private.Sign(rand.Reader, []byte(input), &ed25519.Options{Context: "JWT"}); err == nil {
		add("with a context (Ed25519ctx)", other)
	}
	add("of the hash as message", ed25519.Sign(private, algorithms["ES512"].sum([]byte(input))))
	return out
}

// wide writes r and s with half bytes each.
func wide(r, s *big.Int, half int) []byte {
	out := make([]byte, 2*half)
	r.FillBytes(out[:half])
	s.FillBytes(out[half:])
	return out
}

func otherWidth(half int) int {
	if half < 66 {
		return (elliptic.P521().Params().BitSize + 7) / 8
	}
	return 2 * half
}

func reversed(data []byte) []byte {
	out := slices.Clone(data)
	slices.Reverse(out)
	return out
}
