package openapiauth

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Scheme is how a document says where tokens come from. The zero Scheme is an
// http scheme "bearer", which says nothing of it.
type Scheme struct {
	_ [0]func() // keyed literals only

	// Name is that of the security scheme; "" is "token".
	Name string
	// DiscoveryURL makes it one of OpenID Connect: where the issuer's discovery
	// document is.
	DiscoveryURL string
	// TokenURL makes it one of OAuth 2.0 with client credentials: where clients
	// get tokens. The scopes of all rules are listed with it.
	TokenURL string
}

func (s Scheme) name() string { return cmp.Or(s.Name, "token") }

// object is the Security Scheme Object.
// OpenAPI 3.1 section 4.8.27: https://spec.openapis.org/oas/v3.1.0#security-scheme-object
func (s Scheme) object(scopes []string) (*openapi3.SecurityScheme, error) {
	switch {
	case s.DiscoveryURL != "" && s.TokenURL != "":
		return nil, errors.New("openapiauth: Scheme: DiscoveryURL and TokenURL are two kinds of scheme: set one of them")
	case s.DiscoveryURL != "":
		return &openapi3.SecurityScheme{Type: "openIdConnect", OpenIdConnectUrl: s.DiscoveryURL}, nil
	case s.TokenURL != "":
		flow := &openapi3.OAuthFlow{TokenURL: s.TokenURL, Scopes: map[string]string{}}
		for _, scope := range scopes {
			flow.Scopes[scope] = ""
		}
		return &openapi3.SecurityScheme{Type: "oauth2", Flows: &openapi3.OAuthFlows{ClientCredentials: flow}}, nil
	}
	return &openapi3.SecurityScheme{Type: "http", Scheme: "bearer", BearerFormat: "JWT"}, nil
}

// Describe returns a document of OpenAPI 3.1 that has the operations of a router
// with their security, and nothing else of them: to be merged into another, or
// written to a file and compared in a test. The caller owns it.
//
// The operations are those of the entries that have a method, and of
// Policy.Routes. An entry that decides about none of them is an error, and so is a
// route that nothing decides about.
func Describe(p Policy, s Scheme) (*openapi3.T, error) {
	t, err := p.read()
	if err != nil {
		return nil, err
	}
	doc := &openapi3.T{OpenAPI: "3.1.0", Info: &openapi3.Info{Title: "security", Version: "1"}, Paths: openapi3.NewPaths()}
	var errs []error
	for _, key := range t.operationKeys(p.Routes) {
		at, err := parseOperation(key, p.Prefix)
		if err != nil {
			errs = append(errs, fmt.Errorf("openapiauth: Policy: Routes: %q: %w", key, err))
			continue
		}
		addOperation(doc, at, p.path(key))
	}
	for _, o := range t.operations(doc) {
		if e := t.find(o.method, o.path); e != nil {
			e.decides = true
		}
	}
	for _, e := range t.entries {
		if !e.decides {
			errs = append(errs, fmt.Errorf("openapiauth: Policy: %q has no method, or is for a rest: name in Routes the routes that it decides about", e.key))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if err := Apply(doc, p, s); err != nil {
		return nil, err
	}
	return doc, nil
}

// operationKeys are those of the entries that are operations, and routes.
func (t *table) operationKeys(routes []string) []string {
	keys := slices.Clone(routes)
	for _, e := range t.entries {
		if e.route.method != "" && !e.route.isRest() {
			keys = append(keys, e.key)
		}
	}
	return keys
}

func parseOperation(key, prefix string) (route, error) {
	at, err := parse(key, prefix)
	switch {
	case err != nil:
		return route{}, err
	case at.method == "":
		return route{}, errors.New("a route has a method")
	case at.isRest():
		return route{}, errors.New("no path of a document is a rest: name what is below it")
	}
	return at, nil
}

// path is the path of a key in a document.
func (p Policy) path(key string) string {
	pattern := key[strings.Index(key, " ")+1:]
	return cmp.Or(templated(strings.TrimPrefix(pattern, strings.TrimSuffix(p.Prefix, "/"))), "/")
}

// addOperation adds one that is not there under any names of its parameters.
func addOperation(doc *openapi3.T, at route, path string) {
	for other, item := range doc.Paths.Map() {
		if normal(other) == at.path {
			if item.GetOperation(at.method) == nil {
				item.SetOperation(at.method, newOperation(other))
			}
			return
		}
	}
	item := &openapi3.PathItem{}
	item.SetOperation(at.method, newOperation(path))
	doc.Paths.Set(path, item)
}

// newOperation has the parameters of its path, which a document must declare.
func newOperation(path string) *openapi3.Operation {
	op := &openapi3.Operation{}
	for _, p := range parameter.FindAllString(path, -1) {
		of := openapi3.NewPathParameter(p[1 : len(p)-1]).WithSchema(openapi3.NewStringSchema())
		op.Parameters = append(op.Parameters, &openapi3.ParameterRef{Value: of})
	}
	return op
}

// Apply writes the security of the rules into every operation of a document, and
// the scheme into its components. A document that has an operation without a
// rule is left as it is, and all of those are reported together; so are rules that
// no token can meet, which no document can say.
//
// The lists of scopes are alternatives, as [claims.Rule.ScopeSets] has them. A
// Scheme of type http lists them too, as OpenAPI 3.1 allows.
func Apply(doc *openapi3.T, p Policy, s Scheme) error {
	t, err := p.read()
	if err != nil {
		return err
	}
	if doc == nil {
		return errors.New("openapiauth: Apply: there is no document")
	}
	all, of := []string{}, map[*openapi3.Operation]openapi3.SecurityRequirements{}
	var errs []error
	for _, o := range t.operations(doc) {
		e := t.find(o.method, o.path)
		if e == nil {
			errs = append(errs, fmt.Errorf("openapiauth: no rule decides about %s %s", o.method, o.path))
			continue
		}
		security := openapi3.SecurityRequirements{} // an empty list: open, whatever the document says as a whole
		if rule, guarded := e.ruleFor(o.method); guarded {
			for _, set := range rule.ScopeSets() {
				security = append(security, openapi3.SecurityRequirement{s.name(): set})
				all = append(all, set...)
			}
			if len(security) == 0 {
				errs = append(errs, fmt.Errorf("openapiauth: no token may call %s %s (%s), which no document can say", o.method, o.path, rule))
			}
		}
		of[o.is] = security
	}
	scheme, err := s.object(all)
	if err := errors.Join(append(errs, err)...); err != nil {
		return err
	}
	for op, security := range of {
		op.Security = &security
	}
	if doc.Components == nil {
		doc.Components = &openapi3.Components{}
	}
	if doc.Components.SecuritySchemes == nil {
		doc.Components.SecuritySchemes = openapi3.SecuritySchemes{}
	}
	doc.Components.SecuritySchemes[s.name()] = &openapi3.SecuritySchemeRef{Value: scheme}
	return nil
}
