// Package servers has authorization servers that others wrote, and the tests
// that check their tokens through the program examples/orders: a package of
// npm, a package of Debian, Ory Hydra, and three Go libraries with a small
// program around each.
//
// A [Server] is started on the loopback interface with one client, which may ask
// for the scopes get and post. What is peculiar to a server is a test of its
// own, and a line in docs/guide/real-servers.md.
package servers
