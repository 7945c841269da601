package corpus

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// setRow is a token whose verdict is that of its key set.
type setRow struct {
	name         string
	file         string // of the key set, without .json
	set          any    // text as it is, or what is written as JSON; nil where another row has it
	token        string
	reason       reason.Code // "" for what must be accepted
	section, why string
	level        forgeries.Level // "" is leniency: an issuer has to publish such a key first
	policy       string
}

// sets adds what a key set can be and hold.
func (b *builder) sets() {
	m := newMaker("sets")
	k := &setKeys{maker: m, rsa: m.Key(), second: m.NewKey("RS256"), ec: m.NewKey("ES256"), ed: m.NewKey("EdDSA"), other: m.NewKey("ES384")}
	for _, rows := range [][]setRow{
		k.ignored(), k.optional(), k.hints(), k.kids(), k.misused(), k.damaged(), k.weakRSA(), k.weakEC(), k.weakEd(), k.broken(),
	} {
		for i := range rows {
			b.ofSet(&rows[i])
		}
	}
}

func (b *builder) ofSet(r *setRow) {
	if r.set != nil {
		name := "keys/" + r.file + ".json"
		if b.files[name] != nil {
			b.fail("two key sets are called %s", r.file)
		}
		if text, ok := r.set.(string); ok {
			b.files[name] = []byte(text)
		} else {
			b.file(name, r.set)
		}
	}
	c := Case{
		Name: "jwks: " + r.name, Group: "jwks", Token: r.token, Keys: r.file + ".json", Policy: cmp.Or(r.policy, usual), Verdict: Bad,
		Reason: r.reason, Level: cmp.Or(r.level, forgeries.Leniency), Section: r.section, Why: r.why,
	}
	if r.reason == "" {
		c.Verdict, c.Level = Good, forgeries.Outage
	}
	b.add(c)
}

// setKeys are the keys that the sets are made of.
type setKeys struct {
	*maker
	rsa, second, ec, ed *jwkstest.Key
	other               *jwkstest.Key // stands in sets where the key that is meant cannot be used
}

// beside returns a set of a key that is wrong, which a good one stands beside.
func (k *setKeys) beside(key members) any { return keySet(with(k.other, nil), key) }

func (k *setKeys) by(key *jwkstest.Key, more ...jwkstest.TokenOption) string {
	return k.Token(append([]jwkstest.TokenOption{jwkstest.WithKey(key)}, more...)...)
}

// members of a key that are to be changed.
type members = map[string]any

const ignoredKeys = "a key that is of no use is ignored, and the others are good"

// ignored: keys that cannot be used, beside one that can.
func (k *setKeys) ignored() []setRow {
	const section = "RFC 7517 5"
	good := with(k.rsa, nil)
	chain := members{"kty": "RSA", "kid": "chain", "x5c": []string{"MIIBAA=="}}
	return []setRow{
		{name: "a kty that nobody knows, first", file: "unknown-kty", set: keySet(members{"kty": "LWE", "kid": "lattice", "x": "AA"}, good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "a curve that is not known, first", file: "unknown-crv", set: keySet(members{"kty": "EC", "crv": "P-999", "kid": "other", "x": "AA", "y": "AA"}, members{"kty": "OKP", "crv": "Ed9999", "kid": "okp", "x": "AA"}, good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "an alg that is not known, first", file: "unknown-alg", set: keySet(with(k.second, members{"alg": "XS256"}), good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "a use that is not known, first", file: "unknown-use", set: keySet(with(k.second, members{"use": "other"}), good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "a key without its members, first", file: "missing-members", set: keySet(members{"kty": "RSA", "kid": "empty"}, members{"kid": "nothing"}, members{"kty": "EC", "crv": "P-256", "kid": "half", "x": "AA"}, good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "keys out of range, first", file: "out-of-range", set: keySet(members{"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"}, with(k.ec, members{"kid": "off", "x": "AA"}), with(k.ed, members{"kid": "tiny", "x": "AA"}), good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "a key for encryption, first", file: "enc-beside", set: keySet(with(k.second, members{"use": "enc", "alg": "RSA-OAEP-256"}), good), token: k.by(k.rsa), section: "RFC 7517 4.2", why: ignoredKeys},
		{name: "a secret beside", file: "secret-beside", set: keySet(members{"kty": "oct", "kid": "secret", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"}, good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "x5c alone, beside a good key", file: "x5c-alone", set: keySet(chain, good), token: k.by(k.rsa), section: section, why: ignoredKeys},
		{name: "x5c alone, in the place of n and e", file: "x5c-alone", token: k.by(k.second, header{"kid": "chain"}), reason: reason.KeysUnavailable, section: "RFC 7518 6.3.1", why: "a key without n and e is taken from what nobody has checked, its certificate"},
	}
}

// optional: members that may be there or not.
func (k *setKeys) optional() []setRow {
	const section = "RFC 7517 4"
	one := func(name, file, section string, changed members) setRow {
		return setRow{name: name, file: file, set: keySet(with(k.rsa, changed)), token: k.by(k.rsa), section: section, why: "the member may be so, and the key is good"}
	}
	return []setRow{
		one("as usual", "plain", section, nil),
		one("no alg", "no-alg", "RFC 7517 4.4", members{"alg": nil}),
		one("no use", "no-use", "RFC 7517 4.2", members{"use": nil}),
		one("neither alg nor use", "no-alg-no-use", section, members{"alg": nil, "use": nil}),
		one("key_ops of verify", "key-ops-verify", "RFC 7517 4.3", members{"use": nil, "key_ops": []string{"verify"}}),
		one("key_ops of sign and verify", "key-ops-both", "RFC 7517 4.3", members{"use": nil, "key_ops": []string{"sign", "verify"}}),
		one("use and key_ops that agree", "use-and-key-ops", "RFC 7517 4.3", members{"key_ops": []string{"verify"}}),
		one("members that nobody knows", "unknown-members", section, members{"colour": 1, "history": members{"kty": "oct", "keys": []any{}}, "exp": 1, "issuer": issuerName, "": true}),
		one("null for what nobody knows", "null-members", section, members{"colour": null, "exp": null, "nbf": null, "issuer": null}),
		one("an EC member beside those of RSA", "foreign-members", section, members{"crv": "P-256", "y": "AA"}),
		{name: "a key by ES256 without alg", file: "ec-no-alg", set: keySet(with(k.ec, members{"alg": nil, "use": nil})), token: k.by(k.ec), section: "RFC 7517 4.4", why: "the curve says what the key is for"},
		{name: "a key by EdDSA without alg", file: "ed-no-alg", set: keySet(with(k.ed, members{"alg": nil, "use": nil})), token: k.by(k.ed), section: "RFC 7517 4.4", why: "the curve says what the key is for"},
		{name: "RSA of 3072 bits", file: "rsa-3072", set: keySet(members{"kty": "RSA", "kid": "test-3072", "use": "sig", "alg": "RS256", "n": number(strongRSA().N), "e": "AQAB"}), token: strongRSA().token(k, "test-3072"), section: "RFC 7518 3.3", why: "2048 bits are the least, not the most"},
	}
}

// hints: which of several keys a token means.
func (k *setKeys) hints() []setRow {
	const twoKids = "RFC 7517 4.5" // that a second one of the same type is tried too is not said there
	first, second := with(k.rsa, members{"kid": "test-same"}), with(k.second, members{"kid": "test-same"})
	ec := with(k.ec, members{"kid": "test-same"})
	nameless := func(keys ...any) any { return keySet(keys...) }
	same := header{"kid": "test-same"}
	var many []any
	for i := range 40 {
		many = append(many, with(k.NewKey("ES256"), members{"kid": fmt.Sprint("test-many-", i)}))
	}
	last := k.NewKey("ES256", jwkstest.JWK{"kid": "test-many-last"})
	return []setRow{
		{name: "two of one kid, signed by a third", file: "duplicate-kids", set: keySet(first, second), token: k.by(k.NewKey("RS256"), same), reason: reason.BadSignature, level: forgeries.Hole, section: "RFC 7515 5.2", why: "a token of a stranger is believed"},
		{name: "two of one kid and of two types, signed by RSA", file: "duplicate-kids-types", set: keySet(ec, second), token: k.by(k.second, same), section: twoKids, why: "of one kid, the key of the token's algorithm is meant"},
		{name: "two of one kid and of two types, signed by EC", file: "duplicate-kids-types", token: k.by(k.ec, same), section: twoKids, why: "of one kid, the key of the token's algorithm is meant"},
		{name: "one without kid, and none in the token", file: "no-kid", set: nameless(with(k.rsa, members{"kid": nil})), token: k.by(k.rsa, header{"kid": nil}), section: "RFC 7517 4.5", why: "kid may be absent"},
		{name: "several, and no kid in the token", file: "several", set: keySet(with(k.ec, nil), with(k.ed, nil), with(k.rsa, nil)), token: k.by(k.rsa, header{"kid": nil}), section: "RFC 7515 4.1.4", why: "kid may be absent, and one key fits"},
		{name: "one of forty-one", file: "many", set: keySet(append(many, with(last, nil))...), token: k.by(last), section: "RFC 7517 5", why: "the key is there"},
		{name: "a kid that the set has not", file: "several", token: k.by(k.rsa, header{"kid": "test-gone"}), reason: reason.UnknownKey, section: "RFC 7515 6", why: "a token that names a key which the issuer has withdrawn is good"},
		{name: "a key of another issuer's set", file: "several", token: k.by(k.second), reason: reason.UnknownKey, level: forgeries.Hole, section: "RFC 7515 5.2", why: "a token of a stranger is believed"},
		{name: "of another type, under the kid of RSA", file: "several", token: k.by(k.ec, header{"kid": k.rsa.ID()}), reason: reason.UnsupportedAlg, section: "RFC 8725 3.1", why: "a key is used with an algorithm that it is not for"},
	}
}

// kids: names that are nothing but names.
func (k *setKeys) kids() (out []setRow) {
	var keys []any
	for _, kid := range []string{"0", "a/b", "../x", "a b", "a=b&c", "Ærø-株", "__proto__", "https://issuer.example/keys#1", "A'B\"C\\D", strings.Repeat("k", 256)} {
		key := k.NewKey("ES256")
		keys = append(keys, with(key, members{"kid": kid}))
		out = append(out, setRow{
			name: fmt.Sprintf("the kid %.20q", kid), file: "odd-kids", token: k.by(key, header{"kid": kid}),
			section: "RFC 7517 4.5", why: "the structure of kid is not specified: it is compared and no more",
		})
	}
	out[0].set = keySet(keys...)
	return out
}

// broken: what is no JWK Set. The token is signed by the key that a lenient reader would find.
func (k *setKeys) broken() (out []setRow) {
	text, _ := json.Marshal(keySet(with(k.rsa, nil))) // of maps and strings
	set, key := string(text), strings.TrimSuffix(strings.SplitAfterN(string(text), "[", 2)[1], `],"note":"`+testKeys+`"}`)
	for _, r := range []struct{ name, file, text string }{
		{"an empty file", "empty-file", ""},
		{"no key", "no-keys", `{"keys":[]}`},
		{"null", "keys-null", `{"keys":null}`},
		{"no member keys", "keys-missing", `{"key":[` + key + `]}`},
		{"Keys in capitals", "keys-capital", `{"Keys":[` + key + `]}`},
		{"keys that are an object", "keys-object", `{"keys":{"0":` + key + `}}`},
		{"keys that are a string", "keys-string", `{"keys":"` + strings.ReplaceAll(key, `"`, `\"`) + `"}`},
		{"an array of keys", "array", `[` + key + `]`},
		{"a key in an array in keys", "keys-nested", `{"keys":[[` + key + `]]}`},
		{"garbage behind", "garbage-behind", set + "x"},
		{"a second set behind", "second-set", set + `{"keys":[]}`},
		{"cut short", "cut-short", strings.TrimSuffix(set, "}")},
		{"a comment in it", "comment", strings.Replace(set, "{", "{/* x */", 1)},
		{"a comma too many", "comma", strings.Replace(set, `}],`, `},],`, 1)},
		{"in single quotes", "single-quotes", strings.ReplaceAll(set, `"`, `'`)},
		{"a page of HTML", "html", "<!DOCTYPE html><title>Sign in</title>"},
		{"a byte that is no UTF-8", "not-utf8", strings.Replace(set, `{"`, "{\"x\":\"\xff\",\"", 1)},
	} {
		out = append(out, setRow{
			name: r.name, file: "broken-" + r.file, set: r.text, token: k.by(k.rsa), reason: reason.KeysUnavailable, section: "RFC 7517 5",
			why: "keys are read from what is no JWK Set",
		})
	}
	return out
}
