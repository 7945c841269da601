package jwkstest

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeText      = "JSON is read leniently: two readers see two tokens (RFC 8725 section 2.4, RFC 8259 section 8.1)"
	holeDuplicate = "a member may occur twice (RFC 7519 section 4, RFC 7515 section 4)"
	holeFolded    = "names are compared without case, or by the look of them (RFC 7519 section 7.3, CVE-2026-27896)"
)

// texts: header and payload that are not JSON objects in UTF-8.
func (f *forger) texts() (out []forged) {
	header, payload := f.header(nil), f.payload(nil)
	for _, row := range []struct {
		name   string
		change func(string) string
	}{
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
	} {
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
	thief := func(text string) string {
		input := encode(text) + "." + encode(payload)
		sig, err := f.attacker().sign(f.alg, []byte(input))
		if err != nil {
			f.iss.fail("%v", err)
		}
		return input + "." + encode(string(sig))
	}
	head := func(name, text string) {
		out = append(out, forged{"header: " + name, Forgery{f.iss.Sign(encode(text)+"."+encode(payload), WithKey(f.key), WithAlgorithm(f.alg)), reason.Malformed, holeDuplicate}})
	}
	head("alg twice, none first", member(`"alg":"none"`)(header))
	head("alg twice, none last", strings.TrimSuffix(header, "}")+`,"alg":"none"}`)
	head("alg twice, both right", member(`"alg":`+alg)(header))
	head("alg twice, one of them escaped", member(`"\u0061lg":"none"`)(header))
	head("typ twice", member(`"typ":"logout+jwt"`)(header))
	head("a member within a member twice", member(`"x":{"y":1,"y":2}`)(header))
	out = append(out, forged{"header: kid twice", Forgery{thief(`{"typ":"at+jwt","alg":` + alg + `,"kid":` + kid + `,"kid":"attacker"}`), reason.Malformed, holeDuplicate}})

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
		{"names: a Kelvin sign in kid", Forgery{
			f.impostor(Header{"\u212aid": f.key.id}), reason.UnknownKey, holeFolded,
		}},
	}
}
