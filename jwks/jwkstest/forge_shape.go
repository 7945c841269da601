package jwkstest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeParts     = "something else than three parts is read as a token (RFC 7515 section 7.1)"
	holeEncoding  = "base64url is read leniently, so that a token has many forms (RFC 7515 section 2, RFC 4648 section 3.5)"
	holeEncrypted = "an encrypted token is decrypted, or taken for a signed one (CVE-2024-28122)"
)

// parts: more or fewer of them, and the serialisations that are not compact.
func (f *forger) parts() []forged {
	good := f.token()
	p := strings.Split(good, ".")
	one := func(name, token string) forged {
		return forged{"parts: " + name, Forgery{token, reason.Malformed, holeParts}}
	}
	flat := fmt.Sprintf(`"protected":%q,"signature":%q`, p[0], p[2])
	return []forged{
		one("the payload alone", p[1]),
		one("no signature", p[0]+"."+p[1]),
		one("an empty signature", p[0]+"."+p[1]+"."),
		one("an empty header", "."+p[1]+"."+p[2]),
		one("an empty payload", p[0]+".."+p[2]),
		one("a dot before", "."+good),
		one("a dot behind", good+"."),
		one("a dot doubled", p[0]+"."+p[1]+".."+p[2]),
		one("a fourth part", good+"."+p[2]),
		one("two tokens joined by a dot", good+"."+good),
		one("two tokens joined by a comma", good+","+good),
		one("two tokens joined by a tilde", good+"~"+good+"~"),
		one("a disclosure behind (SD-JWT)", good+"~"+encode(`["salt","sub","admin"]`)+"~"),
		one("nothing but dots", strings.Repeat(".", 4000)),
		one("many dots behind", good+strings.Repeat(".", 2000)),
		one("a scheme before", "Bearer "+good),
		one("in quotes", `"`+good+`"`),
		one("a space before the signature", p[0]+"."+p[1]+". "+p[2]),
		one("an urn before", "urn:ietf:params:oauth:token-type:jwt:"+good),
		one("JSON, flattened", fmt.Sprintf(`{"payload":%q,%s}`, p[1], flat)),
		one("JSON, general", fmt.Sprintf(`{"payload":%q,"signatures":[{%s}]}`, p[1], flat)),
		one("JSON, general, without signatures", fmt.Sprintf(`{"payload":%q,"signatures":[]}`, p[1])),
		one("JSON, flattened, as base64url", encode(fmt.Sprintf(`{"payload":%q,%s}`, p[1], flat))),
		one("the decoded text", decode(p[0])+"."+decode(p[1])+"."+p[2]),
		one("encoded as a whole", encode(good)),
		one("escaped as in a URL", strings.ReplaceAll(url.QueryEscape(good), ".", "%2E")),
	}
}

// encodings: the same bytes, encoded otherwise. Where header or payload are
// touched the signature is made over what is sent.
func (f *forger) encodings() (out []forged) {
	header, payload := encode(f.header(nil)), encode(f.payload(nil))
	for _, row := range []struct {
		name   string
		change func(string) string
	}{
		{"padded", func(s string) string { return s + strings.Repeat("=", 1+(3-len(s)%4)%3) }},
		{"a CR in it", middle("\r")},
		{"an LF in it", middle("\n")},
		{"a CR LF behind", func(s string) string { return s + "\r\n" }},
		{"a space in it", middle(" ")},
		{"a tab in it", middle("\t")},
		{"a NUL in it", middle("\x00")},
		{"an escape of a URL in it", middle("%41")},
		{"a character of another alphabet in it", middle("\u0410")},
		{"a character too many", func(s string) string { return s + strings.Repeat("A", (5-len(s)%4)%4) }},
	} {
		whole := f.token()
		dot := lastDot(whole)
		out = append(out,
			f.encoded("header, "+row.name, f.signed(row.change(header)+"."+payload)),
			f.encoded("payload, "+row.name, f.signed(header+"."+row.change(payload))),
			f.encoded("signature, "+row.name, whole[:dot+1]+row.change(whole[dot+1:])))
	}
	return append(out, f.spareBits()...)
}

func (f *forger) encoded(name, token string) forged {
	return forged{"base64url: " + name, Forgery{token, reason.Malformed, holeEncoding}}
}

func middle(insert string) func(string) string {
	return func(s string) string { return s[:len(s)/2] + insert + s[len(s)/2:] }
}

// spareBits: last characters that decode to the same bytes, and the standard
// alphabet.
func (f *forger) spareBits() []forged {
	header, payload := f.header(nil), f.payload(nil)
	for len(header)%3 == 0 { // a space at the end makes room for spare bits
		header += " "
	}
	for len(payload)%3 == 0 {
		payload += " "
	}
	h, p := encode(header), encode(payload)
	out := []forged{
		f.encoded("header, spare bits set", f.signed(spare(h)+"."+p)),
		f.encoded("payload, spare bits set", f.signed(h+"."+spare(p))),
		f.encoded("header in the standard alphabet", f.signed(standard(f.header(Header{"x": "\u00ff\u00fe\u00bf~~~???"}))+"."+p)),
		f.encoded("payload in the standard alphabet", f.signed(h+"."+standard(f.payload(Claims{"x": "\u00ff\u00fe\u00bf~~~???"})))),
	}
	good := f.token()
	if dot := lastDot(good); (len(good)-dot-1)%4 != 0 {
		out = append(out, f.encoded("signature, spare bits set", good[:dot+1]+spare(good[dot+1:])))
	}
	for !strings.ContainsAny(good[lastDot(good):], "-_") {
		good = f.token()
	}
	dot := lastDot(good)
	return append(out, f.encoded("signature in the standard alphabet",
		good[:dot]+strings.NewReplacer("-", "+", "_", "/").Replace(good[dot:])))
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spare sets the last of the bits that the last character has too many.
func spare(part string) string {
	last := len(part) - 1
	return part[:last] + string(alphabet[strings.IndexByte(alphabet, part[last])|1])
}

// standard is text in the alphabet with plus and slash, without padding; spaces
// are added until one of the two is in it.
func standard(text string) string {
	for range 3 {
		if s := base64.RawStdEncoding.EncodeToString([]byte(text)); strings.ContainsAny(s, "+/") {
			return s
		}
		text = " " + text
	}
	return base64.RawStdEncoding.EncodeToString([]byte(text))
}

// encrypted: five parts, whatever they hold.
func (f *forger) encrypted() []forged {
	part := func(n int) string {
		data := make([]byte, n)
		_, _ = rand.Read(data)
		return encode(string(data))
	}
	one := func(name, header string) forged {
		token := encode(header) + "." + part(256) + "." + part(12) + "." + part(512) + "." + part(16)
		return forged{"encrypted: " + name, Forgery{token, reason.Malformed, holeEncrypted}}
	}
	return []forged{
		one("with the public key", `{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}`),
		one("and compressed", `{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}`),
		one("directly", `{"alg":"dir","enc":"A128CBC-HS256"}`),
		one("with a password hashed two thousand million times", `{"alg":"PBES2-HS512+A256KW","enc":"A256GCM","p2c":2147483647,"p2s":"c2FsdHNhbHQ"}`),
		one("with a header of alg "+f.alg, f.header(nil)),
		{"encrypted: five parts of a signed token", Forgery{f.token() + ".AA.AA", reason.Malformed, holeEncrypted}},
	}
}

func decode(part string) string {
	data, _ := base64.RawURLEncoding.DecodeString(part)
	return string(data)
}
