package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/quote"
)

// asked is the rule that flags describe.
type asked struct {
	scopes, roles, permissions []string
	level                      string
	resources                  []string
	acr                        []string
	maxAge                     time.Duration
}

func (a *asked) flags(fs *flag.FlagSet) {
	fs.Func("scope", "a scope that the route requires; repeat it for several, all of which are required", fieldsInto(&a.scopes))
	fs.Func("role", "a role that the route requires; repeat it for several, all of which are required", appendTo(&a.roles))
	fs.Func("permission", "a permission that the route requires; repeat it for several, all of which are required", fieldsInto(&a.permissions))
	fs.StringVar(&a.level, "access", "", "the access level that the route requires: get, post, put or delete")
	fs.Func("acr", "an authentication context class that the route requires; repeat it for several, any of which will do", fieldsInto(&a.acr))
	fs.DurationVar(&a.maxAge, "max-age", 0, "how long ago the user may have authenticated, such as 5m")
	fs.Func("resource", "the resource of the access level; repeat it for several (default the audiences)", appendTo(&a.resources))
}

// fieldsInto appends names that may be separated by spaces, as scopes are.
func fieldsInto(list *[]string) func(string) error {
	return func(s string) error {
		if strings.TrimSpace(s) == "" {
			return errors.New("it is empty")
		}
		*list = append(*list, strings.Fields(s)...)
		return nil
	}
}

// rule returns the rule, and false if no flag asks for one.
func (a *asked) rule(audiences []string) (claims.Rule, bool, error) {
	var rules []claims.Rule
	if len(a.scopes) > 0 {
		rules = append(rules, claims.AllScopes(a.scopes...))
	}
	if len(a.roles) > 0 {
		rules = append(rules, claims.AllRoles(a.roles...))
	}
	if len(a.permissions) > 0 {
		rules = append(rules, claims.AllPermissions(a.permissions...))
	}
	if len(a.acr) > 0 {
		rules = append(rules, claims.AnyACR(a.acr...))
	}
	if a.maxAge != 0 {
		rules = append(rules, claims.AuthenticatedWithin(a.maxAge))
	}
	if a.level != "" {
		levels := claims.AccessLevels{Resources: a.resources, Audiences: audiences}
		if len(a.resources) == 0 {
			levels.Resources = audiences
		}
		rules = append(rules, levels.Require(claims.Level(a.level)))
	}
	switch {
	case len(a.resources) > 0 && a.level == "":
		return claims.Rule{}, false, errors.New("-resource goes with -access: name the level, as in -access get")
	case len(rules) == 0:
		return claims.Rule{}, false, nil
	case a.level != "" && rules[len(rules)-1].Err() != nil && !isLevel(a.level):
		return claims.Rule{}, false, fmt.Errorf("-access %s: use get, post, put or delete", quote.UpTo(a.level, maxHint))
	case len(rules) == 1:
		return rules[0], true, rules[0].Err()
	}
	rule := claims.AllOf(rules...)
	return rule, true, rule.Err()
}

func isLevel(name string) bool {
	return name == "get" || name == "post" || name == "put" || name == "delete"
}
