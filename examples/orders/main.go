// Command orders is a small API protected by Sallyport: orders in memory, and
// each caller may do what the access levels of its token say. In the directory
// examples, go run ./orders runs it.
//
//	orders                                            # with an authorization server of its own, for development
//	orders -issuer https://issuer.example/ -audience api://orders
//
// Without -issuer it starts a development authorization server on -auth-addr,
// trusts its three issuers, and prints the requests that get a token from it.
//
// An -audience belongs to the -issuer flags right before it; given before any
// -issuer, it belongs to all of them:
//
//	-issuer A -audience x -audience y -issuer B -audience z    A: x or y; B: z
//	-issuer A -issuer B -audience x                            A and B: x
//	-audience x -issuer A -issuer B -audience y                A and B: x or y
//
// The log is on standard error. SIGTERM and Ctrl-C drain requests under way and
// end it within five seconds; a second one ends it at once. It exits with 0
// after that, 1 when it could not serve, 2 when the flags are wrong.
package main

import "github.com/sallyport-go/sallyport/examples/internal/demo"

func main() { demo.Main(run) }
