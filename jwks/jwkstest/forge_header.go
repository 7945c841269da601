package jwkstest

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeNone    = "an unsigned token is believed: alg none (RFC 8725 section 3.2)"
	holeSpelled = "alg is not compared byte by byte with an allowlist (RFC 7515 section 4.1.1)"
	holeSwapped = "a key is used with an algorithm that it is not for (RFC 8725 section 3.1)"
)

// unsigned: alg none, in all spellings, without a signature and with one that only fills the place.
func (f *forger) unsigned() (out []forged) {
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "noNe", "none ", " none", "none\x00", "n\u043ene", ""} {
		name := "alg none: " + strconv.QuoteToASCII(alg)
		input := encode(f.header(Header{"alg": alg})) + "." + encode(f.payload(nil)) + "."
		out = append(out,
			forged{name + ", no signature", Forgery{input, reason.Malformed, holeNone}},
			forged{name + ", a signature of nothing", Forgery{input + encode("\x00"), reason.UnsupportedAlg, holeNone}})
	}
	good := f.token()
	two := encode(f.header(Header{"alg": "none"})) + "." + encode(f.payload(nil))
	return append(out,
		forged{"alg none: the signature of another token", Forgery{two + good[lastDot(good):], reason.UnsupportedAlg, holeNone}},
		forged{"alg none: the last part left out", Forgery{two, reason.Malformed, holeNone}},
		forged{"alg none: without typ and kid", Forgery{encode(`{"alg":"none"}`) + "." + encode(f.payload(nil)) + ".", reason.Malformed, holeNone}},
	)
}

// algorithms: alg missing, misspelt, of another type, or another one than the key is for.
func (f *forger) algorithms() []forged {
	out := []forged{
		f.minted("alg: missing", reason.UnsupportedAlg, holeSpelled, Header{"alg": nil}),
		f.minted("alg: a number", reason.Malformed, holeSpelled, Header{"alg": 256}),
		f.minted("alg: an array", reason.Malformed, holeSpelled, Header{"alg": []string{f.alg}}),
		f.minted("alg: an object", reason.Malformed, holeSpelled, Header{"alg": map[string]any{"alg": f.alg}}),
		f.minted("alg: a boolean", reason.Malformed, holeSpelled, Header{"alg": true}),
		f.minted("alg: null", reason.Malformed, holeSpelled, WithRawHeader(`{"typ":"at+jwt","alg":null,"kid":`+strconv.Quote(f.key.id)+`}`)),
		f.minted("alg: in other letters", reason.UnsupportedAlg, holeSpelled, Header{"alg": folded(f.alg)}),
		f.minted("alg: a space behind", reason.UnsupportedAlg, holeSpelled, Header{"alg": f.alg + " "}),
		f.minted("alg: a NUL behind", reason.UnsupportedAlg, holeSpelled, Header{"alg": f.alg + "\x00"}),
		f.minted("alg: a name nobody knows", reason.UnsupportedAlg, holeSpelled, Header{"alg": "XS256"}),
		f.minted("alg: an object identifier", reason.UnsupportedAlg, holeSpelled, Header{"alg": "1.2.840.113549.1.1.11"}),
	}
	for _, other := range []string{"RS1", "RS256", "RS384", "PS256", "PS384", "ES256", "ES256K", "ES384", "EdDSA", "RSA-OAEP", "dir"} {
		if other == f.alg {
			continue
		}
		// The signature is the one of f.alg: believed only by code that ignores alg, or guesses it.
		out = append(out, f.minted("alg: called "+other+", signed with "+f.alg, reason.UnsupportedAlg, holeSwapped, Header{"alg": other}))
	}
	return append(out, f.otherHashes()...)
}

// otherHashes are good signatures of the right key, with an algorithm that its
// JWK does not allow. A key that is published without alg verifies one algorithm
// all the same.
func (f *forger) otherHashes() (out []forged) {
	if algorithms[f.alg].kind > pss {
		return nil
	}
	for _, other := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		if other != f.alg {
			out = append(out, f.minted("alg: signed with "+other+" by a key for "+f.alg, reason.UnsupportedAlg, holeSwapped,
				WithKey(f.key), WithAlgorithm(other)))
		}
	}
	return out
}

// folded returns s with the case of its letters swapped.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

const (
	holeCritical = "an extension that must be understood is ignored: crit (RFC 7515 section 4.1.11, CVE-2025-59420)"
	holeDetached = "b64 is ignored (RFC 7797 section 6)"
	holeType     = "a token of another kind is taken for an access token: typ (RFC 8725 section 3.11)"
	holeNested   = "a nested token is not looked into, or looked into: cty (RFC 7519 section 5.2)"
	holeID       = "an ID token is taken for an access token (RFC 9068 section 4)"
)

// critical: every crit and every b64 is refused, since nothing of the kind is implemented.
func (f *forger) critical() []forged {
	one := func(name string, options ...TokenOption) forged {
		return f.minted(name, reason.CriticalHeader, holeCritical, options...)
	}
	const unknown = "http://example.com/UNDEFINED"
	header := f.header(Header{"b64": false, "crit": []string{"b64"}})
	raw := encode(header) + "." + f.payload(nil)
	asText := reason.Malformed // by the dots in it, such as those of a host name
	if strings.Count(raw, ".") == 1 {
		asText = reason.CriticalHeader
	}
	signature := f.signed(raw)[len(raw):]
	return []forged{
		one("crit: of an extension nobody knows", Header{"crit": []string{unknown}, unknown: true}),
		one("crit: of an extension that is not there", Header{"crit": []string{"exp"}}),
		one("crit: of a registered header", Header{"crit": []string{"alg"}}),
		one("crit: of b64", Header{"crit": []string{"b64"}, "b64": true}),
		one("crit: empty", Header{"crit": []string{}}),
		one("crit: twice the same", Header{"crit": []string{"exp", "exp"}, "exp": 1}),
		one("crit: a string", Header{"crit": "exp", "exp": 1}),
		one("crit: an array of numbers", Header{"crit": []int{1}}),
		one("crit: null", Header{"crit": jsontext.Value("null")}),
		f.minted("b64: false without crit", reason.CriticalHeader, holeDetached, Header{"b64": false}),
		f.minted("b64: true without crit", reason.CriticalHeader, holeDetached, Header{"b64": true}),
		f.minted("b64: false, payload encoded all the same", reason.CriticalHeader, holeDetached, Header{"b64": false, "crit": []string{"b64"}}),
		{"b64: false, signed over the text", Forgery{encode(header) + "." + encode(f.payload(nil)) + signature, reason.CriticalHeader, holeDetached}},
		{"b64: false, payload as text", Forgery{raw + signature, asText, holeDetached}},
		{"b64: false, payload left out", Forgery{encode(header) + "." + signature, reason.Malformed, holeDetached}},
	}
}

// types: tokens of the same issuer that are for something else.
func (f *forger) types() (out []forged) {
	for _, typ := range []string{
		"logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "application/logout+jwt", "oauth-authz-req+jwt",
		"client-authentication+jwt", "kb+jwt", "vc+sd-jwt", "entity-statement+jwt", "id_token+jwt", "JWE", "JOSE+JSON", "Refresh",
		"at+jwt ", "at+jwt;x=y", "text/at+jwt", "at+jwt, logout+jwt",
	} {
		out = append(out, f.minted("typ: "+strconv.Quote(typ), reason.UnsupportedType, holeType, Header{"typ": typ}))
	}
	inner := encode(f.header(nil)) + "." + encode(f.payload(nil))
	return append(out,
		f.minted("typ: a number", reason.Malformed, holeType, Header{"typ": 1}),
		f.minted("typ: an array", reason.Malformed, holeType, Header{"typ": []string{"at+jwt"}}),
		f.minted("cty: JWT over plain claims", reason.UnsupportedType, holeNested, Header{"cty": "JWT"}),
		f.minted("cty: jwt in small letters", reason.UnsupportedType, holeNested, Header{"cty": "jwt"}),
		f.minted("cty: JWT over a token", reason.Malformed, holeNested, Header{"cty": "JWT"}, WithRawPayload(f.token())),
		f.minted("cty: JWT over an unsigned token", reason.Malformed, holeNested, Header{"cty": "JWT"}, WithRawPayload(inner+".")),
		f.minted("cty: left out over a token", reason.Malformed, holeNested, WithRawPayload(f.token())),
	)
}

// marked: tokens of the same issuer that only their claims tell from access tokens.
func (f *forger) marked() []forged {
	one := func(name string, why reason.Code, marks Claims) forged {
		return f.minted("kind: "+name, why, holeID, Header{"typ": "JWT"}, marks)
	}
	logout := map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}
	return []forged{
		one("ID token, by its at_hash", reason.UnsupportedType, Claims{"at_hash": "x", "nonce": "n"}),
		one("ID token, by its c_hash", reason.UnsupportedType, Claims{"c_hash": "x"}),
		one("ID token, as Keycloak marks it", reason.UnsupportedType, Claims{"typ": "ID"}),
		one("ID token, as Cognito marks it", reason.UnsupportedType, Claims{"token_use": "id"}),
		one("refresh token, as Keycloak marks it", reason.UnsupportedType, Claims{"typ": "Refresh"}),
		one("offline token, as Keycloak marks it", reason.UnsupportedType, Claims{"typ": "Offline"}),
		one("logout token, as Keycloak marks it", reason.UnsupportedType, Claims{"typ": "Logout"}),
		one("logout token, by its events", reason.UnsupportedType, Claims{"events": logout}),
		one("ID token, for the client alone", reason.WrongAudience, Claims{
			"aud": "test-client", "azp": "test-client", "client_id": nil, "nonce": "n", "auth_time": f.now,
		}),
	}
}
