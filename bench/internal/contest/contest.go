// Package contest has one file for each library that checks tokens here. Every
// one of them does the same job, set up as its own documentation shows, with
// the key parsed beforehand.
package contest

import (
	"context"
	"errors"

	"github.com/sallyport-go/sallyport/bench/internal/fixture"
)

// Check verifies a token and says whether the caller has [fixture.Role]: the
// claims are ready for a rule.
type Check func(ctx context.Context, token string) (bool, error)

// Contestant is one library.
type Contestant struct {
	Name   string // impl= in the names of benchmarks
	Module string // "" for the standard library
	New    func(*fixture.Fixture) (Check, error)
	// Lacks names refusals of the correctness test that the library does not
	// make by itself. It is marked for them in the tables, not helped.
	Lacks []string
}

// Peers are the libraries that Sallyport is compared with.
var Peers = []Contestant{GolangJWT, Auth0v2, GoOIDC, JWXv2, JWXv3, Auth0v3}

// All is every contestant that checks claims.
var All = append([]Contestant{Sallyport}, Peers...)

var errNoRoles = errors.New("contest: the token's roles are no list of strings")

// has looks for the role in what encoding/json makes of a list.
func has(roles any) (bool, error) {
	list, ok := roles.([]any)
	if !ok {
		return false, errNoRoles
	}
	for _, r := range list {
		if r == fixture.Role {
			return true, nil
		}
	}
	return false, nil
}
