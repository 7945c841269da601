package jwkstest

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"fmt"
	"iter"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

// ProofForgery is what comes in the header DPoP in the place of a good proof, for a request and a token that are good.
type ProofForgery struct {
	Proofs []string    // the lines of the header; mostly one
	Reason reason.Code // with which package middleware/dpop refuses it
	Hole   string      // what is wrong with an API that accepts it
}

const (
	holeProofs    = "more or less than one proof is taken for one (RFC 9449 section 4.3, 1)"
	holeProofJWT  = "something else than one well-formed JWT is read as a proof (RFC 9449 section 4.3, 2)"
	holeProofMust = "a claim of a proof may be missing, or of any type (RFC 9449 section 4.3, 3)"
	holeProofTyp  = "another kind of JWT is taken for a proof (RFC 9449 section 4.3, 4)"
	holeProofAlg  = "the algorithm is the attacker's choice (RFC 9449 section 4.3, 5)"
	holeProofSig  = "the signature is not checked, or not with the proof's own key (RFC 9449 section 4.3, 6)"
	holeProofJWK  = "jwk is read leniently, or private (RFC 9449 section 4.3, 7)"
	holeProofHTM  = "a proof for another method opens this one (RFC 9449 section 4.3, 8)"
	holeProofHTU  = "a proof for another address opens this one (RFC 9449 section 4.3, 9)"
	holeNonce     = "the nonce may be missing, old or made up (RFC 9449 section 4.3, 10)"
	holeProofTime = "a proof is good for ever, or before it was made (RFC 9449 section 4.3, 11)"
	holeAth       = "a proof for another token opens this one (RFC 9449 section 4.3, 12)"
	holeJkt       = "the token's holder is not the one who made the proof (RFC 9449 section 4.3, 12)"
	holeReplay    = "a proof is good more than once (RFC 9449 section 11.1)"
)

// proofForger makes the forgeries of the proofs of one request.
type proofForger struct {
	p                  *Prover
	method, url, token string
	options            []TokenOption
	attacker           *Prover
}

// forgedProof is a forgery with its name.
type forgedProof struct {
	name string
	ProofForgery
}

// ForgedProofs yields every known forgery of the proof that [Prover.Proof] makes with the same arguments, each under a
// name of its own and different from the good one in one thing only. The token must be bound to the Prover's key. With
// a nonce among the claims of the options there are forgeries of nonces too.
//
// What no single request shows is not among them, the second use of a proof: see [AttackHandler].
func (p *Prover) ForgedProofs(method, url, token string, options ...TokenOption) iter.Seq2[string, ProofForgery] {
	f := &proofForger{p, method, url, token, options, p.iss.NewProver(p.key.alg)}
	return func(yield func(string, ProofForgery) bool) {
		for _, group := range []func() []forgedProof{
			f.lines, f.parts, f.encodings, f.texts, f.duplicates, f.types, f.algorithms, f.critical,
			f.keys, f.ecKeys, f.rsaKeys, f.edKeys, f.signatures, f.methods, f.addresses, f.times, f.ids, f.hashes, f.holders, f.lookalikes, f.nonces,
		} {
			for _, one := range group() {
				if !yield(one.name, one.ProofForgery) {
					return
				}
			}
		}
	}
}

func (f *proofForger) good(options ...TokenOption) string {
	return f.p.Proof(f.method, f.url, f.token, slices.Concat(f.options, options)...)
}

func (f *proofForger) draft() *draft { return f.p.draft(f.method, f.url, f.token, f.options) }

func invalidProof(name, hole string, lines ...string) forgedProof {
	return forgedProof{name, ProofForgery{lines, reason.InvalidDPoPProof, hole}}
}

// made returns a forgery that the right key signed: its content is wrong.
func (f *proofForger) made(name, hole string, options ...TokenOption) forgedProof {
	return invalidProof(name, hole, f.good(options...))
}

func (f *proofForger) signed(input string) string {
	return f.p.iss.signed(input, f.p.key, f.p.key.alg)
}

func (f *proofForger) lines() []forgedProof {
	one, two := f.good(), f.good()
	return []forgedProof{
		invalidProof("proofs: none", holeProofs),
		invalidProof("proofs: an empty one", holeProofs, ""),
		invalidProof("proofs: two", holeProofs, one, two),
		invalidProof("proofs: the same twice", holeProofs, one, one),
		invalidProof("proofs: garbage behind a good one", holeProofs, one, "x"),
		invalidProof("proofs: an empty one before a good one", holeProofs, "", one),
		invalidProof("proofs: two with a comma in one line", holeProofs, one+", "+two),
		invalidProof("proofs: two with a comma and no space", holeProofs, one+","+two),
		invalidProof("proofs: the token itself", holeProofs, f.token),
		invalidProof("proofs: one of 100 kB", holeProofs, f.good(Claims{"x": strings.Repeat("x", 100<<10)})),
	}
}

func (f *proofForger) parts() (out []forgedProof) {
	good := f.good()
	p := strings.Split(good, ".")
	flat := fmt.Sprintf(`"protected":%q,"signature":%q`, p[0], p[2])
	for _, row := range [][2]string{
		{"the payload alone", p[1]},
		{"no signature", p[0] + "." + p[1]},
		{"an empty signature", p[0] + "." + p[1] + "."},
		{"an empty header", "." + p[1] + "." + p[2]},
		{"an empty payload", p[0] + ".." + p[2]},
		{"a dot behind", good + "."},
		{"a fourth part", good + "." + p[2]},
		{"five parts", good + ".AA.AA"},
		{"a disclosure behind", good + "~" + encode(`["salt","htu","x"]`) + "~"},
		{"nothing but dots", strings.Repeat(".", 1000)},
		{"a scheme before", "DPoP " + good},
		{"in quotes", `"` + good + `"`},
		{"a space before the signature", p[0] + "." + p[1] + ". " + p[2]},
		{"JSON, flattened", fmt.Sprintf(`{"payload":%q,%s}`, p[1], flat)},
		{"JSON, general", fmt.Sprintf(`{"payload":%q,"signatures":[{%s}]}`, p[1], flat)},
		{"encoded as a whole", encode(good)},
		{"the decoded text", decode(p[0]) + "." + decode(p[1]) + "." + p[2]},
	} {
		out = append(out, invalidProof("parts: "+row[0], holeProofJWT, row[1]))
	}
	return out
}

func (f *proofForger) encodings() (out []forgedProof) {
	for _, row := range encodingTricks {
		whole := f.good()
		p := strings.Split(whole, ".")
		out = append(out,
			invalidProof("base64url: header, "+row.name, holeEncoding, f.signed(row.change(p[0])+"."+p[1])),
			invalidProof("base64url: payload, "+row.name, holeEncoding, f.signed(p[0]+"."+row.change(p[1]))),
			invalidProof("base64url: signature, "+row.name, holeEncoding, whole[:lastDot(whole)+1]+row.change(p[2])))
	}
	return out
}

func (f *proofForger) texts() (out []forgedProof) {
	m := f.draft()
	header, payload := f.p.iss.text(nil, m.header), f.p.iss.text(nil, m.claims)
	for _, row := range textTricks {
		out = append(out,
			f.made("header: "+row.name, holeText, WithRawHeader(row.change(header))),
			f.made("payload: "+row.name, holeText, WithRawPayload(row.change(payload))))
	}
	return out
}

func (f *proofForger) duplicates() (out []forgedProof) {
	m := f.draft()
	header, payload := f.p.iss.text(nil, m.header), f.p.iss.text(nil, m.claims)
	last := func(text, more string) string { return strings.TrimSuffix(text, "}") + "," + more + "}" }
	for _, text := range []string{`"alg":"none"`, `"typ":"JWT"`, `"jwk":{"kty":"oct","k":"AA"}`} {
		name := text[1:4]
		out = append(out,
			f.made("header: "+name+" twice, the other one first", holeDuplicate, WithRawHeader(member(text)(header))),
			f.made("header: "+name+" twice, the other one last", holeDuplicate, WithRawHeader(last(header, text))))
	}
	out = append(out, f.made("header: a member of jwk twice", holeDuplicate,
		WithRawHeader(strings.Replace(header, `"kty":`, `"kty":"oct","kty":`, 1))))
	for _, text := range []string{`"htm":"TRACE"`, `"htu":"https://other.example/"`, `"iat":1`, `"jti":"x"`, `"ath":"x"`} {
		name := text[1:4]
		out = append(out,
			f.made("payload: "+name+" twice, the other one first", holeDuplicate, WithRawPayload(member(text)(payload))),
			f.made("payload: "+name+" twice, the other one last", holeDuplicate, WithRawPayload(last(payload, text))))
	}
	return out
}

func (f *proofForger) types() (out []forgedProof) {
	out = append(out, f.made("typ: none", holeProofTyp, Header{"typ": nil}))
	for _, typ := range []any{"", "JWT", "at+jwt", "dpop", "jwt+dpop", "dpop+jwt ", "dpop+jwt;x=y", "dpop+jwt\x00", "text/dpop+jwt", 1, true, []string{"dpop+jwt"}, rawNull} {
		out = append(out, f.made(fmt.Sprintf("typ: %#v", shown(typ)), holeProofTyp, Header{"typ": typ}))
	}
	return out
}

func (f *proofForger) algorithms() (out []forgedProof) {
	out = append(out, f.made("alg: missing", holeProofAlg, Header{"alg": nil}))
	alg := f.p.key.alg
	for _, other := range []any{"", strings.ToLower(alg), alg + " ", "RSA1_5", "ES256K", 256, []string{alg}, rawNull} {
		out = append(out, f.made(fmt.Sprintf("alg: %#v", shown(other)), holeProofAlg, Header{"alg": other}))
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE"} {
		input, _ := split(f.good(Header{"alg": none}))
		out = append(out,
			invalidProof("alg "+none+": no signature", holeProofAlg, input+"."),
			invalidProof("alg "+none+": some signature", holeProofAlg, input+".AA"))
	}
	secret := f.p.iss.NewKey("HS256")
	symmetric, err := publicMembers(secret.private)
	f.p.iss.check(err)
	out = append(out,
		f.made("alg: an HMAC with a secret in jwk", holeProofAlg, WithKey(secret), Header{"alg": "HS256", "jwk": symmetric}),
		f.made("alg: an HMAC with the public key as its secret", holeProofAlg, WithKey(f.publicAsSecret()), Header{"alg": "HS256"}))
	for _, other := range []string{"ES256", "ES384", "EdDSA", "RS256", "PS256", "RS512"} {
		if algorithms[other].kind != algorithms[alg].kind || algorithms[other].hash != algorithms[alg].hash {
			out = append(out, f.made("alg: "+other+" on a signature of another", holeProofAlg, Header{"alg": other}))
		}
	}
	return out
}

// publicAsSecret is the JWK's own text as an HMAC secret.
func (f *proofForger) publicAsSecret() *Key {
	text, err := marshal(f.p.jwk())
	f.p.iss.check(err)
	return &Key{alg: "HS256", private: secret(text)}
}

func (f *proofForger) critical() []forgedProof {
	return []forgedProof{
		f.made("crit: an extension that nobody knows", holeProofJWT, Header{"crit": []string{"x"}, "x": 1}),
		f.made("crit: empty", holeProofJWT, Header{"crit": []string{}}),
		f.made("crit: of a member that is known", holeProofJWT, Header{"crit": []string{"typ"}}),
		f.made("b64: false", holeProofJWT, Header{"b64": false, "crit": []string{"b64"}}),
		f.made("b64: false, without crit", holeProofJWT, Header{"b64": false}),
	}
}

// signatures: damage, and those of somebody else.
func (f *proofForger) signatures() (out []forgedProof) {
	input, sig := split(f.good())
	header, payload, _ := strings.Cut(input, ".")
	one := func(name string, sig []byte) {
		out = append(out, invalidProof("signature: "+name, holeProofSig, input+"."+encode(string(sig))))
	}
	flipped := slices.Clone(sig)
	flipped[len(flipped)/2] ^= 1
	one("one bit of it turned", flipped)
	one("all zeros", make([]byte, len(sig)))
	one("a single zero", []byte{0})
	one("its last byte missing", sig[:len(sig)-1])
	one("its first half only", sig[:len(sig)/2])
	one("a zero before it", append([]byte{0}, sig...))
	one("a zero behind it", append(slices.Clone(sig), 0))
	one("backwards", reversed(sig))
	one("the hash of the input", algorithms["RS256"].sum([]byte(input)))
	if private, ok := f.p.key.private.(*ecdsa.PrivateKey); ok {
		half := len(sig) / 2
		r, s := new(big.Int).SetBytes(sig[:half]), new(big.Int).SetBytes(sig[half:])
		der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		f.p.iss.check(err)
		one("in DER", der)
		one("r and s swapped", append(slices.Clone(sig[half:]), sig[:half]...))
		one("s is zero", append(slices.Clone(sig[:half]), make([]byte, half)...))
		one("r is the order", slices.Concat(private.Params().N.FillBytes(make([]byte, half)), sig[half:]))
	}
	if private, ok := f.p.key.private.(*rsa.PrivateKey); ok {
		one("the modulus", private.N.Bytes())
		one("with the other padding", signWith(&Key{private: private, seed: f.p.key.seed}, map[bool]string{true: "RS256", false: "PS256"}[algorithms[f.p.key.alg].kind == pss], input))
	}
	other, err := f.p.key.sign(f.p.key.alg, []byte(payload))
	f.p.iss.check(err)
	one("of the payload alone", other)
	more := invalidProof("signature: by another key, under the jwk of the right one", holeProofSig,
		f.attacker.Proof(f.method, f.url, f.token, slices.Concat(f.options, []TokenOption{Header{"jwk": f.p.jwk()}})...))
	_, elsewhere := split(f.good(Claims{"more": 1}))
	return append(out, more,
		invalidProof("signature: of another proof", holeProofSig, header+"."+payload+"."+encode(string(elsewhere))))
}

// signWith signs with an algorithm that the key can sign.
func signWith(k *Key, alg, input string) []byte {
	sig, err := k.sign(alg, []byte(input))
	if err != nil {
		return nil
	}
	return sig
}

// holders: the proof is good, and another one's.
func (f *proofForger) holders() []forgedProof {
	stolen := f.attacker.Proof(f.method, f.url, f.token, f.options...)
	return []forgedProof{
		{"jkt: of another key", ProofForgery{[]string{stolen}, reason.UnsupportedBinding, holeJkt}},
		invalidProof("jkt: the right jwk beside it, under another name", holeProofSig, f.attacker.Proof(f.method, f.url, f.token,
			slices.Concat(f.options, []TokenOption{Header{"jwk": f.p.jwk(), "JWK": f.attacker.jwk()}})...)),
	}
}

func (f *proofForger) nonces() (out []forgedProof) {
	nonce, asked := f.draft().claims["nonce"].(string)
	if !asked || nonce == "" {
		return nil
	}
	for _, row := range []struct {
		name  string
		value any
	}{
		{"missing", nil},
		{"null", rawNull},
		{"empty", ""},
		{"made up", encode(strings.Repeat("x", 24))},
		{"the first character changed", string(alphabet[(strings.IndexByte(alphabet, nonce[0])+1)%64]) + nonce[1:]},
		{"cut short", nonce[:len(nonce)-1]},
		{"a character behind", nonce + "A"},
		{"a space behind", nonce + " "},
		{"in a list", []string{nonce}},
		{"a number", 1},
		{"without its digest", nonce[:len(nonce)/3]},
		{"of a time in the year 2286", encode("\x00\x00\x00\x02\x54\x0b\xe4\x00" + strings.Repeat("\x00", 16))},
	} {
		out = append(out, forgedProof{"nonce: " + row.name, ProofForgery{[]string{f.good(Claims{"nonce": row.value})}, reason.UseDPoPNonce, holeNonce}})
	}
	return out
}

func shown(v any) any {
	if raw, ok := v.(fmt.Stringer); ok {
		return raw.String()
	}
	if list, ok := v.([]string); ok {
		return strconv.Quote(strings.Join(list, " ")) + " in a list"
	}
	return v
}
