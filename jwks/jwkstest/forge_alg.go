package jwkstest

import (
	"strconv"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeNone    = "an unsigned token is believed: alg none (RFC 8725 section 3.2)"
	holeSpelled = "alg is not compared byte by byte with an allowlist (RFC 7515 section 4.1.1)"
	holeSwapped = "a key is used with an algorithm that it is not for (RFC 8725 section 3.1)"
)

// unsigned: alg none, in all spellings, without a signature and with one that
// only fills the place.
func (f *forger) unsigned() (out []forged) {
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "noNe", "none ", " none", "none\x00", "n\u043ene", ""} {
		name := "alg none: " + strconv.QuoteToASCII(alg)
		input := encode(f.header(Header{"alg": alg})) + "." + encode(f.payload(nil)) + "."
		out = append(out,
			forged{name + ", no signature", Forgery{input, reason.Malformed, holeNone}},
			forged{name + ", a signature of nothing", Forgery{input + encode("\x00"), reason.UnsupportedAlg, holeNone}})
	}
	good := f.token()
	two := encode(f.header(Header{"alg": "none"})) + "." + encode(f.payload(nil))
	return append(out,
		forged{"alg none: the signature of another token", Forgery{two + good[lastDot(good):], reason.UnsupportedAlg, holeNone}},
		forged{"alg none: the last part left out", Forgery{two, reason.Malformed, holeNone}},
		forged{"alg none: without typ and kid", Forgery{
			encode(`{"alg":"none"}`) + "." + encode(f.payload(nil)) + ".", reason.Malformed, holeNone,
		}},
	)
}

// algorithms: alg missing, misspelt, of another type, or another one than the
// key is for.
func (f *forger) algorithms() []forged {
	out := []forged{
		f.minted("alg: missing", reason.UnsupportedAlg, holeSpelled, Header{"alg": nil}),
		f.minted("alg: a number", reason.Malformed, holeSpelled, Header{"alg": 256}),
		f.minted("alg: an array", reason.Malformed, holeSpelled, Header{"alg": []string{f.alg}}),
		f.minted("alg: an object", reason.Malformed, holeSpelled, Header{"alg": map[string]any{"alg": f.alg}}),
		f.minted("alg: a boolean", reason.Malformed, holeSpelled, Header{"alg": true}),
		f.minted("alg: null", reason.Malformed, holeSpelled, WithRawHeader(`{"typ":"at+jwt","alg":null,"kid":`+strconv.Quote(f.key.id)+`}`)),
		f.minted("alg: in other letters", reason.UnsupportedAlg, holeSpelled, Header{"alg": folded(f.alg)}),
		f.minted("alg: a space behind", reason.UnsupportedAlg, holeSpelled, Header{"alg": f.alg + " "}),
		f.minted("alg: a NUL behind", reason.UnsupportedAlg, holeSpelled, Header{"alg": f.alg + "\x00"}),
		f.minted("alg: a name nobody knows", reason.UnsupportedAlg, holeSpelled, Header{"alg": "XS256"}),
		f.minted("alg: an object identifier", reason.UnsupportedAlg, holeSpelled, Header{"alg": "1.2.840.113549.1.1.11"}),
	}
	for _, other := range []string{"RS1", "RS256", "RS384", "PS256", "PS384", "ES256", "ES256K", "ES384", "EdDSA", "RSA-OAEP", "dir"} {
		if other == f.alg {
			continue
		}
		// The signature is the one of f.alg: believed only by who ignores alg, or guesses.
		out = append(out, f.minted("alg: called "+other+", signed with "+f.alg, f.swapped(other), holeSwapped, Header{"alg": other}))
	}
	return append(out, f.otherHashes()...)
}

// swapped is the reason for a token of the issuer's key that says alg is other:
// a key that is published without alg is for RS256 and PS256 alike.
func (f *forger) swapped(other string) reason.Code {
	if f.key.jwk["alg"] == nil && algorithms[f.alg].kind <= pss && (other == "RS256" || other == "PS256") {
		return reason.BadSignature
	}
	return reason.UnsupportedAlg
}

// otherHashes are good signatures of the right key, with an algorithm that its
// JWK does not allow.
func (f *forger) otherHashes() (out []forged) {
	if f.key.jwk["alg"] == nil || algorithms[f.alg].kind > pss {
		return nil
	}
	for _, other := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		if other != f.alg {
			out = append(out, f.minted("alg: signed with "+other+" by a key for "+f.alg, reason.UnsupportedAlg, holeSwapped,
				WithKey(f.key), WithAlgorithm(other)))
		}
	}
	return out
}

// folded is s with the case of its letters turned.
func folded(s string) string {
	out := []byte(s)
	for i, c := range out {
		switch {
		case 'a' <= c && c <= 'z':
			out[i] = c - 'a' + 'A'
		case 'A' <= c && c <= 'Z':
			out[i] = c - 'A' + 'a'
		}
	}
	return string(out)
}
