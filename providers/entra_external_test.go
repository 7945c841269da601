package providers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	externalDomain = "contoso.ciamlogin.com"
	externalIssuer = "https://" + tenant + ".ciamlogin.com/" + tenant + "/v2.0"
	b2cDomain      = "contoso.b2clogin.com"
	b2cIssuer      = "https://" + b2cDomain + "/" + tenant + "/v2.0/"
	b2cByPolicy    = "https://" + b2cDomain + "/tfp/" + tenant + "/B2C_1_susi/v2.0/"
	wellKnown      = "/v2.0/.well-known/openid-configuration"
)

// newExternal serves an issuer whose document is on another host or path than its name.
func newExternal(t *testing.T, name, document string, p providers.Provider) *server {
	t.Helper()
	c := cloud{}
	iss := c.at(t, name, document, "https://keys.example/jwks", jwkstest.JWK{"alg": nil})
	return &server{iss, c.gate(t, p)}
}

func newB2C(t *testing.T) *server {
	t.Helper()
	return newExternal(t, b2cIssuer, "https://"+b2cDomain+"/"+tenant+"/B2C_1_susi"+wellKnown,
		providers.EntraB2C(tenant, b2cDomain, []string{"B2C_1_susi", "B2C_1_edit"}, apiGUID))
}

func TestEntraExternalSamples(t *testing.T) {
	t.Parallel()
	w := newExternal(t, externalIssuer, "https://"+externalDomain+"/"+tenant+wellKnown, providers.EntraExternal(tenant, externalDomain, apiGUID))
	w.accepts(t, map[string]seen{
		"entra-external-user": {Caller: claims.CallerUser, Client: client, Scopes: []string{"Todo.Read"}},
		"entra-external-app":  {Caller: claims.CallerApp, Client: client, Roles: []string{"Todo.Read.All"}},
	})
	user := seen{Client: client, Scopes: []string{"read", "write"}}
	newB2C(t).accepts(t, map[string]seen{"b2c-user": user, "b2c-user-acr": user})
	byPolicy := newExternal(t, b2cByPolicy, "https://"+b2cDomain+"/"+tenant+"/B2C_1_susi"+wellKnown, providers.EntraB2C(tenant, b2cDomain+"/tfp", []string{"B2C_1_susi", "B2C_1_edit"}, apiGUID))
	byPolicy.accepts(t, map[string]seen{"b2c-user-tfp-issuer": user, "b2c-user": {Reason: reason.UnknownIssuer}})
}

func TestEntraExternalTraps(t *testing.T) {
	t.Parallel()
	w := newExternal(t, externalIssuer, "https://"+externalDomain+"/"+tenant+wellKnown, providers.EntraExternal(tenant, externalDomain, apiGUID))
	w.refuses(t, "entra-external-user", map[string]trap{
		"iss by the name of the tenant":          {change: jwkstest.Claims{"iss": "https://contoso.ciamlogin.com/" + tenant + "/v2.0"}, want: reason.UnknownIssuer, hint: "iss"},
		"iss with a slash":                       {change: jwkstest.Claims{"iss": externalIssuer + "/"}, want: reason.UnknownIssuer, hint: "slash"},
		"iss of another tenant":                  {change: jwkstest.Claims{"iss": "https://" + other + ".ciamlogin.com/" + other + "/v2.0"}, want: reason.UnknownIssuer, hint: "iss"},
		"the workforce tenant of the same GUID":  {change: jwkstest.Claims{"iss": login + tenant + "/v2.0"}, want: reason.UnknownIssuer, hint: "Microsoft Entra token"},
		"an ID token":                            {change: jwkstest.Claims{"azp": nil}, want: reason.MissingClaim, hint: "send the access token"},
		"another app registration":               {change: jwkstest.WithAudience("00000000-1111-2222-3333-444444444444"), want: reason.WrongAudience, hint: "app registration's"},
		"an algorithm that Entra does not use":   {change: jwkstest.WithAlgorithm("ES256"), want: reason.UnsupportedAlg, hint: `Add "ES256"`},
		"no tid, which access tokens there have": {change: jwkstest.Claims{"tid": nil}, want: reason.MissingClaim, hint: "tid"},
	})
}

func TestEntraB2CTraps(t *testing.T) {
	t.Parallel()
	const policy = "The token is of another policy (tfp or acr), or of none: add the policy if its users may call."
	newB2C(t).refuses(t, "b2c-user", map[string]trap{
		"another policy":                          {change: jwkstest.Claims{"tfp": "B2C_1_trial"}, want: reason.WrongClient, hint: policy},
		"another policy in the older claim":       {sample: "b2c-user-acr", change: jwkstest.Claims{"acr": "b2c_1_trial"}, want: reason.WrongClient, hint: policy},
		"another policy beside one of the list":   {change: jwkstest.Claims{"tfp": "B2C_1_trial", "acr": "b2c_1_susi"}, want: reason.WrongClient, hint: policy},
		"a policy that begins as one of the list": {change: jwkstest.Claims{"tfp": "B2C_1_susi_trial"}, want: reason.WrongClient, hint: policy},
		"no policy":                 {change: jwkstest.Claims{"tfp": nil}, want: reason.MissingClaim, hint: policy},
		"iss without its slash":     {change: jwkstest.Claims{"iss": "https://" + b2cDomain + "/" + tenant + "/v2.0"}, want: reason.UnknownIssuer, hint: "slash"},
		"iss that names the policy": {change: jwkstest.Claims{"iss": b2cByPolicy}, want: reason.UnknownIssuer, hint: "iss"},
		"iss of another tenant":     {change: jwkstest.Claims{"iss": "https://" + b2cDomain + "/" + other + "/v2.0/"}, want: reason.UnknownIssuer, hint: "iss"},
		"an ID token":               {sample: "b2c-id-token", want: reason.MissingClaim, hint: "send the access token"},
		"another app registration":  {change: jwkstest.WithAudience(client), want: reason.WrongAudience, hint: "app registration's"},
	})
	byPolicy := newExternal(t, b2cByPolicy, "https://"+b2cDomain+"/"+tenant+"/B2C_1_susi"+wellKnown, providers.EntraB2C(tenant, b2cDomain+"/tfp", []string{"B2C_1_susi"}, apiGUID))
	byPolicy.refuses(t, "b2c-user-tfp-issuer", map[string]trap{
		"tfp of another policy than iss": {change: jwkstest.Claims{"tfp": "B2C_1_trial"}, want: reason.WrongClient, hint: policy},
	})
}

func TestEntraExternalMistakes(t *testing.T) {
	t.Parallel()
	policies := []string{"B2C_1_susi"}
	for name, row := range map[string]struct {
		provider providers.Provider
		says     string
	}{
		"a tenant by its name":        {providers.EntraExternal("contoso", externalDomain, apiGUID), `EntraExternal: tenant "contoso": give the tenant's GUID`},
		"an address for the domain":   {providers.EntraExternal(tenant, "https://"+externalDomain, apiGUID), "give the host name alone"},
		"no domain":                   {providers.EntraExternal(tenant, "", apiGUID), "domain is not set"},
		"B2C without policies":        {providers.EntraExternal(tenant, b2cDomain, apiGUID), "is of Azure AD B2C, whose tokens are of a policy: use EntraB2C"},
		"External ID with policies":   {providers.EntraB2C(tenant, externalDomain, policies, apiGUID), "is of External ID, whose tokens have no policies: leave Policies empty"},
		"no policies":                 {providers.EntraB2C(tenant, b2cDomain, nil, apiGUID), "EntraB2C: Policies is not set"},
		"an empty policy":             {providers.EntraB2C(tenant, b2cDomain, []string{""}, apiGUID), "Policies is not set"},
		"a policy twice":              {providers.EntraB2C(tenant, b2cDomain, []string{"B2C_1_susi", "b2c_1_susi"}, apiGUID), `Policies: "b2c_1_susi" is named twice`},
		"every policy":                {providers.EntraB2C(tenant, b2cDomain, []string{"B2C_1_*"}, apiGUID), "give the policy's name alone"},
		"a policy's address":          {providers.EntraB2C(tenant, b2cDomain, []string{tenant + "/B2C_1_susi"}, apiGUID), "give the policy's name alone"},
		"no audience":                 {providers.EntraB2C(tenant, b2cDomain, policies), "audiences is not set"},
		"another path":                {providers.EntraB2C(tenant, b2cDomain+"/"+tenant, policies, apiGUID), "give the host name alone"},
		"by name: B2C needs policies": {providers.Named("entra-external", providers.Settings{Tenant: tenant, Issuer: b2cDomain, Audiences: []string{"a"}}), "entra-external: Policies is not set"},
	} {
		assert.ErrorContains(t, row.provider.Err, row.says, name)
		assert.Empty(t, row.provider.Issuers, name)
	}
}

// The document is where users sign in; iss has the GUID in place of the name.
func ExampleEntraExternal() {
	p := providers.EntraExternal("a53d724c-15ea-4469-a987-82a5b30ec167", "contoso.ciamlogin.com", "6e74172b-be56-4843-9ff4-e66a39bb12e3")
	fmt.Println(p.Issuers[0].Tokens.Name)
	fmt.Println(p.Issuers[0].Source.DiscoveryURL)
	// Output:
	// https://a53d724c-15ea-4469-a987-82a5b30ec167.ciamlogin.com/a53d724c-15ea-4469-a987-82a5b30ec167/v2.0
	// https://contoso.ciamlogin.com/a53d724c-15ea-4469-a987-82a5b30ec167/v2.0/.well-known/openid-configuration
}

// The policies whose tokens are good are a list that is needed.
func ExampleEntraB2C() {
	p := providers.EntraB2C("a53d724c-15ea-4469-a987-82a5b30ec167", "contoso.b2clogin.com", []string{"B2C_1_susi"}, "6e74172b-be56-4843-9ff4-e66a39bb12e3")
	fmt.Println(p.Issuers[0].Tokens.Name)
	fmt.Println(p.Issuers[0].Tokens.Limits[0].Claims, p.Issuers[0].Tokens.Limits[0].Values)
	// Output:
	// https://contoso.b2clogin.com/a53d724c-15ea-4469-a987-82a5b30ec167/v2.0/
	// [[tfp] [acr]] [B2C_1_susi b2c_1_susi]
}
