// Package claims holds what a verified token says, and the rules over it.
//
// [Claims] come from a verifier and are shared between requests, so they are
// immutable. A [Mapping] says in which claims an issuer keeps scopes, roles,
// permissions and the client, and how to tell an app from a user. A [Rule] asks
// for some of them and answers with a [Decision]; [AccessLevels] are the rules
// of an API whose levels are get, post, put and delete.
//
// The package knows no HTTP and no keys: it verifies nothing.
package claims
