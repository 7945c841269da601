package middleware

import (
	"fmt"
	"net/http"
	"strings"
)

// orExempt adds to the error about a pattern of a table which exempt pattern
// would do, where one of those that there are conflicts with it: ServeMux says
// only that neither of the two is the more specific one.
func (g *guard) orExempt(pattern string, err error) error {
	if err == nil {
		return nil
	}
	for _, exempt := range g.exemptPatterns {
		if !conflict(exempt, pattern) {
			continue
		}
		instead := narrowed(exempt, pattern)
		if instead == "" {
			continue
		}
		err = fmt.Errorf("%w; exempt %q instead of %q", err, instead, exempt)
		if strings.HasPrefix(exempt, http.MethodOptions+" ") {
			err = fmt.Errorf("%w, or for a browser's preflights set Config.Preflight", err)
		}
	}
	return err
}

// narrowed returns the exempt pattern for what both patterns match, "" if it
// cannot be written by putting the method of one to the path of the other. It
// opens nothing that exempt does not.
func narrowed(exempt, pattern string) string {
	exemptMethod, exemptPath := methodOf(exempt)
	method, path := methodOf(pattern)
	instead := exemptMethod + " " + path
	if exemptMethod == "" {
		instead = method + " " + exemptPath
	}
	if instead[0] == ' ' || conflict(instead, pattern) || conflict(instead, exempt) {
		return ""
	}
	return instead
}

// methodOf takes a pattern of ServeMux apart.
func methodOf(pattern string) (method, path string) {
	if method, path, ok := strings.Cut(pattern, " "); ok {
		return method, strings.TrimLeft(path, " \t")
	}
	return "", pattern
}

// conflict reports whether ServeMux refuses to have both patterns.
func conflict(a, b string) bool {
	t := &routes{mux: http.NewServeMux()}
	if t.add(a, &route{}) != nil {
		return false // that is not the conflict
	}
	return t.add(b, &route{}) != nil
}
