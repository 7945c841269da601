// Package drivers takes the cases of the corpus to the Go libraries that people use to check tokens. Each library is set
// up as strictly as its own documentation shows; what that leaves to the caller is said in Caller and not counted.
package drivers

import (
	"slices"
	"strings"
	"time"
)

// Policy is what an API expects: a file of corpus/policies.
type Policy struct {
	Issuer, Audience  string
	Algorithms, Types []string
	Leeway            int
	Now               int64
}

func (p *Policy) leeway() time.Duration { return time.Duration(p.Leeway) * time.Second }

func (p *Policy) now() time.Time { return time.Unix(p.Now, 0) }

// Check returns an error for a token that the library refuses.
type Check func(token string) error

// Library is what is said of one.
type Library struct {
	Name   string
	Page   string // the documentation that the driver follows
	Note   string // what a reader of its row should know
	Caller Cases  // what it leaves to its caller
	Lacks  string // an algorithm that it does not implement
}

// Driver is a library in Go.
type Driver struct {
	Library

	Module string // whose version is reported
	New    func(keys []byte, p *Policy) (Check, error)
}

// Cases are cases of the corpus: groups, and with a colon in them beginnings of names.
type Cases []string

// Has reports whether a case is among them.
func (c Cases) Has(group, name string) bool {
	return slices.ContainsFunc(c, func(one string) bool {
		return one == group || strings.Contains(one, ":") && strings.HasPrefix(name, one)
	})
}

// kinds are what no library here checks by itself, unless it says so: which kind of token it is, and whom it is bound to.
var kinds = Cases{"typ", "cnf"}

// All are the libraries.
var All = []Driver{golangJWT, goOIDC, jwxV2, jwxV3, auth0V3, goJOSE}
