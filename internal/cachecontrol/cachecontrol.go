// Package cachecontrol keeps answers for one caller out of shared caches. The
// Guard and the adapters have it in common.
package cachecontrol

import "net/http"

// Default is the value that an answer gets.
//
// RFC 9111 section 5.2.2.7: https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2.7
const Default = "private"

// Private sets Cache-Control in a header that has none, in a slice that the
// caller gives away.
func Private(h http.Header, value *[1]string) {
	if len(h["Cache-Control"]) == 0 {
		value[0] = Default
		h["Cache-Control"] = value[:1:1]
	}
}

// Keeper is a ResponseWriter that does this by itself, once it was told to.
type Keeper interface{ KeepPrivate() }
