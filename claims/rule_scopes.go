package claims

import "slices"

// ScopeSets returns the alternatives of the rule, as the scopes that a token must
// carry in each: one whole set will do. A set is empty where an alternative asks
// for no scope, but perhaps for a role, a caller or something of the call, which
// are not told here. An access level is told by its short name. There are no sets
// if the rule holds for no token. The slices belong to the caller.
//
// It is for documents: the Security Requirement Objects of an operation (OpenAPI
// 3.1 section 4.8.30) are such alternatives.
func (r Rule) ScopeSets() [][]string {
	if r.is == nil || r.is.test == nil {
		return nil
	}
	if s, ok := r.is.test.(interface{ scopeSets() [][]string }); ok {
		return s.scopeSets()
	}
	return [][]string{{}}
}

func (nothing) scopeSets() [][]string { return nil }

func (l *level) scopeSets() [][]string { return [][]string{{l.name()}} }

func (n *names) scopeSets() (sets [][]string) {
	switch {
	case n.in != inScopes:
		return [][]string{{}}
	case n.all:
		return [][]string{together(nil, n.want)}
	}
	for _, scope := range n.want {
		sets = add(sets, []string{scope})
	}
	return sets
}

func (a anyOf) scopeSets() (sets [][]string) {
	for _, r := range a {
		for _, set := range r.ScopeSets() {
			sets = add(sets, set)
		}
	}
	return sets
}

// scopeSets are all ways to choose an alternative of each rule.
func (a *allOf) scopeSets() [][]string {
	sets := [][]string{{}}
	for _, r := range a.rules {
		var more [][]string
		for _, set := range sets {
			for _, with := range r.ScopeSets() {
				more = add(more, together(set, with))
			}
		}
		sets = more
	}
	return sets
}

// together is a new set of what is in either, each once, in their order; not nil.
func together(a, b []string) []string {
	set := []string{}
	for _, scope := range slices.Concat(a, b) {
		if !slices.Contains(set, scope) {
			set = append(set, scope)
		}
	}
	return set
}

// add adds a set that is not among them in the same order.
func add(sets [][]string, set []string) [][]string {
	if slices.ContainsFunc(sets, func(other []string) bool { return slices.Equal(other, set) }) {
		return sets
	}
	return append(sets, set)
}
