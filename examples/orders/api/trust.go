package api

import (
	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// Issuer is an authorization server to trust, and the audiences that mean this
// API in its tokens.
type Issuer struct {
	Name      string // the iss claim, byte for byte
	Audiences []string
}

// Devauth is the three issuers of the development authorization server.
func Devauth(auth *devauth.Server) []Issuer {
	infos := auth.Issuers()
	out := make([]Issuer, len(infos))
	for n := range infos {
		out[n] = Issuer{Name: infos[n].Issuer, Audiences: infos[n].Audiences}
	}
	return out
}

// algorithms are more than the library's default, because nothing is known of
// the issuers that the flags may name. Where the issuer is known, pin its own.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"}
}

// providers expects of each issuer what can be expected of any: typ at+jwt, JWT
// or none, and the usual claims for scopes, permissions and roles.
func (c *Config) providers() []providers.Provider {
	var out []providers.Provider
	for _, i := range c.Issuers {
		out = append(out, providers.Provider{Issuers: []providers.Issuer{{
			Tokens: verifier.Issuer{
				Name:       i.Name,
				Audiences:  i.Audiences,
				Algorithms: algorithms(),
				Types:      []string{"at+jwt", "application/at+jwt", "JWT", ""},
			},
			Source: providers.Source{Issuer: i.Name, JWKSURL: c.JWKSURL},
		}}})
	}
	return out
}
