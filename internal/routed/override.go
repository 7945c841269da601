package routed

import (
	"net/http"
	"strings"
)

// overrideHeaders are those by which callers ask for another method than that
// of the request line. Whether anything further in obeys is not known here.
var overrideHeaders = [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

// maxOverrides bounds the methods that are looked at, in headers that may have
// any number of lines.
const maxOverrides = 4

// Overrides returns the methods that headers of a request ask for, nil for none.
// Of more than a few the last one is none that there is.
func Overrides(h http.Header) []string {
	var methods []string
	for _, name := range overrideHeaders {
		for _, method := range h[name] {
			if len(methods) == maxOverrides {
				return append(methods, "?")
			}
			methods = append(methods, strings.ToUpper(strings.TrimSpace(method)))
		}
	}
	return methods
}
