package providers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func TestGeneric(t *testing.T) {
	t.Parallel()
	c := cloud{}
	iss := c.at(t, "https://issuer.example/realm", "https://issuer.example/realm/.well-known/openid-configuration", "https://keys.example/jwks")
	g := c.gate(t, providers.Generic("https://issuer.example/realm", "a", "b"))
	for _, audience := range []string{"a", "b"} {
		_, err := g.Verify(t.Context(), iss.Token(jwkstest.WithAudience(audience)))
		assert.NoError(t, err)
	}
	_, err := g.Verify(t.Context(), iss.Token(jwkstest.WithAudience("c")))
	assert.Error(t, err)
}

func TestAProviderIsAValue(t *testing.T) {
	t.Parallel()
	audiences, clients := []string{"a"}, []string{"partner"}
	plain := providers.Entra(tenant, audiences...)
	closed := plain.WithClients(clients...)
	fixed := closed.WithJWKS("https://keys.example/jwks")
	audiences[0], clients[0] = "x", "x"

	require.Len(t, plain.Issuers, 2)
	for i := range plain.Issuers {
		assert.Equal(t, []string{"a"}, plain.Issuers[i].Tokens.Audiences, "what is given is copied")
		assert.Empty(t, plain.Issuers[i].Tokens.Clients, "a changed copy changes nothing here")
		assert.Equal(t, []string{"partner"}, closed.Issuers[i].Tokens.Clients)
		assert.Empty(t, closed.Issuers[i].Source.JWKSURL)
		assert.Equal(t, "https://keys.example/jwks", fixed.Issuers[i].Source.JWKSURL)
		assert.Equal(t, []string{"partner"}, fixed.Issuers[i].Tokens.Clients)
	}
}

func TestWithJWKSNeedsNoDiscovery(t *testing.T) {
	t.Parallel()
	c := cloud{}
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName("https://issuer.example/"))
	c["https://keys.example/the.json"] = iss
	g := c.gate(t, providers.Generic("https://issuer.example/", "api://test").WithJWKS("https://keys.example/the.json"))
	_, err := g.Verify(t.Context(), iss.Token())
	assert.NoError(t, err)
	assert.Zero(t, iss.DiscoveryFetches())
}

func TestEveryPresetTakesAnotherAddress(t *testing.T) {
	t.Parallel()
	const keys = "https://login.microsoftonline.com/" + tenant + "/discovery/keys?appid=c0ffee00-5a11-4001-8000-000000000001"
	for name, p := range map[string]providers.Provider{
		"Generic":                   providers.Generic("https://issuer.example/", "a"),
		"Generic, a name alone":     providers.Generic("urn:example:issuer", "a"),
		"Auth0":                     providers.Auth0(domain, providers.Auth0Scopes, "a"),
		"Entra":                     providers.Entra(tenant, "a"),
		"EntraExternal":             providers.EntraExternal(tenant, externalDomain, "a"),
		"EntraB2C":                  providers.EntraB2C(tenant, b2cDomain, []string{"B2C_1_susi"}, "a"),
		"Google":                    providers.Google(providers.GoogleCallers{Emails: []string{shopAccount}}, "a"),
		"GitHubActions":             providers.GitHubActions(providers.GitHubJobs{Owners: []string{"1"}}, "a"),
		"Kubernetes":                providers.Kubernetes(providers.Cluster{}, []string{"shop/checkout"}, "a"),
		"EntraTenants":              providers.EntraTenants([]string{tenant}, "a"),
		"DangerouslyEntraAnyTenant": providers.DangerouslyEntraAnyTenant("a"),
		"Okta":                      providers.Okta(oktaIssuer, "a"),
		"Keycloak":                  providers.Keycloak(realm, bothRoles, "a"),
		"Cognito":                   providers.Cognito(userPool, []string{"c"}, ""),
		"Hydra":                     providers.Hydra(hydraIssuer, "a"),
		"Zitadel":                   providers.Zitadel(zitadelIssuer, "", "a"),
		"OIDC":                      providers.OIDC(openidProvider, "a"),
		"RFC9068":                   providers.RFC9068(profileIssuer, "a"),
	} {
		for by, p := range map[string]providers.Provider{
			"WithJWKS":                    p.WithJWKS(keys),
			"WithDiscovery":               p.WithDiscovery(keys),
			"the last word: the keys":     p.WithDiscovery("https://x.example").WithJWKS(keys),
			"the last word: the document": p.WithJWKS("https://x.example").WithDiscovery(keys),
			"nothing more is said":        p.WithJWKS(keys).WithDiscovery("").WithJWKS(""),
		} {
			g, err := sallyport.NewFrom(p)
			if assert.NoError(t, err, "%s %s", name, by) {
				assert.NoError(t, g.Close())
			}
			for i := range p.Issuers {
				assert.Contains(t, []string{p.Issuers[i].Source.JWKSURL + p.Issuers[i].Source.DiscoveryURL}, keys, "%s %s", name, by)
			}
		}
	}
}

func TestOneDocumentServesBothIssuersOfEntra(t *testing.T) {
	t.Parallel()
	const v1, v2 = "https://sts.windows.net/" + tenant + "/", "https://login.microsoftonline.com/" + tenant + "/v2.0"
	for url, names := range map[string][]string{
		v2 + "/.well-known/openid-configuration?appid=x":                                                     {v2, v2},
		"https://login.microsoftonline.com/" + tenant + "/.well-known/openid-configuration?appid=x":          {v1, v1},
		"https://login.microsoftonline.com/" + tenant + "/.well-known/openid-configuration":                  {v1, v1},
		"https://login.microsoftonline.com/contoso.example/v2.0/.well-known/openid-configuration?appid=none": {v1, v2},
	} {
		p := providers.Entra(tenant, "a").WithDiscovery(url)
		for i, name := range names {
			assert.Equal(t, providers.Source{Issuer: name, DiscoveryURL: url}, p.Issuers[i].Source, url)
		}
	}
	c := cloud{}
	document := v2 + "/.well-known/openid-configuration?appid=x"
	iss := c.at(t, v2, document, "https://login.microsoftonline.com/keys?appid=x")
	g := c.gate(t, providers.Entra(tenant, "api://test").WithDiscovery(document))
	for name, client := range map[string]string{v1: "appid", v2: "azp"} {
		_, err := g.Verify(t.Context(), iss.Token(jwkstest.Claims{"iss": name, "tid": tenant, client: "partner"}))
		assert.NoError(t, err, name)
	}
}

func TestArgumentsThatCanMatchNothingAreMistakes(t *testing.T) {
	t.Parallel()
	for says, p := range map[string]providers.Provider{
		`audiences: "a,b" holds a comma`:                               providers.Entra(tenant, "a,b"),
		`audiences: " a" begins or ends with white space`:              providers.Auth0(domain, providers.Auth0Scopes, "x", " a"),
		`audiences: "a\tb" holds white space`:                          providers.EntraTenants([]string{tenant}, "a\tb"),
		`audiences: "\"a\"" holds a quotation mark`:                    providers.DangerouslyEntraAnyTenant(`"a"`),
		`Audiences: "a;b" holds a comma or semicolon`:                  providers.Named("generic", providers.Settings{Issuer: "https://issuer.example", Audiences: []string{"a;b"}}),
		`domain " login.example.com": give the host name alone`:        providers.Auth0(" login.example.com", providers.Auth0Scopes, "a"),
		`domain "login.example.com,other": give the host name alone`:   providers.Auth0("login.example.com,other", providers.Auth0Scopes, "a"),
		`tenant "a53d724c-15ea-4469-a987-82a5b30ec167 ": give the`:     providers.Entra("a53d724c-15ea-4469-a987-82a5b30ec167 ", "a"),
		`Audiences: "api://orders," holds a comma`:                     providers.Generic("https://issuer.example", "api://orders,"),
		`Name "https://issuer.example " begins or ends with white`:     providers.Generic("https://issuer.example ", "a"),
		`Clients: "a,b" holds a comma`:                                 providers.Generic("https://issuer.example", "a").WithClients("a,b"),
		`Clients: "'a'" holds a quotation mark`:                        providers.Entra(tenant, "a").WithClients("'a'"),
		`WithJWKS "https://issuer.example/k ": it begins or ends with`: providers.Entra(tenant, "a").WithJWKS("https://issuer.example/k "),
		`WithDiscovery "http://issuer.example/": use https`:            providers.Entra(tenant, "a").WithDiscovery("http://issuer.example/"),
	} {
		_, err := sallyport.NewFrom(p)
		assert.ErrorContains(t, err, says)
	}
}

// A preset is plain configuration: print it to see what it expects.
func ExampleEntra() {
	p := providers.Entra("a53d724c-15ea-4469-a987-82a5b30ec167", "api://orders", "6e74172b-be56-4843-9ff4-e66a39bb12e3").WithClients("11111111-1111-1111-1111-111111111111")
	for i := range p.Issuers {
		tokens := &p.Issuers[i].Tokens
		fmt.Println(tokens.Name, tokens.Algorithms, tokens.Required)
	}
	// Output:
	// https://sts.windows.net/a53d724c-15ea-4469-a987-82a5b30ec167/ [RS256] [appid tid]
	// https://login.microsoftonline.com/a53d724c-15ea-4469-a987-82a5b30ec167/v2.0 [RS256] [azp tid]
}

// The domain is that of the tokens' iss, which is not always that of the token
// endpoint. Whether grants are scopes or permissions is for you to say.
func ExampleAuth0() {
	p := providers.Auth0("login.example.com", providers.Auth0Permissions, "https://api.example.com/orders/")
	fmt.Println(p.Issuers[0].Tokens.Name)

	fmt.Println(providers.Auth0("https://login.example.com/", 0).Err)
	// Output:
	// https://login.example.com/
	// providers: Auth0: domain "https://login.example.com/": give the host name alone, such as login.example.com
	// audiences is not set: give the audience that means this API, an aud value
	// choose Auth0Permissions or Auth0Scopes
}
