package jwkstest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeConfused = "a public key is taken for an HMAC secret (RFC 8725 section 2.1, CVE-2016-5431)"
	holeGuessed  = "an HMAC secret can be guessed (RFC 8725 section 2.2)"
	holeSetMAC   = "an HMAC secret that anybody can read in the JWK Set is believed"
)

// secrets: HMACs keyed with what everybody knows, above all the public key in
// every form that a library might hand to HMAC.
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
	mac("keyed with a symmetric key out of the JWK Set", "HS256", string(f.arsenal.oct.Secret()), holeSetMAC, Header{"kid": f.arsenal.oct.id})
	mac("of a null device, which the kid names", "HS256", "", holeGuessed, Header{"kid": "../../../../../../dev/null"})
	mac("of what the kid makes a database answer", "HS256", "secret", holeGuessed, Header{"kid": "x' UNION SELECT 'secret';--"})
	return out
}

// form is a public key as text.
type form struct{ name, text string }

// publicForms begins with PKIX PEM.
func (f *forger) publicForms() []form {
	der, err := x509.MarshalPKIXPublicKey(f.key.Public())
	if err != nil {
		f.iss.fail("%v", err)
	}
	jwk, set := f.iss.text(nil, f.key.jwk), f.iss.text(nil, jwkSet(f.iss.Published()))
	forms := []form{
		{"the public key as PKIX PEM", pemOf("PUBLIC KEY", der)},
		{"the public key as PKIX PEM without its last newline", strings.TrimSuffix(pemOf("PUBLIC KEY", der), "\n")},
		{"the public key as PKIX PEM with CR LF", strings.ReplaceAll(pemOf("PUBLIC KEY", der), "\n", "\r\n")},
		{"the public key as the base64 between the PEM lines", pemBody(pemOf("PUBLIC KEY", der))},
		{"the public key as PKIX DER", string(der)},
		{"the public key as its JWK", jwk},
		{"the public key as its bare JWK", f.bareJWK()},
		{"the whole JWK Set", set},
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

// bareJWK has only the members of a thumbprint (RFC 7638 section 3.2).
func (f *forger) bareJWK() string {
	members, err := publicMembers(f.key.private)
	if err != nil {
		f.iss.fail("%v", err)
	}
	return f.iss.text(nil, members)
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pemBody(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[1:len(lines)-1], "")
}
