package jwkstest

import (
	"bytes"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

const holeUnchecked = "the signature is not checked, or not over this header and this payload"

// signatures: damage that fits every algorithm.
func (f *forger) signatures() []forged {
	good := f.token()
	dot := lastDot(good)
	input, part := good[:dot], good[dot+1:]
	sig := []byte(decode(part))
	one := func(name string, sig []byte) forged {
		return forged{"signature: " + name, Forgery{input + "." + encode(string(sig)), reason.BadSignature, holeUnchecked}}
	}
	flipped := bytes.Clone(sig)
	flipped[len(flipped)/2] ^= 1
	backwards := bytes.Clone(sig)
	for i := range backwards {
		backwards[i] = sig[len(sig)-1-i]
	}
	header, payload, _ := strings.Cut(input, ".")
	other := f.payload(Claims{"sub": "admin", "client_id": "admin"})
	return append([]forged{
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
		one("backwards", backwards),
		one("the hash of the input", algorithms["RS256"].sum([]byte(input))),
		{"signature: of another payload", Forgery{header + "." + encode(other) + "." + part, reason.BadSignature, holeUnchecked}},
		{"signature: of another header", Forgery{
			encode(f.header(Header{"x": "y"})) + "." + payload + "." + part, reason.BadSignature, holeUnchecked,
		}},
		{"signature: of the payload alone", Forgery{f.resigned(input, payload), reason.BadSignature, holeUnchecked}},
		{"signature: of header and payload before encoding", Forgery{
			f.resigned(input, decode(header)+"."+decode(payload)), reason.BadSignature, holeUnchecked,
		}},
	}, f.resignedEmpty(input))
}

func (f *forger) resignedEmpty(input string) forged {
	return forged{"signature: of nothing", Forgery{f.resigned(input, ""), reason.BadSignature, holeUnchecked}}
}

// resigned is input under the right key's signature of something else.
func (f *forger) resigned(input, something string) string {
	sig, err := f.key.sign(f.alg, []byte(something))
	if err != nil {
		f.iss.fail("%v", err)
	}
	return input + "." + encode(string(sig))
}
