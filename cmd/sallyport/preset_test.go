package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
)

// sampleOf mints one of the tokens that the presets are tested with.
func sampleOf(t *testing.T, iss *jwkstest.Issuer, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "providers", "testdata", name+".json"))
	require.NoError(t, err)
	var s struct {
		Header jwkstest.Header
		Claims jwkstest.Claims
	}
	require.NoError(t, json.Unmarshal(data, &s))
	now := time.Now().Unix()
	bare := jwkstest.Claims{"iss": nil, "sub": nil, "client_id": nil, "aud": nil, "jti": nil, "iat": now, "exp": now + 600}
	return iss.Token(bare, s.Claims, s.Header)
}

// presetSamples is what a person writes for each preset, for a token that it accepts
// and one that it refuses.
var presetSamples = map[string]struct {
	sample, trap, says string
	flags              []string
	env                map[string]string
}{
	"generic": {
		"oidc-user", "hydra-app", "unknown_issuer",
		[]string{"-issuer", "https://op.example", "-audience", "https://orders.example"},
		map[string]string{"ISSUER": "https://op.example", "AUDIENCE": "https://orders.example"},
	},
	"oidc": {
		"oidc-user", "oidc-id-token", "By its nonce this is an ID token",
		[]string{"-issuer", "https://op.example", "-audience", "https://orders.example"},
		map[string]string{"ISSUER": "https://op.example", "AUDIENCE": "https://orders.example"},
	},
	"rfc9068": {
		"rfc9068-user", "oidc-user", "unknown_issuer",
		[]string{"-issuer", "https://as.example", "-audience", "https://orders.example"},
		map[string]string{"ISSUER": "https://as.example", "AUDIENCE": "https://orders.example"},
	},
	"entra": {
		"entra-v2-app", "entra-v2-id-token", "missing_claim",
		[]string{"-tenant", "a53d724c-15ea-4469-a987-82a5b30ec167", "-audience", "6e74172b-be56-4843-9ff4-e66a39bb12e3"},
		map[string]string{"TENANT": "a53d724c-15ea-4469-a987-82a5b30ec167", "AUDIENCE": "6e74172b-be56-4843-9ff4-e66a39bb12e3"},
	},
	"entra-external": {
		"b2c-user", "b2c-id-token", "send the access token",
		[]string{"-tenant", "a53d724c-15ea-4469-a987-82a5b30ec167", "-issuer", "contoso.b2clogin.com", "-audience", "6e74172b-be56-4843-9ff4-e66a39bb12e3", "-policy", "B2C_1_susi", "-scope", "read"},
		map[string]string{"TENANT": "a53d724c-15ea-4469-a987-82a5b30ec167", "ISSUER": "contoso.b2clogin.com", "AUDIENCE": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "POLICIES": "B2C_1_edit B2C_1_susi"},
	},
	"auth0-permissions": {
		"auth0-m2m", "auth0-id-token", "wrong_audience",
		[]string{"-issuer", "login.dev.bokbasen.io", "-audience", "https://api.dev.bokbasen.io/article/"},
		map[string]string{"ISSUER": "login.dev.bokbasen.io", "AUDIENCE": "https://api.dev.bokbasen.io/article/"},
	},
	"auth0-scopes": {
		"auth0-m2m-scope", "auth0-id-token", "wrong_audience",
		[]string{"-issuer", "login.dev.bokbasen.io", "-audience", "https://api.dev.bokbasen.io/article/"},
		map[string]string{"ISSUER": "login.dev.bokbasen.io", "AUDIENCE": "https://api.dev.bokbasen.io/article/"},
	},
	"okta": {
		"okta-app", "okta-org", "This is a token of Okta's org authorization server",
		[]string{"-issuer", "https://acme.okta.com/oauth2/default", "-audience", "api://default", "-scope", "read"},
		map[string]string{"ISSUER": "https://acme.okta.com/oauth2/default", "AUDIENCE": "api://default"},
	},
	"keycloak": {
		"keycloak-user", "keycloak-account", "only with an audience mapper on the client: add one",
		[]string{"-issuer", "https://sso.example/realms/shop", "-audience", "orders", "-roles-from", "realm", "-roles-from", "orders", "-role", "realm:user", "-role", "orders:read"},
		map[string]string{"ISSUER": "https://sso.example/realms/shop", "AUDIENCE": "orders", "ROLES_FROM": "realm orders"},
	},
	"cognito": {
		"cognito-app", "cognito-other-api", `no scope of it begins with "orders/"`,
		[]string{"-issuer", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", "-client", "1h57kf5example", "-scope-prefix", "orders/"},
		map[string]string{"ISSUER": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", "CLIENTS": "1h57kf5example", "SCOPE_PREFIX": "orders/"},
	},
	"hydra": {
		"hydra-no-audience", "hydra-id-token", "Hydra's access tokens have client_id",
		[]string{"-issuer", "https://hydra.example/", "-audience", "https://orders.example", "-no-audience-client", "warehouse", "-scope-prefix", "re"},
		map[string]string{"ISSUER": "https://hydra.example/", "AUDIENCE": "https://orders.example", "NO_AUDIENCE_CLIENTS": "warehouse shop", "SCOPE_PREFIX": "re"},
	},
	"zitadel": {
		"zitadel-projects", "zitadel-no-audience", "have the client ask for the scope urn:zitadel",
		[]string{"-issuer", "https://shop.zitadel.example", "-audience", "178204173316174381", "-roles-from", "178204173316174381", "-role", "writer"},
		map[string]string{"ISSUER": "https://shop.zitadel.example", "AUDIENCE": "178204173316174381", "ROLES_FROM": "178204173316174381"},
	},
	"google": {
		"google-service-account", "google-user", "add its email to the emails",
		[]string{"-audience", "https://orders-abc123.run.app", "-email", "shop@acme-prod.iam.gserviceaccount.com"},
		map[string]string{"AUDIENCE": "https://orders-abc123.run.app", "EMAILS": "shop@acme-prod.iam.gserviceaccount.com"},
	},
	"github-actions": {
		"github-actions", "github-actions-default", "by core.getIDToken(AUDIENCE)",
		[]string{"-audience", "https://api.example.com", "-repository", "456", "-owner", "123", "-workflow", "octo/ci/.github/workflows/x.yml@refs/heads/main"},
		map[string]string{"AUDIENCE": "https://api.example.com", "REPOSITORIES": "456 457"},
	},
	"kubernetes": {
		"kubernetes-pod", "kubernetes-secret", "a token of the old kind, out of a Secret",
		[]string{"-audience", "https://api.example.com", "-service-account", "shop/checkout"},
		map[string]string{"AUDIENCE": "https://api.example.com", "SERVICE_ACCOUNTS": "jobs/* shop/checkout"},
	},
}

// Not parallel: it changes the environment.
func TestExplainKnowsEveryPreset(t *testing.T) {
	iss := jwkstest.New(t, jwkstest.WithoutServer())
	keys := keysOf(t, iss)
	for _, preset := range providers.Names() {
		row, ok := presetSamples[preset]
		require.True(t, ok, "the preset %s is not in this test", preset)
		flags := append([]string{"explain", "-preset", preset, "-jwks", keys}, row.flags...)
		a := command(t, sampleOf(t, iss, row.sample), flags...)
		assert.Equal(t, accepted, a.code, "%s: %s%s", preset, a.out, a.errs)
		a = command(t, sampleOf(t, iss, row.trap), flags...)
		assert.Equal(t, refused, a.code, "%s: %s%s", preset, a.out, a.errs)
		assert.Contains(t, a.out, row.says, preset)

		t.Run(preset, func(t *testing.T) {
			t.Setenv("SALLYPORT_PROVIDER", preset)
			for name, value := range row.env {
				t.Setenv("SALLYPORT_"+name, value)
			}
			a := command(t, sampleOf(t, iss, row.sample), "explain", "-jwks", keys)
			assert.Equal(t, accepted, a.code, a.out+a.errs)
			a = command(t, sampleOf(t, iss, row.trap), "explain", "-jwks", keys)
			assert.Equal(t, refused, a.code, a.out+a.errs)
		})
	}
	a := command(t, "", "explain", "-h")
	assert.Contains(t, a.out, strings.Join(providers.Names(), ", "))
}

func TestMistakesOfAPresetNameItsFlags(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"-client is not set: give the client id that may call":                                                      {"-preset", "cognito", "-issuer", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"},
		"-roles-from is set, but the preset okta does not read it: leave it empty (it is for keycloak and zitadel)": {"-preset", "okta", "-issuer", "https://acme.okta.com/oauth2/a", "-audience", "a", "-roles-from", "realm"},
		"-scope-prefix is set without -no-audience-client":                                                          {"-issuer", "https://op.example", "-audience", "a", "-scope-prefix", "orders/"},
		`-issuer "https://acme.okta.com/" is Okta's org authorization server`:                                       {"-preset", "okta", "-issuer", "https://acme.okta.com/", "-audience", "a"},
		"-email is not set: give the email of each account that may call (or -hosted-domain)":                       {"-preset", "google", "-audience", "https://orders.run.app"},
		`-repository: "octo/api": give the id, which is a number`:                                                   {"-preset", "github-actions", "-audience", "https://api.example.com", "-repository", "octo/api"},
		`-audience: "https://github.com/octo" is what every job of that owner has`:                                  {"-preset", "github-actions", "-audience", "https://github.com/octo", "-repository", "456"},
		`-service-account: "checkout": give NAMESPACE/NAME`:                                                         {"-preset", "kubernetes", "-audience", "https://api.example.com", "-service-account", "checkout"},
		"-policy is not set: give the policy (tfp or acr)":                                                          {"-preset", "entra-external", "-tenant", "a53d724c-15ea-4469-a987-82a5b30ec167", "-issuer", "contoso.b2clogin.com", "-audience", "a"},
		`-ca-file "/nowhere/ca.crt" cannot be read`:                                                                 {"-preset", "kubernetes", "-audience", "https://api.example.com", "-service-account", "shop/checkout", "-ca-file", "/nowhere/ca.crt"},
		`-issuer "https://sso.example/realms/shop/": the issuer of a realm is https://HOST/realms/NAME`:             {"-preset", "keycloak", "-issuer", "https://sso.example/realms/shop/", "-audience", "a"},
	} {
		a := command(t, "x.y.z", append([]string{"explain"}, args...)...)
		assert.Equal(t, wrongUse, a.code)
		assert.Contains(t, a.errs, says)
	}
}
