package providers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	tenant   = "a53d724c-15ea-4469-a987-82a5b30ec167"
	other    = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	client   = "11111111-1111-1111-1111-111111111111"
	apiURI   = "api://apim-orders-api"
	apiGUID  = "6e74172b-be56-4843-9ff4-e66a39bb12e3"
	login    = "https://login.microsoftonline.com/"
	template = login + "{tenantid}/v2.0"
)

// entraLevels are those of the API, whichever form of aud its tokens have.
var entraLevels = claims.AccessLevels{Resources: []string{apiURI}, Audiences: []string{apiURI, apiGUID}}

// microsoft serves one tenant: keys without alg, metadata of v1.0 on another
// host than its issuer's name has.
type microsoft struct {
	cloud

	v1, v2 *jwkstest.Issuer
}

func newMicrosoft(t *testing.T) *microsoft {
	t.Helper()
	m := &microsoft{cloud: cloud{}}
	noAlg := jwkstest.JWK{"alg": nil, "x5t": "thumb"}
	m.v1 = m.at(t, "https://sts.windows.net/"+tenant+"/", login+tenant+"/.well-known/openid-configuration", login+"common/discovery/keys", noAlg)
	m.v2 = m.at(t, login+tenant+"/v2.0", login+tenant+"/v2.0/.well-known/openid-configuration", login+tenant+"/discovery/v2.0/keys", noAlg)
	return m
}

// signerOf is who signs a sample, by its name.
func (m *microsoft) signerOf(name string) *jwkstest.Issuer {
	if strings.Contains(name, "-v1-") {
		return m.v1
	}
	return m.v2
}

func TestEntraSamples(t *testing.T) {
	t.Parallel()
	m := newMicrosoft(t)
	g := m.gate(t, providers.Entra(tenant, apiURI, apiGUID))
	getPost := []claims.Level{claims.LevelGet, claims.LevelPost}
	app := seen{Caller: claims.CallerApp, Client: client, Roles: []string{"get", "post"}, Levels: getPost}
	for name, want := range map[string]seen{
		"entra-v1-app":          app,
		"entra-v1-app-no-idtyp": app,
		"entra-v1-app-guid":     app,
		"entra-v1-app-no-roles": {Caller: claims.CallerApp, Client: client},
		"entra-v1-user":         {Caller: claims.CallerUser, Client: client, Scopes: []string{"access_as_user"}, Roles: []string{"get", "delete"}},
		"entra-v1-id-token":     {Reason: reason.MissingClaim},
		"entra-v2-app":          app,
		"entra-v2-app-no-idtyp": app,
		"entra-v2-app-no-roles": {Caller: claims.CallerApp, Client: client},
		"entra-v2-user":         {Caller: claims.CallerUser, Client: apiGUID, Scopes: []string{"access_as_user"}},
		"entra-v2-user-roles":   {Caller: claims.CallerUser, Client: apiGUID, Scopes: []string{"access_as_user"}, Roles: []string{"get", "delete"}},
		"entra-v2-id-token":     {Reason: reason.MissingClaim},
		"entra-v2-other-tenant": {Reason: reason.UnknownIssuer},
	} {
		s := load(t, name)
		assert.Equal(t, want, look(t, g, s.mint(t, m.signerOf(name)), entraLevels), "%s: %s", name, s.About)
	}
}

func TestAnEntraTokenIsKnownByItsUTI(t *testing.T) {
	t.Parallel()
	m := newMicrosoft(t)
	g := m.gate(t, providers.Entra(tenant, apiURI, apiGUID))
	for name, want := range map[string]string{"entra-v1-app": "FVsGxYXI30-example", "entra-v2-app": "fqiBqXLPj0eQexample"} {
		c, err := g.Verify(t.Context(), load(t, name).mint(t, m.signerOf(name), jwkstest.Claims{"jti": "another"}))
		require.NoError(t, err)
		assert.Equal(t, want, c.ID(), name)
	}
}

func TestEntraTraps(t *testing.T) {
	t.Parallel()
	m := newMicrosoft(t)
	g := m.gate(t, providers.Entra(tenant, apiURI, apiGUID))
	v1, v2 := load(t, "entra-v1-app"), load(t, "entra-v2-app")
	for name, row := range map[string]struct {
		token string
		want  reason.Code
	}{
		"a token of v1.0 signed for v2.0's issuer is another set's": {v1.mint(t, m.v2), reason.BadSignature},
		"another algorithm than RS256, though the key would fit": {
			v2.mint(t, m.v2, jwkstest.WithKey(m.v2.Key()), jwkstest.WithAlgorithm("PS256"), jwkstest.Header{"alg": "PS256"}), reason.UnsupportedAlg,
		},
		"a token for Microsoft Graph":          {graph(v1.mint(t, m.v1, jwkstest.Header{"nonce": "n"})), reason.BadSignature},
		"an audience of the tenant's next API": {v1.mint(t, m.v1, jwkstest.WithAudience("api://apim-other-api")), reason.WrongAudience},
		"no tid":                               {v2.mint(t, m.v2, jwkstest.Claims{"tid": nil}), reason.MissingClaim},
		"v1.0's client claim in v2.0":          {v2.mint(t, m.v2, jwkstest.Claims{"azp": nil, "appid": client}), reason.MissingClaim},
		"v2.0's client claim in v1.0":          {v1.mint(t, m.v1, jwkstest.Claims{"appid": nil, "azp": client}), reason.MissingClaim},
		"iss of v1.0 without its slash":        {v1.mint(t, m.v1, jwkstest.Claims{"iss": "https://sts.windows.net/" + tenant}), reason.UnknownIssuer},
		"iss of v2.0 with a slash":             {v2.mint(t, m.v2, jwkstest.Claims{"iss": login + tenant + "/v2.0/"}), reason.UnknownIssuer},
	} {
		assert.Equal(t, row.want, look(t, g, row.token, entraLevels).Reason, name)
	}
	assert.Contains(t, g.Explain(t.Context(), graph(v1.mint(t, m.v1, jwkstest.Header{"nonce": "n"}))).Hint, "Microsoft Graph")
}

// graph is what Microsoft Graph's tokens look like to others: the header that
// was signed is not the one that is sent.
func graph(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	return "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImtpZCI6ImtleS0xIiwibm9uY2UiOiJzZW50In0." + rest
}

func TestAnEntraAppWithoutRolesGetsDefaultLevelsOnlyIfItIsNamed(t *testing.T) {
	t.Parallel()
	m := newMicrosoft(t)
	token := load(t, "entra-v1-app-no-roles").mint(t, m.v1)
	levels := func(change func(*claims.AccessLevels)) claims.AccessLevels {
		l := entraLevels
		l.Default = []claims.Level{claims.LevelGet}
		change(&l)
		return l
	}
	plain := levels(func(*claims.AccessLevels) {})
	open := m.gate(t, providers.Entra(tenant, apiURI))
	closed := m.gate(t, providers.Entra(tenant, apiURI).WithClients(client, "partner"))

	assert.Empty(t, look(t, open, token, plain).Levels, "any client of the tenant can get such a token")
	assert.Equal(t, []claims.Level{claims.LevelGet}, look(t, closed, token, plain).Levels, "the provider names the clients")
	assert.Equal(t, []claims.Level{claims.LevelGet}, look(t, open, token, levels(func(l *claims.AccessLevels) { l.DefaultClients = []string{client} })).Levels)
	assert.Equal(t, []claims.Level{claims.LevelGet}, look(t, open, token, levels(func(l *claims.AccessLevels) { l.DangerouslyDefaultForAnyClient = true })).Levels)

	stranger := load(t, "entra-v1-app-no-roles").mint(t, m.v1, jwkstest.Claims{"appid": "99999999-9999-9999-9999-999999999999"})
	assert.Equal(t, reason.WrongClient, look(t, closed, stranger, plain).Reason)
}

func TestAnEntraUsersRolesAreLevelsOnlyIfAskedFor(t *testing.T) {
	t.Parallel()
	m := newMicrosoft(t)
	g := m.gate(t, providers.Entra(tenant, apiGUID, apiURI))
	levels := entraLevels
	levels.DangerouslyUserRoles = true
	for _, name := range []string{"entra-v1-user", "entra-v2-user-roles"} {
		token := load(t, name).mint(t, m.signerOf(name))
		assert.Empty(t, look(t, g, token, entraLevels).Levels, name)
		assert.Equal(t, []claims.Level{claims.LevelGet, claims.LevelDelete}, look(t, g, token, levels).Levels, name)
	}
}

func TestEntraOfManyTenants(t *testing.T) {
	t.Parallel()
	const metadata, keys = login + "common/v2.0/.well-known/openid-configuration", login + "common/discovery/v2.0/keys"
	s := load(t, "entra-v2-app")
	v1 := load(t, "entra-v1-app")
	for name, row := range map[string]struct {
		provider  providers.Provider
		keyIssuer any
		sample    sample
		change    jwkstest.Claims
		want      reason.Code
	}{
		"a tenant on the list":              {provider: providers.EntraTenants([]string{tenant}, apiGUID), keyIssuer: template},
		"a key marked with the tenant":      {provider: providers.EntraTenants([]string{tenant}, apiGUID), keyIssuer: login + tenant + "/v2.0"},
		"v1.0, checked with the same keys":  {provider: providers.EntraTenants([]string{tenant}, apiURI), keyIssuer: template, sample: v1},
		"a tenant that is not on the list":  {provider: providers.EntraTenants([]string{other}, apiGUID), keyIssuer: template, want: reason.UnknownTenant},
		"any tenant":                        {provider: providers.DangerouslyEntraAnyTenant(apiGUID), keyIssuer: template},
		"a tid of another tenant":           {provider: providers.DangerouslyEntraAnyTenant(apiGUID), keyIssuer: template, change: jwkstest.Claims{"tid": other}, want: reason.UnknownTenant},
		"a key of another tenant":           {provider: providers.DangerouslyEntraAnyTenant(apiGUID), keyIssuer: login + other + "/v2.0", want: reason.UnknownKey},
		"a key that does not say":           {provider: providers.DangerouslyEntraAnyTenant(apiGUID), want: reason.UnknownKey},
		"iss names no tenant":               {provider: providers.DangerouslyEntraAnyTenant(apiGUID), keyIssuer: template, change: jwkstest.Claims{"iss": template}, want: reason.UnknownIssuer},
		"iss names a tenant by its domain":  {provider: providers.DangerouslyEntraAnyTenant(apiGUID), keyIssuer: template, change: jwkstest.Claims{"iss": login + "contoso.example/v2.0"}, want: reason.UnknownIssuer},
		"an audience of another API":        {provider: providers.DangerouslyEntraAnyTenant("api://other"), keyIssuer: template, want: reason.WrongAudience},
		"an ID token is refused here too":   {provider: providers.EntraTenants([]string{tenant}, apiGUID), keyIssuer: template, sample: load(t, "entra-v2-id-token"), want: reason.MissingClaim},
		"a client of another tenant's list": {provider: providers.EntraTenants([]string{tenant}, apiGUID).WithClients("partner"), keyIssuer: template, want: reason.WrongClient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cloud{}
			iss := c.at(t, template, metadata, keys, jwkstest.JWK{"alg": nil, "issuer": row.keyIssuer})
			if row.sample.Claims == nil {
				row.sample = s
			}
			token := row.sample.mint(t, iss, row.change)
			assert.Equal(t, row.want, look(t, c.gate(t, row.provider), token, entraLevels).Reason)
			assert.LessOrEqual(t, iss.Fetches(), 1, "no fetch per tenant")
		})
	}
}

func TestEntraMistakes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		provider providers.Provider
		says     []string
	}{
		"a tenant by its domain":      {providers.Entra("contoso.onmicrosoft.com", apiURI), []string{`Entra: tenant "contoso.onmicrosoft.com"`}},
		"a tenant in capitals":        {providers.Entra(strings.ToUpper(tenant), apiURI), []string{"in lower case"}},
		"a GUID with other letters":   {providers.Entra("z"+tenant[1:], apiURI), []string{"GUID"}},
		"a GUID with dashes only":     {providers.Entra(strings.Repeat("-", 36), apiURI), []string{"GUID"}},
		"no audience":                 {providers.Entra(tenant), []string{"give the audience"}},
		"an empty audience":           {providers.Entra(tenant, apiURI, ""), []string{"give the audience"}},
		"both at once":                {providers.Entra("x"), []string{"give the audience", "GUID"}},
		"no tenants":                  {providers.EntraTenants(nil, apiURI), []string{"EntraTenants: ", "give the tenants' GUIDs"}},
		"a tenant among them":         {providers.EntraTenants([]string{tenant, "x"}), []string{`tenant "x"`, "give the audience"}},
		"any tenant, but no audience": {providers.DangerouslyEntraAnyTenant(), []string{"DangerouslyEntraAnyTenant: audiences is not set: give the audience"}},
	} {
		require.Error(t, row.provider.Err, name)
		for _, say := range row.says {
			assert.ErrorContains(t, row.provider.Err, say, name)
		}
		assert.Empty(t, row.provider.Issuers, "%s: nothing to be trusted by mistake", name)
	}
}
