package openapiauth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport-go/sallyport/claims"
)

// securityOf returns what a document says of an operation: its own, or that of
// the whole document.
// OpenAPI 3.1 section 4.8.10: https://spec.openapis.org/oas/v3.1.0#operation-object
func securityOf(doc *openapi3.T, op *openapi3.Operation) openapi3.SecurityRequirements {
	if op.Security != nil {
		return *op.Security
	}
	return doc.Security
}

// alternative is one Security Requirement Object: all of it must be met.
// OpenAPI 3.1 section 4.8.30: https://spec.openapis.org/oas/v3.1.0#security-requirement-object
type alternative struct {
	anonymous bool     // no scheme at all
	scopes    []string // of the schemes whose tokens a Guard judges, sorted, each once
	foreign   []string // in words, schemes that it does not
}

// alternatives reads what a document asks for. Nothing means that the operation
// is open. covered are names of schemes that the Guard's bindings check.
func alternatives(doc *openapi3.T, of openapi3.SecurityRequirements, covered []string) (out []alternative) {
	for _, requirement := range of {
		a := alternative{anonymous: len(requirement) == 0}
		for name, scopes := range requirement {
			scheme := schemeOf(doc, name)
			switch {
			case isToken(scheme):
				a.scopes = append(a.scopes, scopes...)
			case scheme == nil:
				a.foreign = append(a.foreign, fmt.Sprintf("%s, which no security scheme declares", name))
			case !slices.Contains(covered, name):
				a.foreign = append(a.foreign, fmt.Sprintf("%s (%s)", name, strings.TrimSpace(scheme.Type+" "+scheme.Scheme)))
			}
		}
		slices.Sort(a.scopes)
		slices.Sort(a.foreign)
		a.scopes = slices.Compact(a.scopes)
		out = append(out, a)
	}
	return out
}

func schemeOf(doc *openapi3.T, name string) *openapi3.SecurityScheme {
	if doc.Components == nil {
		return nil
	}
	if ref := doc.Components.SecuritySchemes[name]; ref != nil {
		return ref.Value
	}
	return nil
}

// isToken reports whether a scheme is one of the tokens that a Guard judges.
func isToken(scheme *openapi3.SecurityScheme) bool {
	switch {
	case scheme == nil:
		return false
	case scheme.Type == "http":
		return strings.EqualFold(scheme.Scheme, "bearer") || strings.EqualFold(scheme.Scheme, "DPoP")
	}
	return scheme.Type == "oauth2" || scheme.Type == "openIdConnect"
}

// allScopes is the rule of a set of scopes.
func allScopes(scopes []string) claims.Rule {
	if len(scopes) == 0 {
		return claims.AnyToken()
	}
	return claims.AllScopes(scopes...)
}

// words tells alternatives, sorted: "a and b, or c".
func words(of []alternative) string {
	if len(of) == 0 {
		return "no token"
	}
	var texts []string
	for _, a := range of {
		parts := slices.Clone(a.scopes)
		if len(parts) == 0 && !a.anonymous && len(a.foreign) == 0 {
			parts = []string{"any token"}
		}
		if a.anonymous {
			parts = []string{"no token"}
		}
		texts = append(texts, strings.Join(append(parts, a.foreign...), " and "))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), ", or ")
}
