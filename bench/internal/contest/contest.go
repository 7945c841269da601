// Package contest has the libraries that are timed. Every one of them does the
// same job, set up as its own documentation shows, with the key parsed
// beforehand.
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
	New    func(*fixture.Fixture) (Check, error)
	// Lacks names refusals of the correctness test that the library does not
	// make by itself. The tables show them.
	Lacks []string
}

// All is every contestant that checks claims.
var All = append([]Contestant{Sallyport}, Peers...)

// Sallyport has its cache off: every check is a first sight.
var Sallyport = Contestant{
	Name: "sallyport",
	New: func(f *fixture.Fixture) (Check, error) {
		v, err := NewVerifier(f, -1)
		if err != nil {
			return nil, err
		}
		return CheckWith(v), nil
	},
}

// NewVerifier returns a Verifier as a user would configure it, with a cache of
// so many bytes: 0 for the default, negative for none.
func NewVerifier(f *fixture.Fixture, cacheBytes int64) (*verifier.Verifier, error) {
	keys, err := KeySet(f)
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Config{Issuers: []verifier.Issuer{Trust(keys)}, CacheBytes: cacheBytes})
}

// KeySet returns the fixture's key as a set that fetches nothing.
func KeySet(f *fixture.Fixture) (jwks.KeySet, error) {
	keys, err := jwks.ParseJWKS(f.JWKS)
	if err != nil {
		return nil, err
	}
	return jwks.NewStatic(keys...)
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
