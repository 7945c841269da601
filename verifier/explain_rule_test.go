package verifier_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// ruled is the report on a token and a rule, and its last check.
func (w *world) ruled(t *testing.T, token string, rule claims.Rule) (verifier.Report, verifier.Check) {
	t.Helper()
	report := w.verifier(t).ExplainRule(t.Context(), token, rule)
	assertUnsigned(t, report, token)
	last := report.Checks[len(report.Checks)-1]
	assert.Equal(t, "rule", last.Name)
	assert.Len(t, report.Checks, len(checkNames)+1)
	return report, last
}

func TestExplainSaysWhatAGoodTokenLacks(t *testing.T) {
	t.Parallel()
	app := jwkstest.Claims{"idtyp": "app"}
	levels := claims.AccessLevels{Resources: []string{audience}}
	for name, r := range map[string]struct {
		rule   claims.Rule
		claims jwkstest.Claims
		reason reason.Code
		found  string
		hint   []string // sentences that must occur
	}{
		"a scope": {
			claims.AllScopes("orders.read", "orders.write"),
			jwkstest.Claims{"scope": "orders.read x"},
			reason.InsufficientScope, `scope "orders.read" "x"`,
			[]string{`The token is good, but lacks the scope "orders.write". A client asks for scopes in its token request`},
		},
		"any of two scopes": {
			claims.AnyScope("a", "b"), nil, reason.InsufficientScope, "no scope",
			[]string{`lacks, of what the rule names, the scope "a" "b".`},
		},
		"a role":       {claims.AnyRole("Admin"), nil, reason.InsufficientRole, "no role", []string{`lacks the role "Admin". No client can ask for a role`}},
		"a permission": {claims.AllPermissions("p"), nil, reason.InsufficientScope, "no permission", []string{`lacks the permission "p". No client can ask for a permission`}},
		"a level": {
			levels.Require(claims.LevelPut),
			jwkstest.Claims{"scope": "get"},
			reason.InsufficientScope, `scope "get", no role, no permission`,
			[]string{`lacks the access level "put". A level is a scope, a permission or, for an app, a role of that name`},
		},
		"one of two rules": {
			claims.AllOf(claims.AllScopes("a"), claims.AnyRole("Admin")), jwkstest.Claims{"scope": "a"}, reason.InsufficientRole, "no role", []string{`lacks the role "Admin".`},
		},

		// It has it, but not so.
		"a role instead of a scope": {
			claims.AllScopes("orders.write"),
			jwkstest.Claims{"roles": []string{"orders.write"}},
			reason.InsufficientScope, "no scope",
			[]string{`It has "orders.write" as a role, not as a scope: ask for the role in the rule, or have the issuer grant the scope.`},
		},
		"a scope instead of a permission": {
			claims.AllPermissions("p"), jwkstest.Claims{"scope": "p"}, reason.InsufficientScope, "no permission", []string{`It has "p" as a scope, not as a permission`},
		},
		"another case":        {claims.AllScopes("Orders.Read"), jwkstest.Claims{"scope": "orders.read"}, reason.InsufficientScope, `scope "orders.read"`, []string{`It has "orders.read": names are compared byte for byte.`}},
		"a resource in front": {claims.AllScopes("read"), jwkstest.Claims{"scope": "api://orders/read"}, reason.InsufficientScope, `scope "api://orders/read"`, []string{`It has "api://orders/read": names`}},
		"Keycloak's roles": {
			claims.AnyRole("admin"),
			jwkstest.Claims{"realm_access": map[string]any{"roles": []string{"x", "admin"}}},
			reason.InsufficientRole, "no role",
			[]string{`It has "admin" in realm_access.roles, which is not read as a role: see Claims of the issuer.`},
		},
		"Zitadel's roles": {
			claims.AnyRole("admin"),
			jwkstest.Claims{"urn:roles": map[string]any{"admin": map[string]any{"1": "x"}}},
			reason.InsufficientRole, "no role",
			[]string{`It has "admin" in urn:roles, as the name of a member, which is not read as a role`},
		},
		"a user's role as a level": {
			levels.Require(claims.LevelPut),
			jwkstest.Claims{"roles": []string{"put"}, "idtyp": "user"},
			reason.InsufficientScope, `no scope, role "put", no permission`,
			[]string{`It has "put" as a role, which counts only where the token says that an app calls.`},
		},
		"a level in capitals": {levels.Require(claims.LevelGet), jwkstest.Claims{"scope": "GET"}, reason.InsufficientScope, `scope "GET", no role, no permission`, []string{`It has "GET": names`}},
		"its subject is no grant": {
			claims.AnyRole("admin"), jwkstest.Claims{"sub": "admin"}, reason.InsufficientRole, "no role", []string{`lacks the role "admin". No client`},
		},

		// What has no name.
		"another caller":  {claims.UserOnly(), app, reason.WrongCaller, `caller app, client "test-client"`, []string{"but the rule denies it: a user as the caller. The caller of this token is app"}},
		"another client":  {claims.ClientIn("partner"), nil, reason.WrongClient, `client "test-client"`, []string{`a client of partner. Its client is "test-client": add that to the rule`}},
		"a claim":         {claims.Equals("x", "tenant"), nil, reason.Denied, `caller unknown, client "test-client"`, []string{"claim tenant equal to", "Compare it with the token's claims."}},
		"the zero rule":   {claims.Rule{}, nil, reason.Denied, `caller unknown, client "test-client"`, []string{"the rule denies it: nobody."}},
		"a rule in error": {claims.AllScopes(), nil, reason.Denied, `caller unknown, client "test-client"`, []string{"The rule itself is wrong and denies every token: claims: AllScopes: no scopes given"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			report, last := w.ruled(t, w.Token(jwkstest.Claims{"scope": nil}, r.claims), r.rule)
			assert.False(t, report.OK)
			assert.Equal(t, r.reason, report.Reason)
			assert.Equal(t, verifier.Check{Name: "rule", Found: r.found, Expected: r.rule.String()}, last)
			for _, want := range r.hint {
				assert.Contains(t, report.Hint, want)
			}
			assert.True(t, strings.HasSuffix(report.Hint, "."), report.Hint)
		})
	}
}

func TestAnIssuerSaysWhereItGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer().Hints = map[string]string{"lacks:scope": "Ask Anna.", "lacks:role": "Ask Bo.", "lacks:permission": "Ask Cy.", "lacks:level": "Ask Di."}
	second("https://second.example/")(w)
	w.cfg.Issuers[1].Hints = nil
	for want, rule := range map[string]claims.Rule{
		"Ask Anna.": claims.AllScopes("s"), "Ask Bo.": claims.AnyRole("r"), "Ask Cy.": claims.AnyPermission("p"),
		"Ask Di.": claims.AccessLevels{Resources: []string{audience}}.Require(claims.LevelGet),
	} {
		report, _ := w.ruled(t, w.Token(), rule)
		assert.True(t, strings.HasSuffix(report.Hint, ". "+want), report.Hint)
		report, _ = w.ruled(t, w.Token(jwkstest.Claims{"iss": "https://second.example/"}), rule)
		assert.NotContains(t, report.Hint, "Ask", "another issuer grants elsewhere")
	}
}

func TestARuleThatHoldsIsTheLastCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	report, last := w.ruled(t, w.Token(jwkstest.Claims{"scope": "a"}), claims.AllScopes("a"))
	assert.True(t, report.OK)
	assert.Empty(t, report.Hint)
	assert.Equal(t, verifier.Check{Name: "rule", OK: true, Found: `scope "a", no role, no permission`, Expected: "all scopes a"}, last)
}

func TestARuleSeesNoTokenThatWasRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rule := claims.Func("mine", func(*claims.Claims) bool { t.Error("it ran"); return true })
	for _, token := range []string{w.Token(jwkstest.Claims{"exp": noon.Add(-time.Hour)}), tampered(w.Token()), "x"} {
		report, last := w.ruled(t, token, rule)
		assert.False(t, report.OK)
		assert.NotEqual(t, reason.Denied, report.Reason)
		assert.Equal(t, verifier.Check{Name: "rule", Skipped: true}, last)
	}
}

func TestNamesOfATokenAreQuotedAndCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	roles := make([]string, 25)
	for i := range roles {
		roles[i] = "\x1b[31m" + strings.Repeat("r", 100)
	}
	report, last := w.ruled(t, w.Token(jwkstest.Claims{"roles": roles, strings.Repeat("n", 500): []string{"Admin"}}), claims.AnyRole("Admin"))
	assert.NotContains(t, last.Found+report.Hint, "\x1b")
	assert.LessOrEqual(t, len(last.Found), 1003)
	assert.Contains(t, report.Hint, " in "+strings.Repeat("n", 200)+"..., which is not read")
}

func TestExplainBoundLeavesCnfToItsCaller(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))
	v := must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: iss.KeySet()}}}))
	token := iss.Token(jwkstest.Claims{"scope": "a", "cnf": map[string]any{"jkt": "x"}})
	assert.Equal(t, reason.UnsupportedBinding, v.ExplainRule(t.Context(), token, claims.AllScopes("a")).Reason)
	assert.True(t, v.ExplainBound(t.Context(), token, claims.AllScopes("a")).OK)
	assert.Equal(t, reason.InsufficientScope, v.ExplainBound(t.Context(), token, claims.AllScopes("b")).Reason)
	assert.Equal(t, reason.Malformed, v.ExplainBound(t.Context(), "x", claims.AllScopes("a")).Reason)
}
