// Package contest has the libraries that are timed. Every one of them does the same job, set up as its own
// documentation shows, with the key parsed beforehand.
package contest

import (
	"context"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/verifier"
)

// Check verifies a token and reports whether the caller has [fixture.Role].
type Check func(ctx context.Context, token string) (bool, error)

// Contestant is one library.
type Contestant struct {
	Name   string // impl= in the names of benchmarks
	Module string // "" for Sallyport
	New    func(*fixture.Fixture) Check
	Lacks  []string // refusals of the correctness test that it does not make by itself; the tables show them
}

// All is every contestant that checks claims.
var All = append([]Contestant{Sallyport}, Peers...)

// Sallyport has its cache off: every check is a first sight.
var Sallyport = Contestant{Name: "sallyport", New: func(f *fixture.Fixture) Check { return CheckWith(NewVerifier(f, -1)) }}

// NewVerifier returns a Verifier as a user would configure it, with a cache of
// so many bytes: 0 for the default, negative for none.
func NewVerifier(f *fixture.Fixture, cacheBytes int64) *verifier.Verifier {
	return fixture.Must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{Trust(KeySet(f))}, CacheBytes: cacheBytes}))
}

// KeySet returns the fixture's key as a set that fetches nothing.
func KeySet(f *fixture.Fixture) jwks.KeySet {
	return fixture.Must(jwks.NewStatic(fixture.Must(jwks.ParseJWKS(f.JWKS))...))
}

// Trust returns the fixtures' issuer with the given keys.
func Trust(keys jwks.KeySet) verifier.Issuer {
	return verifier.Issuer{Name: fixture.Issuer, Audiences: []string{fixture.Audience}, Keys: keys}
}

// CheckWith returns a Check by v.
func CheckWith(v *verifier.Verifier) Check {
	return func(ctx context.Context, token string) (bool, error) {
		c, err := v.Verify(ctx, token)
		if err != nil {
			return false, err
		}
		return c.HasRole(fixture.Role), nil
	}
}
