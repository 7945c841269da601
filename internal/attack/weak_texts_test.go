package attack_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/sallyport-go/sallyport/reason"
)

func strict64(part string) bool {
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	return err == nil && !strings.ContainsAny(part, "\r\n") && base64.RawURLEncoding.EncodeToString(data) == part
}

// malformed lets through what is no token, where such a repair makes one, and the issuer's key signed what was sent.
func malformed(such func(c *call) bool) func(*api, *call) bool {
	return func(a *api, c *call) bool { return c.refused == reason.Malformed && such(c) }
}

// spelled lets parts pass that another decoder of base64 reads.
func spelled(is func(part string) bool, repair func(part string) string) func(*api, *call) bool {
	return malformed(func(c *call) bool {
		if len(c.parts) != 3 {
			return false
		}
		odd := false
		for _, part := range c.parts {
			odd = odd || is(part)
			if repaired := repair(part); !strict64(repaired) || len(repaired) == 0 {
				return false
			}
		}
		return odd
	})
}

func remove(chars string) (func(string) bool, func(string) string) {
	return func(part string) bool { return strings.ContainsAny(part, chars) }, func(part string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(chars, r) {
				return -1
			}
			return r
		}, part)
	}
}

func without(chars string) func(*api, *call) bool { return spelled(remove(chars)) }

// json part i: such a text passes.
func textOf(i int, such func(text string) bool) func(*api, *call) bool {
	return malformed(func(c *call) bool { return len(c.parts) == 3 && decodes(c) && such(text(c.parts[i])) })
}

// twice reports whether encoding/json reads an object in which the name stands twice.
func twice(name string) func(string) bool {
	return func(s string) bool {
		return json.Valid([]byte(s)) && strings.Count(s, `"`+name+`":`) > 1 && !strings.Contains(s, `"alg":{`)
	}
}

func contains(part string) func(string) bool {
	return func(s string) bool { return strings.Contains(s, part) }
}

var weakInTexts = []weakness{
	{name: "padding is fine", opens: without("="), want: `^base64url: .*, padded$`, least: 2, level: leniency},
	{name: "escapes of a URL are skipped", opens: spelled(contains("%41"), func(p string) string { return strings.ReplaceAll(p, "%41", "") }), want: `^base64url: .*, an escape of a URL in it$`, least: 2, level: leniency},
	{name: "characters that are not of the alphabet are skipped", opens: without("\u0410"), want: `^base64url: .*, a character of another alphabet in it$`, least: 2, level: leniency},
	{name: "spare bits are ignored", opens: spelled(spareBits, func(p string) string { return base64.RawURLEncoding.EncodeToString([]byte(text(p))) }), want: `^base64url: .*, spare bits set$`, least: 2, level: leniency},
	{name: "the standard alphabet is fine", opens: spelled(func(p string) bool { return strings.ContainsAny(p, "+/") }, func(p string) string { return strings.NewReplacer("+", "-", "/", "_").Replace(p) }), want: `^base64url: .* in the standard alphabet$`, least: 2, level: leniency},
	{name: "two parts are enough", opens: malformed(func(c *call) bool { return len(c.parts) == 2 && c.header["alg"] != nil && c.header["alg"] != "none" }), want: `^parts: no signature$`, least: 1, level: hole},
	{name: "the signature may be empty", opens: malformed(func(c *call) bool {
		return len(c.parts) == 3 && c.parts[2] == "" && c.header["alg"] == "EdDSA" && c.claims["iss"] != nil
	}), want: `^parts: an empty signature$`, least: 1, level: hole},
	{name: "what stands behind a token is ignored", opens: func(a *api, c *call) bool { return len(c.parts) > 3 && a.verify(strings.Join(c.parts[:3], ".")) == "" }, want: `^(parts|encrypted|size): `, least: 3, level: leniency},
	{name: "a dot before is skipped", opens: func(a *api, c *call) bool { return strings.HasPrefix(c.token, ".") && a.verify(c.token[1:]) == "" }, want: `^parts: a dot before$`, least: 1, level: leniency},
	{name: "doubled dots are one", opens: func(a *api, c *call) bool {
		return strings.Contains(c.token, "..") && a.verify(strings.ReplaceAll(c.token, "..", ".")) == ""
	}, want: `^parts: a dot doubled$`, least: 1, level: leniency},
	{name: "quotes are removed", opens: func(a *api, c *call) bool {
		return strings.HasPrefix(c.token, `"`) && a.verify(strings.Trim(c.token, `"`)) == ""
	}, want: `^(parts: in quotes|request: the token in quotes)$`, least: 2, level: leniency},
	{name: "an urn is removed", opens: func(a *api, c *call) bool {
		at := strings.LastIndex(c.token, ":")
		return at > 0 && a.verify(c.token[at+1:]) == ""
	}, want: `^parts: an urn before$`, least: 1, level: leniency},
	{name: "a whole token may be encoded again", opens: func(a *api, c *call) bool { return len(c.parts) == 1 && a.verify(text(c.token)) == "" }, want: `^parts: encoded as a whole$`, least: 1, level: leniency},
	{name: "JSON is a serialisation too", opens: authorization(func(a *api, v string) bool {
		var flat struct{ Payload, Protected, Signature string }
		return json.Unmarshal([]byte(strings.TrimPrefix(v, "Bearer ")), &flat) == nil && a.verify(flat.Protected+"."+flat.Payload+"."+flat.Signature) == ""
	}), want: `^parts: JSON, flattened$`, least: 1, level: leniency},

	{name: "alg may stand twice", opens: textOf(0, twice("alg")), want: `^header: alg twice`, least: 3, level: leniency},
	{name: "typ may stand twice", opens: textOf(0, twice("typ")), want: `^header: typ twice$`, least: 1, level: leniency},
	{name: "aud may stand twice", opens: textOf(1, twice("aud")), want: `^payload: aud twice`, least: 2, level: leniency},
	{name: "iss may stand twice", opens: textOf(1, twice("iss")), want: `^payload: iss twice`, least: 2, level: leniency},
	{name: "exp may stand twice", opens: textOf(1, twice("exp")), want: `^payload: exp twice`, least: 2, level: leniency},
	{name: "sub may stand twice", opens: textOf(1, twice("sub")), want: `^payload: sub twice`, least: 2, level: leniency},
	{name: "scope may stand twice", opens: textOf(1, twice("scope")), want: `^payload: scope twice`, least: 2, level: leniency},
	{name: "members of members may stand twice", opens: textOf(1, twice("roles")), want: `^payload: a member within a member twice$`, least: 1, level: leniency},
	{name: "names are unescaped after they are compared", opens: textOf(1, contains(`a\u0075d`)), want: `^payload: aud twice, one of them escaped$`, least: 1, level: leniency},
	{name: "a byte order mark is skipped", opens: textOf(0, contains("\xef\xbb\xbf")), want: `^header: a byte order mark before$`, least: 1, level: leniency},
	{name: "what stands behind the claims is ignored", opens: textOf(1, func(s string) bool { return strings.HasSuffix(s, "}x") || strings.HasSuffix(s, "}{}") }), want: `^payload: (garbage|a second object) behind$`, least: 2, level: leniency},
	{name: "comments are skipped", opens: textOf(1, contains("/* x */")), want: `^payload: a comment in it$`, least: 1, level: leniency},
	{name: "a comma at the end is skipped", opens: textOf(1, func(s string) bool { return strings.HasSuffix(s, ",}") }), want: `^payload: a comma at the end$`, least: 1, level: leniency},
	{name: "UTF-16 is read", opens: textOf(1, func(s string) bool { return bytes.Contains([]byte(s), []byte("i\x00s\x00s")) }), want: `^payload: in UTF-16`, least: 2, level: leniency},
	{name: "invalid UTF-8 is replaced", opens: textOf(1, contains("\xff\"")), want: `^payload: an invalid byte in a value$`, least: 1, level: leniency},
	{name: "single quotes are read", opens: textOf(1, contains("'iss'")), want: `^payload: in single quotes$`, least: 1, level: leniency},
	{name: "a list of claims is read", opens: textOf(1, func(s string) bool { return strings.HasPrefix(s, "[{") }), want: `^payload: in an array$`, least: 1, level: leniency},
	{name: "kid may be a number", opens: malformed(func(c *call) bool { return isA[float64](c.header["kid"]) }), want: `^kid: a number$`, least: 1, level: leniency},
}

// spareBits reports whether only a decoder that is not strict reads the part.
func spareBits(part string) bool {
	_, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && !strict64(part)
}
