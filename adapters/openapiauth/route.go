package openapiauth

import (
	"errors"
	"regexp"
	"strings"
)

// route is a method and a path whose parameters have no names, so that two ways
// to write one route are equal.
type route struct {
	method string // "" for all
	path   string // "/orders/{}", and "/files/{...}" for a rest
}

const rest = "{...}"

// covers reports whether a path is one of a route for a rest.
func (r route) covers(path string) bool {
	tree, ok := strings.CutSuffix(r.path, rest)
	return ok && strings.HasPrefix(path, tree)
}

func (r route) isRest() bool { return strings.HasSuffix(r.path, rest) }

var (
	isMethod  = regexp.MustCompile(`^[A-Z][A-Z0-9_-]*$`).MatchString
	parameter = regexp.MustCompile(`\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}`) // Chi's regular expressions may have braces
)

// parse reads a key of a Policy.
func parse(key, prefix string) (route, error) {
	method, pattern, ok := strings.Cut(key, " ")
	if !ok {
		method, pattern = "", key
	}
	switch {
	case method != "" && !isMethod(method):
		return route{}, errors.New("a key is a method in capitals, one space and a pattern, or a pattern alone")
	case pattern == "NoRoute":
		return route{}, errors.New("requests without a route have no operation in a document: leave the entry out")
	case !strings.HasPrefix(pattern, "/"):
		return route{}, errors.New("a pattern begins with a slash; paths of a document have no host")
	}
	path, ok := strings.CutPrefix(pattern, strings.TrimSuffix(prefix, "/"))
	if !ok || path != "" && path[0] != '/' {
		return route{}, errors.New("does not begin with the Prefix " + prefix)
	}
	return route{method, normal(path)}, nil
}

// normal returns a path with its parameters as {} and its rest as {...}.
func normal(path string) string {
	if path == "" {
		return "/"
	}
	path = parameter.ReplaceAllStringFunc(path, func(p string) string {
		if strings.HasSuffix(p, "...}") {
			return rest
		}
		return "{}"
	})
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch {
		case strings.HasPrefix(s, ":"): // Gin's
			segments[i] = "{}"
		case strings.HasPrefix(s, "*"): // Gin's and Chi's
			segments[i] = rest
		}
	}
	return strings.Join(segments, "/")
}

// templated returns a path as OpenAPI writes it, with names for parameters.
func templated(path string) string {
	path = parameter.ReplaceAllStringFunc(path, func(p string) string {
		name, _, _ := strings.Cut(p[1:len(p)-1], ":")
		return "{" + name + "}"
	})
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, ":") {
			segments[i] = "{" + s[1:] + "}"
		}
	}
	return strings.Join(segments, "/")
}
