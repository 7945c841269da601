package openapiauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// Guard is a *middleware.Guard, or what has one, such as a *sallyport.Gate.
type Guard interface {
	Optional(next http.Handler) http.Handler
	Require(rule claims.Rule) func(next http.Handler) http.Handler
	Check(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error)
	Deny(w http.ResponseWriter, r *http.Request, err error)
}

// Config is what a document does not say. The zero Config is good for documents
// whose only schemes are oauth2, openIdConnect, and http with bearer or DPoP.
type Config struct {
	_ [0]func() // keyed literals only

	// Rule returns the rule for the scopes that an alternative of a document
	// lists, none for any good token. nil is [claims.AllScopes] and
	// [claims.AnyToken]. An API of access levels gives it, so that a permission, a
	// role of an app or a qualified name opens what a level does:
	//
	//	func(scopes []string) claims.Rule {
	//		if len(scopes) == 1 {
	//			return levels.Require(claims.Level(scopes[0]))
	//		}
	//		return claims.AnyToken()
	//	}
	//
	// Protect calls it once for each alternative when it is built, and
	// AuthenticationFunc for each request, concurrently.
	Rule func(scopes []string) claims.Rule

	// Covered are the names of security schemes that bindings of the Guard
	// check, such as one of type mutualTLS. They are met where the Guard says so.
	Covered []string

	// Others is asked by AuthenticationFunc about every other scheme, such as an
	// API key. nil refuses them. Protect takes no operation that has one.
	Others openapi3filter.AuthenticationFunc
}

func (c Config) rule(scopes []string) claims.Rule {
	if c.Rule == nil {
		return allScopes(scopes)
	}
	return c.Rule(scopes)
}

// anyOf is the rule of alternatives, one of which will do.
func (c Config) anyOf(of []alternative) claims.Rule {
	rules := make([]claims.Rule, len(of))
	for i, a := range of {
		rules[i] = c.rule(a.scopes)
	}
	if len(rules) == 1 {
		return rules[0]
	}
	return claims.AnyOf(rules...)
}

// Deny writes the answer to a request that the validation refused by an error of
// [AuthenticationFunc], as the Guard would have written it, and reports whether
// err is one. Any other error is the caller's to answer, with 400 as a rule. It is
// for oapi-codegen's ErrorHandlerWithOpts:
//
//	func(_ context.Context, err error, w http.ResponseWriter, r *http.Request, o nethttpmiddleware.ErrorHandlerOpts) {
//		if !openapiauth.Deny(guard, w, r, err) {
//			w.WriteHeader(o.StatusCode)
//		}
//	}
func Deny(guard Guard, w http.ResponseWriter, r *http.Request, err error) bool {
	var refused *middleware.Error
	var unmet *openapi3filter.SecurityRequirementsError
	switch {
	case errors.As(err, &refused):
		guard.Deny(w, r, refused)
	case errors.As(err, &unmet), errors.Is(err, openapi3filter.ErrAuthenticationServiceMissing):
		guard.Deny(w, r, errUnmet) // which is a 403
	default:
		return false
	}
	return true
}

var errUnmet = errors.New("openapiauth: a security scheme that is not the Guard's refused the request")

// decided is what was decided about a request, for the operation of a document
// that it was decided for.
type decided struct {
	op  *openapi3.Operation
	err error
}

type decidedKey struct{}

func withDecision(r *http.Request, d decided) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), decidedKey{}, d))
}

func decisionOf(r *http.Request, op *openapi3.Operation) (decided, bool) {
	d, ok := r.Context().Value(decidedKey{}).(decided)
	return d, ok && d.op == op
}

// AuthenticationFunc returns the function of the same name in the Options of
// kin-openapi's request validation, for use with [Deny]. The Guard decides once
// about a request, by one rule of all alternatives of the operation; the handler
// finds the claims in the context of the request that was validated. Behind
// [Protect] nothing is decided twice.
//
// Where an operation also has schemes that are Config.Others', the Guard is asked
// for each alternative by itself, so one request may be logged more than once.
//
// An operation without security is open: kin-openapi asks nobody then. Compare
// finds it, where the rules say otherwise.
func AuthenticationFunc(guard Guard, cfg Config) openapi3filter.AuthenticationFunc {
	return func(ctx context.Context, in *openapi3filter.AuthenticationInput) error {
		if guard == nil {
			return in.NewError(errors.New("openapiauth: the Guard is nil"))
		}
		request := in.RequestValidationInput
		op := request.Route.Operation
		if cfg.isOthers(in) {
			if cfg.Others == nil {
				return in.NewError(fmt.Errorf("openapiauth: nothing checks the security scheme %q", in.SecuritySchemeName))
			}
			return cfg.Others(ctx, in)
		}
		if d, ok := decisionOf(request.Request, op); ok {
			return d.err
		}
		of := alternatives(request.Route.Spec, securityOf(request.Route.Spec, op), cfg.Covered)
		rule, once := cfg.anyOf(of), true
		for _, a := range of {
			once = once && len(a.foreign) == 0 && !a.anonymous
		}
		if !once {
			rule = cfg.rule(in.Scopes)
		}
		checked, _, err := guard.Check(request.Request, rule)
		if once {
			checked = withDecision(checked, decided{op, err})
		}
		*request.Request = *checked // the handler gets this one, and kin-openapi passes none on
		return err
	}
}

// isOthers reports whether a scheme is neither a token's nor covered.
func (c Config) isOthers(in *openapi3filter.AuthenticationInput) bool {
	one := openapi3.SecurityRequirements{{in.SecuritySchemeName: nil}}
	return len(alternatives(in.RequestValidationInput.Route.Spec, one, c.Covered)[0].foreign) > 0
}
