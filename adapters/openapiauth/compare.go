package openapiauth

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// Compare returns what a document and the rules of a router say differently, nil
// if nothing. It is for tests. The error is a line for each route, in words, in the
// order of the paths.
//
// An operation without a rule is a difference, and so is an entry of the Policy
// that decides about no operation. Scopes are compared, and which operations are
// open. Where a rule asks for a role or a caller beside them, or instead, the
// document can only ask for a token.
func Compare(doc *openapi3.T, p Policy) error {
	t, err := p.read()
	if err != nil {
		return err
	}
	if doc == nil {
		return errors.New("openapiauth: Compare: there is no document")
	}
	var errs []error
	differs := func(method, path, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s %s: %s", method, path, fmt.Sprintf(format, args...)))
	}
	for _, o := range t.operations(doc) {
		e := t.find(o.method, o.path)
		if e == nil {
			differs(o.method, o.path, "no rule decides about it, and the document asks for %s", words(o.asks(doc)))
			continue
		}
		e.decides = true
		says, wants := words(o.asks(doc)), e.asks(o.method)
		if says != wants {
			differs(o.method, o.path, "the document asks for %s, the rules for %s", says, wants)
		}
	}
	for _, e := range t.entries {
		if !e.decides {
			errs = append(errs, fmt.Errorf("%s: the rules have it, and no operation of the document is decided by it", e.key))
		}
	}
	return errors.Join(errs...)
}

// asks is what the entry asks for, in the words that a document is told in.
func (e *entry) asks(method string) string {
	rule, guarded := e.ruleFor(method)
	if !guarded {
		return words(nil)
	}
	var of []alternative
	for _, set := range rule.ScopeSets() {
		slices.Sort(set)
		of = append(of, alternative{scopes: set})
	}
	if len(of) == 0 {
		return "what no token has"
	}
	return words(of)
}

// operation is one of a document.
type operation struct {
	method, path string
	is           *openapi3.Operation
}

func (o operation) asks(doc *openapi3.T) []alternative {
	return alternatives(doc, securityOf(doc, o.is), nil)
}

// operations are those of a document that rules decide about, by path and method:
// a preflight has no credentials, so OPTIONS is one only where an entry names it.
func (t *table) operations(doc *openapi3.T) []operation {
	return slices.DeleteFunc(allOperations(doc), func(o operation) bool {
		e := t.find(o.method, o.path)
		return o.method == http.MethodOptions && (e == nil || e.route.method != o.method)
	})
}

func allOperations(doc *openapi3.T) (out []operation) {
	paths := doc.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		of := paths[path].Operations()
		for _, method := range slices.Sorted(maps.Keys(of)) {
			out = append(out, operation{method, path, of[method]})
		}
	}
	return out
}
