package attack_test

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-go/sallyport/internal/forgeries"
	"github.com/sallyport-go/sallyport/reason"
)

// passes lets through what is refused for a reason, where the claim has such a value.
func passes(why reason.Code, claim string, such func(v any) bool) func(*api, *call) bool {
	return func(_ *api, c *call) bool {
		return c.refused == why && c.header["kid"] != "attacker" && such(c.claims[claim])
	}
}

// like is passes for strings that another comparison takes for the right one.
func like(why reason.Code, claim string, same func(a *api, got string) bool) func(*api, *call) bool {
	return func(a *api, c *call) bool {
		got, ok := c.claims[claim].(string)
		return ok && passes(why, claim, anything)(a, c) && same(a, got)
	}
}

func anything(any) bool { return true }
func absent(v any) bool { return v == nil }

func isA[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

func above(least float64) func(any) bool {
	return func(v any) bool {
		n, ok := v.(float64)
		return ok && n > least
	}
}

func below(most float64) func(any) bool {
	return func(v any) bool {
		n, ok := v.(float64)
		return ok && n < most
	}
}

const (
	hole, confusion, leniency = forgeries.Hole, forgeries.Confusion, forgeries.Leniency

	expired, early, issued, missing, wrongType = reason.Expired, reason.NotYetValid, reason.IssuedInFuture, reason.MissingClaim, reason.MalformedClaims
	otherIss, otherAud                         = reason.UnknownIssuer, reason.WrongAudience
)

var weakInClaims = []weakness{
	{name: "exp is not compared with the clock", opens: passes(expired, "exp", anything), want: `^exp: |exp\b`, least: 5, level: hole},
	{name: "exp may be missing", opens: passes(missing, "exp", absent), want: `^exp: missing$|EXP instead`, least: 2, level: leniency},
	{name: "exp may be text", opens: passes(wrongType, "exp", isA[string]), want: `^exp: a (string|date)`, least: 2, level: leniency},
	{name: "exp may be a boolean", opens: passes(wrongType, "exp", isA[bool]), want: `^exp: a boolean$`, least: 1, level: leniency},
	{name: "exp may be a list", opens: passes(wrongType, "exp", isA[[]any]), want: `^exp: an array$`, least: 1, level: leniency},
	{name: "exp may be an object", opens: passes(wrongType, "exp", isA[map[string]any]), want: `^exp: an object$`, least: 1, level: leniency},
	{name: "exp may be null", opens: passes(wrongType, "exp", absent), want: `^exp: (null|beyond a double|minus)`, least: 1, level: leniency},
	{name: "exp may be any number above", opens: passes(wrongType, "exp", above(1e11)), want: `^exp: (beyond|the greatest|in milli)`, least: 2, level: leniency},
	{name: "exp may be any number below", opens: passes(wrongType, "exp", below(0)), want: `^exp: (negative|minus)`, least: 1, level: hole},
	{name: "nbf is not compared with the clock", opens: passes(early, "nbf", anything), want: `^nbf: in ten`, least: 2, level: hole},
	{name: "nbf may be text", opens: passes(wrongType, "nbf", isA[string]), want: `^nbf: a (string|date)`, least: 2, level: leniency},
	{name: "nbf may be any number above", opens: passes(wrongType, "nbf", above(1e11)), want: `^nbf: (beyond|the greatest|in milli)`, least: 2, level: hole},
	{name: "iat is not compared with the clock", opens: passes(issued, "iat", anything), want: `^iat: (in ten|after)`, least: 2, level: leniency},
	{name: "iat may be text", opens: passes(wrongType, "iat", isA[string]), want: `^iat: a (string|date)`, least: 2, level: leniency},
	{name: "iat may be an object", opens: passes(wrongType, "iat", isA[map[string]any]), want: `^iat: an object$`, least: 1, level: leniency},

	{name: "iss is not compared", opens: passes(otherIss, "iss", anything), want: `^iss: |\b(ISS|iss)\b`, least: 15, level: confusion},
	{name: "iss may be missing", opens: passes(missing, "iss", absent), want: `^iss: (missing|null)$`, least: 2, level: confusion},
	{name: "iss may have a slash more", opens: like(otherIss, "iss", func(a *api, s string) bool { return strings.Trim(s, "/") == a.issuer }), want: `^iss: (a slash|two slashes)`, least: 2, level: confusion},
	{name: "iss is compared without case", opens: like(otherIss, "iss", func(a *api, s string) bool { return strings.EqualFold(s, a.issuer) }), want: `^iss: (in other case|scheme in capitals)$`, least: 2, level: confusion},
	{name: "iss is compared without its scheme", opens: like(otherIss, "iss", func(a *api, s string) bool { return after(s) == after(a.issuer) }), want: `^iss: (of the other scheme|scheme in capitals|in other case|a space before)`, least: 1, level: confusion},
	{name: "iss only has to begin so", opens: like(otherIss, "iss", func(a *api, s string) bool { return strings.HasPrefix(s, a.issuer) }), want: `^iss: `, least: 8, level: confusion},
	{name: "iss only has to be a beginning", opens: like(otherIss, "iss", func(a *api, s string) bool { return s != "" && strings.HasPrefix(a.issuer, s) }), want: `^iss: its beginning$`, least: 1, level: confusion},
	{name: "iss is trimmed", opens: like(otherIss, "iss", func(a *api, s string) bool { return strings.TrimSpace(s) == a.issuer }), want: `^iss: a (space|newline)`, least: 3, level: confusion},
	{name: "iss is compared by its host", opens: like(otherIss, "iss", func(a *api, s string) bool { u, err := url.Parse(s); return err == nil && "http://"+u.Host == a.issuer }), want: `^iss: `, least: 3, level: confusion},
	{name: "iss may be a list", opens: passes(wrongType, "iss", isA[[]any]), want: `^iss: an array$`, least: 1, level: leniency},
	{name: "iss may be a number", opens: passes(wrongType, "iss", isA[float64]), want: `^iss: a number$`, least: 1, level: leniency},

	{name: "aud is not compared", opens: passes(otherAud, "aud", anything), want: `^aud: |\b(Aud|aud)\b|for the client alone`, least: 15, level: confusion},
	{name: "aud may be missing", opens: passes(missing, "aud", absent), want: `^aud: (missing|null)$|AUD instead`, least: 3, level: confusion},
	{name: "aud may be empty", opens: like(otherAud, "aud", func(_ *api, s string) bool { return s == "" }), want: `^aud: empty$`, least: 1, level: confusion},
	{name: "aud may be an empty list", opens: passes(otherAud, "aud", func(v any) bool { l, ok := v.([]any); return ok && len(l) == 0 }), want: `^aud: an empty array$`, least: 1, level: confusion},
	{name: "aud may have a slash more", opens: like(otherAud, "aud", func(_ *api, s string) bool { return strings.Trim(s, "/") == audience }), want: `^aud: a slash`, least: 1, level: confusion},
	{name: "aud is compared without case", opens: like(otherAud, "aud", func(_ *api, s string) bool { return strings.EqualFold(s, audience) }), want: `^aud: in other case$`, least: 1, level: confusion},
	{name: "aud only has to begin so", opens: like(otherAud, "aud", func(_ *api, s string) bool { return strings.HasPrefix(s, audience) }), want: `^aud: `, least: 4, level: confusion},
	{name: "aud only has to end so", opens: like(otherAud, "aud", func(_ *api, s string) bool { return strings.HasSuffix(s, audience) }), want: `^aud: (another one before|among others)`, least: 2, level: confusion},
	{name: "aud only has to contain it", opens: like(otherAud, "aud", func(_ *api, s string) bool { return strings.Contains(s, audience) }), want: `^aud: `, least: 8, level: confusion},
	{name: "aud only has to be a part of it", opens: like(otherAud, "aud", func(_ *api, s string) bool { return s != "" && strings.Contains(audience, s) }), want: `^aud: its (beginning|end)$`, least: 2, level: confusion},
	{name: "aud is split at spaces", opens: like(otherAud, "aud", func(_ *api, s string) bool { return slices.Contains(strings.Split(s, " "), audience) }), want: `^aud: (among others, separated by spaces|a space behind)$`, least: 2, level: confusion},
	{name: "aud is split at commas", opens: like(otherAud, "aud", func(_ *api, s string) bool { return slices.Contains(strings.Split(s, ","), audience) }), want: `^aud: among others, separated by commas$`, least: 1, level: confusion},
	{name: "aud may be a wildcard", opens: like(otherAud, "aud", func(_ *api, s string) bool { return s == "*" }), want: `^aud: a wildcard$`, least: 1, level: confusion},
	{name: "aud may be the issuer", opens: like(otherAud, "aud", func(a *api, s string) bool { return s == a.issuer }), want: `^aud: the issuer$`, least: 1, level: confusion},
	{name: "aud may be an object", opens: passes(wrongType, "aud", isA[map[string]any]), want: `^aud: an object$`, least: 1, level: leniency},
	{name: "aud may hold anything beside it", opens: passes(wrongType, "aud", func(v any) bool { l, _ := v.([]any); return slices.Contains(l, any(audience)) }), want: `^aud: the right one beside a number$`, least: 1, level: leniency},

	{name: "sub may be anything", opens: passes(wrongType, "sub", func(v any) bool { return !isA[string](v) }), want: `^sub: `, least: 2, level: leniency},
	{name: "jti may be anything", opens: passes(wrongType, "jti", func(v any) bool { return !isA[string](v) }), want: `^jti: `, least: 1, level: leniency},
	{name: "a DPoP key is not asked for", opens: binding("jkt"), want: `^cnf: bound to a DPoP key$`, least: 1, level: hole},
	{name: "a certificate is not asked for", opens: binding("x5t#S256"), want: `^cnf: bound to a certificate$`, least: 1, level: hole},
	{name: "unknown bindings are ignored", opens: binding("other"), want: `^cnf: bound in a way nobody knows$`, least: 1, level: leniency},
	{name: "tokens of any length", opens: func(a *api, c *call) bool {
		return c.refused == reason.TooLarge && why(a.verifierOf(1<<20), c.token) == ""
	}, want: `^size: `, least: 5, level: leniency},
}

func after(s string) string {
	_, rest, _ := strings.Cut(s, "://")
	return rest
}

func binding(member string) func(*api, *call) bool {
	return passes(reason.UnsupportedBinding, "cnf", func(v any) bool {
		cnf, _ := v.(map[string]any)
		return cnf[member] != nil
	})
}
