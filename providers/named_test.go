package providers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/providers"
)

func TestNamed(t *testing.T) {
	t.Parallel()
	const issuer = "https://issuer.example/"
	for name, row := range map[string]struct{ got, want providers.Provider }{
		"generic":                     {providers.Named("generic", issuer, "", "a"), providers.Generic(issuer, "a")},
		"and by default":              {providers.Named("", issuer, "", "a"), providers.Generic(issuer, "a")},
		"entra":                       {providers.Named("entra", "", tenant, "a"), providers.Entra(tenant, "a")},
		"auth0-permissions":           {providers.Named("auth0-permissions", domain, "", "a"), providers.Auth0(domain, providers.Auth0Permissions, "a")},
		"auth0-scopes":                {providers.Named("auth0-scopes", domain, "", "a"), providers.Auth0(domain, providers.Auth0Scopes, "a")},
		"of any client, by discovery": {providers.Named("", issuer, "", "a").WithClients().WithJWKS(""), providers.Generic(issuer, "a")},
	} {
		assert.NoError(t, row.got.Err, name)
		assert.Equal(t, row.want, row.got, name)
	}
	for name, row := range map[string]struct {
		got  providers.Provider
		says []string
	}{
		"nothing":               {providers.Named("", "", ""), []string{"an issuer is missing", "give the audience"}},
		"no audience":           {providers.Named("generic", issuer, ""), []string{"give the audience"}},
		"a preset there is not": {providers.Named("okta", "", ""), []string{`no preset "okta": use generic, entra, auth0-permissions or auth0-scopes`}},
		"entra by an issuer":    {providers.Named("entra", "x", "y"), []string{"leave the issuer empty", `tenant "y"`, "give the audience"}},
		"a tenant for others":   {providers.Named("auth0-scopes", domain, tenant, "a"), []string{"only the preset entra has tenants"}},
	} {
		for _, say := range row.says {
			assert.ErrorContains(t, row.got.Err, say, name)
		}
	}
}
