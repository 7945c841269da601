package providers

import (
	"errors"
	"fmt"
)

// Named returns the Provider that a preset makes of plain words, as flags and
// environment variables have them. preset is generic (or ""), entra,
// auth0-permissions or auth0-scopes. issuer is the iss claim for generic, the
// domain for Auth0, and "" for entra; tenant is the tenant's GUID for entra, and
// "" otherwise. All mistakes are in its Err.
func Named(preset, issuer, tenant string, audiences ...string) Provider {
	var p Provider
	var err error
	switch preset {
	case "", "generic":
		p, err = Generic(issuer, audiences...), checkAudiences(audiences)
		if issuer == "" {
			err = errors.Join(errors.New("providers: an issuer is missing"), err)
		}
	case "entra":
		p = Entra(tenant, audiences...)
		if issuer != "" {
			err = errors.New("providers: entra has a tenant and no issuer: leave the issuer empty")
		}
	case "auth0-permissions":
		p = Auth0(issuer, Auth0Permissions, audiences...)
	case "auth0-scopes":
		p = Auth0(issuer, Auth0Scopes, audiences...)
	default:
		err = fmt.Errorf("providers: no preset %q: use generic, entra, auth0-permissions or auth0-scopes", preset)
	}
	if tenant != "" && preset != "entra" {
		err = errors.Join(err, errors.New("providers: a tenant is set, but only the preset entra has tenants"))
	}
	p.Err = errors.Join(p.Err, err)
	return p
}
