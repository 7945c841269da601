package providers

import (
	"errors"
	"fmt"

	"github.com/sallyport-go/sallyport/internal/setting"
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
			err = errors.Join(fmt.Errorf("providers: %w", setting.Errorf("%s: an issuer is missing", nameIssuer)), err)
		}
	case "entra":
		p = Entra(tenant, audiences...)
		if issuer != "" {
			err = fmt.Errorf("providers: %w", setting.Errorf("%s: entra has a tenant and no issuer: leave the issuer empty", nameIssuer))
		}
	case "auth0-permissions":
		p = Auth0(issuer, Auth0Permissions, audiences...)
	case "auth0-scopes":
		p = Auth0(issuer, Auth0Scopes, audiences...)
	default:
		err = fmt.Errorf("providers: %w", setting.Errorf("%s: no preset %.100q: use generic, entra, auth0-permissions or auth0-scopes", namePreset, preset))
	}
	if tenant != "" && preset != "entra" {
		err = errors.Join(err, fmt.Errorf("providers: %w", setting.Errorf("%s: a tenant is set, but only the preset entra has tenants", nameTenant)))
	}
	p.Err = errors.Join(p.Err, err)
	return p
}
