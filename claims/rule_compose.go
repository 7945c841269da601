package claims

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// AllOf returns the rule that holds if every one of rules holds. A denial is
// that of the first rule that does not, but its challenge asks for all the
// scopes that rules require together, or for all that they ask of the user's
// authentication.
func AllOf(rules ...Rule) Rule {
	if err := rulesMistake("AllOf", rules); err != nil {
		return invalid(err)
	}
	all := &allOf{rules: slices.Clone(rules), scope: unionOfScopes(rules)}
	for _, r := range rules {
		all.stepUp = all.stepUp.and(r.stepUp())
	}
	return Rule{&spec{text: joined(rules, " and "), scope: all.scope, scopes: named(rules), stepUp: all.stepUp, test: all, call: anyNeedsCall(rules)}}
}

// AnyOf returns the rule that holds if at least one of rules holds. A denial is
// that of the first rule: put first what callers should ask for.
func AnyOf(rules ...Rule) Rule {
	if err := rulesMistake("AnyOf", rules); err != nil {
		return invalid(err)
	}
	return Rule{&spec{text: joined(rules, " or "), scope: rules[0].scope(), scopes: named(rules), stepUp: rules[0].stepUp(), test: anyOf(slices.Clone(rules)), call: anyNeedsCall(rules)}}
}

type allOf struct {
	rules  []Rule
	scope  string
	stepUp *stepUp
}

func (a *allOf) refuses(c *Claims, call Call) refusal {
	for _, r := range a.rules {
		refused := r.refuses(c, call)
		if refused.by == nil {
			continue
		}
		if refused.scope != "" {
			refused.scope = a.scope
		}
		if refused.stepUp != nil {
			refused.stepUp = a.stepUp
		}
		return refused
	}
	return refusal{}
}

type anyOf []Rule

func (a anyOf) refuses(c *Claims, call Call) refusal {
	first := a[0].refuses(c, call)
	if first.by == nil {
		return refusal{}
	}
	for _, r := range a[1:] {
		if r.refuses(c, call).by == nil {
			return refusal{}
		}
	}
	return first
}

// rulesMistake also refuses a list of which any member is in error: an AnyOf
// would otherwise work, and hide it.
func rulesMistake(constructor string, rules []Rule) error {
	if len(rules) == 0 {
		return fmt.Errorf("claims: %s: no rules given: name at least one, or use AnyToken for everybody", constructor)
	}
	var errs []error
	for _, r := range rules {
		errs = append(errs, r.Err())
	}
	return errors.Join(errs...)
}

// unionOfScopes is every scope that rules require, each once.
func unionOfScopes(rules []Rule) string {
	var union []string
	for _, r := range rules {
		for _, scope := range strings.Fields(r.scope()) {
			if !slices.Contains(union, scope) {
				union = append(union, scope)
			}
		}
	}
	return strings.Join(union, " ")
}

// named is every scope that rules name, each once; not nil.
func named(rules []Rule) []string {
	all := []string{}
	for _, r := range rules {
		for _, scope := range r.Scopes() {
			if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	}
	return all
}

func anyNeedsCall(rules []Rule) bool { return slices.ContainsFunc(rules, Rule.NeedsCall) }

func joined(rules []Rule, operator string) string {
	texts := make([]string, len(rules))
	for i, r := range rules {
		texts[i] = "(" + r.String() + ")"
	}
	return strings.Join(texts, operator)
}
