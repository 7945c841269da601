package jwkstest

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-go/sallyport/reason"
)

const (
	holeCritical = "an extension that must be understood is ignored: crit (RFC 7515 section 4.1.11, CVE-2025-59420)"
	holeDetached = "b64 is ignored (RFC 7797 section 6)"
	holeType     = "a token of another kind is taken for an access token: typ (RFC 8725 section 3.11)"
	holeNested   = "a nested token is not looked into, or looked into: cty (RFC 7519 section 5.2)"
	holeID       = "an ID token is taken for an access token (RFC 9068 section 4)"
)

// critical: every crit and every b64 is refused, since nothing of the kind is
// implemented.
func (f *forger) critical() (out []forged) {
	for _, row := range []struct {
		name  string
		value any
		more  Header
	}{
		{"of an extension nobody knows", []string{"http://example.com/UNDEFINED"}, Header{"http://example.com/UNDEFINED": true}},
		{"of an extension that is not there", []string{"exp"}, nil},
		{"of a registered header", []string{"alg"}, nil},
		{"of b64", []string{"b64"}, Header{"b64": true}},
		{"empty", []string{}, nil},
		{"twice the same", []string{"exp", "exp"}, Header{"exp": 1}},
		{"a string", "exp", Header{"exp": 1}},
		{"an array of numbers", []int{1}, nil},
		{"null", jsontext.Value("null"), nil},
	} {
		out = append(out, f.minted("crit: "+row.name, reason.CriticalHeader, holeCritical, Header{"crit": row.value}, row.more))
	}
	header := f.header(Header{"b64": false, "crit": []string{"b64"}})
	raw := encode(header) + "." + f.payload(nil)
	asText := reason.Malformed // by the dots in it, such as those of a host name
	if strings.Count(raw, ".") == 1 {
		asText = reason.CriticalHeader
	}
	signature := f.signed(raw)[len(raw):]
	return append(out,
		f.minted("b64: false without crit", reason.CriticalHeader, holeDetached, Header{"b64": false}),
		f.minted("b64: true without crit", reason.CriticalHeader, holeDetached, Header{"b64": true}),
		f.minted("b64: false, payload encoded all the same", reason.CriticalHeader, holeDetached, Header{"b64": false, "crit": []string{"b64"}}),
		forged{"b64: false, signed over the text", Forgery{encode(header) + "." + encode(f.payload(nil)) + signature, reason.CriticalHeader, holeDetached}},
		forged{"b64: false, payload as text", Forgery{raw + signature, asText, holeDetached}},
		forged{"b64: false, payload left out", Forgery{encode(header) + "." + signature, reason.Malformed, holeDetached}},
	)
}

// types: tokens of the same issuer that are for something else.
func (f *forger) types() (out []forged) {
	for _, typ := range []string{
		"logout+jwt", "dpop+jwt", "secevent+jwt", "token-introspection+jwt", "application/logout+jwt", "oauth-authz-req+jwt",
		"client-authentication+jwt", "kb+jwt", "vc+sd-jwt", "entity-statement+jwt", "id_token+jwt", "JWE", "JOSE+JSON", "Refresh",
		"", "at+jwt ", "at+jwt;x=y", "text/at+jwt", "at+jwt, logout+jwt",
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

// marked: tokens of the same issuer that only their claims tell from access
// tokens.
func (f *forger) marked() (out []forged) {
	jwt := Header{"typ": "JWT"}
	for _, row := range []struct {
		name  string
		marks Claims
	}{
		{"ID token, by its at_hash", Claims{"at_hash": "x", "nonce": "n"}},
		{"ID token, by its c_hash", Claims{"c_hash": "x"}},
		{"ID token, as Keycloak marks it", Claims{"typ": "ID"}},
		{"ID token, as Cognito marks it", Claims{"token_use": "id"}},
		{"refresh token, as Keycloak marks it", Claims{"typ": "Refresh"}},
		{"offline token, as Keycloak marks it", Claims{"typ": "Offline"}},
		{"logout token, as Keycloak marks it", Claims{"typ": "Logout"}},
		{"logout token, by its events", Claims{"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}},
	} {
		out = append(out, f.minted("kind: "+row.name, reason.UnsupportedType, holeID, jwt, row.marks))
	}
	return append(out, f.minted("kind: ID token, for the client alone", reason.WrongAudience, holeID, jwt, Claims{
		"aud": "test-client", "azp": "test-client", "client_id": nil, "nonce": "n", "auth_time": f.now,
	}))
}
