package openapiauth

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/sallyport-go/sallyport/claims"
)

// Protect returns middleware that guards an API by what a document says of each
// operation. Put it in front of the request validation, whose AuthenticationFunc
// finds what was decided: nothing is read of the body of a request that is
// refused.
//
// A request that no operation matches is refused, 401 without a good token, 403
// with one. So is one whose path another router could read as another one's: not
// in its clean form ("//", "/./", "/../"), or with an escaped slash, backslash or
// dot, or of another operation once its escapes are undone, and one with a header such
// as X-HTTP-Method-Override that asks for another method. HEAD is matched like any
// method: a document names it, or it is refused. Where the document has servers, their
// schemes, hosts and paths take part in the matching, as they do in the validation:
// behind a proxy that ends TLS no request is for https://api.example/v1, so give the
// server as /v1, or set Servers to nil.
//
// Where an operation may be called without a token ("security": [{}, ...]), a
// token that comes all the same must be good; its scopes do not count.
//
// The document must not be changed afterwards. Every mistake in it is reported: a
// scheme that is not declared, or not the Guard's, and operations that ask for
// different things under paths that routers take for one another, such as
// /orders/{id} and /{kind}/export.
func Protect(guard Guard, doc *openapi3.T, cfg Config) (func(http.Handler) http.Handler, error) {
	if guard == nil || doc == nil {
		return nil, errors.New("openapiauth: Protect: the Guard or the document is nil")
	}
	rules, err := cfg.rulesOf(doc)
	if err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("openapiauth: Protect: %w", err)
	}
	return func(next http.Handler) http.Handler {
		p := &protected{router: router, doors: map[*openapi3.Operation]http.Handler{}, none: guard.Require(claims.Rule{})(next)} // the zero Rule denies
		for op, rule := range rules {
			passed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, withDecision(r, decided{op: op}))
			})
			switch rule {
			case nil:
				p.doors[op] = passed
			case optional:
				p.doors[op] = guard.Optional(passed)
			default:
				p.doors[op] = guard.Require(*rule)(passed)
			}
		}
		return p
	}, nil
}

// optional is the rule of operations for which a token is not needed.
var optional = new(claims.Rule)

// rulesOf returns the rules of all operations; nil for those that are open.
func (c Config) rulesOf(doc *openapi3.T) (map[*openapi3.Operation]*claims.Rule, error) {
	rules := map[*openapi3.Operation]*claims.Rule{}
	var errs []error
	for _, o := range allOperations(doc) {
		of := alternatives(doc, securityOf(doc, o.is), c.Covered)
		rules[o.is] = nil
		for _, a := range of {
			for _, other := range a.foreign {
				errs = append(errs, fmt.Errorf("openapiauth: Protect: %s %s asks for %s: only the AuthenticationFunc can ask Others for it", o.method, o.path, other))
			}
			if a.anonymous {
				rules[o.is] = optional
			}
		}
		if len(of) == 0 || rules[o.is] == optional {
			continue
		}
		rule := c.anyOf(of)
		if err := rule.Err(); err != nil {
			errs = append(errs, fmt.Errorf("openapiauth: Protect: %s %s: %w", o.method, o.path, err))
		}
		rules[o.is] = &rule
	}
	return rules, errors.Join(append(errs, ambiguities(doc)...)...)
}

// protected is the API behind a Guard.
type protected struct {
	router routers.Router
	doors  map[*openapi3.Operation]http.Handler
	none   http.Handler
}

func (p *protected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	door := p.none
	if isPlain(r) {
		if found := p.doors[p.find(r)]; found != nil {
			door = found
		}
	}
	door.ServeHTTP(w, r)
}

// find returns the operation that a request is for, nil for none: by the path as it
// came, by which kin-openapi and Chi route, and by the path without its escapes, by
// which others do.
func (p *protected) find(r *http.Request) *openapi3.Operation {
	op := p.route(r)
	if r.URL.RawPath == "" {
		return op
	}
	decoded, target := *r, *r.URL
	target.RawPath = ""
	decoded.URL = &target
	if p.route(&decoded) != op {
		return nil
	}
	return op
}

func (p *protected) route(r *http.Request) *openapi3.Operation {
	route, _, err := p.router.FindRoute(r)
	if err != nil {
		return nil
	}
	return route.Operation
}

// isPlain reports whether every router reads the method and the path of a request
// alike.
func isPlain(r *http.Request) bool {
	for _, name := range []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		for _, method := range r.Header[name] {
			if !strings.EqualFold(strings.TrimSpace(method), r.Method) {
				return false
			}
		}
	}
	escaped := strings.ToLower(r.URL.EscapedPath())
	for _, trick := range []string{"%2f", "%5c", "%2e", "\\"} {
		if strings.Contains(escaped, trick) {
			return false
		}
	}
	clean := path.Clean("/" + r.URL.Path)
	return r.URL.Path == clean || clean != "/" && r.URL.Path == clean+"/"
}
