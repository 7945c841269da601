package verifier_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
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

func TestConformanceOfKeys(t *testing.T) {
	t.Parallel()
	badSignature := func(token func(*world) string) row {
		return row{token: token, want: reason.BadSignature, check: "signature", kid: `"key-1"`}
	}
	rewritten := func(change func(r, s *big.Int, raw []byte) []byte) func(*world) string {
		return func(w *world) string {
			token := w.Token()
			_, _, signature := parts(token)
			raw := decode(signature)
			half := len(raw) / 2
			return resigned(token, change(new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:]), raw))
		}
	}
	lengths := table{
		"DER fails": badSignature(rewritten(func(r, s *big.Int, _ []byte) []byte {
			der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
			if err != nil {
				panic(err)
			}
			return der
		})),
		"halves with a zero more fail": badSignature(rewritten(func(_, _ *big.Int, raw []byte) []byte {
			return append(append([]byte{0}, raw[:32]...), append([]byte{0}, raw[32:]...)...)
		})),
		"a byte more fails": badSignature(rewritten(func(_, _ *big.Int, raw []byte) []byte { return append(raw, 0) })),
		"a byte less fails": badSignature(rewritten(func(_, _ *big.Int, raw []byte) []byte { return raw[:63] })),
		"zeros fail":        badSignature(rewritten(func(_, _ *big.Int, _ []byte) []byte { return make([]byte, 64) })),
		"P-256 with ES384": {
			setup: algorithms("ES256", "ES384"), token: with(jwkstest.Header{"alg": "ES384"}),
			want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-1"`,
		},
		"P-256 published for ES384 is no key": {
			setup: algorithms("ES256", "ES384"),
			token: signedBy("ES256", jwkstest.JWK{"alg": "ES384"}),
			want:  reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-2"`,
		},
	}
	for alg, n := range map[string]int{"ES256": 64, "ES384": 96, "ES512": 132} {
		lengths[alg] = row{setup: algorithms(alg), token: func(w *world) string {
			token := w.Token(jwkstest.WithAlgorithm(alg))
			_, _, signature := parts(token)
			if len(decode(signature)) != n {
				panic("a signature of another length")
			}
			return token
		}}
	}
	weak := func(w *world) string {
		private, err := rsa.GenerateKey(rand.Reader, 1024) //nolint:gosec // too weak on purpose
		if err != nil {
			panic(err)
		}
		w.Publish(w.KeyFrom("RS256", private))
		return w.Token(jwkstest.WithAlgorithm("RS256"))
	}
	unusable := func(token func(*world) string) row {
		return row{token: token, want: reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-2"`}
	}
	rules{
		"24 RSA of less than 2048 bits is no key":      {"1024 bits": unusable(weak)},
		"25 an ECDSA signature has exactly its length": lengths,
		"26 use, key_ops and alg of the JWK are honoured": {
			"use enc":           unusable(signedBy("ES256", jwkstest.JWK{"use": "enc"})),
			"key_ops sign":      unusable(signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{"sign"}})),
			"key_ops none":      unusable(signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{}})),
			"alg of a stranger": unusable(signedBy("ES256", jwkstest.JWK{"alg": "ECDH-ES"})),
			"key_ops verify":    {token: signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{"sign", "verify"}})},
			"nothing said":      {token: signedBy("ES256", jwkstest.JWK{"use": nil, "alg": nil})},
			"alg of another RSA": {
				setup: algorithms("RS256", "PS256"),
				token: func(w *world) string {
					w.Publish(w.NewKey("RS256", jwkstest.JWK{"alg": "PS256"}))
					return w.Token(jwkstest.WithAlgorithm("RS256"))
				},
				want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
			},
			"a private key that is published": unusable(signedBy("ES256", jwkstest.JWK{"d": "AAAA"})),
		},
		"27 an unknown kty does not break the set": {
			"its own tokens": unusable(signedBy("ES256", jwkstest.JWK{"kty": "AKP"})),
			"those of others": {setup: func(w *world) {
				w.Publish(w.NewKey("EdDSA", jwkstest.JWK{"kty": "AKP"}), w.NewKey("ES256", jwkstest.JWK{"crv": "secp256k1"}), w.NewKey("HS256"))
			}},
		},
		"28 an algorithm is bound to the issuer and to the key": {
			"the allowlist": {setup: algorithms("RS256"), want: reason.UnsupportedAlg, check: "algorithm", detail: foreign},
			"RS256 to HS256, and HS256 is not allowed": unsupportedAlg(confused),
			"RS256 to HS256, though it is": {
				setup: algorithms("RS256", "HS256"), token: confused,
				want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
			},
			"PS256 on an RS256 key": {
				token: func(w *world) string {
					key := w.NewKey("RS256")
					w.Publish(key)
					return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm("PS256"), jwkstest.Header{"alg": "PS256"})
				},
				want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
			},
		},
	}.run(t)

	t.Run("24 an HMAC secret is at least as long as its hash", func(t *testing.T) {
		t.Parallel()
		for alg, n := range map[string]int{"HS256": 32, "HS384": 48, "HS512": 64} {
			_, err := jwks.NewSecret("k", alg, make([]byte, n-1))
			assert.Error(t, err, alg)
			_, err = jwks.NewSecret("k", alg, make([]byte, n))
			assert.NoError(t, err, alg)
		}
	})
}

// signedBy publishes another key, with these members, and signs with it.
func signedBy(alg string, members jwkstest.JWK) func(*world) string {
	return func(w *world) string {
		key := w.NewKey(alg, members)
		w.Publish(key)
		return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm(alg))
	}
}

// confused is signed by HMAC, with the text of the public RSA key as the secret.
func confused(w *world) string {
	key := w.NewKey("RS256")
	w.Publish(key)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	header := encode(`{"alg":"HS256","typ":"at+jwt","kid":"` + key.ID() + `"}`)
	_, payload, _ := parts(w.Token())
	return header + "." + payload + "." + hmac256(public, header+"."+payload)
}

func TestConformanceOfHeadersThatPointAtKeys(t *testing.T) {
	t.Parallel()
	t.Run("29 jwk, jku, x5u and x5c are never trusted", func(t *testing.T) {
		t.Parallel()
		w := onSocket(t) // which would hear whoever follows an address
		w.issuer().Keys = w.fetcher(t)
		v := w.verifier(t)
		_, got := verify(t, v, w.Token())
		require.Empty(t, got)
		fetches := w.Fetches()

		attacker := w.NewKey("ES256", jwkstest.JWK{"kid": "key-1"})
		address := w.URL() + "/attacker.json"
		for name, header := range map[string]jwkstest.Header{
			"jwk":     {"jwk": attacker.JWK()},
			"jku":     {"jku": address},
			"x5u":     {"x5u": address},
			"x5c":     {"x5c": []string{base64.StdEncoding.EncodeToString([]byte("certificate"))}},
			"all":     {"jwk": attacker.JWK(), "jku": address, "x5u": address, "x5c": []string{"AAAA"}},
			"garbage": {"jwk": 7, "jku": []int{1}, "x5u": "::", "x5c": "x"},
		} {
			forged := w.Token(jwkstest.WithKey(attacker), header)
			_, got := verify(t, v, forged)
			assert.Equal(t, reason.BadSignature, got, name)
			assert.Equal(t, reason.BadSignature, v.Explain(t.Context(), forged).Reason, name)
			_, got = verify(t, v, w.Token(header))
			assert.Empty(t, got, "%s beside a good signature changes nothing", name)
		}
		assert.Zero(t, w.Strays(), "nothing that a header points at is asked for")
		assert.Equal(t, fetches, w.Fetches())
	})
}
