package jwkstest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeAnyKey   = "the signature is not checked, or not with the issuer's key"
	holeEnc      = "use and key_ops of a JWK are ignored (RFC 7517 section 4.2)"
	holeKid      = "a kid is more than a name to compare (RFC 8725 section 3.10)"
	holeEmbedded = "a key that the token brings along is trusted (CVE-2018-0114)"
	holePointed  = "a key is fetched from where the token says (RFC 8725 section 3.10)"
)

// attackerPath is where the attacker's keys are served: a request for it is a stray.
const attackerPath = "/attacker"

// keys: signatures of somebody else.
func (f *forger) keys() []forged {
	kid := Header{"kid": f.key.id}
	return []forged{
		{"key: another one under the same kid", Forgery{f.impostor(kid), reason.BadSignature, holeAnyKey}},
		{"key: another one under its own kid", Forgery{f.impostor(), reason.UnknownKey, holeAnyKey}},
		{"key: of another algorithm, which the issuer also publishes", Forgery{f.token(
			WithKey(f.forgeryKeys.attackers["ES256"]), Header{"kid": f.forgeryKeys.ec.id}), reason.BadSignature, holeAnyKey}},
		{"key: another issuer's, in its own name", Forgery{f.impostor(Claims{"iss": "https://other.example"}), reason.UnknownIssuer, holeAnyKey}},
		f.minted("key: one that the issuer publishes for encryption", reason.UnusableKey, holeEnc, WithKey(f.forgeryKeys.enc), WithAlgorithm("ES256")),
	}
}

// kids: names that are something else to a file system, a database, a shell or
// a header of HTTP. All are signed by the attacker.
func (f *forger) kids() (out []forged) {
	for _, row := range []struct{ name, kid string }{
		{"a path", "../../../../../../dev/null"},
		{"an absolute path", "/proc/sys/kernel/randomize_va_space"},
		{"SQL", "x' UNION SELECT 'key';--"},
		{"a shell command", "key|/usr/bin/uptime"},
		{"a URL", f.iss.address() + attackerPath + "/jwks"},
		{"a template", "${jndi:ldap://127.0.0.1/a}"},
		{"a NUL behind the right one", f.key.id + "\x00"},
		{"a space behind the right one", f.key.id + " "},
		{"the right one in other case", folded(f.key.id)},
		{"a header of its own", "x\r\nSet-Cookie: a=b"},
		{"quotes", `x", error="none", realm="`},
		{"a name like __proto__", "__proto__"},
		{"4 KiB long", strings.Repeat("k", 4096)},
	} {
		out = append(out, forged{"kid: " + row.name, Forgery{f.impostor(Header{"kid": row.kid}), reason.UnknownKey, holeKid}})
	}
	return append(out,
		forged{"kid: empty", Forgery{f.impostor(Header{"kid": ""}), f.nameless(), holeKid}},
		forged{"kid: none", Forgery{f.impostor(Header{"kid": nil}), f.nameless(), holeKid}},
		f.minted("kid: a number", reason.Malformed, holeKid, Header{"kid": 1}),
		f.minted("kid: an array", reason.Malformed, holeKid, Header{"kid": []string{f.key.id}}),
		f.minted("kid: an object", reason.Malformed, holeKid, Header{"kid": map[string]any{"kid": f.key.id}}),
	)
}

// nameless returns the reason for a token without kid: the keys that fit are
// tried, unless there are too many.
func (f *forger) nameless() reason.Code {
	if _, err := f.iss.KeySet().Snapshot().Find(&jwks.Query{Algorithm: f.alg}); err == nil {
		return reason.BadSignature
	}
	return reason.UnknownKey
}

// embedded: keys in the header, or an address for them.
func (f *forger) embedded() []forged {
	attacker := f.attacker()
	jwk := merge(present(attacker.jwk), nil)
	der, err := attacker.certificate(f.now)
	f.iss.check(err)
	chain := base64.StdEncoding.EncodeToString(der) // RFC 7515 section 4.1.6
	at := f.iss.address() + attackerPath
	one := func(name string, why reason.Code, hole string, members Header) forged {
		return forged{"header: " + name, Forgery{f.impostor(members), why, hole}}
	}
	sum := sha256.Sum256(der)
	same := f.key.id
	return []forged{
		one("jwk", reason.UnknownKey, holeEmbedded, Header{"jwk": jwk}),
		one("jwk of the issuer's kid", reason.BadSignature, holeEmbedded, Header{"kid": same, "jwk": merge(jwk, map[string]any{"kid": same})}),
		one("jwk as a set", reason.UnknownKey, holeEmbedded, Header{"jwks": map[string]any{"keys": []any{jwk}}}),
		one("jku", reason.UnknownKey, holePointed, Header{"jku": at + "/jwks"}),
		one("jku of the issuer's kid", reason.BadSignature, holePointed, Header{"kid": same, "jku": at + "/jwks"}),
		one("jku that only begins like the issuer", reason.UnknownKey, holePointed, Header{"jku": f.iss.name + "@" + strings.TrimPrefix(at, "http://") + "/jwks"}),
		one("x5u", reason.UnknownKey, holePointed, Header{"x5u": at + "/x5u"}),
		one("x5u of the issuer's kid", reason.BadSignature, holePointed, Header{"kid": same, "x5u": at + "/x5u"}),
		one("x5c", reason.UnknownKey, holeEmbedded, Header{"x5c": []string{chain}}),
		one("x5c of the issuer's kid", reason.BadSignature, holeEmbedded, Header{"kid": same, "x5c": []string{chain}}),
		one("x5c and its x5t#S256", reason.UnknownKey, holeEmbedded, Header{"x5c": []string{chain}, "x5t#S256": encode(string(sum[:]))}),
		one("jwk, jku, x5u and x5c at once", reason.BadSignature, holeEmbedded,
			Header{"kid": same, "jwk": jwk, "jku": at + "/jwks", "x5u": at + "/x5u", "x5c": []string{chain}}),
	}
}

// certificate is one of the key's own making, in DER.
func (k *Key) certificate(now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "issuer"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(50, 0, 0),
	}
	signer, _ := k.private.(crypto.Signer)
	return x509.CreateCertificate(nil, template, template, k.Public(), signer)
}

// answerAttacker serves the attacker's keys to code that follows a header. It reports false for any other address.
func (iss *Issuer) answerAttacker(w http.ResponseWriter, r *http.Request) bool {
	a := iss.forgeryKeys.Load()
	if a == nil {
		return false
	}
	switch r.URL.Path {
	case attackerPath + "/jwks":
		var keys []*Key
		for _, k := range a.all() {
			same := *k
			same.jwk = merge(k.jwk, JWK{"kid": iss.Key().id})
			keys = append(keys, k, &same)
		}
		iss.answer(w, r, jwkSet(keys))
	case attackerPath + "/x5u":
		for _, k := range a.all() {
			if der, err := k.certificate(iss.now()); err == nil {
				_, _ = w.Write([]byte(pemOf("CERTIFICATE", der)))
			}
		}
	default:
		return false
	}
	return true
}

func lastDot(token string) int { return strings.LastIndexByte(token, '.') }

// split returns what is signed, and the signature.
func split(token string) (input string, signature []byte) {
	dot := lastDot(token)
	return token[:dot], []byte(decode(token[dot+1:]))
}

const (
	holeConfused = "a public key is taken for an HMAC secret (RFC 8725 section 2.1, CVE-2016-5431)"
	holeGuessed  = "an HMAC secret can be guessed (RFC 8725 section 2.2)"
	holeSetMAC   = "an HMAC secret that anybody can read in the JWK Set is believed"
)

// secrets: HMACs keyed with what is public, above all the public key in every form that a library might hand to HMAC.
func (f *forger) secrets() (out []forged) {
	mac := func(name, alg, secret, hole string, members Header) {
		h := merge(Header{"alg": alg}, members)
		input := encode(f.header(h)) + "." + encode(f.payload(nil))
		sum := algorithms[alg].mac([]byte(secret), []byte(input))
		out = append(out, forged{alg + ": " + name, Forgery{input + "." + encode(string(sum)), reason.UnsupportedAlg, hole}})
	}
	for _, form := range f.publicForms() {
		mac("keyed with "+form.name, "HS256", form.text, holeConfused, nil)
	}
	for _, alg := range []string{"HS384", "HS512"} {
		mac("keyed with the public key as PKIX PEM", alg, f.publicForms()[0].text, holeConfused, nil)
	}
	mac("keyed with nothing", "HS256", "", holeGuessed, nil)
	mac("keyed with the word secret", "HS256", "secret", holeGuessed, nil)
	mac("keyed with zeros", "HS256", strings.Repeat("\x00", 32), holeGuessed, nil)
	mac("keyed with the kid", "HS256", f.key.id, holeGuessed, nil)
	mac("keyed with the issuer's name", "HS256", f.iss.name, holeGuessed, nil)
	mac("keyed with the audience", "HS256", f.aud, holeGuessed, nil)
	mac("keyed with a symmetric key out of the JWK Set", "HS256", string(f.forgeryKeys.oct.Secret()), holeSetMAC, Header{"kid": f.forgeryKeys.oct.id})
	mac("of a null device, which the kid names", "HS256", "", holeGuessed, Header{"kid": "../../../../../../dev/null"})
	mac("of what the kid makes a database answer", "HS256", "secret", holeGuessed, Header{"kid": "x' UNION SELECT 'secret';--"})
	return out
}

// form is a public key as text.
type form struct{ name, text string }

// publicForms begins with PKIX PEM.
func (f *forger) publicForms() []form {
	der, err := x509.MarshalPKIXPublicKey(f.key.Public())
	f.iss.check(err)
	bare, err := publicMembers(f.key.private) // the members of a thumbprint (RFC 7638 section 3.2)
	f.iss.check(err)
	forms := []form{
		{"the public key as PKIX PEM", pemOf("PUBLIC KEY", der)},
		{"the public key as PKIX PEM without its last newline", strings.TrimSuffix(pemOf("PUBLIC KEY", der), "\n")},
		{"the public key as PKIX PEM with CR LF", strings.ReplaceAll(pemOf("PUBLIC KEY", der), "\n", "\r\n")},
		{"the public key as the base64 between the PEM lines", base64.StdEncoding.EncodeToString(der)},
		{"the public key as PKIX DER", string(der)},
		{"the public key as its JWK", f.iss.text(nil, f.key.jwk)},
		{"the public key as its bare JWK", f.iss.text(nil, bare)},
		{"the whole JWK Set", f.iss.text(nil, jwkSet(f.iss.Published()))},
	}
	switch public := f.key.Public().(type) {
	case *rsa.PublicKey:
		der := x509.MarshalPKCS1PublicKey(public)
		forms = append(forms,
			form{"the public key as PKCS 1 PEM", pemOf("RSA PUBLIC KEY", der)},
			form{"the public key as PKCS 1 PEM without its last newline", strings.TrimSuffix(pemOf("RSA PUBLIC KEY", der), "\n")},
			form{"the public key as PKCS 1 DER", string(der)},
			form{"the modulus", string(public.N.Bytes())},
			form{"the modulus as base64url", encode(string(public.N.Bytes()))},
			form{"the modulus as decimal number", public.N.String()})
	case *ecdsa.PublicKey:
		if point, err := public.Bytes(); err == nil {
			forms = append(forms, form{"the point", string(point)}, form{"the point's x", string(point[1 : 1+len(point)/2])})
		}
	case ed25519.PublicKey:
		forms = append(forms, form{"the public key's bytes", string(public)}, form{"the public key's bytes as base64url", encode(string(public))})
	}
	return forms
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
