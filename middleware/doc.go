// Package middleware protects net/http handlers with OAuth 2.0 bearer tokens.
//
// A [Guard] is a gate with two doors. The first verifies the token that comes
// with a request and answers 401 (or 400 for a malformed request); the second
// checks a [claims.Rule] and answers 403. When the keys rather than the token
// are the trouble, the answer is 503 with Retry-After: a token that could not
// be checked is never called bad, and never let in.
//
//	mux.Handle("GET /orders", guard.Require(claims.AllScopes("orders.read"))(list))
//
// [Guard.Require] verifies by itself. Handlers further in that share the Guard
// find the verified token again and do not verify twice, so Authenticate may
// surround a whole router and Require single routes of it.
//
// Frameworks that are not built on http.Handler use [Guard.Check] or
// [Guard.CheckRule], which write nothing, and [Guard.Deny], which writes what
// the middleware would have written.
//
// The answers follow RFC 6750 section 3 and RFC 9110 section 11.
package middleware
