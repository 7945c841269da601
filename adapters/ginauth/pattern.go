package ginauth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Gin has one name for two routes: it registers /run\:all, where the colon is
// itself, and /run:all, where it begins a parameter, and [gin.Context.FullPath]
// is /run:all for both. Tables go by patterns as they are written.

// asLiteral writes the colons of a text that is no parameter.
func asLiteral(text string) string { return strings.ReplaceAll(runtimePattern(text), ":", `\:`) }

// runtimePattern is a pattern as Context.FullPath gives it.
func runtimePattern(pattern string) string { return strings.ReplaceAll(pattern, `\:`, ":") }

// namesakes reports keys of a policy whose routes Gin calls by one name.
func (p *Policy) namesakes() error {
	keys := slices.Concat(slices.Collect(maps.Keys(p.Rules)), slices.Collect(maps.Keys(p.Access)), p.Exempt)
	slices.Sort(keys)
	var errs []error
	known := make(map[string]string)
	for _, key := range keys {
		other, ok := known[runtimePattern(key)]
		if !ok {
			known[runtimePattern(key)] = key
			continue
		}
		if other != key {
			errs = append(errs, fmt.Errorf("ginauth: Policy: pattern %q: stands there twice, also as %q: Gin calls both by one name", key, other))
		}
	}
	return errors.Join(errs...)
}

// namesakes reports routes that Gin calls by one name.
func namesakes(all []chain) error {
	var errs []error
	known := make(map[[2]string]string)
	for _, c := range all {
		name := [2]string{c.method, runtimePattern(c.written)}
		if other, ok := known[name]; ok && other != c.written {
			errs = append(errs, fmt.Errorf("audit: %s %s and %s %s are two routes that Gin calls by one name", c.method, other, c.method, c.written))
		}
		known[name] = c.written
	}
	return errors.Join(errs...)
}
