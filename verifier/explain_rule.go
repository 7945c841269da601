package verifier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/reason"
)

// ExplainRule is [Verifier.Explain] with a rule as the last check, "rule": why
// a good token is answered 403. The hint says what it lacks, and where its
// issuer grants that. The rule sees only claims for which everything else held.
func (v *Verifier) ExplainRule(ctx context.Context, token string, rule claims.Rule) Report {
	return v.explain(ctx, token, false, func(c *check, r *Report) { c.reportRule(r, rule) })
}

// ExplainBound is [Verifier.ExplainRule] for a caller that checks the cnf claim by
// itself, as [Verifier.VerifyBound] is [Verifier.Verify] for one.
func (v *Verifier) ExplainBound(ctx context.Context, token string, rule claims.Rule) Report {
	return v.explain(ctx, token, true, func(c *check, r *Report) { c.reportRule(r, rule) })
}

// reportRule adds to a report what a rule says.
func (c *check) reportRule(r *Report, rule claims.Rule) {
	if !r.OK {
		r.Checks = append(r.Checks, Check{Name: "rule", Skipped: true})
		return
	}
	a := &authorization{c: c.claims.is.claims, payload: c.payload.is.payload.Value(), hints: c.issuer.is.issuer.hints, rule: rule}
	a.decision, a.kind = rule.CheckCall(a.c, clockOf{c.request.is.v}), vetted.Kind(&rule, a.c)
	r.Checks = append(r.Checks, Check{
		Name: "rule", OK: a.decision.Allowed, Found: quote.Line(a.found(), maxText), Expected: quote.Line(rule.String(), maxText),
	})
	if a.decision.Allowed {
		return
	}
	r.OK, r.Reason = false, a.decision.Reason
	r.Hint = quote.Line(a.hint(), 2*maxText)
}

// clockOf is the call of a report: the clock of a verifier, and no route.
type clockOf struct{ *Verifier }

// Param returns "": there is no route.
func (clockOf) Param(string) string { return "" }

// NoRoute says so to rules that ask about one.
func (clockOf) NoRoute() {}

// What a token can lack by its name.
const (
	kindScope      = "scope"
	kindRole       = "role"
	kindPermission = "permission"
	kindLevel      = "level"
)

// authorization is a good token and what a rule says of it.
type authorization struct {
	c        *claims.Claims
	payload  strictjson.Value
	hints    map[string]string
	rule     claims.Rule
	decision claims.Decision
	kind     string // of what is missing, "" if that has no name
}

// found returns what the token has of the kind that is missing, of every kind if
// nothing is.
func (a *authorization) found() string {
	kinds := []string{a.kind}
	switch {
	case a.kind == kindLevel, a.decision.Allowed:
		kinds = []string{kindScope, kindRole, kindPermission}
	case a.decision.Reason == reason.WrongClient:
		return "client " + quote.Text(a.c.ClientID())
	case a.decision.Reason == reason.InsufficientUserAuthentication:
		return a.authentication()
	case a.kind == "":
		return "caller " + cmp.Or(string(a.c.Caller()), "unknown") + ", client " + quote.Text(a.c.ClientID())
	}
	var texts []string
	for _, kind := range kinds {
		if names := a.names(kind); len(names) > 0 {
			texts = append(texts, kind+" "+listed(names))
		} else {
			texts = append(texts, "no "+kind)
		}
	}
	return strings.Join(texts, ", ")
}

// authentication returns what the token says of how its user authenticated.
func (a *authorization) authentication() string {
	acr, at := "no acr", "no auth_time"
	if text, ok := a.c.Text("acr"); ok {
		acr = "acr " + quote.Text(text)
	}
	if value, ok := a.payload.Get("auth_time"); ok {
		at = "auth_time " + quote.Line(value.Raw(), maxShown)
		if seconds, err := value.Number(); err == nil && seconds >= 0 && seconds < 1e11 {
			at += " (" + time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339) + ")"
		}
	}
	return acr + ", " + at
}

func (a *authorization) names(kind string) []string {
	switch kind {
	case kindScope:
		return slices.Collect(a.c.Scopes())
	case kindRole:
		return slices.Collect(a.c.Roles())
	case kindPermission:
		return slices.Collect(a.c.Permissions())
	}
	return nil
}

func listed(names []string) string {
	const most = 20
	var out []string
	for _, name := range names[:min(len(names), most)] {
		out = append(out, quote.Text(name))
	}
	if more := len(names) - most; more > 0 {
		out = append(out, fmt.Sprintf("%d more", more))
	}
	return strings.Join(out, " ")
}

// hint returns what is lacking, where else the token has it, and where the
// issuer grants it.
func (a *authorization) hint() string {
	if err := a.rule.Err(); err != nil {
		return "The rule itself is wrong and denies every token: " + err.Error() + "."
	}
	kind, missing := a.kind, a.decision.Missing
	if kind == "" {
		return "The token is good, but the rule denies it: " + a.rule.String() + ". " + a.fact()
	}
	verb := "lacks the "
	if len(missing) > 1 {
		verb = "lacks, of what the rule names, the "
	}
	noun := strings.Replace(kind, kindLevel, "access level", 1)
	parts := []string{"The token is good, but " + verb + noun + " " + listed(missing) + "."}
	for _, name := range missing {
		if where := a.elsewhere(kind, name); where != "" {
			parts = append(parts, where)
			break
		}
	}
	grant := cmp.Or(a.hints[hintLacks+":"+kind], granted[kind])
	return strings.Join(append(parts, grant), " ")
}

// fact is what to do where no name is missing.
func (a *authorization) fact() string {
	switch a.decision.Reason {
	case reason.WrongCaller:
		return fmt.Sprintf("The caller of this token is %s: an app gets its token by client credentials, a user's comes from a login.", cmp.Or(string(a.c.Caller()), "not known from its claims"))
	case reason.InsufficientUserAuthentication:
		return "The token has " + a.authentication() + ": the client must send its user to the issuer again, with acr_values and max_age as the challenge has them, and the issuer must put acr and auth_time into access tokens."
	case reason.WrongClient:
		return "Its client is " + quote.Text(a.c.ClientID()) + ": add that to the rule if it may call."
	default:
		return "Compare it with the token's claims."
	}
}

// granted is where issuers of which nothing is known grant what is lacking.
var granted = map[string]string{
	kindScope:      "A client asks for scopes in its token request, and the issuer must allow it to: grant the client that scope there.",
	kindRole:       "No client can ask for a role: the issuer's administrator assigns it to the app or the user.",
	kindPermission: "No client can ask for a permission: the issuer's administrator assigns it to the app or the user.",
	kindLevel:      "A level is a scope, a permission or, for an app, a role of that name, alone or as resource/level: grant one of them.",
}

// elsewhere returns where the token has what the rule does not find, "" for
// nowhere.
func (a *authorization) elsewhere(kind, name string) string {
	q := quote.Text(name)
	for _, other := range []string{kindScope, kindRole, kindPermission} {
		names := a.names(other)
		switch {
		case kind == kindLevel && other != kindRole: // it was looked at
		case kind == kindLevel:
			if slices.Contains(names, name) && a.c.Caller() != claims.CallerApp {
				return "It has " + q + " as a role, which counts only where the token says that an app calls."
			}
		case other != kind && slices.Contains(names, name):
			return fmt.Sprintf("It has %s as a %s, not as a %s: ask for the %[2]s in the rule, or have the issuer grant the %[3]s.", q, other, kind)
		}
		for _, held := range names {
			if (other == kind || kind == kindLevel) && held != name && near(held, name) {
				return fmt.Sprintf("It has %s: names are compared byte for byte.", quote.Text(held))
			}
		}
	}
	if at := pathTo(a.payload, name, nil); at != "" {
		return fmt.Sprintf("It has %s in %s, which is not read as a %s: see Claims of the issuer.", q, at, kind)
	}
	return ""
}

// near reports whether two names differ in case or in what is before the last
// slash or colon alone.
func near(held, name string) bool {
	last := func(s string) string { return s[strings.LastIndexAny(s, "/:")+1:] }
	return strings.EqualFold(last(held), last(name)) && last(name) != ""
}

// registered are claims whose values are no grants.
var registered = []string{"iss", "sub", "aud", "jti", "azp", "appid", "client_id"}

// pathTo returns the claim whose string, list of strings or member names have
// name, "" if none has.
func pathTo(v strictjson.Value, name string, at []string) string {
	here := strings.Join(at, ".")
	if text, err := v.Text(); err == nil && slices.Contains(strings.Fields(text), name) {
		return here
	}
	for e := range v.Elements() {
		if e.Is(name) {
			return here
		}
	}
	for member, value := range v.Members() {
		if len(at) == 0 && slices.Contains(registered, member) {
			continue
		}
		if member == name && len(at) > 0 && value.Kind() == '{' {
			return here + ", as the name of a member"
		}
		if found := pathTo(value, name, append(at, quote.Line(member, maxShown))); found != "" {
			return found
		}
	}
	return ""
}
