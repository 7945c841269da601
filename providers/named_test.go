package providers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/providers"
)

func TestNamed(t *testing.T) {
	t.Parallel()
	const issuer = "https://issuer.example/"
	of := func(issuer string) providers.Settings {
		return providers.Settings{Issuer: issuer, Audiences: []string{"a"}}
	}
	for name, row := range map[string]struct{ got, want providers.Provider }{
		"generic":           {providers.Named("generic", of(issuer)), providers.Generic(issuer, "a")},
		"and by default":    {providers.Named("", of(issuer)), providers.Generic(issuer, "a")},
		"entra":             {providers.Named("entra", providers.Settings{Tenant: tenant, Audiences: []string{"a"}}), providers.Entra(tenant, "a")},
		"auth0-permissions": {providers.Named("auth0-permissions", of(domain)), providers.Auth0(domain, providers.Auth0Permissions, "a")},
		"auth0-scopes":      {providers.Named("auth0-scopes", of(domain)), providers.Auth0(domain, providers.Auth0Scopes, "a")},
		"of these clients": {
			providers.Named("entra", providers.Settings{Tenant: tenant, Audiences: []string{"a"}, Clients: []string{"partner"}}),
			providers.Entra(tenant, "a").WithClients("partner"),
		},
		"keys at an address of their own": {
			providers.Named("", providers.Settings{Issuer: issuer, Audiences: []string{"a"}, JWKSURL: "https://keys.example"}),
			providers.Generic(issuer, "a").WithJWKS("https://keys.example"),
		},
		"a document at an address of its own": {
			providers.Named("", providers.Settings{Issuer: issuer, Audiences: []string{"a"}, DiscoveryURL: "https://keys.example"}),
			providers.Generic(issuer, "a").WithDiscovery("https://keys.example"),
		},
	} {
		assert.NoError(t, row.got.Err, name)
		assert.Equal(t, row.want, row.got, name)
	}
	assert.Equal(t, "generic", providers.Names()[0])
}

func TestMistakesOfNamed(t *testing.T) {
	t.Parallel()
	const issuer = "https://issuer.example/"
	for name, row := range map[string]struct {
		preset string
		of     providers.Settings
		says   []string
	}{
		"nothing":               {"", providers.Settings{}, []string{"generic: Issuer is not set: give the iss claim", "Audiences is not set: give the audience"}},
		"no audience":           {"generic", providers.Settings{Issuer: issuer}, []string{"Audiences is not set: give the audience"}},
		"a preset there is not": {"acme", providers.Settings{}, []string{`no preset "acme": use generic, `, " or " + providers.Names()[len(providers.Names())-1]}},
		"entra by an issuer": {
			"entra",
			providers.Settings{Issuer: "x", Tenant: "y"},
			[]string{"Issuer is set, but the preset entra does not read it: leave it empty (it is for generic, ", `Tenant "y": give the tenant's GUID`, "Audiences is not set: give the audience"},
		},
		"a tenant for others": {
			"auth0-scopes",
			providers.Settings{Issuer: domain, Tenant: tenant, Audiences: []string{"a"}},
			[]string{"Tenant is set, but the preset auth0-scopes does not read it: leave it empty (it is for entra"},
		},
	} {
		p := providers.Named(row.preset, row.of)
		for _, say := range row.says {
			assert.ErrorContains(t, p.Err, say, name)
		}
		assert.Empty(t, p.Issuers, "%s: nothing to be trusted by mistake", name)
	}
}

// What Named makes of settings does not change with them.
func TestNamedCopies(t *testing.T) {
	t.Parallel()
	s := providers.Settings{Issuer: "https://issuer.example/", Audiences: []string{"a"}, Clients: []string{"partner"}}
	p := providers.Named("generic", s)
	s.Audiences[0], s.Clients[0] = "x", "x"
	assert.Equal(t, []string{"a"}, p.Issuers[0].Tokens.Audiences)
	assert.Equal(t, []string{"partner"}, p.Issuers[0].Tokens.Clients)
}

// whole are settings with all that a preset needs and nothing else, and all that
// it may have besides.
var whole = map[string]struct{ needs, may providers.Settings }{
	"generic": {
		needs: providers.Settings{Issuer: "https://issuer.example/", Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}, NoAudienceClients: []string{"partner"}, ScopePrefix: "orders/"},
	},
	"oidc": {
		needs: providers.Settings{Issuer: "https://issuer.example/", Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}, NoAudienceClients: []string{"partner"}, ScopePrefix: "orders/"},
	},
	"rfc9068": {
		needs: providers.Settings{Issuer: "https://issuer.example/", Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}},
	},
	"entra": {
		needs: providers.Settings{Tenant: tenant, Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}},
	},
	"entra-external": {
		needs: providers.Settings{Tenant: tenant, Issuer: "login.contoso.example", Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}, Policies: []string{"B2C_1_susi"}},
	},
	"google": {
		needs: providers.Settings{Emails: []string{shopAccount}, Audiences: []string{"a"}},
		may:   providers.Settings{HostedDomains: []string{"acme.example"}},
	},
	"github-actions": {
		needs: providers.Settings{Repositories: []string{"456"}, Audiences: []string{"a"}},
		may:   providers.Settings{Owners: []string{"123"}, Workflows: []string{workflow}, Issuer: "https://ghes.example/_services/token"},
	},
	"kubernetes": {
		needs: providers.Settings{ServiceAccounts: []string{"shop/checkout"}, Audiences: []string{"a"}},
		may:   providers.Settings{Issuer: "https://oidc.eks.example/id/1", APIServer: "https://api.cluster.example:6443"},
	},
	"auth0-permissions": {
		needs: providers.Settings{Issuer: domain, Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}},
	},
	"auth0-scopes": {
		needs: providers.Settings{Issuer: domain, Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}},
	},
	"okta": {
		needs: providers.Settings{Issuer: oktaIssuer, Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}},
	},
	"keycloak": {
		needs: providers.Settings{Issuer: realm, Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}, RolesFrom: []string{"realm", "orders"}},
	},
	"cognito": {
		needs: providers.Settings{Issuer: userPool, Clients: []string{"partner"}},
		may:   providers.Settings{Audiences: []string{"a"}, ScopePrefix: "orders/"},
	},
	"hydra": {
		needs: providers.Settings{Issuer: hydraIssuer, Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}, NoAudienceClients: []string{"partner"}, ScopePrefix: "orders/"},
	},
	"zitadel": {
		needs: providers.Settings{Issuer: zitadelIssuer, Audiences: []string{"a"}},
		may:   providers.Settings{Clients: []string{"partner"}, RolesFrom: []string{"1234"}},
	},
}

func TestEveryPresetSaysWhatItReads(t *testing.T) {
	t.Parallel()
	for _, name := range providers.Names() {
		row, ok := whole[name]
		require.True(t, ok, "the preset %s is not in this test", name)
		p := providers.Named(name, row.needs)
		require.NoError(t, p.Err, name)
		assert.NotEmpty(t, p.Issuers, name)
		all := row.needs
		for n, may := range setting.Fields(&row.may) {
			if len(may.Values()) > 0 {
				setting.Fields(&all)[n].Set(strings.Join(may.Values(), " "))
			}
		}
		most := providers.Named(name, all)
		require.NoError(t, most.Err, name)

		given := setting.Fields(&row.may)
		for n, need := range setting.Fields(&row.needs) {
			changed := func(s providers.Settings, text string) providers.Provider {
				setting.Fields(&s)[n].Set(text)
				return providers.Named(name, s)
			}
			switch {
			case len(need.Values()) > 0:
				p := changed(row.needs, "")
				assert.ErrorContains(t, p.Err, "providers: "+name+": "+string(need.Name)+" is not set", name)
				assert.Empty(t, p.Issuers, name)
			case len(given[n].Values()) > 0:
				assert.NotEqual(t, most, changed(all, ""), "%s: %s changes something", name, need.Name)
			case slices.Contains([]setting.Name{"JWKSURL", "DiscoveryURL", "CAFile", "BearerFile"}, need.Name):
				other := changed(row.needs, "https://keys.example/")
				assert.NoError(t, other.Err, "%s may have %s", name, need.Name)
				assert.NotEqual(t, p, other, "%s: %s changes something", name, need.Name)
			default:
				assert.ErrorContains(t, changed(row.needs, "x").Err, string(need.Name)+" is set, but the preset "+name+" does not read it", name)
			}
		}
	}
}

func TestAScopeAloneIsNoAudience(t *testing.T) {
	t.Parallel()
	p := providers.Named("hydra", providers.Settings{Issuer: hydraIssuer, Audiences: []string{"a"}, ScopePrefix: "orders/"})
	assert.ErrorContains(t, p.Err, "hydra: ScopePrefix is set without NoAudienceClients")
}

// Words from a file of your own make a Provider as variables and flags do. All
// mistakes are found at once.
func ExampleNamed() {
	p := providers.Named("okta", providers.Settings{Issuer: "https://acme.okta.com/oauth2/default", RolesFrom: []string{"realm"}})
	fmt.Println(p.Err)
	// Output:
	// providers: okta: Audiences is not set: give the audience that means this API, an aud value
	// providers: okta: RolesFrom is set, but the preset okta does not read it: leave it empty (it is for keycloak and zitadel)
}
