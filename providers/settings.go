package providers

import (
	"github.com/sallyport-go/sallyport/internal/setting"
)

// Settings are what [Named] makes a Provider of: plain words, as environment
// variables, flags and configuration files have them. Each preset reads some of
// them; one that is set and not read is a mistake. The tags name the variable
// that sallyport.FromEnv reads and the flag of sallyport explain.
//
// The zero value holds nothing. Settings are copied by Named.
type Settings struct {
	_ [0]func() // keyed literals only

	// Issuer is the iss claim, byte for byte; for Auth0 the domain alone.
	Issuer string `env:"SALLYPORT_ISSUER" flag:"issuer" also:"issuer Name domain" help:"the iss claim, exactly as the token has it (for auth0 the domain alone)"`
	// Tenant is the tenant's GUID, for Entra.
	Tenant string `env:"SALLYPORT_TENANT" flag:"tenant" also:"tenant" help:"the tenant's GUID"`
	// Audiences are the aud values that mean this API.
	Audiences []string `env:"SALLYPORT_AUDIENCE" flag:"audience" also:"audiences" help:"the audience that means this API, an aud value"`
	// Clients are the client ids that may call; empty for all.
	Clients []string `env:"SALLYPORT_CLIENTS" flag:"client" also:"clients" help:"the client id that may call"`
	// RolesFrom says whose roles count: for Keycloak realm, for the realm's, and
	// client ids; for Zitadel the id of a project.
	RolesFrom []string `env:"SALLYPORT_ROLES_FROM" flag:"roles-from" help:"whose roles count: realm or a client id for keycloak, a project's id for zitadel"`
	// NoAudienceClients are the client ids whose tokens may have no audience.
	NoAudienceClients []string `env:"SALLYPORT_NO_AUDIENCE_CLIENTS" flag:"no-audience-client" also:"NoAudience.Clients" help:"the client id whose tokens may have no audience"`
	// ScopePrefix is what a scope must begin with in a token without an
	// audience, such as orders/.
	ScopePrefix string `env:"SALLYPORT_SCOPE_PREFIX" flag:"scope-prefix" help:"what a scope must begin with in a token without an audience"`
	// JWKSURL is the key set's address, for issuers without discovery.
	JWKSURL string `env:"SALLYPORT_JWKS_URL" flag:"jwks" also:"WithJWKS" help:"the address of the keys"`
	// DiscoveryURL is the discovery document's address, where it does not follow
	// from the issuer.
	DiscoveryURL string `env:"SALLYPORT_DISCOVERY_URL" flag:"discovery" also:"WithDiscovery" help:"the address of the discovery document, where it does not follow from the issuer"`
}

// every are the settings that each preset may have.
var every = []setting.Name{"JWKSURL", "DiscoveryURL"}

func (s *Settings) copied() Settings {
	out := *s
	for _, f := range setting.Fields(&out) {
		if f.List {
			list := f.Values()
			f.Set("")
			for _, value := range list {
				f.Add(value)
			}
		}
	}
	return out
}
