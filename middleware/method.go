package middleware

import (
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/routed"
)

// otherMethod denies a request that may be taken for one of another method.
var otherMethod = claims.Func("no other method than that of the request", func(*claims.Claims) bool { return false })

// accessRule returns the rule for the method of a request: one that denies all
// the same if the request is routed by another method, or might be.
func accessRule(access *claims.Access, r *http.Request) claims.Rule {
	rule := access.Rule(r.Method)
	if !routedByItsMethod(r) || overridesMethod(r) {
		return claims.AllOf(rule, otherMethod)
	}
	return rule
}

// routedByItsMethod reports whether the pattern of ServeMux and the router of an
// adapter, where they say so, have routed the request by the method that it has.
func routedByItsMethod(r *http.Request) bool {
	for _, method := range [...]string{patternMethod(r), routed.Of(r).Method} {
		if method != "" && !sameMethod(method, r.Method) {
			return false
		}
	}
	return true
}

// patternMethod returns the method in the pattern that ServeMux chose, "" for none.
//
// [METHOD ][HOST]/[PATH]: https://pkg.go.dev/net/http#hdr-Patterns-ServeMux
func patternMethod(r *http.Request) string {
	if method, _, ok := strings.Cut(r.Pattern, " "); ok && isToken(method) {
		return method
	}
	return ""
}

// overridesMethod reports whether a header asks for another method.
func overridesMethod(r *http.Request) bool {
	for _, method := range routed.Overrides(r.Header) {
		if !sameMethod(method, r.Method) {
			return true
		}
	}
	return false
}

// sameMethod reports whether two methods are one, or GET and HEAD: a router may
// have the handler of GET answer HEAD.
func sameMethod(a, b string) bool {
	reads := func(method string) bool { return method == http.MethodGet || method == http.MethodHead }
	return a == b || reads(a) && reads(b)
}
