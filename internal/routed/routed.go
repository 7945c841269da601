// Package routed is what a router read of a request, where that can differ from
// what the request says: a router may go by a method or path that a middleware
// left for it elsewhere. The adapter of such a router registers how to read it,
// so that a Guard judges the request that the router routes, or refuses it.
package routed

import "net/http"

// Reading is what a router goes by.
type Reading struct {
	// Method and Path are "" where the router goes by the request's own.
	Method, Path string
	// Unclear is true if the path that the router goes by cannot be told.
	Unclear bool
}

var readers []func(*http.Request) Reading

// Register adds what reads for one router. It is called while packages are
// initialised, and never later. The result is always true.
func Register(read func(*http.Request) Reading) bool {
	readers = append(readers, read)
	return true
}

// Of returns the reading of the router that the request has come to, the zero
// Reading if it has come to none that is known.
func Of(r *http.Request) Reading {
	for _, read := range readers {
		if reading := read(r); reading != (Reading{}) {
			return reading
		}
	}
	return Reading{}
}
