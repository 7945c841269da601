package claims_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// caller has a bit of everything.
const caller = `{"scope":"a b","roles":["r","get"],"permissions":["p","q"],"client_id":"c-1","idtyp":"app",
	"tier":"gold","vip":true,"off":false,"n":1,"float":1.5,"one":1.0,"exp1":1e0,"big":9007199254740993,"null":null,
	"groups":["x","y"],"group":"admins","esc":"a\/b","nums":[1,2],"obj":{"x":1},"https://api.example/t":{"id":"t-1"}}`

// A denial in a table: what a rule answers, but for Allowed.
type denial struct {
	reason  reason.Code
	scope   string
	missing []string
}

func check(t *testing.T, rule claims.Rule, payload string, want denial) {
	t.Helper()
	require.NoError(t, rule.Err())
	d := rule.Check(parse(t, payload))
	assert.Equal(t, claims.Decision{Allowed: want.reason == "", Reason: want.reason, Scope: want.scope, Missing: want.missing}, d)
}

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

func TestRulesOverFacts(t *testing.T) {
	t.Parallel()
	denied := func(text string) denial { return denial{reason.Denied, "", []string{text}} }
	for name, row := range map[string]struct {
		rule claims.Rule
		want denial
	}{
		"any token":                           {rule: claims.AnyToken()},
		"an app where an app is wanted":       {rule: claims.AppOnly()},
		"an app where a user is wanted":       {claims.UserOnly(), denial{reason.WrongCaller, "", []string{"a user as the caller"}}},
		"a client on the list":                {rule: claims.ClientIn("c-0", "c-1")},
		"a client not on the list":            {claims.ClientIn("c", "C-1"), denial{reason.WrongClient, "", []string{"a client of c, C-1"}}},
		"a string equals":                     {rule: claims.Equals("gold", "tier")},
		"a string with an escape equals":      {rule: claims.Equals("a/b", "esc")},
		"a string differs in case":            {claims.Equals("Gold", "tier"), denied(`claim tier equal to "Gold"`)},
		"a nested claim with dots equals":     {rule: claims.Equals("t-1", "https://api.example/t", "id")},
		"dots do not lead into a claim":       {claims.Equals("t-1", "https://api.example/t.id"), denied(`claim https://api.example/t.id equal to "t-1"`)},
		"true equals":                         {rule: claims.Equals(true, "vip")},
		"true is not false":                   {claims.Equals(true, "off"), denied("claim off equal to true")},
		"false equals":                        {rule: claims.Equals(false, "off")},
		"absent is not false":                 {claims.Equals(false, "absent"), denied("claim absent equal to false")},
		"null is not false":                   {claims.Equals(false, "null"), denied("claim null equal to false")},
		"null is not empty":                   {claims.Equals("", "null"), denied(`claim null equal to ""`)},
		"an int equals":                       {rule: claims.Equals(1, "n")},
		"an int equals 1.0":                   {rule: claims.Equals(int64(1), "one")},
		"an int equals 1e0":                   {rule: claims.Equals(1, "exp1")},
		"an int is not another":               {claims.Equals(2, "n"), denied("claim n equal to 2")},
		"an int is no string":                 {claims.Equals(1, "tier"), denied("claim tier equal to 1")},
		"a string is no int":                  {claims.Equals("1", "n"), denied(`claim n equal to "1"`)},
		"a large int equals":                  {rule: claims.Equals(9007199254740993, "big")},
		"a large int is not its neighbour":    {claims.Equals(9007199254740992, "big"), denied("claim big equal to 9007199254740992")},
		"a float equals":                      {rule: claims.Equals(1.5, "float")},
		"a float equals an int":               {rule: claims.Equals(1.0, "n")},
		"a float is not another":              {claims.Equals(1.25, "float"), denied("claim float equal to 1.25")},
		"an object equals nothing":            {claims.Equals("x", "obj"), denied(`claim obj equal to "x"`)},
		"an array contains":                   {rule: claims.Contains("y", "groups")},
		"a single string is a list of one":    {rule: claims.Contains("admins", "group")},
		"a part of a string is not contained": {claims.Contains("admin", "group"), denied(`claim group containing "admin"`)},
		"an array does not contain":           {claims.Contains("z", "groups"), denied(`claim groups containing "z"`)},
		"a number is not contained":           {claims.Contains("1", "nums"), denied(`claim nums containing "1"`)},
		"a member name is not contained":      {claims.Contains("x", "obj"), denied(`claim obj containing "x"`)},
		"an absent claim contains nothing":    {claims.Contains("x", "absent"), denied(`claim absent containing "x"`)},
		"an own function says yes":            {rule: claims.Func("of c-1", func(c *claims.Claims) bool { return c.ClientID() == "c-1" })},
		"an own function says no":             {claims.Func("weekday", func(*claims.Claims) bool { return false }), denied("weekday")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, row.rule, caller, row.want)
		})
	}
}

func TestATokenThatDoesNotTellItsCallerIsNeither(t *testing.T) {
	t.Parallel()
	check(t, claims.AppOnly(), `{}`, denial{reason.WrongCaller, "", []string{"an app as the caller"}})
	check(t, claims.UserOnly(), `{}`, denial{reason.WrongCaller, "", []string{"a user as the caller"}})
	check(t, claims.UserOnly(), `{"idtyp":"user"}`, denial{})
	check(t, claims.ClientIn("c-1"), `{}`, denial{reason.WrongClient, "", []string{"a client of c-1"}})
}

func TestRulesCombine(t *testing.T) {
	t.Parallel()
	var (
		a, b, c, d  = claims.AllScopes("a"), claims.AllScopes("b"), claims.AllScopes("c"), claims.AllScopes("a", "d")
		role, other = claims.AnyRole("r"), claims.AnyRole("s")
		never       = claims.Func("never", func(*claims.Claims) bool { return false })
	)
	const scope = reason.InsufficientScope
	for name, row := range map[string]struct {
		rule claims.Rule
		want denial
	}{
		"all of, all hold": {rule: claims.AllOf(a, b, role)},
		"all of one":       {rule: claims.AllOf(a)},
		"all of, the challenge asks for every scope once":     {claims.AllOf(a, role, c, d), denial{scope, "a c d", []string{"c"}}},
		"all of, the first that fails gives the reason":       {claims.AllOf(a, never, c), denial{reason.Denied, "", []string{"never"}}},
		"all of, a missing role asks for no scope":            {claims.AllOf(a, other, c), denial{reason.InsufficientRole, "", []string{"s"}}},
		"all of with another caller asks for no scope":        {claims.AllOf(claims.UserOnly(), c), denial{reason.WrongCaller, "", []string{"a user as the caller"}}},
		"any of, the last holds":                              {rule: claims.AnyOf(c, other, b)},
		"any of, the first holds":                             {rule: claims.AnyOf(a, never)},
		"any of, none holds: the first alternative":           {claims.AnyOf(d, other), denial{scope, "a d", []string{"d"}}},
		"any of, none holds, a role first":                    {claims.AnyOf(other, c), denial{reason.InsufficientRole, "", []string{"s"}}},
		"any of scopes or roles":                              {rule: claims.AnyOf(c, role)},
		"any of in all of adds its first alternative's scope": {claims.AllOf(claims.AnyOf(c, b), claims.AllScopes("e")), denial{scope, "c e", []string{"e"}}},
		"all of in any of asks for its union":                 {claims.AnyOf(claims.AllOf(a, c), other), denial{scope, "a c", []string{"c"}}},
		"all of in all of asks for the union of everything":   {claims.AllOf(claims.AllOf(a, c), b), denial{scope, "a c b", []string{"c"}}},
		"any of any scope asks for one":                       {claims.AllOf(a, claims.AnyScope("x", "y")), denial{scope, "a x", []string{"x", "y"}}},
		"any token holds beside others":                       {rule: claims.AllOf(claims.AnyToken(), a)},
		"the zero rule in all of denies":                      {claims.AllOf(a, claims.Rule{}), denial{reason.Denied, "", nil}},
		"the zero rule first in any of gives the denial":      {claims.AnyOf(claims.Rule{}, c), denial{reason.Denied, "", nil}},
		"the zero rule in any of leaves the others":           {rule: claims.AnyOf(claims.Rule{}, a)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, row.rule, caller, row.want)
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
