package claims_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
)

func TestScopeSetsAreTheAlternatives(t *testing.T) {
	t.Parallel()
	orders := claims.AccessLevels{Resources: []string{"api://orders"}}
	for name, row := range map[string]struct {
		rule claims.Rule
		want [][]string
	}{
		"all scopes are one set":             {claims.AllScopes("a", "b", "a"), [][]string{{"a", "b"}}},
		"any scope is a set each":            {claims.AnyScope("a", "b", "a"), [][]string{{"a"}, {"b"}}},
		"any token needs none":               {claims.AnyToken(), [][]string{{}}},
		"a role is no scope":                 {claims.AllRoles("Admin"), [][]string{{}}},
		"a permission is none":               {claims.AnyPermission("read:orders"), [][]string{{}}},
		"a caller is none":                   {claims.AppOnly(), [][]string{{}}},
		"a level is its short name":          {orders.Require(claims.LevelPut), [][]string{{"put"}}},
		"all of some is every combination":   {claims.AllOf(claims.AnyScope("a", "b"), claims.AnyScope("b", "c"), claims.UserOnly()), [][]string{{"a", "b"}, {"a", "c"}, {"b"}, {"b", "c"}}},
		"any of some is all of their sets":   {claims.AnyOf(claims.AllScopes("a", "b"), claims.AnyRole("Admin"), claims.AllScopes("a", "b")), [][]string{{"a", "b"}, {}}},
		"what can never hold takes its set":  {claims.AnyOf(claims.AllScopes("a"), claims.AllOf(claims.AllScopes("b"), claims.Rule{})), [][]string{{"a"}}},
		"all of what can never hold is none": {claims.AllOf(claims.AllScopes("a"), claims.Rule{}), nil},
		"the zero Rule has none":             {claims.Rule{}, nil},
		"an invalid rule has none":           {claims.AllScopes("a b"), nil},
	} {
		assert.Equal(t, row.want, row.rule.ScopeSets(), name)
	}
}

func TestScopeSetsBelongToTheCaller(t *testing.T) {
	t.Parallel()
	for _, rule := range []claims.Rule{claims.AllScopes("a", "b"), claims.AnyScope("a", "b"), claims.AllOf(claims.AllScopes("a"), claims.AllScopes("b"))} {
		before := rule.ScopeSets()[0][0]
		rule.ScopeSets()[0][0] = "changed"
		assert.Equal(t, before, rule.ScopeSets()[0][0])
	}
}
