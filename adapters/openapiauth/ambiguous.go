package openapiauth

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// ambiguities reports operations that ask for different things though one request may
// be of both, and neither path is the more concrete one: which of them a request is for,
// the tools decide as they like.
//
// OpenAPI 3.1 section 4.8.8: https://spec.openapis.org/oas/v3.1.0#paths-object
func ambiguities(doc *openapi3.T) (errs []error) {
	all := allOperations(doc)
	paths := make([][]segment, len(all))
	for i, o := range all {
		paths[i] = segmentsOf(o.path)
	}
	for i, one := range all {
		for j := i + 1; j < len(all); j++ {
			other := all[j]
			if one.method != other.method || !ambiguous(paths[i], paths[j]) {
				continue
			}
			if a, b := words(one.asks(doc)), words(other.asks(doc)); a != b {
				errs = append(errs, fmt.Errorf("openapiauth: Protect: a request may be for %s %s, which asks for %s, and for %s, which asks for %s: routers differ in which they take", one.method, one.path, a, other.path, b))
			}
		}
	}
	return errs
}

// segment is what stands between two slashes of a path.
type segment struct {
	form    string         // with {} for parameters
	matches *regexp.Regexp // nil without a parameter
}

func segmentsOf(path string) (out []segment) {
	for _, form := range strings.Split(parameter.ReplaceAllString(path, "{}"), "/") {
		s := segment{form: form}
		if strings.Contains(form, "{}") {
			s.matches = regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(form), `\{\}`, ".+") + "$")
		}
		out = append(out, s)
	}
	return out
}

// meets reports whether a text may be one of both segments. Of two with parameters it
// may always be.
func (s segment) meets(other segment) bool {
	switch {
	case s.matches == nil && other.matches == nil:
		return s.form == other.form
	case s.matches == nil:
		return other.matches.MatchString(s.form)
	case other.matches == nil:
		return s.matches.MatchString(other.form)
	}
	return true
}

// ambiguous reports whether a request may be for both paths, and neither is more
// concrete than the other wherever they differ.
func ambiguous(a, b []segment) bool {
	if len(a) != len(b) {
		return false
	}
	isA, isB := true, true // the more concrete one
	for i, s := range a {
		if !s.meets(b[i]) {
			return false
		}
		if s.form != b[i].form {
			isA, isB = isA && s.matches == nil, isB && b[i].matches == nil
		}
	}
	return isA == isB
}
