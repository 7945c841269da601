package jwkstest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // to see it refused
	"encoding/asn1"
	"math/big"

	"github.com/sallyport-go/sallyport/reason"
)

const holePadding = "the padding of an RSA signature is parsed instead of compared (CVE-2006-4339, RFC 8017 section 8.2.2)"

// rsaSignatures: what a lenient reader of the padding takes for a signature.
// They are made with the private key; with an exponent of 3 some could be made
// without.
func (f *forger) rsaSignatures() (out []forged) {
	private, ok := f.key.private.(*rsa.PrivateKey)
	if !ok {
		return nil
	}
	good := f.token()
	input := good[:lastDot(good)]
	one := func(name string, sig []byte) {
		out = append(out, forged{"RSA signature: " + name, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holePadding}})
	}
	s := new(big.Int).SetBytes([]byte(decode(good[lastDot(good)+1:])))
	one("the same number plus the modulus", new(big.Int).Add(s, private.N).Bytes())
	one("the modulus less the number", new(big.Int).Sub(private.N, s).FillBytes(make([]byte, private.Size())))
	one("the modulus", private.N.Bytes())
	one("the number one", big.NewInt(1).FillBytes(make([]byte, private.Size())))

	a := algorithms[f.alg]
	blocks := paddings(a.hash, a.sum([]byte(input)), private.Size())
	if a.kind == pss {
		blocks = misshapen(a.hash, private, s)
	}
	for _, p := range blocks {
		one(p.name, power(private, p.block))
	}
	return out
}

// misshapen are blocks that are nearly EMSA-PSS (RFC 8017 section 9.1.2), made
// of that of a good signature.
func misshapen(hash crypto.Hash, private *rsa.PrivateKey, signature *big.Int) []padding {
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

// power is the bare private operation on a whole block.
func power(private *rsa.PrivateKey, block []byte) []byte {
	m := new(big.Int).SetBytes(block)
	return m.Exp(m, private.D, private.N).FillBytes(make([]byte, private.Size()))
}

// padding is a block that is nearly what should be signed.
type padding struct {
	name  string
	block []byte
}

// paddings are nearly EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
func paddings(hash crypto.Hash, sum []byte, size int) []padding {
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
		{"under the name of another hash", full(1, 0xff, digestInfo(otherHash(hash), sum, true))},
	}
}

func otherHash(hash crypto.Hash) crypto.Hash {
	if hash == crypto.SHA256 {
		return crypto.SHA512
	}
	return crypto.SHA256
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
	type algorithmID struct {
		ID     asn1.ObjectIdentifier
		Params asn1.RawValue `asn1:"optional"`
	}
	id := algorithmID{ID: hashIDs[hash]}
	if null {
		id.Params = asn1.NullRawValue
	}
	der, _ := asn1.Marshal(struct { // nothing in it can fail
		ID  algorithmID
		Sum []byte
	}{id, sum})
	return der
}
