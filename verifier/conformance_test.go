package verifier_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// The rules that bind a resource server, by the numbers that this project gives
// them: here those of JOSE (RFC 7515, 7517, 7518, 7519, 8037, 8725). Each token
// goes through Verify, from the cache, without one, and through Explain.

// rules are tables by the rule that their rows keep.
type rules map[string]table

func (r rules) run(t *testing.T) {
	t.Helper()
	for name, rows := range r {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows.run(t)
		})
	}
}

func malformed(check string, token func(*world) string) row {
	detail := ""
	if check != "structure" {
		detail = check
	}
	return row{token: token, want: reason.Malformed, check: check, detail: detail}
}

func unsupportedAlg(token func(*world) string) row {
	return row{token: token, want: reason.UnsupportedAlg, check: "algorithm", detail: foreign}
}

func critical(header jwkstest.Header) row {
	return row{token: with(header), want: reason.CriticalHeader, check: "critical", detail: "the header has crit or b64, which no access token needs"}
}

func otherType(header jwkstest.Header) row {
	return row{token: with(header), want: reason.UnsupportedType, check: "type", detail: "typ is of another kind of token: see Types"}
}

func malformedClaim(name string, value any) row {
	return row{token: having(jwkstest.Claims{name: value}), want: reason.MalformedClaims, check: "claims"}
}

func rawPayload(text string) func(*world) string { return with(jwkstest.WithRawPayload(text)) }

func TestConformanceOfEncodings(t *testing.T) {
	t.Parallel()
	// recoded changes the text of one part and signs what came out, so that
	// nothing but the encoding is wrong.
	recoded := func(part string, change func(string) string) row {
		return malformed(part, func(w *world) string {
			header, payload, signature := parts(w.Token(jwkstest.Claims{"x": "???>>>~~~"}, jwkstest.Header{"x": "???>>>~~~"}))
			switch part {
			case "header":
				return w.Sign(change(header) + "." + payload)
			case "payload":
				return w.Sign(header + "." + change(payload))
			default:
				return header + "." + payload + "." + change(signature)
			}
		})
	}
	encodings := table{}
	for _, part := range []string{"header", "payload", "signature"} {
		for name, change := range map[string]func(string) string{
			"padding":          func(s string) string { return s + strings.Repeat("=", 4-len(s)%4) },
			"a space":          func(s string) string { return s[:4] + " " + s[4:] },
			"CR":               func(s string) string { return s[:4] + "\r" + s[4:] },
			"LF at the end":    func(s string) string { return s + "\n" },
			"CR LF":            func(s string) string { return s[:8] + "\r\n" + s[8:] },
			"a plus":           func(s string) string { return "+" + s[1:] },
			"a slash":          func(s string) string { return s[:1] + "/" + s[2:] },
			"a length of 4n+1": func(s string) string { return s + strings.Repeat("A", (5-len(s)%4)%4) },
		} {
			encodings[name+" in the "+part+" fails"] = recoded(part, change)
		}
	}
	encodings["the standard alphabet fails"] = malformed("payload", func(w *world) string {
		header, payload, _ := parts(w.Token(jwkstest.Claims{"x": "???>>>~~~???"}))
		return w.Sign(header + "." + strings.NewReplacer("-", "+", "_", "/").Replace(payload))
	})
	encodings["spare bits that are not zero fail"] = malformed("signature", func(w *world) string {
		token := w.Token() // 64 bytes leave four spare bits in the last character
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, token[len(token)-1])
		return token[:len(token)-1] + alphabet[last|1:][:1]
	})

	flattened := func(w *world) string {
		header, payload, signature := parts(w.Token())
		return `{"protected":"` + header + `","payload":"` + payload + `","signature":"` + signature + `"}`
	}
	general := func(w *world) string {
		header, payload, signature := parts(w.Token())
		return `{"payload":"` + payload + `","signatures":[{"protected":"` + header + `","signature":"` + signature + `"}]}`
	}
	in := func(insert string) func(*world) string {
		return func(w *world) string { token := w.Token(); return token[:2] + insert + token[2:] }
	}
	rules{
		"16 base64url is strict": encodings,
		"17 only base64url and dots, compact alone": {
			"flattened JSON fails":       malformed("structure", flattened),
			"general JSON fails":         malformed("structure", general),
			"NUL fails":                  malformed("header", in("\x00")),
			"a tilde fails":              malformed("header", in("~")),
			"a percent escape fails":     malformed("header", in("%41")),
			"a letter with accent fails": malformed("header", in("é")),
			"a dot too many fails":       malformed("structure", in(".")),
			"nothing but dots fails":     malformed("structure", text("..")),
		},
		"18 a header that is no object fails": {
			"an array":           malformed("header", with(jwkstest.WithRawHeader(`[{"alg":"ES256"}]`))),
			"a string":           malformed("header", with(jwkstest.WithRawHeader(`"ES256"`))),
			"a number":           malformed("header", with(jwkstest.WithRawHeader(`7`))),
			"null":               malformed("header", with(jwkstest.WithRawHeader(`null`))),
			"white space":        malformed("header", with(jwkstest.WithRawHeader(` `))),
			"something after it": malformed("header", with(jwkstest.WithRawHeader(`{"alg":"ES256","kid":"key-1"}{}`))),
			"cut off":            malformed("header", with(jwkstest.WithRawHeader(`{"alg":"ES256"`))),
			"alg as null":        malformed("header", with(jwkstest.WithRawHeader(`{"alg":null}`))),
			"kid as a number":    malformed("header", with(jwkstest.WithRawHeader(`{"alg":"ES256","kid":1}`))),
		},
		"19 members are exact and there once": {
			"a header member twice":         malformed("header", with(jwkstest.WithRawHeader(`{"alg":"ES256","kid":"key-1","alg":"none"}`))),
			"the same one twice":            malformed("header", with(jwkstest.WithRawHeader(`{"alg":"ES256","kid":"key-1","alg":"ES256"}`))),
			"one of them escaped":           malformed("header", with(jwkstest.WithRawHeader(`{"alg":"ES256","kid":"key-1","a\u006cg":"ES256"}`))),
			"a claim twice":                 malformed("payload", rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","aud":"x"}`)),
			"a member twice within a claim": malformed("payload", rawPayload(`{"iss":"https://issuer.example/","a":{"b":[{"c":1,"c":2}]}}`)),
			"ALG is not alg":                unsupportedAlg(with(jwkstest.WithRawHeader(`{"ALG":"ES256","kid":"key-1"}`))),
			"EXP is not exp": {
				token: rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","EXP":1795176000}`),
				want:  reason.MissingClaim, check: "required", detail: "exp",
			},
			"Iss is not iss": {token: rawPayload(`{"Iss":"https://issuer.example/"}`), want: reason.MissingClaim, check: "issuer", detail: "iss"},
			"an escaped name is the name": {token: func(w *world) string {
				return w.Token(jwkstest.WithRawHeader(`{"\u0061lg":"ES256","kid":"key-1"}`))
			}},
		},
		"31 an encrypted token is refused undecoded": {
			"five parts":               malformed("structure", text("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d")),
			"five parts, no key":       malformed("structure", text("eyJhbGciOiJkaXIifQ..b.c.d")),
			"a megabyte of them":       {token: text(strings.Repeat("A", 1<<20) + ".a.b.c.d"), want: reason.TooLarge, check: "size", detail: "more than 8192 bytes: raise MaxTokenBytes if such tokens are meant to pass"},
			"a signed one in two more": malformed("structure", func(w *world) string { return w.Token() + ".c.d" }),
		},
		"32 JSON is UTF-8": {
			"a payload in UTF-16":            malformed("payload", func(w *world) string { return reencoded(w, toUTF16) }),
			"a payload after a BOM":          malformed("payload", func(w *world) string { return reencoded(w, func(s string) string { return "\uFEFF" + s }) }),
			"invalid bytes in a claim":       malformed("payload", rawPayload("{\"iss\":\"https://issuer.example/\",\"x\":\"\xff\"}")),
			"invalid bytes in a name":        malformed("payload", rawPayload("{\"iss\":\"https://issuer.example/\",\"\xc3\x28\":1}")),
			"half a surrogate pair":          malformed("payload", rawPayload(`{"iss":"https://issuer.example/","x":"\ud800"}`)),
			"a header after a BOM":           malformed("header", with(jwkstest.WithRawHeader("\uFEFF"+`{"alg":"ES256","kid":"key-1"}`))),
			"invalid bytes in the header":    malformed("header", with(jwkstest.WithRawHeader("{\"alg\":\"ES256\",\"kid\":\"key-1\xff\"}"))),
			"every other letter may be used": {token: having(jwkstest.Claims{"name": "Ærlig Ångström 株式会社 🗝"})},
		},
	}.run(t)
}

// reencoded signs the plain payload after its text was changed.
func reencoded(w *world, change func(string) string) string {
	_, payload, _ := parts(w.Token())
	return w.Token(jwkstest.WithRawPayload(change(string(decode(payload)))))
}

func toUTF16(s string) string {
	var b bytes.Buffer
	for _, unit := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(unit >> 8))
		b.WriteByte(byte(unit))
	}
	return b.String()
}

func TestConformanceOfHeaders(t *testing.T) {
	t.Parallel()
	none := table{}
	for _, spelling := range []string{"none", "None", "NONE", "nOnE", "none ", ""} {
		header := jwkstest.Header{"alg": spelling}
		none["signed "+spelling] = unsupportedAlg(with(header))
		none["unsigned "+spelling] = malformed("structure", func(w *world) string {
			header, payload, _ := parts(w.Token(header))
			return header + "." + payload + "."
		})
		none["half signed "+spelling] = unsupportedAlg(func(w *world) string {
			header, payload, _ := parts(w.Token(header))
			return header + "." + payload + ".AA"
		})
	}
	kids := table{}
	for _, kid := range []string{"../../../../dev/null", "/etc/passwd", "' OR '1'='1", "key-1'; DROP TABLE keys;--", "http://127.0.0.1/key", "key-1\x00", "KEY-1", " key-1", "${jndi:ldap://x}"} {
		kids[kid] = row{token: with(jwkstest.Header{"kid": kid}), want: reason.UnknownKey, check: "key", detail: noSuchKey, kid: quote(kid)}
	}
	rules{
		"20 alg is required and case-sensitive": {
			"absent":           unsupportedAlg(with(jwkstest.Header{"alg": nil})),
			"in small letters": unsupportedAlg(with(jwkstest.Header{"alg": "es256"})),
			"with a space":     unsupportedAlg(with(jwkstest.Header{"alg": "ES256 "})),
			"a family":         unsupportedAlg(with(jwkstest.Header{"alg": "ES"})),
		},
		"21 crit is refused whatever it lists": {
			"an empty list":               critical(jwkstest.Header{"crit": []string{}}),
			"a member that is registered": critical(jwkstest.Header{"crit": []string{"exp"}, "exp": 1}),
			"a member that is not there":  critical(jwkstest.Header{"crit": []string{"x"}}),
			"b64, there":                  critical(jwkstest.Header{"crit": []string{"b64"}, "b64": false}),
			"a string":                    critical(jwkstest.Header{"crit": "alg"}),
			"null":                        critical(jwkstest.Header{"crit": null}),
			"a member of its own, there":  critical(jwkstest.Header{"crit": []string{"urn:x"}, "urn:x": true}),
			"the same member twice":       critical(jwkstest.Header{"crit": []string{"x", "x"}, "x": 1}),
			"CRIT is nobody's business":   {token: with(jwkstest.Header{"CRIT": []string{"x"}})},
		},
		"22 b64 is refused": {
			"false":                      critical(jwkstest.Header{"b64": false}),
			"true":                       critical(jwkstest.Header{"b64": true}),
			"null":                       critical(jwkstest.Header{"b64": null}),
			"with a payload not encoded": critical(jwkstest.Header{"b64": false, "crit": []string{"b64"}}),
		},
		"23 none is refused in every spelling":               none,
		"30 a kid shaped like a path or SQL is a plain miss": kids,
		"37 cty is refused": {
			"JWT":              {token: with(jwkstest.Header{"cty": "JWT"}), want: reason.UnsupportedType, check: "type", detail: "the header has a cty: nested tokens are not accepted"},
			"in small letters": {token: with(jwkstest.Header{"cty": "jwt"}), want: reason.UnsupportedType, check: "type", detail: "the header has a cty: nested tokens are not accepted"},
			"anything":         {token: with(jwkstest.Header{"cty": "application/json"}), want: reason.UnsupportedType, check: "type", detail: "the header has a cty: nested tokens are not accepted"},
		},
	}.run(t)
}

func quote(kid string) string {
	return `"` + strings.NewReplacer("\x00", `\x00`).Replace(kid) + `"`
}
