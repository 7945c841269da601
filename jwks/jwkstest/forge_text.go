package jwkstest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"

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

// trick is a change of a text or of its encoding that no reader may forgive.
type trick struct {
	name   string
	change func(string) string
}

var encodingTricks = []trick{
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
}

// encodings: the same bytes, encoded otherwise. Where header or payload are
// touched the signature is made over what is sent.
func (f *forger) encodings() (out []forged) {
	header, payload := encode(f.header(nil)), encode(f.payload(nil))
	for _, row := range encodingTricks {
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

// spareBits: last characters that decode to the same bytes, and the standard alphabet.
func (f *forger) spareBits() []forged {
	header, payload := f.header(nil), f.payload(nil)
	h, p := encode(header), encode(payload)
	other := "\u00ff\u00fe\u00bf~~~???" // with characters in which the alphabets differ
	out := []forged{
		f.encoded("header, spare bits set", f.signed(spare(encode(roomy(header)))+"."+p)),
		f.encoded("payload, spare bits set", f.signed(h+"."+spare(encode(roomy(payload))))),
		f.encoded("header in the standard alphabet", f.signed(standard(f.header(Header{"x": other}))+"."+p)),
		f.encoded("payload in the standard alphabet", f.signed(h+"."+standard(f.payload(Claims{"x": other})))),
	}
	good := f.token()
	if dot := lastDot(good); (len(good)-dot-1)%4 != 0 {
		out = append(out, f.encoded("signature, spare bits set", good[:dot+1]+spare(good[dot+1:])))
	}
	for n := 0; !strings.ContainsAny(good[lastDot(good):], "-_"); n++ { // a token is the same again where its claims are
		good = f.token(Claims{"jti": strconv.Itoa(n)})
	}
	dot := lastDot(good)
	return append(out, f.encoded("signature in the standard alphabet", good[:dot]+strings.NewReplacer("-", "+", "_", "/").Replace(good[dot:])))
}

// roomy is the text with a space at the end if its encoding has no spare bits.
func roomy(text string) string { return text + strings.Repeat(" ", (3-len(text)%3)/3) }

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// spare sets the last of the bits that the last character has too many.
func spare(part string) string {
	last := len(part) - 1
	return part[:last] + string(alphabet[strings.IndexByte(alphabet, part[last])|1])
}

// standard is text in the alphabet with plus and slash, without padding, after as many spaces as bring one of the two.
func standard(text string) string {
	s := ""
	for n := 0; n < 3 && !strings.ContainsAny(s, "+/"); n++ {
		s = base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", n) + text))
	}
	return s
}

// encrypted: five parts, whatever they hold.
func (f *forger) encrypted() []forged {
	part := func(n int) string { return encode(strings.Repeat("x", n)) }
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

const (
	holeText      = "JSON is read leniently: two readers see two tokens (RFC 8725 section 2.4, RFC 8259 section 8.1)"
	holeDuplicate = "a member may occur twice (RFC 7519 section 4, RFC 7515 section 4)"
	holeFolded    = "names are compared without case, or by the look of them (RFC 7519 section 7.3, CVE-2026-27896)"
)

var textTricks = []trick{
	{"a byte order mark before", func(s string) string { return "\xef\xbb\xbf" + s }},
	{"in UTF-16, little-endian", func(s string) string { return wideText(s, binary.LittleEndian, false) }},
	{"in UTF-16, big-endian", func(s string) string { return wideText(s, binary.BigEndian, false) }},
	{"in UTF-16 with a mark", func(s string) string { return wideText(s, binary.LittleEndian, true) }},
	{"an invalid byte in a value", member(`"x":"` + "\xff" + `"`)},
	{"an invalid byte in a name", member(`"` + "\xc3" + `":1`)},
	{"an overlong character", member(`"x":"` + "\xc0\xaf" + `"`)},
	{"an encoded surrogate", member(`"x":"` + "\xed\xa0\x80" + `"`)},
	{"half a surrogate pair", member(`"x":"\ud800"`)},
	{"a control character in a string", member(`"x":"` + "\x01" + `"`)},
	{"an escape that is none", member(`"x":"\q"`)},
	{"a comma at the end", func(s string) string { return strings.TrimSuffix(s, "}") + ",}" }},
	{"a comment in it", func(s string) string { return strings.Replace(s, "{", "{/* x */", 1) }},
	{"in single quotes", func(s string) string { return strings.ReplaceAll(s, `"`, `'`) }},
	{"a name without quotes", member(`x:1`)},
	{"a number with a zero before", member(`"x":01`)},
	{"a number that is none", member(`"x":NaN`)},
	{"a hexadecimal number", member(`"x":0x1`)},
	{"a second object behind", func(s string) string { return s + "{}" }},
	{"garbage behind", func(s string) string { return s + "x" }},
	{"a NUL behind", func(s string) string { return s + "\x00" }},
	{"cut short", func(s string) string { return strings.TrimSuffix(s, "}") }},
	{"in an array", func(s string) string { return "[" + s + "]" }},
	{"in a string", strconv.Quote},
	{"null", func(string) string { return "null" }},
	{"a number", func(string) string { return "1" }},
	{"blank", func(string) string { return " " }},
}

// texts: header and payload that are not JSON objects in UTF-8.
func (f *forger) texts() (out []forged) {
	header, payload := f.header(nil), f.payload(nil)
	for _, row := range textTricks {
		out = append(out,
			f.minted("header: "+row.name, reason.Malformed, holeText, WithRawHeader(row.change(header))),
			f.minted("payload: "+row.name, reason.Malformed, holeText, WithRawPayload(row.change(payload))))
	}
	return out
}

// member puts the text of one more member first.
func member(text string) func(string) string {
	return func(s string) string { return strings.Replace(s, "{", "{"+text+",", 1) }
}

// wideText is s in UTF-16.
func wideText(s string, order binary.AppendByteOrder, mark bool) string {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var text []byte
	for _, u := range units {
		text = order.AppendUint16(text, u)
	}
	return string(text)
}

// duplicates: two members of one name. Whether the first or the last counts,
// one of each pair gets through a reader that picks.
func (f *forger) duplicates() (out []forged) {
	header, payload := f.header(nil), f.payload(nil)
	alg, kid := strconv.Quote(f.alg), strconv.Quote(f.key.id)
	head := func(name, text string) {
		out = append(out, f.minted("header: "+name, reason.Malformed, holeDuplicate, WithRawHeader(text)))
	}
	head("alg twice, none first", member(`"alg":"none"`)(header))
	head("alg twice, none last", strings.TrimSuffix(header, "}")+`,"alg":"none"}`)
	head("alg twice, both right", member(`"alg":`+alg)(header))
	head("alg twice, one of them escaped", member(`"\u0061lg":"none"`)(header))
	head("typ twice", member(`"typ":"logout+jwt"`)(header))
	head("a member within a member twice", member(`"x":{"y":1,"y":2}`)(header))
	twice := WithRawHeader(`{"typ":"at+jwt","alg":` + alg + `,"kid":` + kid + `,"kid":"attacker"}`)
	out = append(out, forged{"header: kid twice", Forgery{f.impostor(twice), reason.Malformed, holeDuplicate}})

	pay := func(name, first, last string) {
		text := payload
		if first != "" {
			text = member(first)(text)
		}
		if last != "" {
			text = strings.TrimSuffix(text, "}") + "," + last + "}"
		}
		out = append(out, f.minted("payload: "+name, reason.Malformed, holeDuplicate, WithRawPayload(text)))
	}
	for _, m := range []struct{ name, text string }{
		{"aud", `"aud":"api://other"`},
		{"iss", `"iss":"https://other.example"`},
		{"exp", `"exp":1`},
		{"sub", `"sub":"admin"`},
		{"scope", `"scope":"a","scope":"admin"`},
	} {
		pay(m.name+" twice, the other one first", m.text, "")
		pay(m.name+" twice, the other one last", "", m.text)
	}
	pay("aud twice, one of them escaped", `"a\u0075d":"api://other"`, "")
	pay("a member within a member twice", `"realm_access":{"roles":["a"],"roles":["admin"]}`, "")
	pay("a member within an array twice", `"x":[{"y":1,"y":1}]`, "")
	return out
}

// lookalikes: members whose names a sloppy reader takes for others.
func (f *forger) lookalikes() []forged {
	aud, iss := f.claims["aud"], f.iss.name
	past := f.now.Add(-time10)
	exp := f.claims["exp"]
	return []forged{
		f.minted("names: ALG instead of alg", reason.UnsupportedAlg, holeFolded, Header{"alg": nil, "ALG": f.alg}),
		f.minted("names: ALG beside an alg of none", reason.UnsupportedAlg, holeFolded, Header{"alg": "none", "ALG": f.alg}),
		f.minted("names: Typ beside a typ of another kind", reason.UnsupportedType, holeFolded, Header{"typ": "logout+jwt", "Typ": "at+jwt"}),
		f.minted("names: AUD instead of aud", reason.MissingClaim, holeFolded, Claims{"aud": nil, "AUD": aud}),
		f.minted("names: Aud beside another aud", reason.WrongAudience, holeFolded, Claims{"aud": "api://other", "Aud": aud}),
		f.minted("names: Exp beside an exp that has passed", reason.Expired, holeFolded, Claims{"exp": past, "Exp": exp}),
		f.minted("names: EXP instead of exp", reason.MissingClaim, holeFolded, Claims{"exp": nil, "EXP": exp}),
		f.minted("names: ISS beside another iss", reason.UnknownIssuer, holeFolded, Claims{"iss": "https://other.example", "ISS": iss}),
		f.minted("names: a long s in iss", reason.UnknownIssuer, holeFolded, Claims{"iss": "https://other.example", "i\u017f\u017f": iss}),
		f.minted("names: a Cyrillic a in aud", reason.WrongAudience, holeFolded, Claims{"aud": "api://other", "\u0430ud": aud}),
		f.minted("names: a fullwidth aud", reason.WrongAudience, holeFolded, Claims{"aud": "api://other", "\uff41\uff55\uff44": aud}),
		f.minted("names: a zero-width space in exp", reason.Expired, holeFolded, Claims{"exp": past, "exp\u200b": exp}),
		f.minted("names: a NUL behind exp", reason.Expired, holeFolded, Claims{"exp": past, "exp\x00": exp}),
		f.minted("names: a space behind aud", reason.WrongAudience, holeFolded, Claims{"aud": "api://other", "aud\x20": aud}),
		{"names: a Kelvin sign in kid", Forgery{f.impostor(Header{"\u212aid": f.key.id}), reason.UnknownKey, holeFolded}},
	}
}
