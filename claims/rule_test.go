package claims_test

import (
	"iter"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

func TestRulesOverNames(t *testing.T) {
	t.Parallel()
	const scope, role = reason.InsufficientScope, reason.InsufficientRole
	for name, row := range map[string]struct {
		rule claims.Rule
		want denial // the zero denial is none
	}{
		"all scopes, all held":                   {rule: claims.AllScopes("b", "a")},
		"all scopes, one missing":                {claims.AllScopes("a", "c"), denial{scope, "a c", []string{"c"}}},
		"all scopes, all missing":                {claims.AllScopes("d", "c"), denial{scope, "d c", []string{"d", "c"}}},
		"any scope, the last held":               {rule: claims.AnyScope("d", "c", "b")},
		"any scope, none held":                   {claims.AnyScope("d", "c"), denial{scope, "d", []string{"d", "c"}}},
		"a scope in another case":                {claims.AllScopes("A"), denial{scope, "A", []string{"A"}}},
		"a part of a scope list":                 {claims.AllScopes("ab"), denial{scope, "ab", []string{"ab"}}},
		"a role is no scope":                     {claims.AllScopes("r"), denial{scope, "r", []string{"r"}}},
		"all roles, all held":                    {rule: claims.AllRoles("get", "r")},
		"all roles, one missing":                 {claims.AllRoles("r", "s"), denial{role, "", []string{"s"}}},
		"any role, one held":                     {rule: claims.AnyRole("s", "r")},
		"any role, none held":                    {claims.AnyRole("s", "R"), denial{role, "", []string{"s", "R"}}},
		"a scope is no role":                     {claims.AnyRole("a"), denial{role, "", []string{"a"}}},
		"all permissions, all held":              {rule: claims.AllPermissions("p", "q")},
		"all permissions, one missing":           {claims.AllPermissions("p", "x"), denial{scope, "", []string{"x"}}},
		"any permission, one held":               {rule: claims.AnyPermission("x", "q")},
		"any permission, none held":              {claims.AnyPermission("x", "y"), denial{scope, "", []string{"x", "y"}}},
		"a role with a space may be asked for":   {claims.AnyRole("get post"), denial{role, "", []string{"get post"}}},
		"a permission is not asked for by scope": {claims.AllOf(claims.AllScopes("a"), claims.AnyPermission("x")), denial{scope, "", []string{"x"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, row.rule, caller, row.want)
		})
	}
}

// Rich authorization requests (RFC 9396) are read by no rule of this package: a rule of
// one's own has to know their type.
func TestAuthorizationDetailsGrantNothingByThemselves(t *testing.T) {
	t.Parallel()
	const token = `{"client_id":"c","authorization_details":[{"type":"orders","actions":["read"],"scope":"orders.read","roles":["reader"]}],"scope":"other"}`
	for name, row := range map[string]struct {
		rule claims.Rule
		want denial
	}{
		"83 no scope":      {claims.AllScopes("orders.read"), denial{reason.InsufficientScope, "orders.read", []string{"orders.read"}}},
		"83 no role":       {claims.AnyRole("reader"), denial{reason.InsufficientRole, "", []string{"reader"}}},
		"83 no permission": {claims.AnyPermission("read"), denial{reason.InsufficientScope, "", []string{"read"}}},
		"83 and a rule that does not know the type denies": {claims.Func("stock", func(c *claims.Claims) bool {
			details, _ := c.Value("authorization_details")
			list, _ := details.([]any)
			for _, one := range list {
				if detail, _ := one.(map[string]any); detail["type"] == "stock" {
					return true
				}
			}
			return false
		}), denial{reason.Denied, "", []string{"stock"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, row.rule, token, row.want)
		})
	}
}

func TestTheZeroRuleAndNilClaimsAreDenied(t *testing.T) {
	t.Parallel()
	var zero claims.Rule
	require.NoError(t, zero.Err())
	check(t, zero, caller, denial{reason: reason.Denied})
	assert.Equal(t, "nobody", zero.String())
	assert.False(t, claims.Decision{}.Allowed)
	called := false
	for _, rule := range []claims.Rule{
		zero, claims.AnyToken(), claims.AllScopes("a"), claims.AnyOf(claims.AnyToken()),
		claims.Func("f", func(*claims.Claims) bool { called = true; return true }),
	} {
		assert.Equal(t, claims.Decision{Reason: reason.Denied}, rule.Check(nil), rule.String())
	}
	assert.False(t, called, "a function never sees nil claims")
}

func TestRulesThatMakeNoSenseDenyAndSayWhy(t *testing.T) {
	t.Parallel()
	f := func(*claims.Claims) bool { return true }
	for name, row := range map[string]struct {
		rule claims.Rule
		want string
	}{
		"no scopes":                     {claims.AllScopes(), "claims: AllScopes: no scopes given: name at least one"},
		"no scope of any":               {claims.AnyScope(), "claims: AnyScope: no scopes given: name at least one"},
		"no roles":                      {claims.AllRoles(), "claims: AllRoles: no roles given: name at least one"},
		"no role of any":                {claims.AnyRole(), "claims: AnyRole: no roles given: name at least one"},
		"no permissions":                {claims.AllPermissions(), "claims: AllPermissions: no permissions given: name at least one"},
		"no permission of any":          {claims.AnyPermission(), "claims: AnyPermission: no permissions given: name at least one"},
		"an empty scope":                {claims.AllScopes("a", ""), "claims: AllScopes: a scope cannot be empty"},
		"an empty role":                 {claims.AnyRole(""), "claims: AnyRole: a role cannot be empty"},
		"an empty permission":           {claims.AnyPermission("p", ""), "claims: AnyPermission: a permission cannot be empty"},
		"two scopes in one string":      {claims.AllScopes("a b"), `claims: AllScopes: "a b" is not one scope: pass several as several arguments`},
		"a scope with a quote":          {claims.AnyScope(`a"`), "is not one scope"},
		"a scope with a backslash":      {claims.AnyScope(`a\b`), "is not one scope"},
		"a scope with a line break":     {claims.AnyScope("a\r\n"), "is not one scope"},
		"a scope with a delete":         {claims.AnyScope("a\x7f"), "is not one scope"},
		"a scope that is not ASCII":     {claims.AnyScope("é"), "is not one scope"},
		"no clients":                    {claims.ClientIn(), "claims: ClientIn: name at least one client"},
		"an empty client":               {claims.ClientIn("a", ""), "claims: ClientIn: name at least one client, and none that is empty"},
		"no path to equal":              {claims.Equals("a"), "claims: Equals: a path needs at least one segment"},
		"an empty segment to equal":     {claims.Equals("a", "x", ""), "claims: Equals: a path needs at least one segment"},
		"a value of another type":       {claims.Equals([]string{"a"}, "x"), "claims: Equals: a []string cannot be compared"},
		"no value":                      {claims.Equals(nil, "x"), "claims: Equals: a <nil> cannot be compared"},
		"not a number":                  {claims.Equals(math.NaN(), "x"), "claims: Equals: JSON has no NaN"},
		"infinity":                      {claims.Equals(math.Inf(-1), "x"), "claims: Equals: JSON has no NaN and no infinity"},
		"no path to contain":            {claims.Contains("a"), "claims: Contains: a path needs at least one segment"},
		"an empty value to contain":     {claims.Contains("", "x"), "claims: Contains: the value is empty"},
		"a function without a name":     {claims.Func("", f), "claims: Func: give the rule a name and a function"},
		"a name without a function":     {claims.Func("f", nil), "claims: Func: give the rule a name and a function"},
		"all of nothing":                {claims.AllOf(), "claims: AllOf: no rules given"},
		"any of nothing":                {claims.AnyOf(), "claims: AnyOf: no rules given"},
		"all of with one that is wrong": {claims.AllOf(claims.AnyToken(), claims.AnyRole()), "claims: AnyRole: no roles given"},
		"any of with one that is wrong": {claims.AnyOf(claims.AnyToken(), claims.AnyRole()), "claims: AnyRole: no roles given"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, row.rule.Err(), row.want)
			assert.Equal(t, claims.Decision{Reason: reason.Denied}, row.rule.Check(parse(t, caller)))
			assert.Equal(t, "nobody, for the rule is invalid", row.rule.String())
			assert.ErrorContains(t, claims.AnyOf(claims.AnyToken(), row.rule).Err(), row.want, "mistakes are not hidden in an AnyOf")
		})
	}
	err := claims.AllOf(claims.AnyRole(), claims.AnyToken(), claims.AllScopes("")).Err()
	assert.Len(t, strings.Split(err.Error(), "\n"), 2, "every mistake is reported")
}

func TestRulesReadAsSentences(t *testing.T) {
	t.Parallel()
	for want, rule := range map[string]claims.Rule{
		"any verified token":                            claims.AnyToken(),
		"all scopes orders.read":                        claims.AllScopes("orders.read"),
		"any scope a, b":                                claims.AnyScope("a", "b"),
		"all roles a, b":                                claims.AllRoles("a", "b"),
		"any role get post":                             claims.AnyRole("get post"),
		"all permissions p":                             claims.AllPermissions("p"),
		"any permission p, q":                           claims.AnyPermission("p", "q"),
		"an app as the caller":                          claims.AppOnly(),
		"a client of c-1, c-2":                          claims.ClientIn("c-1", "c-2"),
		`claim realm.tier equal to "gold"`:              claims.Equals("gold", "realm", "tier"),
		`claim groups containing "admins"`:              claims.Contains("admins", "groups"),
		"on a weekday":                                  claims.Func("on a weekday", func(*claims.Claims) bool { return true }),
		"(all scopes a) and (any role r)":               claims.AllOf(claims.AllScopes("a"), claims.AnyRole("r")),
		"(all scopes a) or ((any role r) and (nobody))": claims.AnyOf(claims.AllScopes("a"), claims.AllOf(claims.AnyRole("r"), claims.Rule{})),
	} {
		assert.Equal(t, want, rule.String())
	}
}

func TestRulesKeepTheirOwnNames(t *testing.T) {
	t.Parallel()
	names, ids, path, rules := []string{"a"}, []string{"c-1"}, []string{"tier"}, []claims.Rule{claims.AnyToken()}
	all := []claims.Rule{
		claims.AllScopes(names...), claims.ClientIn(ids...), claims.Equals("gold", path...), claims.AllOf(rules...),
		claims.AnyOf(rules...), claims.Contains("gold", path...),
	}
	names[0], ids[0], path[0], rules[0] = "changed", "changed", "changed", claims.Rule{}
	for _, rule := range all {
		check(t, rule, caller, denial{})
	}
	missing := claims.AllScopes("x", "y")
	missing.Check(parse(t, caller)).Missing[0] = "changed"
	check(t, missing, caller, denial{reason.InsufficientScope, "x y", []string{"x", "y"}})
}

// The scope-token of RFC 6749 section 3.3 is %x21 / %x23-5B / %x5D-7E.
func TestAScopeMayHoldEveryCharacterOfItsGrammar(t *testing.T) {
	t.Parallel()
	for c := range rune(0x100) {
		allowed := c >= 0x21 && c <= 0x7e && c != '"' && c != '\\'
		err := claims.AllScopes("a" + string(c) + "b").Err()
		assert.Equal(t, allowed, err == nil, "%q: %v", c, err)
	}
}

func TestQuestionsAllocateNothing(t *testing.T) {
	c := parse(t, caller)
	access, err := claims.AccessLevels{Resources: []string{"api://orders"}, Audiences: []string{"x"}, Default: []claims.Level{"get"}}.Compile()
	require.NoError(t, err)
	app := parse(t, `{"aud":"x","idtyp":"app","roles":["post","api://orders/put"],"scope":"s"}`)
	plain := parse(t, `{"aud":"x","idtyp":"app","scope":"s"}`)
	ctx := claims.NewContext(t.Context(), c)
	fails := claims.AllScopes("x", "y")
	for name, ask := range map[string]func() bool{
		"HasScope":             func() bool { return c.HasScope("b") },
		"HasRole":              func() bool { return c.HasRole("get") },
		"HasPermission":        func() bool { return c.HasPermission("q") },
		"HasAudience":          func() bool { return app.HasAudience("x") },
		"Scopes":               func() bool { return length(c.Scopes()) == 2 },
		"Roles":                func() bool { return length(c.Roles()) == 2 },
		"Text":                 func() bool { _, ok := c.Text("https://api.example/t", "id"); return ok },
		"FromContext":          func() bool { _, ok := claims.FromContext(ctx); return ok },
		"all scopes":           checks(claims.AllScopes("a", "b"), c),
		"any role":             checks(claims.AnyRole("x", "r"), c),
		"any permission":       checks(claims.AnyPermission("q"), c),
		"app only":             checks(claims.AppOnly(), c),
		"client":               checks(claims.ClientIn("c-1"), c),
		"equals, nested":       checks(claims.Equals("t-1", "https://api.example/t", "id"), c),
		"equals, escaped":      checks(claims.Equals("a/b", "esc"), c),
		"equals, a number":     checks(claims.Equals(1, "one"), c),
		"contains":             checks(claims.Contains("y", "groups"), c),
		"all of":               checks(claims.AllOf(claims.AllScopes("a"), claims.AnyRole("r"), claims.AppOnly()), c),
		"any of, the last":     checks(claims.AnyOf(fails, claims.AnyRole("x"), claims.UserOnly(), claims.AllScopes("a")), c),
		"a level by its name":  func() bool { return access.Rule("POST").Check(app).Allowed },
		"a level, qualified":   func() bool { return access.Rule("PUT").Check(app).Allowed },
		"a level by default":   func() bool { return access.Rule("GET").Check(plain).Allowed },
		"a rule with no token": func() bool { return !fails.Check(nil).Allowed },
	} {
		require.True(t, ask(), name)
		assert.Zero(t, testing.AllocsPerRun(100, func() { ask() }), name)
	}
}

func length(names iter.Seq[string]) (n int) {
	for range names {
		n++
	}
	return n
}

func checks(rule claims.Rule, c *claims.Claims) func() bool {
	return func() bool { return rule.Check(c).Allowed }
}

func TestADenialAllocatesOnlyWhatIsMissing(t *testing.T) {
	c := parse(t, caller)
	for _, rule := range []claims.Rule{
		claims.AllScopes("a", "x", "y"), claims.AnyRole("x"), claims.UserOnly(), claims.AllOf(claims.AllScopes("a"), claims.AllScopes("z")),
		claims.AnyOf(claims.AllScopes("x"), claims.AnyRole("y")), claims.AccessLevels{Resources: []string{"r"}}.Require("get"),
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { rule.Check(c) }), 1.0, rule.String())
	}
	assert.Zero(t, testing.AllocsPerRun(100, func() { claims.Rule{}.Check(c) }))
}
