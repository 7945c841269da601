package jwkstest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // to see it refused
	"encoding/asn1"
	"math/big"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holePadding = "the padding of an RSA signature is parsed instead of compared (CVE-2006-4339, RFC 8017 section 8.2.2)"
	holeSalt    = "the salt of a PSS signature may have any length (RFC 7518 section 3.5)"
)

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
	one := func(name, hole string, sig []byte) {
		out = append(out, forged{"RSA signature: " + name, Forgery{input + "." + encode(string(sig)), reason.BadSignature, hole}})
	}
	s := new(big.Int).SetBytes([]byte(decode(good[lastDot(good)+1:])))
	one("the same number plus the modulus", holePadding, new(big.Int).Add(s, private.N).Bytes())
	one("the modulus less the number", holePadding, new(big.Int).Sub(private.N, s).FillBytes(make([]byte, private.Size())))
	one("the modulus", holePadding, private.N.Bytes())
	one("the number one", holePadding, big.NewInt(1).FillBytes(make([]byte, private.Size())))

	a := algorithms[f.alg]
	sum := a.sum([]byte(input))
	if a.kind == pss {
		for name, length := range map[string]int{"no salt": 0, "the longest salt": private.Size() - 2*a.hash.Size() - 2 + a.hash.Size()} {
			one(name, holeSalt, f.pss(private, a.hash, sum, length))
		}
		return out
	}
	for _, p := range paddings(a.hash, sum, private.Size()) {
		one(p.name, holePadding, power(private, p.block))
	}
	return out
}

// pss signs with a salt of that length.
func (f *forger) pss(private *rsa.PrivateKey, hash crypto.Hash, sum []byte, length int) []byte {
	if most := private.Size() - hash.Size() - 2; length == 0 || length > most {
		length = min(max(length, 0), most)
	}
	options := &rsa.PSSOptions{SaltLength: length}
	if length == 0 { // zero means the longest one to the standard library
		return power(private, unsalted(private, hash, sum))
	}
	sig, err := rsa.SignPSS(rand.Reader, private, hash, sum, options)
	if err != nil {
		f.iss.fail("%v", err)
	}
	return sig
}

// power is the bare private operation on a whole block.
func power(private *rsa.PrivateKey, block []byte) []byte {
	m := new(big.Int).SetBytes(block)
	return m.Exp(m, private.D, private.N).FillBytes(make([]byte, private.Size()))
}

// padding is a block that is nearly EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
type padding struct {
	name  string
	block []byte
}

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
	hidden := append(bytes.Clone(info[:2]), info[2:]...)
	hidden = append(hidden, bytes.Repeat([]byte{0}, 16)...)
	return []padding{
		{"garbage behind a short padding", garbage},
		{"no padding at all", append(make([]byte, size-len(info)), info...)},
		{"padded with zeros", full(1, 0, info)},
		{"padded for encryption", full(2, 0xff, info)},
		{"of block type 0", full(0, 0xff, info)},
		{"the hash without its name", full(1, 0xff, sum)},
		{"the hash's name without its NULL", full(1, 0xff, digestInfo(hash, sum, false))},
		{"zeros behind the hash", full(1, 0xff, hidden)},
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

// unsalted is EMSA-PSS with an empty salt (RFC 8017 section 9.1.1).
func unsalted(private *rsa.PrivateKey, hash crypto.Hash, sum []byte) []byte {
	bits := private.N.BitLen() - 1
	size := (bits + 7) / 8
	h := hash.New()
	h.Write(make([]byte, 8))
	h.Write(sum)
	tail := h.Sum(nil)
	db := make([]byte, size-len(tail)-1)
	db[len(db)-1] = 1
	for i := 0; i*hash.Size() < len(db); i++ {
		g := hash.New()
		g.Write(tail)
		g.Write([]byte{0, 0, byte(i >> 8), byte(i)})
		for j, b := range g.Sum(nil) {
			if at := i*hash.Size() + j; at < len(db) {
				db[at] ^= b
			}
		}
	}
	db[0] &= 0xff >> (8*size - bits)
	return append(append(db, tail...), 0xbc)
}
