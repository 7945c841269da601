package verifier

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What each check found and expected, in the words of a report.

func describeSize(c *check) (found, expected string) {
	return strconv.Itoa(len(c.token)) + " bytes", "at most " + strconv.Itoa(c.v.maxTokenBytes)
}

func describeStructure(c *check) (found, expected string) {
	return strconv.Itoa(strings.Count(c.token, ".")+1) + " parts", "3 parts: header.payload.signature"
}

func describeHeader(c *check) (found, expected string) {
	if c.header != nil {
		found = "a JSON object"
	}
	return found, "a JSON object in canonical base64url, no member twice"
}

func describeCritical(c *check) (found, expected string) {
	found = "neither"
	if c.header.Critical || c.header.Unencoded {
		found = "crit or b64"
	}
	return found, "neither crit nor b64"
}

func describePayload(c *check) (found, expected string) {
	if c.payload != nil {
		found = "a JSON object"
	}
	return found, "a JSON object in canonical base64url, no member twice"
}

func describeIssuer(c *check) (found, expected string) {
	var known []string
	for name := range c.v.issuers {
		known = append(known, strconv.Quote(name))
	}
	for _, i := range c.v.templates {
		known = append(known, i.expectation())
	}
	slices.Sort(known)
	const most = 5
	if more := len(known) - most; more > 0 {
		known = append(known[:most], fmt.Sprintf("%d more", more))
	}
	return claim(c, "iss"), oneOf(known)
}

func (i *issuer) expectation() string {
	if i.anyTenant {
		return strconv.Quote(i.name) + " of any tenant"
	}
	return fmt.Sprintf("%q of %d tenants", i.name, len(i.tenants))
}

func describeType(c *check) (found, expected string) {
	found = "no typ"
	if c.header.HasType {
		found = strconv.QuoteToASCII(c.header.Type)
	}
	if c.header.ContentType != "" {
		found += " and cty " + strconv.QuoteToASCII(c.header.ContentType)
	}
	types := quoteAll(c.issuer.types)
	for n, t := range c.issuer.types {
		if t == "" {
			types[n] = "no typ"
		}
	}
	return found, oneOf(types)
}

func describeAlgorithm(c *check) (found, expected string) {
	return strconv.QuoteToASCII(c.header.Algorithm), oneOf(quoteAll(c.issuer.algorithms))
}

func describeKey(c *check) (found, expected string) {
	found = "no kid"
	if c.header.KeyID != "" {
		found = "kid " + quoted(c.header.KeyID)
	}
	keys := c.issuer.keys.Snapshot()
	if !keys.Usable() {
		return found, "keys of the issuer, which could not be had"
	}
	var have []string
	for k := range keys.Keys() {
		have = append(have, strings.TrimSpace(quoted(k.ID())+" "+k.Type()+" "+k.Algorithm()))
	}
	const most = 8
	if more := len(have) - most; more > 0 {
		have = append(have[:most], fmt.Sprintf("%d more", more))
	}
	return found, oneOf(have)
}

func describeSignature(c *check) (found, expected string) {
	return "", "made with " + c.header.Algorithm + " by key " + quoted(c.key.ID())
}

func describeClaims(c *check) (found, expected string) {
	if c.claims != nil {
		found = strconv.Itoa(c.payload.Len()) + " claims"
	}
	return found, "registered claims of the right types"
}

func describeRequired(c *check) (found, expected string) {
	want := append([]string{"exp"}, c.issuer.required...)
	var missing []string
	for _, name := range want {
		if !c.claims.Has(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "no " + strings.Join(missing, ", no "), strings.Join(want, ", ")
	}
	return "all", strings.Join(want, ", ")
}

func describeTenant(c *check) (found, expected string) {
	if !c.issuer.isTemplate() {
		return "", "nothing: the issuer has no tenants"
	}
	return "tid " + claim(c, "tid") + ", key of " + strconv.Quote(c.key.Issuer()), fmt.Sprintf("tid %q, key of %s", c.tenant, c.issuer.name)
}

func describeKind(c *check) (found, expected string) {
	var marks []string
	for i := range c.issuer.markers {
		m := &c.issuer.markers[i]
		marks = append(marks, m.expectation())
		if !m.holds(c.claims) {
			found = m.Claim + " " + claim(c, m.Claim)
		}
	}
	if found == "" {
		found = "an access token"
	}
	return found, strings.Join(marks, "; ")
}

func (m *Marker) expectation() string {
	switch {
	case len(m.Is) > 0:
		return m.Claim + " " + oneOf(quoteAll(m.Is))
	case len(m.Not) > 0:
		return m.Claim + " not " + oneOf(quoteAll(m.Not))
	default:
		return "no " + m.Claim
	}
}

func describeAudience(c *check) (found, expected string) {
	expected = oneOf(quoteAll(c.issuer.audiences))
	if b := c.issuer.noAudience; !b.isZero() {
		expected += fmt.Sprintf(" (or no aud, a client on the list and a scope that begins with %q)", b.ScopePrefix)
	}
	return claim(c, "aud"), expected
}

func describeClient(c *check) (found, expected string) {
	found = "no client id"
	if id := c.claims.ClientID(); id != "" {
		found = strconv.QuoteToASCII(id)
	}
	if len(c.issuer.clients) == 0 {
		return found, "any client"
	}
	return found, oneOf(quoteAll(c.issuer.clients))
}

func describeBinding(c *check) (found, expected string) {
	expected = "no cnf"
	if len(c.v.confirmations) > 0 {
		expected += ", or only " + strings.Join(c.v.confirmations, ", ")
	}
	return claim(c, "cnf"), expected
}

func describeExpiry(c *check) (found, expected string) {
	return moment(c, "exp", c.claims.ExpiresAt()), "after " + stamp(c.now.Add(-c.v.leeway)) + leeway(c)
}

func describeNotBefore(c *check) (found, expected string) {
	return moment(c, "nbf", c.claims.NotBefore()), "none, or not after " + stamp(c.now.Add(c.v.leeway)) + leeway(c)
}

func describeIssuedAt(c *check) (found, expected string) {
	return moment(c, "iat", c.claims.IssuedAt()), "none, or not after " + stamp(c.now.Add(c.v.leeway)) + leeway(c)
}

func describeAge(c *check) (found, expected string) {
	if c.v.maxAge == 0 {
		return moment(c, "iat", c.claims.IssuedAt()), "any age"
	}
	return moment(c, "iat", c.claims.IssuedAt()), "issued within " + c.v.maxAge.String() + leeway(c)
}

func describeValidators(c *check) (found, expected string) {
	return "", fmt.Sprintf("%d validators of your own to agree", len(c.v.validators))
}

func describeRevocation(c *check) (found, expected string) {
	if c.v.revoked == nil {
		return "", "nothing: no revocation is configured"
	}
	return "", "not revoked"
}

// claim is a claim's JSON text, cut to a readable length and free of control
// characters.
func claim(c *check, name string) string {
	value, ok := c.payload.Get(name)
	if !ok {
		return "no " + name
	}
	const most = 200
	raw := value.Raw()
	if len(raw) > most {
		raw = raw[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, raw)
}

func moment(c *check, name string, t time.Time) string {
	if t.IsZero() {
		return "no " + name
	}
	d := c.now.Sub(t).Round(time.Second)
	if d < 0 {
		return stamp(t) + ", in " + (-d).String()
	}
	return stamp(t) + ", " + d.String() + " ago"
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func leeway(c *check) string { return " (leeway " + c.v.leeway.String() + ")" }

func quoteAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strconv.Quote(s)
	}
	return out
}

func oneOf(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, " or ")
}
