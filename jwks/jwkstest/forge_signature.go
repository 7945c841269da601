package jwkstest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // to see it refused
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

const holeUnchecked = "the signature is not checked, or not over this header and this payload"

// signatures: damage that fits every algorithm.
func (f *forger) signatures() []forged {
	input, sig := split(f.token())
	part := encode(string(sig))
	one := func(name string, sig []byte) forged {
		return forged{"signature: " + name, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holeUnchecked}}
	}
	flipped := bytes.Clone(sig)
	flipped[len(flipped)/2] ^= 1
	header, payload, _ := strings.Cut(input, ".")
	other := f.payload(Claims{"sub": "admin", "client_id": "admin"})
	return []forged{
		one("one bit of it turned", flipped),
		one("all zeros", make([]byte, len(sig))),
		one("all ones", bytes.Repeat([]byte{0xff}, len(sig))),
		one("a single zero", []byte{0}),
		one("its last byte missing", sig[:len(sig)-1]),
		one("its first byte missing", sig[1:]),
		one("its first half only", sig[:len(sig)/2]),
		one("a zero before it", append([]byte{0}, sig...)),
		one("a zero behind it", append(bytes.Clone(sig), 0)),
		one("twice in a row", append(bytes.Clone(sig), sig...)),
		one("backwards", reversed(sig)),
		one("the hash of the input", algorithms["RS256"].sum([]byte(input))),
		{"signature: of another payload", Forgery{header + "." + encode(other) + "." + part, reason.BadSignature, holeUnchecked}},
		{"signature: of another header", Forgery{encode(f.header(Header{"x": "y"})) + "." + payload + "." + part, reason.BadSignature, holeUnchecked}},
		{"signature: of the payload alone", Forgery{f.resigned(input, payload), reason.BadSignature, holeUnchecked}},
		{"signature: of header and payload before encoding", Forgery{f.resigned(input, decode(header)+"."+decode(payload)), reason.BadSignature, holeUnchecked}},
		{"signature: of nothing", Forgery{f.resigned(input, ""), reason.BadSignature, holeUnchecked}},
	}
}

// resigned is input under the right key's signature of something else.
func (f *forger) resigned(input, something string) string {
	return input + f.signed(something)[len(something):]
}

const holePadding = "the padding of an RSA signature is parsed instead of compared (CVE-2006-4339, RFC 8017 section 8.2.2)"

// rsaSignatures: what a lenient reader of the padding takes for a signature. They are made with the private key; with
// an exponent of 3 some could be made without.
func (f *forger) rsaSignatures() (out []forged) {
	private, ok := f.key.private.(*rsa.PrivateKey)
	if !ok {
		return nil
	}
	input, sig := split(f.token())
	one := func(name string, sig []byte) {
		out = append(out, forged{"RSA signature: " + name, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holePadding}})
	}
	s := new(big.Int).SetBytes(sig)
	one("the same number plus the modulus", new(big.Int).Add(s, private.N).Bytes())
	one("the modulus less the number", new(big.Int).Sub(private.N, s).FillBytes(make([]byte, private.Size())))
	one("the modulus", private.N.Bytes())
	one("the number one", big.NewInt(1).FillBytes(make([]byte, private.Size())))

	a := algorithms[f.alg]
	blocks := pkcs1Blocks(a.hash, a.sum([]byte(input)), private.Size())
	if a.kind == pss {
		blocks = pssBlocks(a.hash, private, s)
	}
	for _, p := range blocks {
		one(p.name, rawSign(private, p.block))
	}
	return out
}

// pssBlocks returns blocks that are nearly EMSA-PSS (RFC 8017 section 9.1.2), made of that of a good signature.
func pssBlocks(hash crypto.Hash, private *rsa.PrivateKey, signature *big.Int) []padding {
	block := new(big.Int).Exp(signature, big.NewInt(int64(private.E)), private.N).FillBytes(make([]byte, private.Size()))
	change := func(at int, mask byte) []byte {
		out := bytes.Clone(block)
		out[at] ^= mask
		return out
	}
	trailer := len(block) - 1
	salt := trailer - 2*hash.Size()
	return []padding{
		{"another trailer", change(trailer, 0xbc^0xcc)},
		{"another hash", change(trailer-1, 1)},
		{"another salt", change(salt, 1)},
		{"another mark before the salt", change(salt-1, 2)},
		{"garbage before the mark", change(1, 1)},
	}
}

// rawSign is the RSA private-key operation on a whole block.
func rawSign(private *rsa.PrivateKey, block []byte) []byte {
	m := new(big.Int).SetBytes(block)
	return m.Exp(m, private.D, private.N).FillBytes(make([]byte, private.Size()))
}

// padding is a block that is nearly what should be signed.
type padding struct {
	name  string
	block []byte
}

// pkcs1Blocks returns blocks that are nearly EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
func pkcs1Blocks(hash crypto.Hash, sum []byte, size int) []padding {
	info := digestInfo(hash, sum, true)
	full := func(kind, fill byte, tail []byte) []byte {
		b := append([]byte{0, kind}, bytes.Repeat([]byte{fill}, size-3-len(tail))...)
		return append(append(b, 0), tail...)
	}
	garbage := append(append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 8)...), 0)
	garbage = append(garbage, info...)
	garbage = append(garbage, bytes.Repeat([]byte{'g'}, size-len(garbage))...)
	short := sha1.Sum(sum) //nolint:gosec // to see it refused
	tail := append(bytes.Clone(info), make([]byte, 16)...)
	other := crypto.SHA256
	if hash == other {
		other = crypto.SHA512
	}
	return []padding{
		{"garbage behind a short padding", garbage},
		{"no padding at all", append(make([]byte, size-len(info)), info...)},
		{"padded with zeros", full(1, 0, info)},
		{"padded for encryption", full(2, 0xff, info)},
		{"of block type 0", full(0, 0xff, info)},
		{"the hash without its name", full(1, 0xff, sum)},
		{"the hash's name without its NULL", full(1, 0xff, digestInfo(hash, sum, false))},
		{"zeros behind the hash", full(1, 0xff, tail)},
		{"under the name of SHA-1", full(1, 0xff, digestInfo(crypto.SHA1, short[:], true))},
		{"under the name of another hash", full(1, 0xff, digestInfo(other, sum, true))},
	}
}

var hashIDs = map[crypto.Hash]asn1.ObjectIdentifier{
	crypto.SHA1:   {1, 3, 14, 3, 2, 26},
	crypto.SHA256: {2, 16, 840, 1, 101, 3, 4, 2, 1},
	crypto.SHA384: {2, 16, 840, 1, 101, 3, 4, 2, 2},
	crypto.SHA512: {2, 16, 840, 1, 101, 3, 4, 2, 3},
}

// digestInfo is the DER that names the hash (RFC 8017 appendix A.2.4). Without
// its NULL parameter it is another encoding of the same.
func digestInfo(hash crypto.Hash, sum []byte, null bool) []byte {
	id := pkix.AlgorithmIdentifier{Algorithm: hashIDs[hash]}
	if null {
		id.Parameters = asn1.NullRawValue
	}
	der, _ := asn1.Marshal(struct { // nothing in it can fail
		ID  pkix.AlgorithmIdentifier
		Sum []byte
	}{id, sum})
	return der
}

const (
	holePsychic = "r and s of an ECDSA signature are not checked against their range (CVE-2022-21449)"
	holeDER     = "an ECDSA signature may have another form than r and s of fixed width (RFC 7518 section 3.4)"
	holeCurve   = "curve or hash of the algorithm are taken from somewhere else than alg (RFC 7518 section 3.4)"
	holeEd      = "an Ed25519 signature is not checked as RFC 8032 section 5.1.7 says"
)

// ecSignatures are made with the issuer's key if it is an EC one, else with the one it publishes for ES256.
func (f *forger) ecSignatures() (out []forged) {
	key, alg := f.key, f.alg
	private, ok := key.private.(*ecdsa.PrivateKey)
	if !ok {
		key, alg = f.forgeryKeys.ec, "ES256"
		private, _ = key.private.(*ecdsa.PrivateKey)
	}
	input, sig := split(f.token(WithKey(key), WithAlgorithm(alg)))
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
	return append(out, f.curves(key, alg, input)...)
}

// curves: another hash or curve than alg says.
func (f *forger) curves(key *Key, alg, input string) (out []forged) {
	private, _ := key.private.(*ecdsa.PrivateKey)
	for _, other := range []string{"ES256", "ES384", "ES512"} {
		if other == alg {
			continue
		}
		if sig, err := signEC(private, algorithms[other].sum([]byte(input))); err == nil {
			out = append(out, forged{"ECDSA signature: over the hash of " + other, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holeCurve}})
		}
		attacker := f.forgeryKeys.attackers[other]
		token := f.token(WithKey(attacker), Header{"kid": key.id})
		out = append(out, forged{"ECDSA: " + other + " under the kid of a key for " + alg, Forgery{token, reason.UnsupportedAlg, holeCurve}})
		if sig, err := attacker.sign(other, []byte(input)); err == nil {
			out = append(out, forged{"ECDSA signature: on the curve of " + other, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holeCurve}})
		}
	}
	return out
}

// edSignatures are made with the issuer's key if it is an Ed25519 one, else with the one it publishes.
func (f *forger) edSignatures() (out []forged) {
	key := f.key
	private, ok := key.private.(ed25519.PrivateKey)
	if !ok {
		key = f.forgeryKeys.ed
		private, _ = key.private.(ed25519.PrivateKey)
	}
	input, sig := split(f.token(WithKey(key), WithAlgorithm("EdDSA")))
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
