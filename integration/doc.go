// Package integration is the root of the tests that need programs which are not
// ours: authorization servers in the package servers, proxies in the package
// proxies. It has no code of its own.
//
// make integration runs them; .ci/integration installs what they need. A program
// that is not here is a skip, which is counted and printed at the end. With
// CI=true too many of them are a failure.
package integration
