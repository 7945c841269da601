package providers

import (
	"errors"
	"fmt"
)

// Spec names a provider in plain words, as flags and environment variables do.
type Spec struct {
	_ [0]func() // keyed literals only

	// Preset is generic (or ""), entra, auth0-permissions or auth0-scopes.
	Preset string
	// Issuer is the iss claim for generic, the domain for Auth0, and empty for
	// entra.
	Issuer string
	// Tenant is the tenant's GUID for entra, and empty otherwise.
	Tenant string
	// Audiences are the aud values that mean this API.
	Audiences []string
	// Clients are those that may call; empty for all.
	Clients []string
	// JWKSURL is the key set's address, for issuers without discovery.
	JWKSURL string
}

// Provider is what the Spec names. Mistakes are in its Err, all together.
func (s Spec) Provider() Provider {
	var p Provider
	var err error
	switch s.Preset {
	case "", "generic":
		p, err = Generic(s.Issuer, s.Audiences...), errors.Join(s.wants(s.Issuer, "an issuer"), wantAudience(s.Audiences))
	case "entra":
		p = Entra(s.Tenant, s.Audiences...)
		if s.Issuer != "" {
			err = errors.New("providers: entra is told by the tenant: leave the issuer empty")
		}
	case "auth0-permissions":
		p = Auth0(s.Issuer, Auth0Permissions, s.Audiences...)
	case "auth0-scopes":
		p = Auth0(s.Issuer, Auth0Scopes, s.Audiences...)
	default:
		err = fmt.Errorf("providers: no preset %q: use generic, entra, auth0-permissions or auth0-scopes", s.Preset)
	}
	if s.Tenant != "" && s.Preset != "entra" {
		err = errors.Join(err, errors.New("providers: a tenant is set, but only the preset entra has tenants"))
	}
	if len(s.Clients) > 0 {
		p = p.WithClients(s.Clients...)
	}
	if s.JWKSURL != "" {
		p = p.WithJWKS(s.JWKSURL)
	}
	p.Err = errors.Join(p.Err, err)
	return p
}

func (s Spec) wants(value, what string) error {
	if value != "" {
		return nil
	}
	return fmt.Errorf("providers: %s is missing", what)
}
