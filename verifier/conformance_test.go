package verifier_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

// The rules for a resource server, by the numbers that this project gives them:
// those of JOSE (RFC 7515, 7517, 7518, 8037), of claims (RFC 7519, 8725) and of
// access tokens (RFC 9068). Each token goes through Verify, with and without a
// cache, and through Explain.

func TestConformanceOfEncodings(t *testing.T) {
	t.Parallel()
	rules{
		"16 base64url is strict": { // in all other ways that it can be lax: the test kit's forgeries
			"padding in the header fails":    malformed("header", func(w *world) string { h, p, _ := parts(w.Token()); return w.Sign(h + "=." + p) }),
			"padding in the payload fails":   malformed("payload", func(w *world) string { h, p, _ := parts(w.Token()); return w.Sign(h + "." + p + "=") }),
			"padding in the signature fails": malformed("signature", func(w *world) string { return w.Token() + "=" }),
		},
		"17 only base64url and dots, compact alone": {
			"no token fails":           malformed("structure", text("")),
			"an opaque token fails":    malformed("structure", text("NgXCXRKcopaqueMz0Yjw=")),
			"two parts fail":           malformed("structure", text("e30.e30")),
			"four parts fail":          malformed("structure", text("e30.e30.e30.e30")),
			"an empty header fails":    malformed("structure", text(".e30.e30")),
			"an empty payload fails":   malformed("structure", text("e30..e30")),
			"an empty signature fails": malformed("structure", text("e30.e30.")),
			"the word Bearer fails":    malformed("header", func(w *world) string { return "Bearer " + w.Token() }),
			"flattened JSON fails":     malformed("structure", text(`{"protected":"e30","payload":"e30","signature":"AA"}`)),
		},
		"18 a header that is no object fails": {
			"a payload that is none": malformed("payload", rawPayload(`"iss"`)),
			"alg as a number":        malformed("header", with(jwkstest.Header{"alg": 256})),
			"an array":               malformed("header", rawHeader(`[{"alg":"ES256"}]`)),
			"null":                   malformed("header", rawHeader(`null`)),
		},
		"19 members are exact and there once": {
			"a header member twice":         malformed("header", rawHeader(`{"alg":"ES256","kid":"key-1","alg":"none"}`)),
			"a claim twice":                 malformed("payload", rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","aud":"x"}`)),
			"a member twice within a claim": malformed("payload", rawPayload(`{"iss":"https://issuer.example/","a":{"b":[{"c":1,"c":2}]}}`)),
			"ALG is not alg":                unsupportedAlg(rawHeader(`{"ALG":"ES256","kid":"key-1"}`)),
			"EXP is not exp":                missing("required", "exp").as(rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","EXP":1795176000}`)),
			"Iss is not iss":                missing("issuer", "iss").as(rawPayload(`{"Iss":"https://issuer.example/"}`)),
			"an escaped name is the name":   good(rawHeader(`{"\u0061lg":"ES256","kid":"key-1"}`)),
		},
		"31 an encrypted token is refused undecoded": {
			"five parts":               malformed("structure", text("eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d")),
			"a megabyte of them":       {token: text(strings.Repeat("A", 1<<20) + ".a.b.c.d"), want: reason.TooLarge, check: "size", detail: "more than 8192 bytes: raise MaxTokenBytes if such tokens are meant to pass"},
			"a signed one in two more": malformed("structure", func(w *world) string { return w.Token() + ".c.d" }),
		},
		"32 JSON is UTF-8": {
			"a payload in UTF-16":            malformed("payload", rawPayload("{\x00}\x00")),
			"a payload after a BOM":          malformed("payload", rawPayload("\uFEFF{}")),
			"invalid bytes in a claim":       malformed("payload", rawPayload("{\"iss\":\"https://issuer.example/\",\"x\":\"\xff\"}")),
			"a header after a BOM":           malformed("header", rawHeader("\uFEFF"+`{"alg":"ES256","kid":"key-1"}`)),
			"every other letter may be used": {token: having(jwkstest.Claims{"name": "Ærlig Ångström 株式会社 🗝"})},
		},
	}.run(t)
}

func TestConformanceOfHeaders(t *testing.T) {
	t.Parallel()
	critical := func(header jwkstest.Header) row {
		return row{token: with(header), want: reason.CriticalHeader, check: "critical", detail: "the header has crit or b64, which no access token needs"}
	}
	nested := func(cty string) row {
		return row{token: with(jwkstest.Header{"cty": cty}), want: reason.UnsupportedType, check: "type", detail: "the header has a cty: nested tokens are not accepted"}
	}
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
		kids[kid] = unknownKey(`"`+strings.ReplaceAll(kid, "\x00", `\x00`)+`"`, noSuchKey, with(jwkstest.Header{"kid": kid}))
	}
	rules{
		"20 alg is required and case-sensitive": {
			"absent":           unsupportedAlg(with(jwkstest.Header{"alg": nil})),
			"in small letters": unsupportedAlg(with(jwkstest.Header{"alg": "es256"})),
			"a family":         unsupportedAlg(with(jwkstest.Header{"alg": "ES"})),
		},
		"21 crit is refused whatever it lists": {
			"an empty list":                  critical(jwkstest.Header{"crit": []string{}}),
			"b64, there":                     critical(jwkstest.Header{"crit": []string{"b64"}, "b64": false}),
			"a string":                       critical(jwkstest.Header{"crit": "alg"}),
			"null":                           critical(jwkstest.Header{"crit": null}),
			"a member of its own, there":     critical(jwkstest.Header{"crit": []string{"urn:x"}, "urn:x": true}),
			"members that are not read pass": good(with(jwkstest.Header{"CRIT": []string{"x"}, "x5t": "thumb", "nonce": 1})),
		},
		"22 b64 is refused": {
			"false": critical(jwkstest.Header{"b64": false}),
			"true":  critical(jwkstest.Header{"b64": true}),
			"null":  critical(jwkstest.Header{"b64": null}),
		},
		"23 none is refused in every spelling":               none,
		"30 a kid shaped like a path or SQL is a plain miss": kids,
		"37 cty is refused":                                  {"JWT": nested("JWT"), "in small letters": nested("jwt"), "anything": nested("application/json")},
	}.run(t)
}

func TestConformanceOfKeys(t *testing.T) {
	t.Parallel()
	rewritten := func(change func(raw []byte) []byte) row {
		return badSignature(func(w *world) string {
			header, payload, signature := parts(w.Token())
			return header + "." + payload + "." + encode(string(change(decode(signature))))
		})
	}
	lengths := table{
		"a byte more fails":                   rewritten(func(raw []byte) []byte { return append(raw, 0) }),
		"a byte less fails":                   rewritten(func(raw []byte) []byte { return raw[:63] }),
		"zeros fail":                          rewritten(func([]byte) []byte { return make([]byte, 64) }),
		"P-256 with ES384":                    wrongKey(`"key-1"`, with(jwkstest.Header{"alg": "ES384"})).under(algorithms("ES256", "ES384")),
		"P-256 published for ES384 is no key": unusableKey(`"key-2"`, signedBy("ES256", jwkstest.JWK{"alg": "ES384"})).under(algorithms("ES256", "ES384")),
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
		w.Publish(w.KeyFrom("RS256", must(rsa.GenerateKey(rand.Reader, 1024))))
		return w.Token(jwkstest.WithAlgorithm("RS256"))
	}
	rsa256 := []jwkstest.Option{jwkstest.WithAlgorithm("RS256")}
	confused := func(w *world) string { // by HMAC, with the text of the public key as the secret
		for name, forgery := range w.Forgeries() {
			if name == "HS256: keyed with the public key as PKIX PEM" {
				return forgery.Token
			}
		}
		panic("the kit lacks that forgery")
	}
	unusable := func(token func(*world) string) row {
		return unusableKey(`"key-2"`, token)
	}
	rules{
		"24 91 RSA of less than 2048 bits is no key":   {"1024 bits": unusable(weak)},
		"25 an ECDSA signature has exactly its length": lengths,
		"26 use, key_ops and alg of the JWK are honoured": {
			"use enc":                         unusable(signedBy("ES256", jwkstest.JWK{"use": "enc"})),
			"key_ops sign":                    unusable(signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{"sign"}})),
			"key_ops none":                    unusable(signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{}})),
			"key_ops verify":                  {token: signedBy("ES256", jwkstest.JWK{"use": nil, "key_ops": []string{"sign", "verify"}})},
			"nothing said":                    {token: signedBy("ES256", jwkstest.JWK{"use": nil, "alg": nil})},
			"alg of another RSA":              wrongKey(`"key-2"`, signedBy("RS256", jwkstest.JWK{"alg": "PS256"})).under(algorithms("RS256", "PS256")),
			"a private key that is published": unusable(signedBy("ES256", jwkstest.JWK{"d": "AAAA"})),
		},
		"27 an unknown kty does not break the set": {
			"its own tokens": unusable(signedBy("ES256", jwkstest.JWK{"kty": "AKP"})),
			"those of others": {setup: func(w *world) {
				w.Publish(w.NewKey("EdDSA", jwkstest.JWK{"kty": "AKP"}), w.NewKey("ES256", jwkstest.JWK{"crv": "secp256k1"}), w.NewKey("HS256"))
			}},
		},
		"28 an algorithm is bound to the issuer and to the key": {
			"the allowlist": unsupportedAlg(nil).under(algorithms("RS256")),
			"RS256 to HS256, and HS256 is not allowed": {options: rsa256, token: confused, want: reason.UnsupportedAlg, check: "algorithm", detail: foreignAlg},
			"RS256 to HS256, though it is":             {options: rsa256, token: confused, want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-1"`, setup: algorithms("RS256", "HS256")},
			"PS256 on an RS256 key": wrongKey(`"key-2"`, func(w *world) string {
				key := w.NewKey("RS256")
				w.Publish(key)
				return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm("PS256"), jwkstest.Header{"alg": "PS256"})
			}).under(algorithms("RS256", "PS256")),
		},
	}.run(t)
}

func TestConformanceOfHeadersThatPointAtKeys(t *testing.T) {
	t.Parallel()
	t.Run("29 jwk, jku, x5u and x5c are never trusted", func(t *testing.T) {
		t.Parallel()
		w := onSocket(t) // which would see a fetch of an address
		w.issuer().Keys = w.fetcher(t)
		v := w.verifier(t)
		expect(t, v, w.Token(), "")
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
			expect(t, v, forged, reason.BadSignature, name)
			assert.Equal(t, reason.BadSignature, v.Explain(t.Context(), forged).Reason, name)
			expect(t, v, w.Token(header), "", "%s beside a good signature changes nothing", name)
		}
		assert.Zero(t, w.Strays(), "nothing that a header points at is asked for")
		assert.Equal(t, fetches, w.Fetches())
	})
}

func rfc9068(w *world) { w.cfg.Issuers[0] = w.cfg.Issuers[0].RFC9068() }

func TestConformanceOfClaims(t *testing.T) {
	t.Parallel()
	named := func(iss, aud string) func(*world) {
		return func(w *world) { w.issuer().Name, w.issuer().Audiences = iss, []string{aud} }
	}
	// exactly wants iss and aud as they are configured, and no other form of them.
	exactly := func(configured, other string) table {
		iss, aud := unknownIssuer(other), wrongAudience(other)
		iss.setup, aud.setup = named(configured, audience), named(issuerName, configured)
		return table{
			"as iss":             iss,
			"as aud":             aud,
			"the form itself is": {setup: named(configured, configured), token: having(jwkstest.Claims{"iss": configured, "aud": configured})},
		}
	}
	forms := table{}
	for name, pair := range map[string][2]string{
		"a slash more":                 {"https://a.example", "https://a.example/"},
		"a slash less":                 {"https://a.example/", "https://a.example"},
		"another case":                 {"https://a.example/Realm", "https://a.example/realm"},
		"a host in caps":               {"https://a.example/", "https://A.example/"},
		"a percent escape":             {"https://a.example/~r", "https://a.example/%7Er"},
		"a default port":               {"https://a.example/am", "https://a.example:443/am"},
		"and none":                     {"https://a.example:443/am", "https://a.example/am"},
		"dot segments":                 {"https://a.example/r", "https://a.example/./r"},
		"white space":                  {"https://a.example/", "https://a.example/ "},
		"a letter that looks the same": {"https://a.example/", "https://а.example/"}, //nolint:gosmopolitan // that is the point
	} {
		for where, r := range exactly(pair[0], pair[1]) {
			forms[name+" "+where] = r
		}
	}
	expired := row{want: reason.Expired, check: "expiry"}
	early := row{want: reason.NotYetValid, check: "not_before", detail: "nbf lies ahead: is a clock wrong?"}
	none := leeway(-1)
	hour, nbf := jwkstest.Claims{"exp": noon.Add(time.Hour), "nbf": noon}, jwkstest.Claims{"nbf": noon, "iat": nil}

	rules{
		"33 a NumericDate is a number": {
			"with a fraction":  {token: having(jwkstest.Claims{"exp": float64(noon.Unix()) + 3600.5, "iat": float64(noon.Unix()) - 0.25})},
			"with an exponent": {token: rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","exp":2.0e9}`)},
			"a string":         malformedClaim("exp", "1795176000"),
			"exp null":         malformedClaim("exp", null),
			"nbf null":         malformedClaim("nbf", null),
			"iat null":         malformedClaim("iat", null),
			"beyond a float":   {token: rawPayload(`{"iss":"https://issuer.example/","aud":"api://orders","exp":1e400}`), want: reason.MalformedClaims, check: "claims"},
		},
		"34 iss and aud are compared byte for byte": forms,
		"35 aud is a string or an array of strings": {
			"a string":              {token: having(jwkstest.Claims{"aud": audience})},
			"an array":              {token: having(jwkstest.Claims{"aud": []string{"x", audience}})},
			"an empty array":        emptyAudience,
			"null is absent":        missing("audience", "aud").as(having(jwkstest.Claims{"aud": null})),
			"an array of null":      malformedClaim("aud", []any{nil}),
			"a number":              malformedClaim("aud", 1),
			"a longer string":       wrongAudience(audience + "-archive"),
			"a shorter string":      wrongAudience(audience[:len(audience)-1]),
			"several in one string": wrongAudience("x " + audience),
		},
		"36 exp and nbf are exact": {
			"before exp":                  at(time.Hour-1, hour, row{setup: none}),
			"at exp":                      at(time.Hour, hour, expired.under(none)),
			"before exp and leeway":       at(time.Hour+30*time.Second-1, hour, row{}),
			"at exp and leeway":           at(time.Hour+30*time.Second, hour, expired),
			"at nbf":                      at(0, nbf, row{setup: none}),
			"before nbf":                  at(-1, nbf, early.under(none)),
			"at nbf less leeway":          at(-30*time.Second, nbf, row{}),
			"before nbf less leeway":      at(-30*time.Second-1, nbf, early),
			"a token without exp is none": missing("required", "exp"),
		},
		"38 unknown claims are ignored": {
			"of every type": good(having(jwkstest.Claims{
				"https://api.example/x": map[string]any{"deep": []any{1, "a", nil}}, "": "", "n": null, "t": true, "groups": 7, "authorization_details": []any{},
			})),
			"hundreds of them": good(func(w *world) string {
				many := jwkstest.Claims{}
				for i := range 300 {
					many[fmt.Sprintf("claim-%d", i)] = i
				}
				return w.Token(many)
			}),
		},
	}.run(t)
}

func TestConformanceOfTheAccessTokenProfile(t *testing.T) {
	t.Parallel()
	required := table{
		"with all of them": {setup: rfc9068},
		"without exp":      missing("required", "exp").under(rfc9068),
		"without iss":      missing("issuer", "iss").under(rfc9068),
		"without aud":      missing("audience", "aud").under(rfc9068),
	}
	for _, name := range []string{"sub", "client_id", "iat", "jti"} {
		required["without "+name] = missing("required", name).under(rfc9068)
		required["without "+name+" and not strict"] = good(having(jwkstest.Claims{name: nil}))
	}
	kinds := table{
		"a logout token without its typ": marked("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}),
		"an ID token by at_hash":         marked("at_hash", "x"),
		"an ID token by c_hash":          marked("c_hash", "x"),
		"an ID token by its typ claim":   marked("typ", "ID"),
		"an ID token by its token_use":   marked("token_use", "id"),
		"a refresh token":                marked("typ", "Refresh"),
		"an offline token":               marked("typ", "Offline"),
		"a logout token by its claim":    marked("typ", "Logout"),
		"null marks nothing":             good(having(jwkstest.Claims{"events": null, "at_hash": null, "typ": null, "token_use": null})),
		"typ Bearer is an access token":  good(having(jwkstest.Claims{"typ": "Bearer"})),
		"token_use access is one":        good(having(jwkstest.Claims{"token_use": "access"})),
	}
	for _, typ := range []string{"logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "oauth-authz-req+jwt", "id+jwt", "application/dpop+jwt", "at+jwt; v=2", ""} {
		kinds[typ+" by its typ"] = otherType(typ)
	}
	rules{
		"39 the strict profile wants typ at+jwt": {
			"at+jwt":                        {setup: rfc9068},
			"application/at+jwt":            good(with(jwkstest.Header{"typ": "application/at+jwt"})).under(rfc9068),
			"JWT":                           otherType("JWT").under(rfc9068),
			"none":                          otherType(nil).under(rfc9068),
			"JWT where it is not strict":    good(with(jwkstest.Header{"typ": "JWT"})),
			"no typ where it is not strict": good(with(jwkstest.Header{"typ": nil})),
		},
		"40 media types are compared without regard to case, application/ may be left out": {
			"AT+JWT":             good(with(jwkstest.Header{"typ": "AT+JWT"})).under(rfc9068),
			"application/jwt":    good(with(jwkstest.Header{"typ": "application/jwt"})),
			"APPLICATION/JWT":    otherType("APPLICATION/JWT").under(rfc9068),
			"Application/AT+jwt": good(with(jwkstest.Header{"typ": "Application/AT+jwt"})).under(rfc9068),
		},
		"41 iss is exact, aud holds this API, the keys are the issuer's": {
			"all three":           {setup: rfc9068},
			"another iss":         unknownIssuer("https://issuer.example/x"),
			"another aud":         wrongAudience("api://billing"),
			"a key of a stranger": unknownKey(`"key-2"`, noSuchKey, func(w *world) string { return w.Token(jwkstest.WithKey(w.NewKey("ES256"))) }),
		},
		"42 RS256 is supported": {"RS256": {setup: rfc9068, token: with(jwkstest.WithAlgorithm("RS256"))}},
		"43 iss, exp, aud, sub, client_id, iat and jti are required": required,
		"48 other kinds of JWT are refused":                          kinds,
	}.run(t)

	t.Run("47 issuer A's key with iss B fails", func(t *testing.T) {
		t.Parallel()
		a, b := newWorld(t), newWorld(t, jwkstest.WithName("https://b.example"))
		a.cfg.Issuers = append(a.cfg.Issuers, *b.issuer())
		v := a.verifier(t)
		expect(t, v, b.Token(), "")
		a.Rotate() // to a kid that B does not have
		a.keys.fetch()
		for _, key := range a.Published() {
			want := map[string]reason.Code{"key-1": reason.BadSignature, "key-2": reason.UnknownKey}[key.ID()]
			forged := a.Token(jwkstest.WithKey(key), jwkstest.Claims{"iss": b.Issuer.Issuer()})
			expect(t, v, forged, want)
			assert.Equal(t, want, v.Explain(t.Context(), forged).Reason)
		}
	})
}
