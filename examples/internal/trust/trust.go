// Package trust reads the flags that say whose tokens an example accepts.
//
// An -audience belongs to the -issuer flags right before it; given before any
// -issuer, it belongs to all of them:
//
//	-issuer A -audience x -audience y -issuer B -audience z    A: x or y; B: z
//	-issuer A -issuer B -audience x                            A and B: x
//	-audience x -issuer A -issuer B -audience y                A and B: x or y
package trust

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// Issuer is an authorization server to trust, and the audiences that mean this
// API in its tokens.
type Issuer struct {
	Name      string // the iss claim, byte for byte
	Audiences []string
}

// Flags collects -issuer and -audience as they come. The zero value has none.
type Flags struct {
	issuers []Issuer
	current []int // the issuers that an audience belongs to now
	closed  bool  // an audience came: the next issuer begins a new run
	forAll  []string
}

// Define defines the two flags.
func (f *Flags) Define(flags *flag.FlagSet) {
	flags.Func("issuer", "an authorization server to trust: the `URL` that its tokens have as iss, byte for byte (repeatable)", f.issuer)
	flags.Func("audience", "an `aud` value that means this API, in tokens of the -issuer flags right before it, or of all if it comes first (repeatable)", f.audience)
}

// Issuers returns what was given, in its order.
func (f *Flags) Issuers() []Issuer { return f.issuers }

// Last returns the issuer that came last, "" if none came.
func (f *Flags) Last() string {
	if len(f.current) == 0 {
		return ""
	}
	return f.issuers[f.current[len(f.current)-1]].Name
}

// Audiences returns the audiences of all issuers.
func Audiences(issuers []Issuer) (all []string) {
	for _, i := range issuers {
		all = append(all, i.Audiences...)
	}
	return all
}

func (f *Flags) issuer(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if f.closed {
		f.current, f.closed = nil, false
	}
	i := slices.IndexFunc(f.issuers, func(i Issuer) bool { return i.Name == name })
	if i < 0 {
		i = len(f.issuers)
		f.issuers = append(f.issuers, Issuer{Name: name, Audiences: slices.Clone(f.forAll)})
	}
	f.current = append(f.current, i)
	return nil
}

func (f *Flags) audience(name string) error {
	if name == "" {
		return errors.New("it is empty")
	}
	if len(f.issuers) == 0 {
		f.forAll = append(f.forAll, name)
		return nil
	}
	f.closed = true
	for _, i := range f.current {
		f.issuers[i].Audiences = append(f.issuers[i].Audiences, name)
	}
	return nil
}

// Mistakes returns what is wrong with the flags of a program.
func (f *Flags) Mistakes(program string) []error {
	var errs []error
	if len(f.issuers) == 0 && len(f.forAll) > 0 {
		errs = append(errs, fmt.Errorf("%s: -audience without -issuer: say whose tokens are meant with -issuer, or leave both out", program))
	}
	for _, i := range f.issuers {
		if len(i.Audiences) == 0 {
			errs = append(errs, fmt.Errorf("%s: -issuer %s has no audience: add -audience after it", program, i.Name))
		}
	}
	return errs
}

// Providers expects of each issuer what can be expected of any: typ at+jwt, JWT or
// none, and the usual claims for scopes, permissions and roles. Keys are found by
// discovery, or at jwksURL.
func Providers(issuers []Issuer, jwksURL string) (trusted []providers.Provider) {
	for _, i := range issuers {
		trusted = append(trusted, providers.Provider{Issuers: []providers.Issuer{{
			Tokens: verifier.Issuer{
				Name:      i.Name,
				Audiences: i.Audiences,
				// More than the library's default, because nothing is known of
				// the issuers that the flags may name. Pin those of an issuer
				// that you know.
				Algorithms: []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"},
			},
			Source: providers.Source{Issuer: i.Name, JWKSURL: jwksURL},
		}}})
	}
	return trusted
}
