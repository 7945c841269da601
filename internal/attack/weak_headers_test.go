package attack_test

import (
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

// kind lets through what is refused by its kind, where header or claims are such.
func kind(such func(c *call) bool) func(*api, *call) bool {
	return func(_ *api, c *call) bool { return c.refused == reason.UnsupportedType && such(c) }
}

func typ(same func(typ string) bool) func(*api, *call) bool {
	return kind(func(c *call) bool {
		t, ok := c.header["typ"].(string)
		return ok && c.header["cty"] == nil && t != "JWT" && same(t)
	})
}

func critical(such func(c *call) bool) func(*api, *call) bool {
	return func(_ *api, c *call) bool { return c.refused == reason.CriticalHeader && such(c) }
}

var weakInHeaders = []weakness{
	{name: "typ is not looked at", opens: typ(func(string) bool { return true }), want: `^typ: "|Typ beside`, least: 15, level: confusion},
	{name: "typ may end in +jwt", opens: typ(func(s string) bool { return strings.HasSuffix(s, "+jwt") }), want: `^typ: ".*\+jwt"$|Typ beside`, least: 8, level: confusion},
	{name: "typ is trimmed", opens: typ(func(s string) bool { return strings.TrimSpace(s) == "at+jwt" }), want: `^typ: "at\+jwt "$`, least: 1, level: leniency},
	{name: "typ may have parameters", opens: typ(func(s string) bool { t, _, _ := strings.Cut(s, ";"); return t == "at+jwt" }), want: `^typ: "at\+jwt;x=y"$`, least: 1, level: leniency},
	{name: "typ may be of any media", opens: typ(func(s string) bool { return strings.HasSuffix(s, "/at+jwt") }), want: `^typ: "text/at\+jwt"$`, least: 1, level: leniency},
	{name: "typ only has to contain it", opens: typ(func(s string) bool { return strings.Contains(s, "at+jwt") }), want: `^typ: ".*at\+jwt`, least: 4, level: leniency},
	{name: "refresh tokens are taken", opens: typ(func(s string) bool { return s == "Refresh" }), want: `^typ: "Refresh"$`, least: 1, level: confusion},
	{name: "cty is not looked at", opens: kind(func(c *call) bool { return c.header["cty"] != nil }), want: `^cty: `, least: 2, level: leniency},
	{name: "at_hash is not looked at", opens: kind(func(c *call) bool { return c.claims["at_hash"] != nil }), want: `^kind: ID token, by its at_hash$`, least: 1, level: confusion},
	{name: "c_hash is not looked at", opens: kind(func(c *call) bool { return c.claims["c_hash"] != nil }), want: `^kind: ID token, by its c_hash$`, least: 1, level: confusion},
	{name: "the typ of Keycloak is not looked at", opens: kind(func(c *call) bool { return c.claims["typ"] != nil }), want: `^kind: .* as Keycloak marks it$`, least: 4, level: confusion},
	{name: "token_use is not looked at", opens: kind(func(c *call) bool { return c.claims["token_use"] != nil }), want: `^kind: ID token, as Cognito marks it$`, least: 1, level: confusion},
	{name: "events are not looked at", opens: kind(func(c *call) bool { return c.claims["events"] != nil }), want: `^kind: logout token, by its events$`, least: 1, level: confusion},
	{name: "the client is an audience", opens: like(otherAud, "aud", func(_ *api, s string) bool { return s == "test-client" }), want: `^(aud: the client|kind: ID token, for the client alone)$`, least: 2, level: confusion},

	{name: "crit is ignored", opens: critical(func(c *call) bool { return c.header["b64"] == nil }), want: `^crit: `, least: 6, level: leniency},
	{name: "an empty crit is ignored", opens: critical(func(c *call) bool { l, ok := c.header["crit"].([]any); return ok && len(l) == 0 }), want: `^crit: empty$`, least: 1, level: leniency},
	{name: "crit of what is registered is ignored", opens: critical(func(c *call) bool { l, _ := c.header["crit"].([]any); return len(l) == 1 && l[0] == "alg" }), want: `^crit: of a registered header$`, least: 1, level: leniency},
	{name: "b64 is ignored", opens: critical(func(c *call) bool { return c.header["b64"] != nil && c.header["crit"] == nil }), want: `^b64: .* without crit$`, least: 2, level: leniency},

	{name: "alg may be missing", opens: badAlg(func(c *call) bool { return c.header["alg"] == nil && c.header["ALG"] == nil }), want: `^alg: (missing|null)$`, least: 1, level: leniency},
	{name: "alg is compared without case", opens: badAlg(func(c *call) bool { s, _ := c.header["alg"].(string); return strings.EqualFold(s, "EdDSA") }), want: `^alg: in other letters$`, least: 1, level: leniency},
	{name: "alg is trimmed", opens: badAlg(func(c *call) bool { s, _ := c.header["alg"].(string); return strings.Trim(s, " \x00") == "EdDSA" }), want: `^alg: a (space|NUL) behind$`, least: 2, level: leniency},
	{name: "alg is not looked at", opens: badAlg(func(c *call) bool {
		s, ok := c.header["alg"].(string)
		return ok && !strings.HasPrefix(s, "HS") && s != "none"
	}), want: `^alg: `, least: 10, level: leniency},
}

// badAlg lets through what is refused for its alg, though the issuer's own key signed it.
func badAlg(such func(c *call) bool) func(*api, *call) bool {
	return func(a *api, c *call) bool { return c.refused == reason.UnsupportedAlg && such(c) && a.signed(c) }
}
