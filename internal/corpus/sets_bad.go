package corpus

import (
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// misused: keys that the issuer publishes for something else than the token.
func (k *setKeys) misused() []setRow {
	one := func(name, file, section string, changed members, why reason.Code) setRow {
		return setRow{name: name, file: file, set: k.beside(with(k.rsa, changed)), token: k.by(k.rsa), reason: why, section: section, why: "a key is used for what it is not for"}
	}
	const use, ops, alg = "RFC 7517 4.2", "RFC 7517 4.3", "RFC 8725 3.1"
	secret := k.NewKey("HS256")
	public := string(decoded(k.rsa.JWK()["n"].(string))) //nolint:forcetypeassert // of an RSA key
	return []setRow{
		one("for encryption", "use-enc", use, members{"use": "enc", "alg": nil}, reason.UnusableKey),
		one("for encryption, though alg says RS256", "use-enc-alg", use, members{"use": "enc"}, reason.UnusableKey),
		one("for a use that nobody knows", "use-other", use, members{"use": "other"}, reason.UnusableKey),
		one("use in other case", "use-case", use, members{"use": "SIG"}, reason.UnusableKey),
		one("for signing alone", "key-ops-sign", ops, members{"use": nil, "key_ops": []string{"sign"}}, reason.UnusableKey),
		one("for wrapping keys", "key-ops-wrap", ops, members{"use": nil, "key_ops": []string{"wrapKey", "unwrapKey"}}, reason.UnusableKey),
		one("for verify, in other case", "key-ops-case", ops, members{"use": nil, "key_ops": []string{"Verify"}}, reason.UnusableKey),
		one("for PS256", "alg-ps256", alg, members{"alg": "PS256"}, reason.UnsupportedAlg),
		one("for RS512", "alg-rs512", alg, members{"alg": "RS512"}, reason.UnsupportedAlg),
		one("for RSA-OAEP", "alg-oaep", alg, members{"use": nil, "alg": "RSA-OAEP"}, reason.UnusableKey),
		one("for none", "alg-none", alg, members{"alg": "none"}, reason.UnusableKey),
		one("for an HMAC", "alg-hs256", alg, members{"alg": "HS256"}, reason.UnusableKey),
		{name: "an RSA key for HS256, and its modulus as the secret", file: "alg-hs256", token: k.mac([]byte(public), k.rsa.ID()), reason: reason.UnsupportedAlg, level: forgeries.Hole, section: "RFC 8725 2.1", why: "anybody makes tokens: the public key is taken for an HMAC secret"},
		{name: "a secret that everybody can read", file: "secret", set: k.beside(with(secret, nil)), token: k.by(secret), reason: reason.UnsupportedAlg, level: forgeries.Hole, section: "RFC 7517 9.2", why: "anybody makes tokens: the secret is in the set"},
		{name: "a secret that calls itself RS256", file: "secret-rs256", set: k.beside(with(secret, members{"alg": "RS256", "kid": k.rsa.ID()})), token: k.by(k.rsa), reason: reason.UnusableKey, section: "RFC 7518 6.4", why: "a secret is taken for a public key"},
	}
}

// mac returns a token with an HMAC.
func (k *setKeys) mac(secret []byte, kid string) string {
	input := k.by(k.rsa, header{"alg": "HS256", "kid": kid})
	input = input[:strings.LastIndexByte(input, '.')]
	return input + "." + encoded(hmacSHA256(secret, []byte(input)))
}

// damaged: members of the wrong form. The token is good but for its key.
func (k *setKeys) damaged() (out []setRow) {
	add := func(name, file string, key *jwkstest.Key, section string, changed members) {
		out = append(out, setRow{
			name: name, file: "damaged-" + file, set: k.beside(with(key, changed)), token: k.by(key), reason: reason.KeysUnavailable, section: section,
			why: "a key that is damaged is read as something that it does not say",
		})
	}
	const rsa, ec, okp = "RFC 7518 6.3.1", "RFC 7518 6.2.1", "RFC 8037 2"
	of := func(key *jwkstest.Key, name string) string { return key.JWK()[name].(string) } //nolint:forcetypeassert // the members of such a key
	n, x, y, ed := of(k.rsa, "n"), of(k.ec, "x"), of(k.ec, "y"), of(k.ed, "x")
	add("n missing", "n-missing", k.rsa, rsa, members{"n": nil})
	add("e missing", "e-missing", k.rsa, rsa, members{"e": nil})
	add("n empty", "n-empty", k.rsa, rsa, members{"n": ""})
	add("n null", "n-null", k.rsa, rsa, members{"n": null})
	add("e a number", "e-number", k.rsa, rsa, members{"e": 65537})
	add("n in an array", "n-array", k.rsa, rsa, members{"n": []string{n}})
	add("a line end in n", "n-line", k.rsa, "RFC 7515 2", members{"n": n[:50] + "\n" + n[50:]})
	add("a space in n", "n-space", k.rsa, "RFC 7515 2", members{"n": n[:50] + " " + n[50:]})
	add("n in capitals", "n-capital", k.rsa, "RFC 7517 4", members{"n": nil, "N": n})
	add("crv missing", "crv-missing", k.ec, ec, members{"crv": nil})
	add("x missing", "x-missing", k.ec, ec, members{"x": nil})
	add("y missing", "y-missing", k.ec, ec, members{"y": nil})
	add("a line end in x", "x-line", k.ec, "RFC 7515 2", members{"x": x[:20] + "\n" + x[20:]})
	add("x and y exchanged", "x-y", k.ec, ec, members{"x": y, "y": x})
	add("x of Ed25519 missing", "ed-x-missing", k.ed, okp, members{"x": nil})
	add("x of Ed25519 cut short", "ed-x-short", k.ed, okp, members{"x": encoded(decoded(ed)[:31])})
	add("x of Ed25519 with a zero behind", "ed-x-long", k.ed, okp, members{"x": encoded(append(decoded(ed), 0))})
	for name, changed := range map[string]members{"missing": {"kty": nil}, "in other case": {"kty": "rsa"}, "of EC": {"kty": "EC"}, "of a secret": {"kty": "oct"}, "in capitals": {"kty": nil, "KTY": "RSA"}} {
		add("kty "+name, "kty-"+strings.ToLower(strings.ReplaceAll(name, " ", "-")), k.rsa, "RFC 7517 4.1", changed)
		out[len(out)-1].reason = reason.UnusableKey
	}
	return out
}
