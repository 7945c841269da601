// Package migrate runs the same API behind other libraries and behind a Gate:
// what docs/guide/migrating.md shows, and what callers are answered.
package migrate
