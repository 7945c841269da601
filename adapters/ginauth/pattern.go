package ginauth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// Gin has one name for two routes: it registers /run\:all, where the colon is
// itself, and /run:all, where it begins a parameter, and [gin.Context.FullPath]
// is /run:all for both. Tables go by patterns as they are written.

// asLiteral writes the colons of a text that is no parameter.
func asLiteral(text string) string { return strings.ReplaceAll(runtimePattern(text), ":", `\:`) }

// runtimePattern is a pattern as Context.FullPath gives it.
func runtimePattern(pattern string) string { return strings.ReplaceAll(pattern, `\:`, ":") }

// asWritten returns the pattern of the route that a request was given to, false
// if it cannot be told: of what could be parameters those are some that have
// values, in their order.
func asWritten(fullPath string, params gin.Params) (pattern string, ok bool) {
	segments := strings.Split(fullPath, "/")
	candidates := make(map[string]int)
	parameters, literals := 0, false
	for i, segment := range segments {
		prefix, name, found := cutParameter(segment)
		if !found {
			continue
		}
		candidates[name]++
		if parameters < len(params) && params[parameters].Key == name {
			parameters++
			segments[i] = asLiteral(prefix) + segment[len(prefix):]
			continue
		}
		literals = true
		segments[i] = asLiteral(segment)
	}
	if !literals {
		return strings.Join(segments, "/"), true
	}
	for _, times := range candidates {
		if times > 1 {
			return "", false
		}
	}
	return strings.Join(segments, "/"), parameters == len(params)
}

// cutParameter finds what a segment of FullPath may have as its parameter, of
// which Gin allows one, at the end: :name or *name.
func cutParameter(segment string) (prefix, name string, found bool) {
	if i := strings.LastIndexAny(segment, ":*"); i >= 0 {
		return segment[:i], segment[i+1:], true
	}
	return segment, "", false
}

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
