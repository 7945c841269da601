package claims_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/strictjson"
)

// Tests of allocations must not run in parallel with others.

func TestReadingAnAppTokenAllocatesTwice(t *testing.T) {
	obj, err := strictjson.Parse(payload(t, "entra v1.0, app"))
	require.NoError(t, err)
	m := claims.DefaultMapping()
	allocs := testing.AllocsPerRun(100, func() { _, _ = claims.FromObject(obj, &m) })
	assert.LessOrEqual(t, allocs, 2.0, "the Claims, and one slice for all names")
}

func TestQuestionsAllocateNothing(t *testing.T) {
	c := parse(t, caller)
	access, err := claims.AccessLevels{Resources: []string{"api://orders"}, Audiences: []string{"x"}, Default: []claims.Level{"get"}}.Compile()
	require.NoError(t, err)
	app := parse(t, `{"aud":"x","idtyp":"app","roles":["post","api://orders/put"],"scope":"s"}`)
	plain := parse(t, `{"aud":"x","idtyp":"app","scope":"s"}`)
	ctx := claims.NewContext(t.Context(), c)
	fails := claims.AllScopes("x", "y")
	n := 0
	for name, ask := range map[string]func() bool{
		"HasScope":      func() bool { return c.HasScope("b") },
		"HasRole":       func() bool { return c.HasRole("get") },
		"HasPermission": func() bool { return c.HasPermission("q") },
		"HasAudience":   func() bool { return app.HasAudience("x") },
		"Scopes": func() bool {
			for s := range c.Scopes() {
				n += len(s)
			}
			return true
		},
		"Roles": func() bool {
			for s := range c.Roles() {
				n += len(s)
			}
			return true
		},
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
