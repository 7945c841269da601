package providers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

func TestHints(t *testing.T) {
	t.Parallel()
	const (
		graph    = "The token is for Microsoft Graph: the client must ask for your API's scope (api://.../.default)."
		versions = "This is a Microsoft Entra token: v1.0 and v2.0 tokens have different issuers, and the API's manifest picks one; the Entra preset accepts both for your tenant."
	)
	c := cloud{}
	iss := c.at(t, "https://issuer.example/", "https://issuer.example/.well-known/openid-configuration", "https://keys.example/jwks")
	g := c.gate(t, providers.Generic("https://issuer.example/", "api://test"))
	broken := func(token string) string { return token[:strings.LastIndexByte(token, '.')] + ".AAAA" }
	for name, row := range map[string]struct{ token, hint string }{
		"an issuer of Entra's v1.0": {iss.Token(jwkstest.Claims{"iss": "https://sts.windows.net/" + tenant + "/"}), versions},
		"an issuer of Entra's v2.0": {iss.Token(jwkstest.Claims{"iss": login + tenant + "/v2.0"}), versions},
		"Graph by the header's nonce": {
			broken(iss.Token(jwkstest.Header{"nonce": "n"})),
			"This token is for Microsoft Graph, which alone can verify it: the client must ask for your API's scope (api://.../.default).",
		},
		"Graph by its GUID": {iss.Token(jwkstest.WithAudience("00000003-0000-0000-c000-000000000000")), graph},
		"Graph by its URL":  {iss.Token(jwkstest.WithAudience("https://graph.microsoft.com/")), graph},
		"the issuer itself": {
			iss.Token(jwkstest.WithAudience("https://issuer.example/")),
			"aud is the issuer itself, as in the tokens of Okta's org authorization server, which are for Okta's own API: use a custom authorization server, whose tokens name yours.",
		},
		"another GUID":       {iss.Token(jwkstest.WithAudience(apiGUID)), "aud is a GUID, as Entra v2.0 tokens have it: if it is your app registration's, add it to the audiences."},
		"Keycloak's account": {iss.Token(jwkstest.WithAudience("master-realm", "account")), "Keycloak puts the API into aud only with an audience mapper on the client: add one."},
		"an unknown issuer":  {iss.Token(jwkstest.Claims{"iss": "https://test.example/"}), "The token is from another issuer (iss) than the ones configured: is it from TEST while this is PROD?"},
		"a broken signature": {broken(iss.Token()), "The token was changed after it was signed, or signed by somebody else."},
	} {
		assert.Equal(t, row.hint, g.Explain(t.Context(), row.token).Hint, name)
	}
	for _, p := range []providers.Provider{
		providers.Entra(tenant, "a"), providers.EntraTenants([]string{tenant}, "a"), providers.Auth0(domain, providers.Auth0Scopes, "a"),
		providers.Okta(oktaIssuer, "a"), providers.Keycloak(realm, bothRoles, "a"), providers.Cognito(userPool, []string{"c"}, ""),
		providers.Hydra(hydraIssuer, "a"), providers.Zitadel(zitadelIssuer, "", "a"), providers.OIDC(openidProvider, "a"), providers.RFC9068(profileIssuer, "a"),
	} {
		for i := range p.Issuers {
			assert.Subset(t, p.Issuers[i].Tokens.Hints, providers.Generic("x", "a").Issuers[0].Tokens.Hints, "every preset has them")
		}
	}
}

func TestEachServerSaysWhereItGrants(t *testing.T) {
	t.Parallel()
	lacks := []string{"lacks:scope", "lacks:role", "lacks:permission", "lacks:level"}
	for server, p := range map[string]providers.Provider{
		"Entra":    providers.Entra(tenant, "a"),
		"Auth0":    providers.Auth0(domain, providers.Auth0Permissions, "a"),
		"Keycloak": providers.Generic("https://sso.example/realms/orders", "a"),
		"Okta":     providers.Okta(oktaIssuer, "a"),
		"Cognito":  providers.Cognito(userPool, []string{"c"}, ""),
		"Hydra":    providers.Hydra(hydraIssuer, "a"),
		"Zitadel":  providers.Zitadel(zitadelIssuer, "", "a"),
	} {
		for _, key := range lacks {
			assert.Contains(t, p.Issuers[0].Tokens.Hints[key], server, key)
		}
	}
	for _, key := range lacks {
		assert.NotContains(t, providers.Generic("https://issuer.example/", "a").Issuers[0].Tokens.Hints, key, "of an issuer that nobody knows")
	}

	c := cloud{}
	const keycloak = "https://sso.example/realms/orders"
	iss := c.at(t, keycloak, keycloak+"/.well-known/openid-configuration", "https://keys.example/jwks")
	report := c.gate(t, providers.Generic(keycloak, "api://test")).ExplainRule(t.Context(), iss.Token(), claims.AllScopes("orders.write"))
	assert.Contains(t, report.Hint, `lacks the scope "orders.write". In Keycloak, add a client scope of that name to the client`)
}
