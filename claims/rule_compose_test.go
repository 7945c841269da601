package claims_test

import (
	"testing"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

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
		"all of, the challenge asks for every scope once":        {claims.AllOf(a, role, c, d), denial{scope, "a c d", []string{"c"}}},
		"all of, the first that fails gives the reason":          {claims.AllOf(a, never, c), denial{reason.Denied, "", []string{"never"}}},
		"all of, a missing role asks for no scope":               {claims.AllOf(a, other, c), denial{reason.InsufficientRole, "", []string{"s"}}},
		"all of with another caller asks for no scope":           {claims.AllOf(claims.UserOnly(), c), denial{reason.WrongCaller, "", []string{"a user as the caller"}}},
		"98 a scope that holds another lets in":                  {rule: claims.AnyScope("read", "a")}, // who may a may read
		"98 and is not let in by the one that it holds":          {claims.AllOf(claims.AnyScope("write"), claims.AnyScope("a", "write")), denial{scope, "write a", []string{"write"}}},
		"98 where none is held the challenge asks for the least": {claims.AnyScope("read", "write", "admin"), denial{scope, "read", []string{"read", "write", "admin"}}},
		"any of, the last holds":                                 {rule: claims.AnyOf(c, other, b)},
		"any of, the first holds":                                {rule: claims.AnyOf(a, never)},
		"any of, none holds: the first alternative":              {claims.AnyOf(d, other), denial{scope, "a d", []string{"d"}}},
		"any of, none holds, a role first":                       {claims.AnyOf(other, c), denial{reason.InsufficientRole, "", []string{"s"}}},
		"any of scopes or roles":                                 {rule: claims.AnyOf(c, role)},
		"any of in all of adds its first alternative's scope":    {claims.AllOf(claims.AnyOf(c, b), claims.AllScopes("e")), denial{scope, "c e", []string{"e"}}},
		"all of in any of asks for its union":                    {claims.AnyOf(claims.AllOf(a, c), other), denial{scope, "a c", []string{"c"}}},
		"all of in all of asks for the union of everything":      {claims.AllOf(claims.AllOf(a, c), b), denial{scope, "a c b", []string{"c"}}},
		"any of any scope asks for one":                          {claims.AllOf(a, claims.AnyScope("x", "y")), denial{scope, "a x", []string{"x", "y"}}},
		"any token holds beside others":                          {rule: claims.AllOf(claims.AnyToken(), a)},
		"the zero rule in all of denies":                         {claims.AllOf(a, claims.Rule{}), denial{reason.Denied, "", nil}},
		"the zero rule first in any of gives the denial":         {claims.AnyOf(claims.Rule{}, c), denial{reason.Denied, "", nil}},
		"the zero rule in any of leaves the others":              {rule: claims.AnyOf(claims.Rule{}, a)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, row.rule, caller, row.want)
		})
	}
}
