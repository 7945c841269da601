package sallyport_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Tests of this file set the environment, so they run alone.

// environment sets these variables, and no other that begins like ours.
func environment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "SALLYPORT") {
			t.Setenv(name, value) // so that it is there again afterwards
			require.NoError(t, os.Unsetenv(name))
		}
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func TestOneBinaryInProdAndTest(t *testing.T) {
	prod, test := newIssuer(t), newIssuer(t)
	for name, env := range map[string]struct{ own, other *jwkstest.Issuer }{
		"a TEST token is refused in PROD": {prod, test},
		"a PROD token is refused in TEST": {test, prod},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, map[string]string{sallyport.EnvIssuer: env.own.Issuer(), sallyport.EnvAudience: audience})
			var last middleware.Event
			var cfg sallyport.Config
			cfg.Guard.OnEvent = func(_ context.Context, e middleware.Event) { last = e }
			made, err := sallyport.FromEnv(cfg)
			g := closing(t, made, err)
			fetches := env.other.Fetches() + env.other.DiscoveryFetches()

			assert.Equal(t, http.StatusOK, status(g.Authenticate(ok), env.own.Token()))
			assert.Equal(t, http.StatusUnauthorized, status(g.Authenticate(ok), env.other.Token()))
			assert.Equal(t, reason.UnknownIssuer, last.Reason)
			assert.Contains(t, g.Explain(t.Context(), env.other.Token()).Hint, "is it from TEST while this is PROD?")
			assert.Equal(t, fetches, env.other.Fetches()+env.other.DiscoveryFetches(), "and its issuer is not asked")
		})
	}
}

func TestTheEnvironmentSaysEverything(t *testing.T) {
	iss := newIssuer(t)
	environment(t, map[string]string{
		sallyport.EnvProvider: "generic",
		sallyport.EnvIssuer:   iss.Issuer(),
		sallyport.EnvAudience: "api://first  " + audience,
		sallyport.EnvClients:  "partner other",
		sallyport.EnvJWKSURL:  iss.JWKSURL(),
		sallyport.EnvLeeway:   "2m",
	})
	made, err := sallyport.FromEnv()
	g := closing(t, made, err)
	partner := func(more jwkstest.Claims) string { return iss.Token(jwkstest.Claims{"client_id": "partner"}, more) }

	assert.Equal(t, 200, status(g.Authenticate(ok), partner(nil)))
	assert.Equal(t, 200, status(g.Authenticate(ok), partner(jwkstest.Claims{"aud": "api://first"})))
	assert.Equal(t, 200, status(g.Authenticate(ok), partner(jwkstest.Claims{"exp": time.Now().Add(-time.Minute)})), "within the leeway")
	assert.Equal(t, 401, status(g.Authenticate(ok), partner(jwkstest.Claims{"exp": time.Now().Add(-3 * time.Minute)})))
	assert.Equal(t, 401, status(g.Authenticate(ok), iss.Token()), "another client")
	assert.Zero(t, iss.DiscoveryFetches(), "the key set's address is known")
}

func TestNoLeewayCanBeSaid(t *testing.T) {
	iss := newIssuer(t)
	justExpired := iss.Token(jwkstest.Claims{"exp": time.Now().Add(-2 * time.Second)})
	for leeway, want := range map[string]int{"": 200, "0s": 401} {
		environment(t, map[string]string{sallyport.EnvIssuer: iss.Issuer(), sallyport.EnvAudience: audience, sallyport.EnvLeeway: leeway})
		made, err := sallyport.FromEnv()
		assert.Equal(t, want, status(closing(t, made, err).Authenticate(ok), justExpired), leeway)
	}
}

func TestTheEnvironmentNamesPresets(t *testing.T) {
	const tenant = "a53d724c-15ea-4469-a987-82a5b30ec167"
	for preset, row := range map[string]struct {
		variables map[string]string
		issuers   []string
	}{
		"entra":             {map[string]string{sallyport.EnvTenant: tenant}, []string{"https://sts.windows.net/" + tenant + "/", "https://login.microsoftonline.com/" + tenant + "/v2.0"}},
		"auth0-permissions": {map[string]string{sallyport.EnvIssuer: "login.example.com"}, []string{"https://login.example.com/"}},
		"auth0-scopes":      {map[string]string{sallyport.EnvIssuer: "login.example.com"}, []string{"https://login.example.com/"}},
		"oidc":              {map[string]string{sallyport.EnvIssuer: "https://op.example"}, []string{"https://op.example"}},
		"rfc9068":           {map[string]string{sallyport.EnvIssuer: "https://as.example"}, []string{"https://as.example"}},
		"okta":              {map[string]string{sallyport.EnvIssuer: "https://acme.okta.com/oauth2/default"}, []string{"https://acme.okta.com/oauth2/default"}},
		"keycloak":          {map[string]string{sallyport.EnvIssuer: "https://sso.example/realms/shop", "SALLYPORT_ROLES_FROM": "realm orders"}, []string{"https://sso.example/realms/shop"}},
		"cognito": {
			map[string]string{sallyport.EnvIssuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC", sallyport.EnvClients: "a", "SALLYPORT_SCOPE_PREFIX": "orders/"},
			[]string{"https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"},
		},
		"hydra": {
			map[string]string{sallyport.EnvIssuer: "https://hydra.example/", "SALLYPORT_NO_AUDIENCE_CLIENTS": "a b", "SALLYPORT_SCOPE_PREFIX": "orders."},
			[]string{"https://hydra.example/"},
		},
		"zitadel": {map[string]string{sallyport.EnvIssuer: "https://shop.zitadel.example", "SALLYPORT_ROLES_FROM": "1234"}, []string{"https://shop.zitadel.example"}},
	} {
		row.variables[sallyport.EnvProvider], row.variables[sallyport.EnvAudience] = preset, audience
		environment(t, row.variables)
		made, err := sallyport.FromEnv()
		g := closing(t, made, err)
		var names []string
		for _, s := range g.Keys() {
			names = append(names, s.Issuer)
		}
		assert.Equal(t, row.issuers, names, preset)
	}
}

func TestTheEnvironmentBesideAConfig(t *testing.T) {
	iss, other := newIssuer(t), newIssuer(t)
	environment(t, map[string]string{sallyport.EnvIssuer: iss.Issuer(), sallyport.EnvAudience: audience})
	list := make([]providers.Provider, 1, 2)
	list[0] = providers.Generic(other.Issuer(), audience)
	made, err := sallyport.FromEnv(sallyport.Config{Providers: list, Verifier: verifier.Config{MaxTokenBytes: 2000}})
	g := closing(t, made, err)

	assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token()))
	assert.Equal(t, 200, status(g.Authenticate(ok), other.Token()))
	assert.Equal(t, 401, status(g.Authenticate(ok), iss.Token(jwkstest.Claims{"x": strings.Repeat("x", 2000)})))
	assert.Empty(t, list[:2][1].Issuers, "the caller's slice is not written to")
}

func TestMistakesOfTheEnvironment(t *testing.T) {
	for name, row := range map[string]struct {
		variables map[string]string
		more      []sallyport.Config
		says, not []string
	}{
		"nothing set": {says: []string{"SALLYPORT_ISSUER is not set", "SALLYPORT_AUDIENCE is not set"}},
		"all at once": {
			variables: map[string]string{sallyport.EnvProvider: "entra", sallyport.EnvLeeway: "soon"},
			more:      []sallyport.Config{{}, {}},
			says:      []string{"SALLYPORT_TENANT is not set", "SALLYPORT_AUDIENCE is not set", `SALLYPORT_LEEWAY is "soon"`, "at most one Config"},
		},
		"only spaces": {
			variables: map[string]string{sallyport.EnvIssuer: "https://issuer.example", sallyport.EnvAudience: "  "},
			says:      []string{"SALLYPORT_AUDIENCE is not set"},
		},
		"a preset there is not": {
			variables: map[string]string{sallyport.EnvProvider: "acme", sallyport.EnvIssuer: "x", sallyport.EnvAudience: "a"},
			says:      []string{`SALLYPORT_PROVIDER: no preset "acme": use generic, `},
		},
		"a tenant by its domain": {
			variables: map[string]string{sallyport.EnvProvider: "entra", sallyport.EnvTenant: "contoso.example", sallyport.EnvAudience: "a"},
			says:      []string{`the environment variable SALLYPORT_TENANT "contoso.example": give the tenant's GUID`},
		},
		"an issuer where a tenant tells": {
			variables: map[string]string{sallyport.EnvProvider: "entra", sallyport.EnvTenant: "a53d724c-15ea-4469-a987-82a5b30ec167", sallyport.EnvIssuer: "x", sallyport.EnvAudience: "a"},
			says:      []string{"SALLYPORT_ISSUER is set, but the preset entra does not read it: leave it empty"},
		},
		"a tenant for others": {
			variables: map[string]string{sallyport.EnvIssuer: "https://issuer.example", sallyport.EnvTenant: "x", sallyport.EnvAudience: "a"},
			says:      []string{"SALLYPORT_TENANT is set, but the preset generic does not read it: leave it empty (it is for entra"},
		},
		"a scope's beginning without clients": {
			variables: map[string]string{sallyport.EnvIssuer: "https://issuer.example", sallyport.EnvAudience: "a", "SALLYPORT_SCOPE_PREFIX": "orders/"},
			says:      []string{"the environment variable SALLYPORT_SCOPE_PREFIX is set without SALLYPORT_NO_AUDIENCE_CLIENTS"},
		},
		"no clients for Cognito": {
			variables: map[string]string{sallyport.EnvProvider: "cognito", sallyport.EnvIssuer: "https://acme.auth.eu-west-1.amazoncognito.com"},
			says:      []string{"SALLYPORT_CLIENTS is not set: give the client id", `SALLYPORT_ISSUER "https://acme.auth.eu-west-1.amazoncognito.com" is the domain of the sign-in pages`},
		},
		"whose roles, where there are none": {
			variables: map[string]string{sallyport.EnvProvider: "okta", sallyport.EnvIssuer: "https://acme.okta.com", sallyport.EnvAudience: "a", "SALLYPORT_ROLES_FROM": "realm"},
			says: []string{
				"SALLYPORT_ROLES_FROM is set, but the preset okta does not read it: leave it empty (it is for keycloak and zitadel)",
				`SALLYPORT_ISSUER "https://acme.okta.com" is Okta's org authorization server`,
			},
		},
		"a realm that is none": {
			variables: map[string]string{sallyport.EnvProvider: "keycloak", sallyport.EnvIssuer: "https://sso.example/", "SALLYPORT_ROLES_FROM": "orders realm orders"},
			says:      []string{`SALLYPORT_ISSUER "https://sso.example/": the issuer of a realm is`, `SALLYPORT_ROLES_FROM: the client "orders" is named twice`, "SALLYPORT_AUDIENCE is not set"},
		},
		"an issuer without TLS": {
			variables: map[string]string{sallyport.EnvIssuer: "http://issuer.example", sallyport.EnvAudience: "a"},
			says: []string{
				`the environment variable SALLYPORT_ISSUER "http://issuer.example": use https`, `the hosts in SALLYPORT_DANGEROUSLY_PLAIN_HTTP; put "issuer.example" there`,
				"if tokens do have this iss, give the keys' address with it: SALLYPORT_JWKS_URL or SALLYPORT_DISCOVERY_URL",
			},
		},
		"of the code beside it too": {
			variables: map[string]string{sallyport.EnvAudience: "a"},
			more: []sallyport.Config{{
				Providers: []providers.Provider{providers.Generic("https://issuer.example")}, Keys: jwks.FetcherConfig{Timeout: -1},
				Verifier: verifier.Config{MaxAge: -1}, Guard: middleware.Config{Realm: "å"},
			}},
			says: []string{"SALLYPORT_ISSUER is not set", "Audiences is empty", "Timeout", "MaxAge", "Realm"},
		},
		"of the code, where the environment has the only provider": {
			variables: map[string]string{sallyport.EnvAudience: "a"},
			more:      []sallyport.Config{{Keys: jwks.FetcherConfig{Timeout: -1}, Verifier: verifier.Config{MaxAge: -1}}},
			says:      []string{"SALLYPORT_ISSUER is not set", "Timeout", "MaxAge"},
			not:       []string{"no Issuers"},
		},
		"a leeway that is negative": {
			variables: map[string]string{sallyport.EnvIssuer: "https://issuer.example", sallyport.EnvAudience: "a", sallyport.EnvLeeway: "-1s"},
			says:      []string{`SALLYPORT_LEEWAY is "-1s"`},
		},
		"a leeway that is too long": {
			variables: map[string]string{sallyport.EnvIssuer: "https://issuer.example", sallyport.EnvAudience: "a", sallyport.EnvLeeway: "1h"},
			says:      []string{"SALLYPORT_LEEWAY 1h0m0s is more than 5m0s"},
		},
	} {
		environment(t, row.variables)
		g, err := sallyport.FromEnv(row.more...)
		assert.Nil(t, g, name)
		require.Error(t, err, name)
		for _, say := range row.says {
			assert.ErrorContains(t, err, say, name)
		}
		for _, not := range row.not {
			assert.NotContains(t, err.Error(), not, name)
		}
	}
}

// What a fetch finds long after the Gate was opened is said by the names of the
// variables too; that of another provider by the names of the code.
func TestMistakesThatAFetchFindsNameTheVariable(t *testing.T) {
	for name, row := range map[string]struct {
		document         string // with the issuer's name for %s
		variable, inCode string
	}{
		"no jwks_uri":                   {`{"issuer":"%s"}`, "set SALLYPORT_JWKS_URL", "set WithJWKS"},
		"a jwks_uri by plain http":      {`{"issuer":"%s","jwks_uri":"http://keys.example/"}`, "the hosts in SALLYPORT_DANGEROUSLY_PLAIN_HTTP; put", "the hosts in Keys.DangerouslyPlainHTTP; put"},
		"the document of another":       {`{"issuer":"%s/other","jwks_uri":"https://keys.example/"}`, "set SALLYPORT_ISSUER to what tokens say in iss", "set Issuer to what tokens say in iss"},
		"and where to give the address": {`{"issuer":"%s/other","jwks_uri":"https://keys.example/"}`, "if both are right, set SALLYPORT_JWKS_URL", "if both are right, set WithJWKS"},
	} {
		iss, other := newIssuer(t), newIssuer(t)
		for _, i := range []*jwkstest.Issuer{iss, other} {
			i.Serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, row.document, i.Issuer()) })
		}
		environment(t, map[string]string{sallyport.EnvIssuer: iss.Issuer(), sallyport.EnvAudience: audience})
		made, err := sallyport.FromEnv(sallyport.Config{Providers: []providers.Provider{providers.Generic(other.Issuer(), audience)}})
		g := closing(t, made, err)
		for i, want := range map[*jwkstest.Issuer]string{iss: row.variable, other: row.inCode} {
			_, err := g.Verify(t.Context(), i.Token())
			require.ErrorIs(t, err, reason.KeysUnavailable, name)
			assert.ErrorContains(t, err, want, name)
		}
	}
}

func TestAVariableThatCanMatchNothingIsAnError(t *testing.T) {
	for _, row := range []struct{ name, value, says string }{
		{sallyport.EnvIssuer, " https://issuer.example", "SALLYPORT_ISSUER begins or ends with white space"},
		{sallyport.EnvIssuer, "https://issuer.example\n", "SALLYPORT_ISSUER begins or ends with white space"},
		{sallyport.EnvIssuer, "https://issuer.example https://other.example", "SALLYPORT_ISSUER holds white space"},
		{sallyport.EnvIssuer, `"https://issuer.example"`, "SALLYPORT_ISSUER holds a quotation mark"},
		{sallyport.EnvIssuer, "'https://issuer.example'", "SALLYPORT_ISSUER holds a quotation mark"},
		{sallyport.EnvIssuer, "https://issuer.example\u200b", "SALLYPORT_ISSUER holds a character that cannot be seen"},
		{sallyport.EnvIssuer, "\ufeffhttps://issuer.example", "SALLYPORT_ISSUER holds a character that cannot be seen"},
		{sallyport.EnvIssuer, "https://${HOST}/", "SALLYPORT_ISSUER holds a placeholder"},
		{sallyport.EnvIssuer, "https://<your tenant>/", "SALLYPORT_ISSUER holds white space"},
		{sallyport.EnvIssuer, "https://<tenant>/", "SALLYPORT_ISSUER holds a placeholder"},
		{sallyport.EnvAudience, "api://orders,api://billing", `SALLYPORT_AUDIENCE: "api://orders,api://billing" holds a comma`},
		{sallyport.EnvAudience, "api://orders, api://billing", `SALLYPORT_AUDIENCE: "api://orders," holds a comma or semicolon, which separates nothing here: separate values by spaces`},
		{sallyport.EnvAudience, "api://orders;api://billing", "SALLYPORT_AUDIENCE: \"api://orders;api://billing\" holds a comma or semicolon"},
		{sallyport.EnvAudience, `"api://orders"`, "holds a quotation mark"},
		{sallyport.EnvClients, "a,b", `SALLYPORT_CLIENTS: "a,b" holds a comma`},
		{sallyport.EnvClients, `"a b"`, "holds a quotation mark"},
		{sallyport.EnvClients, "{{ .Values.client }}", "holds a placeholder"},
		{sallyport.EnvClients, " ", "SALLYPORT_CLIENTS holds white space alone"},
		{sallyport.EnvTenant, " a53d724c-15ea-4469-a987-82a5b30ec167", "SALLYPORT_TENANT begins or ends with white space"},
		{"SALLYPORT_ROLES_FROM", "realm,orders", `SALLYPORT_ROLES_FROM: "realm,orders" holds a comma`},
		{"SALLYPORT_SCOPE_PREFIX", "orders/ billing/", "SALLYPORT_SCOPE_PREFIX holds white space"},
		{sallyport.EnvProvider, "entra ", "SALLYPORT_PROVIDER begins or ends with white space"},
		{sallyport.EnvJWKSURL, "https://issuer.example/keys ", "SALLYPORT_JWKS_URL begins or ends with white space"},
		{sallyport.EnvJWKSURL, "issuer.example/keys", `SALLYPORT_JWKS_URL "issuer.example/keys": no absolute URL`},
		{sallyport.EnvDiscoveryURL, "http://issuer.example/x", `SALLYPORT_DISCOVERY_URL "http://issuer.example/x": use https`},
		{sallyport.EnvDangerouslyPlainHTTP, "http://keycloak:8080", `SALLYPORT_DANGEROUSLY_PLAIN_HTTP: "http://keycloak:8080" holds a scheme or a path`},
		{sallyport.EnvDangerouslyPlainHTTP, "keycloak/x", `SALLYPORT_DANGEROUSLY_PLAIN_HTTP: "keycloak/x" holds a scheme or a path`},
		{sallyport.EnvDangerouslyPlainHTTP, "keycloak:8080,other", `SALLYPORT_DANGEROUSLY_PLAIN_HTTP: "keycloak:8080,other" holds a comma`},
	} {
		environment(t, sound(map[string]string{row.name: row.value}))
		g, err := sallyport.FromEnv()
		assert.Nil(t, g, row.value)
		assert.ErrorContains(t, err, "sallyport: the environment variable "+row.name, row.value)
		assert.ErrorContains(t, err, row.says, row.value)
	}
	environment(t, sound(map[string]string{sallyport.EnvJWKSURL: "https://me:hunter2@issuer.example/ ", sallyport.EnvIssuer: "https://me:hunter2@issuer.example/ "}))
	_, err := sallyport.FromEnv()
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "hunter2")
	environment(t, sound(map[string]string{sallyport.EnvJWKSURL: "https://issuer.example/a", sallyport.EnvDiscoveryURL: "https://issuer.example/b"}))
	_, err = sallyport.FromEnv()
	assert.ErrorContains(t, err, "SALLYPORT_DISCOVERY_URL is set beside SALLYPORT_JWKS_URL: leave one out")
}

func TestTheEnvironmentNamesHostsWithoutTLS(t *testing.T) {
	issuer := map[string]string{sallyport.EnvIssuer: "http://keycloak:8080/realms/orders"}
	environment(t, sound(issuer))
	_, err := sallyport.FromEnv()
	assert.ErrorContains(t, err, `the hosts in SALLYPORT_DANGEROUSLY_PLAIN_HTTP; put "keycloak:8080" there`)

	issuer[sallyport.EnvDangerouslyPlainHTTP] = "other keycloak:8080"
	environment(t, sound(issuer))
	g, err := sallyport.FromEnv()
	closing(t, g, err)
	var cfg sallyport.Config
	cfg.Keys.DangerouslyPlainHTTP = []string{"keycloak"}
	delete(issuer, sallyport.EnvDangerouslyPlainHTTP)
	environment(t, sound(issuer))
	g, err = sallyport.FromEnv(cfg)
	closing(t, g, err)
}

func TestTheEnvironmentSaysWhereTheDocumentIs(t *testing.T) {
	iss := newIssuer(t)
	environment(t, sound(map[string]string{sallyport.EnvIssuer: iss.Issuer(), sallyport.EnvDiscoveryURL: iss.DiscoveryURL()}))
	made, err := sallyport.FromEnv()
	g := closing(t, made, err)
	assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token()))
	assert.Equal(t, 1, iss.DiscoveryFetches())
}

func TestAClusterByTheEnvironment(t *testing.T) {
	const audience, subject = "https://api.example.com", "system:serviceaccount:shop:checkout"
	iss := jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName("https://kubernetes.default.svc.cluster.local"), jwkstest.WithAudience(audience))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer pod" || r.URL.Path != "/openid/v1/jwks" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.URL.Path = "/jwks"
		iss.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	bearer := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(bearer, []byte("pod\n"), 0o600))
	variables := map[string]string{
		"SALLYPORT_PROVIDER": "kubernetes", "SALLYPORT_AUDIENCE": audience, "SALLYPORT_SERVICE_ACCOUNTS": "jobs/* shop/checkout",
		"SALLYPORT_API_SERVER": server.URL, "SALLYPORT_BEARER_FILE": bearer,
	}
	environment(t, variables)
	gate, err := sallyport.FromEnv()
	g := closing(t, gate, err)
	pod := jwkstest.Claims{"sub": subject, "kubernetes.io": map[string]any{"namespace": "shop"}}
	c, err := g.Verify(t.Context(), iss.Token(pod))
	require.NoError(t, err)
	assert.Equal(t, subject, c.ClientID())
	_, err = g.Verify(t.Context(), iss.Token(pod, jwkstest.Claims{"sub": "system:serviceaccount:shop:admin"}))
	require.ErrorIs(t, err, reason.WrongClient)

	for name, says := range map[string]string{
		"SALLYPORT_BEARER_FILE": `sallyport: the environment variable SALLYPORT_BEARER_FILE "/nowhere" cannot be read`,
		"SALLYPORT_CA_FILE":     `sallyport: the environment variable SALLYPORT_CA_FILE "/nowhere" cannot be read`,
		"SALLYPORT_API_SERVER":  `sallyport: the environment variable SALLYPORT_API_SERVER "/nowhere": give https://HOST`,
	} {
		wrong := maps.Clone(variables)
		wrong[name] = "/nowhere"
		environment(t, wrong)
		_, err := sallyport.FromEnv()
		assert.ErrorContains(t, err, says)
	}
}

func TestTheEnvironmentNamesAProfile(t *testing.T) {
	iss := newIssuer(t)
	say := func(profile string, cfg sallyport.Config) (*sallyport.Gate, error) {
		environment(t, map[string]string{sallyport.EnvIssuer: iss.Issuer(), sallyport.EnvAudience: audience, sallyport.EnvProfile: profile})
		return sallyport.FromEnv(cfg)
	}
	for name, cfg := range map[string]sallyport.Config{"beside none in code": {}, "beside the same in code": {Profile: sallyport.RFC9068}} {
		made, err := say("rfc9068", cfg)
		g := closing(t, made, err)
		assert.Equal(t, 200, status(g.Authenticate(ok), iss.Token(jwkstest.Header{"typ": "at+jwt"})), name)
		assert.Equal(t, 401, status(g.Authenticate(ok), iss.Token(jwkstest.Header{"typ": "JWT"})), name)
	}
	for want, row := range map[string]struct {
		profile string
		cfg     sallyport.Config
	}{
		`SALLYPORT_PROFILE is "FAPI2": use rfc9068, fapi2 or mcp`:                            {"FAPI2", sallyport.Config{}},
		`SALLYPORT_PROFILE is rfc9068, and Config.Profile is "fapi2": leave one out`:         {"rfc9068", sallyport.Config{Profile: sallyport.FAPI2}},
		"Profile fapi2 wants tokens that are bound to their sender: give Guard.Bindings one": {"fapi2", sallyport.Config{}},
		"Profile mcp wants Guard.Resource, the address of the server":                        {"mcp", sallyport.Config{}},
		"the environment variable SALLYPORT_PROFILE begins or ends with white space":         {" fapi2", sallyport.Config{}},
	} {
		g, err := say(row.profile, row.cfg)
		assert.Nil(t, g)
		assert.ErrorContains(t, err, want)
	}
}
