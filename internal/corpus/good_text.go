package corpus

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// The text of the payload of a good token.
const payload = `{"iss":"https://issuer.example/","aud":"api://orders","sub":"test-client","client_id":"test-client","jti":"corpus","iat":1700000000,"exp":4102444800}`

func decoded(part string) []byte {
	data, _ := base64.RawURLEncoding.DecodeString(part) // of a token made here
	return data
}

func withPayload(text string) []jwkstest.TokenOption { return options(jwkstest.WithRawPayload(text)) }

// also is the payload with the text of more members.
func also(members string) []jwkstest.TokenOption {
	return withPayload(strings.TrimSuffix(payload, "}") + "," + members + "}")
}

// instead is the payload with another text in the place of one.
func instead(old, text string) []jwkstest.TokenOption {
	return withPayload(strings.Replace(payload, old, text, 1))
}

func goodHeaders() []row {
	const section, why = "RFC 7515 4", "a header that is not known is ignored"
	const free, freely = "RFC 8259 2", "white space and the order of members mean nothing"
	const escape, escaped = "RFC 8259 7", "a character that is escaped is that character"
	raw := func(text string) []jwkstest.TokenOption { return options(jwkstest.WithRawHeader(text)) }
	return []row{
		{"no kid", "RFC 7515 4.1.4", "kid may be absent, and one key fits", options(header{"kid": nil}), ""},
		{"a member that nobody knows", section, why, options(header{"x": "y"}), ""},
		{"an object that nobody knows", section, why, options(header{"x": map[string]any{"alg": "none", "crit": []int{1}}}), ""},
		{"a member of no name", section, why, options(header{"": 1}), ""},
		{"a nonce", section, why, options(header{"nonce": "n"}), ""},
		{"claims that are repeated", "RFC 7519 5.3", "claims may be repeated in the header", options(header{"iss": issuerName, "aud": audience, "sub": "test-client"}), ""},
		{"CRIT in capitals", section, "names have case, and this one is not known", options(header{"CRIT": []string{"x"}}), ""},
		{"ALG beside alg", section, "names have case, and this one is not known", options(header{"ALG": "none"}), ""},
		{"Typ beside typ", section, "names have case, and this one is not known", options(header{"Typ": "logout+jwt"}), ""},
		{"in another order", free, freely, raw(`{"kid":"test-rs256-1","alg":"RS256","typ":"at+jwt"}`), ""},
		{"spaces in it", free, freely, raw("{ \"alg\" : \"RS256\" ,\t\"typ\":\r\n\"at+jwt\",\n\"kid\":\"test-rs256-1\" }"), ""},
		{"spaces around it", free, freely, raw(" \n{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"test-rs256-1\"}\r\n "), ""},
		{"a name escaped", escape, escaped, raw(`{"\u0061lg":"RS256","typ":"at+jwt","kid":"test-rs256-1"}`), ""},
		{"a value escaped", escape, escaped, raw(`{"alg":"\u0052S256","typ":"at\u002bjwt","kid":"test\u002Drs256\u002D1"}`), ""},
		{"text beyond ASCII", "RFC 7515 3", "the header is UTF-8", options(header{"x": "Ærlig Ångström 株式会社 🗝"}), ""},
	}
}

func goodDates() []row {
	const section, why = "RFC 7519 2", "a date is a JSON number, however it is written, and may have a fraction"
	return []row{
		{"exp with a point and a zero", section, why, instead(`"exp":4102444800`, `"exp":4102444800.0`), ""},
		{"exp with a fraction", section, why, instead(`"exp":4102444800`, `"exp":4102444800.5`), ""},
		{"exp with many digits", section, why, instead(`"exp":4102444800`, `"exp":4102444800.123456789012345`), ""},
		{"exp with an exponent", section, why, instead(`"exp":4102444800`, `"exp":4.1024448e9`), ""},
		{"exp with an exponent in capitals", section, why, instead(`"exp":4102444800`, `"exp":41024448E+2`), ""},
		{"iat with a fraction", section, why, instead(`"iat":1700000000`, `"iat":1700000000.999`), ""},
		{"iat with an exponent", section, why, instead(`"iat":1700000000`, `"iat":17e8`), ""},
		{"iat zero", section, why, instead(`"iat":1700000000`, `"iat":0`), ""},
		{"nbf that has passed", "RFC 7519 4.1.5", "the token is good by now", also(`"nbf":1700000000`), ""},
		{"nbf with a fraction", section, why, also(`"nbf":1700000000.25`), ""},
		{"nbf zero", section, why, also(`"nbf":0`), ""},
		{"no iat", "RFC 7519 4.1.6", "iat may be absent", options(header{"typ": "JWT"}, claim{"iat": nil}), ""},
		{"all three the same but exp", "RFC 7519 4.1.5", "the token is good by now", also(`"nbf":1700000000,"auth_time":1700000000`), ""},
	}
}

func goodTexts() []row {
	const free, freely = "RFC 8259 2", "white space and the order of members mean nothing"
	const escape, escaped = "RFC 8259 7", "a character that is escaped is that character"
	const text, every = "RFC 8259 8.1", "a string may hold every character of Unicode"
	var indented strings.Builder
	encoder := json.NewEncoder(&indented)
	encoder.SetIndent("", "\t")
	_ = encoder.Encode(json.RawMessage(payload)) // a constant
	return []row{
		{"in lines", free, freely, withPayload(indented.String()), ""},
		{"with CR LF", free, freely, withPayload(strings.ReplaceAll(indented.String(), "\n", "\r\n")), ""},
		{"spaces around it", free, freely, withPayload("\t " + payload + "\n "), ""},
		{"exp before iss", free, freely, withPayload(`{"exp":4102444800,` + strings.Replace(payload[1:], `,"exp":4102444800`, "", 1)), ""},
		{"a name escaped", escape, escaped, instead(`"aud"`, `"\u0061\u0075\u0064"`), ""},
		{"a slash escaped", escape, escaped, instead(`"https://issuer.example/"`, `"https:\/\/issuer.example\/"`), ""},
		{"a value escaped", escape, escaped, instead(`"api://orders"`, `"\u0061pi\u003A//orders"`), ""},
		{"every escape there is", escape, escaped, also(`"x":"\"\\\/\b\f\n\r\t\u00e9"`), ""},
		{"a pair of surrogates escaped", escape, escaped, also(`"x":"\ud83d\udddd\uFE0F"`), ""},
		{"a NUL escaped", escape, escaped, also(`"x":"a\u0000b"`), ""},
		{"other scripts", text, every, also(`"name":"Ærlig Ångström 株式会社 🗝","имя":"x"`), ""},
		{"line separators", text, every, also("\"x\":\"a\u2028b\u2029c\""), ""},
		{"a byte order mark within a string", text, every, also("\"x\":\"\ufeffa\""), ""},
		{"a DEL in a string", text, every, also("\"x\":\"a\x7fb\""), ""},
		{"a character that is not assigned", text, every, also("\"x\":\"\U000e0fff\uffff\""), ""},
		{"a name twice in two objects", "RFC 8259 4", "names are unique within an object", also(`"a":{"x":1},"b":{"x":2},"x":[{"x":1},{"x":2}]`), ""},
		{"nested thirty deep", "RFC 8259 9", "thirty levels are few", also(`"x":` + strings.Repeat("[", 30) + strings.Repeat("]", 30)), ""},
	}
}

func goodClaims() []row {
	const section, why = "RFC 7519 4", "a claim that is not known is ignored"
	return []row{
		{"the fewest that there can be", "RFC 7519 4.1", "no claim is required but for those that the API asks for", options(header{"typ": nil}, jwkstest.WithRawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","exp":4102444800}`)), ""},
		{"no sub", "RFC 7519 4.1.2", "sub may be absent", options(header{"typ": "JWT"}, claim{"sub": nil}), ""},
		{"no jti", "RFC 7519 4.1.7", "jti may be absent", options(header{"typ": "JWT"}, claim{"jti": nil}), ""},
		{"no client_id", section, why, options(header{"typ": "JWT"}, claim{"client_id": nil}), ""},
		{"a sub that is a URI", "RFC 7519 4.1.2", "sub may be a URI", options(claim{"sub": "urn:uuid:00000000-0000-0000-0000-000000000000"}), ""},
		{"a scope", "RFC 9068 2.2.3", "scope is a string", options(claim{"scope": "orders.read orders.write"}), ""},
		{"roles and groups", "RFC 9068 2.2.3.1", "these are arrays", options(claim{"roles": []string{"a", "b"}, "groups": []string{}, "entitlements": []string{"c"}}), ""},
		{"null", section, why, also(`"x":null`), ""},
		{"booleans", section, why, also(`"x":true,"y":false`), ""},
		{"numbers beyond 64 bits", section, why, also(`"x":123456789012345678901234567890,"y":-0,"z":1.5e300`), ""},
		{"empty containers", section, why, also(`"x":{},"y":[],"z":[{}],"w":""`), ""},
		{"another token as a claim", section, why, also(`"x":"eyJhbGciOiJub25lIn0.e30."`), ""},
		{"a claim of 3 kB", section, why, options(claim{"groups": strings.Repeat("0123456789abcdef ", 192)}), ""},
		{"an act of another party", "RFC 8693 4.1", "act is for the application", options(claim{"act": map[string]any{"sub": "admin", "aud": "api://other"}}), ""},
	}
}

func goodNames() []row {
	const section, why = "RFC 7519 7.3", "names are compared character by character, and this one is not known"
	return []row{
		{"AUD beside aud", section, why, also(`"AUD":"api://other"`), ""},
		{"Exp beside exp", section, why, also(`"Exp":1`), ""},
		{"ISS before iss", section, why, withPayload(`{"ISS":"https://other.example/",` + payload[1:]), ""},
		{"NBF to come", section, why, also(`"NBF":3786912000`), ""},
		{"a long s in iss", section, why, also("\"i\u017f\u017f\":\"https://other.example/\""), ""},
		{"a NUL behind exp", section, why, also(`"exp\u0000":1`), ""},
		{"a space behind aud", section, why, also(`"aud ":"api://other"`), ""},
		{"an empty name", section, why, also(`"":"x"`), ""},
		{"dots and slashes", section, why, also(`"a.b/c~d":1,"https://api.example/claims#x":["y"]`), ""},
		{"names that JavaScript knows", section, why, also(`"__proto__":{"aud":"api://other"},"constructor":{"prototype":1},"toString":"x","hasOwnProperty":1,"length":0`), ""},
		{"aud in an object", section, why, also(`"x":{"aud":"api://other","exp":1,"iss":"https://other.example/"}`), ""},
	}
}
