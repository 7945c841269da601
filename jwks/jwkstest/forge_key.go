package jwkstest

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeAnyKey   = "the signature is not checked, or not with the issuer's key"
	holeEnc      = "use and key_ops of a JWK are ignored (RFC 7517 section 4.2)"
	holeKid      = "a kid is more than a name to compare (RFC 8725 section 3.10)"
	holeEmbedded = "a key that the token brings along is trusted (CVE-2018-0114)"
	holePointed  = "a key is fetched from where the token says (RFC 8725 section 3.10)"
)

// attackerPath is where the attacker's keys are served: a request for it is a
// stray.
const attackerPath = "/attacker"

// keys: signatures of somebody else.
func (f *forger) keys() []forged {
	kid := Header{"kid": f.key.id}
	return []forged{
		{"key: another one under the same kid", Forgery{f.impostor(kid), reason.BadSignature, holeAnyKey}},
		{"key: another one under its own kid", Forgery{f.impostor(), reason.UnknownKey, holeAnyKey}},
		{"key: of another algorithm, which the issuer also publishes", Forgery{
			f.token(WithKey(f.arsenal.attackers["ES256"]), Header{"kid": f.arsenal.ec.id}), reason.BadSignature, holeAnyKey,
		}},
		{"key: another issuer's, in its own name", Forgery{f.impostor(Claims{"iss": "https://other.example"}), reason.UnknownIssuer, holeAnyKey}},
		f.minted("key: one that the issuer publishes for encryption", reason.UnknownKey, holeEnc, WithKey(f.arsenal.enc), WithAlgorithm("ES256")),
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

// nameless is the reason for a token without kid, of which nothing is known if
// several keys could have signed it.
func (f *forger) nameless() reason.Code {
	if _, err := f.iss.KeySet().Snapshot().Key("", f.alg); err == nil {
		return reason.BadSignature
	}
	return reason.UnknownKey
}

// embedded: keys in the header, or an address for them.
func (f *forger) embedded() []forged {
	thief := f.attacker()
	jwk := merge(present(thief.jwk), nil)
	chain, der := f.certificate(thief)
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

// certificate is one of the attacker's own making, as x5c has it (RFC 7515
// section 4.1.6) and as DER.
func (f *forger) certificate(key *Key) (x5c string, der []byte) {
	der, err := key.certificate(f.now)
	if err != nil {
		f.iss.fail("%v", err)
	}
	return base64.StdEncoding.EncodeToString(der), der
}

func (k *Key) certificate(now time.Time) ([]byte, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "issuer"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
	signer, _ := k.private.(crypto.Signer)
	return x509.CreateCertificate(rand.Reader, template, template, k.Public(), signer)
}

// answerAttacker serves the attacker's keys, so that who follows a header finds
// what it looks for. It reports false for any other address.
func (iss *Issuer) answerAttacker(w http.ResponseWriter, r *http.Request) bool {
	a := iss.arsenal.Load()
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
