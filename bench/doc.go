// Package bench measures what a token check costs, side by side in one run: Sallyport, the bare signature check of
// the standard library, and the libraries that Go programs use for the same job. The cases run as ordinary benchmarks
// (go test -bench .), and by the command ./run, which interleaves them and writes RESULTS.md (make bench) or judges
// the goals (make bench-check).
//
// Every contestant does the same job: the signature under one key that it has parsed already, issuer, audience,
// expiry, and whether the caller has a role. A test holds each to refusing what it is timed for refusing.
package bench
