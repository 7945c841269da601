package verifier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/reason"
)

// Report is the result of [Verifier.Explain] and [Verifier.ExplainRule]. It holds claim values, but never
// the signature: treat it like the data of the caller it is about.
type Report struct {
	OK     bool        `json:"ok"`
	Reason reason.Code `json:"reason,omitempty"`
	Checks []Check     `json:"checks"`
	// Hint is what to do about it, in one sentence; "" if the token is good.
	Hint string `json:"hint,omitempty"`
}

// Check is one line of a [Report].
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Skipped is set where an earlier check left nothing for this one to judge.
	Skipped  bool   `json:"skipped,omitempty"`
	Found    string `json:"found,omitempty"`
	Expected string `json:"expected,omitempty"`
}

// Explain runs every check that it can, past the first that refuses the token,
// and reports what each found and expected. Its result and reason are those of
// [Verifier.Verify] without the cache. Validators and the revocation hook see
// only claims for which everything else held.
//
// It is for people: slower than Verify, and like Verify it may wait for keys.
func (v *Verifier) Explain(ctx context.Context, token string) Report {
	return v.explain(ctx, token, false, func(*check, *Report) {})
}

// explain reports on a token, and ends with more.
func (v *Verifier) explain(ctx context.Context, token string, bound bool, more func(*check, *Report)) Report {
	c := newCheck(request{v: v, ctx: ctx, token: token, bound: bound})
	defer c.release()
	report := c.report(all)
	more(c, &report)
	return report
}

// report takes every step that it can.
func (c *check) report(steps []step) Report {
	var report Report
	var first *Error
	for i := range steps {
		if d := &c.claims; d.reached {
			c.at(d.is.verified()) // the wait for keys may have moved the clock
		}
		line, err := steps[i].explain(c)
		if err != nil && first == nil {
			first, c.failed = err, true
		}
		report.Checks = append(report.Checks, line)
	}
	report.OK = first == nil
	if first != nil {
		report.Reason = first.Reason
		report.Hint = quote.Line(strings.ReplaceAll(hint(c, first), "\n", "; "), 2*maxText)
	}
	return report
}

// How much a report shows of a text that others wrote.
const (
	maxShown = 200  // of a claim
	maxText  = 1000 // of an error
)

// line is the report on one check. Whatever its texts hold of a token or of a
// server, nothing in them is obeyed by a terminal.
func line(name, found, expected string, err *Error) Check {
	if err != nil && err.Err != nil && found == "" {
		found = err.Err.Error()
	}
	return Check{Name: name, OK: err == nil, Found: quote.Line(found, maxText), Expected: quote.Line(expected, maxText)}
}

// briefly returns what an error says, without the name of the package that says it.
func briefly(err error) string {
	text := err.Error()
	for _, prefix := range []string{"jwks: ", "claims: ", "jose: ", "malformed header: ", "strictjson: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// What each check found and expected, in the words of a report.

func (r *request) describeSize() (found, expected string) {
	return strconv.Itoa(len(r.token)) + " bytes", "at most " + strconv.Itoa(r.v.maxTokenBytes)
}

func describeStructure(r *request, _ *split) (found, expected string) {
	return strconv.Itoa(strings.Count(r.token, ".")+1) + " parts", "3 parts: header.payload.signature"
}

func describeHeader(_ *split, h *headed) (found, expected string) {
	if h != nil {
		found = "a JSON object"
	}
	return found, "a JSON object in canonical base64url, no member twice"
}

func (h *headed) describeCritical() (found, expected string) {
	found = "neither"
	if h.header.Critical || h.header.Unencoded {
		found = "crit or b64"
	}
	return found, "neither crit nor b64"
}

func describePayload(_ *split, o *opened) (found, expected string) {
	if o != nil {
		found = "a JSON object"
	}
	return found, "a JSON object in canonical base64url, no member twice"
}

func describeIssuer(o *opened, _ *routed) (found, expected string) {
	var known []string
	for name := range o.v.issuers {
		known = append(known, strconv.Quote(name))
	}
	for _, i := range o.v.templates {
		known = append(known, i.expectation())
	}
	slices.Sort(known)
	const most = 5
	if more := len(known) - most; more > 0 {
		known = append(known[:most], fmt.Sprintf("%d more", more))
	}
	return o.claim("iss"), oneOf(known)
}

func (i *issuer) expectation() string {
	if i.anyTenant {
		return strconv.Quote(i.name) + " of any tenant"
	}
	return fmt.Sprintf("%q of %d tenants", i.name, len(i.tenants))
}

func (l *located) describeType() (found, expected string) {
	found = "no typ"
	if l.header.HasType {
		found = quote.Text(l.header.Type)
	}
	if l.header.ContentType != "" {
		found += " and cty " + quote.Text(l.header.ContentType)
	}
	types := quoteAll(l.issuer.types)
	for n, t := range l.issuer.types {
		if t == "" {
			types[n] = "no typ"
		}
	}
	return found, oneOf(types)
}

func (l *located) describeAlgorithm() (found, expected string) {
	return quote.Text(l.header.Algorithm), oneOf(quoteAll(l.issuer.algorithms))
}

func describeKey(l *located, _ *keyed) (found, expected string) {
	found = "no kid"
	switch h := l.header; {
	case h.KeyID != "":
		found = "kid " + quote.Text(h.KeyID)
	case h.ThumbprintSHA256 != "":
		found += ", x5t#S256 " + quote.Text(h.ThumbprintSHA256)
	case h.Thumbprint != "":
		found += ", x5t " + quote.Text(h.Thumbprint)
	}
	keys := l.issuer.keys.Snapshot()
	if !keys.Usable() {
		return found, "keys of the issuer, which could not be had"
	}
	var have []string
	for k := range keys.Keys() {
		have = append(have, strings.TrimSpace(quote.Text(k.ID())+" "+k.Type()+" "+k.Algorithm()))
	}
	const most = 8
	if more := len(have) - most; more > 0 {
		have = append(have[:most], fmt.Sprintf("%d more", more))
	}
	return found, oneOf(have)
}

func (k *keyed) describeSignature() (found, expected string) {
	var keys []string
	for _, key := range k.candidates.Keys {
		if key != nil {
			keys = append(keys, quote.Text(key.ID()))
		}
	}
	return "", "made with " + k.header.Algorithm + " by key " + oneOf(keys)
}

func describeClaims(_ *routed, d *decoded) (found, expected string) {
	if d != nil {
		found = strconv.Itoa(d.payload.Len()) + " claims"
	}
	return found, "registered claims of the right types"
}

func (d *decoded) describeRequired() (found, expected string) {
	return d.describeNames(append([]string{"exp"}, d.issuer.required...))
}

func (d *decoded) describeNames(want []string) (found, expected string) {
	var missing []string
	for _, name := range want {
		if !d.claims.Has(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return "no " + strings.Join(missing, ", no "), strings.Join(want, ", ")
	}
	return "all", strings.Join(want, ", ")
}

func (t *tenancy) describeTenant() (found, expected string) {
	if !t.issuer.isTemplate() {
		return "", "nothing: the issuer has no tenants"
	}
	return "tid " + t.claim("tid") + ", key of " + quote.UpTo(t.key.key.Issuer(), maxShown), fmt.Sprintf("tid %q, key of %s", t.tenant, t.issuer.name)
}

func (d *decoded) describeKind() (found, expected string) {
	var marks []string
	for i := range d.issuer.markers {
		m := &d.issuer.markers[i]
		marks = append(marks, m.expectation())
		if !m.holds(d.claims) {
			found = m.Claim + " " + d.claim(m.Claim)
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

func (d *decoded) describeAudience() (found, expected string) {
	expected = oneOf(quoteAll(d.issuer.audiences))
	if b := &d.issuer.noAudience; !b.isZero() {
		expected += " (or no aud, and client " + oneOf(quoteAll(b.Clients))
		if b.ScopePrefix != "" {
			expected += fmt.Sprintf(" with a scope that begins with %q", b.ScopePrefix)
		}
		expected += ")"
	}
	return d.claim("aud"), expected
}

func (d *decoded) describeClient() (found, expected string) {
	found = "no client id"
	if id := d.claims.ClientID(); id != "" {
		found = quote.Text(id)
	}
	expected = "any client"
	if len(d.issuer.clients) > 0 {
		expected = oneOf(quoteAll(d.issuer.clients))
	}
	if l, has := d.broken(); l != nil {
		found, expected = found+", "+has, expected+", "+l.expectation()
	}
	return found, expected
}

func (c *current) describeBinding() (found, expected string) {
	found = "no cnf"
	if cnf, ok := c.claims.Value("cnf"); ok {
		text, _ := json.Marshal(cnf)
		found = readable(string(text))
	}
	if c.bound {
		return found, "what the caller checks by itself"
	}
	return found, "no cnf"
}

func (c *current) describeExpiry() (found, expected string) {
	return c.moment("exp", c.claims.ExpiresAt()), "after " + stamp(c.now.Add(-c.v.leeway)) + c.leeway()
}

func (c *current) describeNotBefore() (found, expected string) {
	return c.moment("nbf", c.claims.NotBefore()), "none, or not after " + stamp(c.now.Add(c.v.leeway)) + c.leeway()
}

func (c *current) describeIssuedAt() (found, expected string) {
	return c.moment("iat", c.claims.IssuedAt()), "none, or not after " + stamp(c.now.Add(c.v.leeway)) + c.leeway()
}

func (c *current) describeAge() (found, expected string) {
	if c.v.maxAge == 0 {
		return c.moment("iat", c.claims.IssuedAt()), "any age"
	}
	return c.moment("iat", c.claims.IssuedAt()), "issued within " + c.v.maxAge.String() + c.leeway()
}

func (c *current) describeValidators() (found, expected string) {
	return "", fmt.Sprintf("%d validators of your own to agree", len(c.v.validators))
}

func (c *current) describeRevocation() (found, expected string) {
	if c.v.revoked == nil {
		return "", "nothing: no revocation is configured"
	}
	return "", "not revoked"
}

// claim returns the JSON text of a claim, fit to be read.
func (o *opened) claim(name string) string {
	value, ok := o.payload.Get(name)
	if !ok {
		return "no " + name
	}
	return readable(value.Raw())
}

// readable returns what a report shows of a claim.
func readable(text string) string { return quote.Line(text, maxShown) }

func (c *current) moment(name string, t time.Time) string {
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

func (c *current) leeway() string { return " (leeway " + c.v.leeway.String() + ")" }

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
