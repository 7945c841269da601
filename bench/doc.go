// Package bench measures what a token check costs, side by side in one run:
// Sallyport, the bare signature check of the standard library, and the
// libraries that Go programs use for the same job.
//
// The cases are in internal/cases, the libraries in internal/contest, the
// token in internal/fixture. They are run in two ways: as ordinary Go
// benchmarks (`go test -bench .` here, names made of key=value pairs), and by
// the command ./run, which interleaves them, takes medians over rounds and
// writes RESULTS.md and results.svg. `make bench` in the parent directory does
// the latter, `make bench-check` judges the goals.
//
// # What a contestant does
//
// Every contestant is held to the same job: the token's signature under one
// RSA, P-256 or Ed25519 key that it has already parsed, found by its key id
// where the library does that; issuer; audience; expiry; and then whether the
// caller has a role. A test shows that each accepts the good token and refuses
// an expired one, one for another audience and one with a broken signature.
package bench
