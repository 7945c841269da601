package providers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

const (
	domain  = "login.dev.bokbasen.io" // custom: the token endpoint is on another host
	article = "https://api.dev.bokbasen.io/article/"
	m2m     = "Zm9vYmFyexampleclient"
)

var articleLevels = claims.AccessLevels{Resources: []string{article}}

// auth0 serves the issuer on its custom domain, and gives gates that trust it.
func auth0(t *testing.T) (iss *jwkstest.Issuer, trusting func(p providers.Provider) *sallyport.Gate) {
	t.Helper()
	c := cloud{}
	iss = c.at(t, "https://"+domain+"/", "https://"+domain+"/.well-known/openid-configuration", "https://"+domain+"/.well-known/jwks.json")
	return iss, func(p providers.Provider) *sallyport.Gate { return c.gate(t, p) }
}

func TestAuth0Samples(t *testing.T) {
	t.Parallel()
	iss, trusting := auth0(t)
	byPermissions := trusting(providers.Auth0(domain, providers.Auth0Permissions, article))
	byScopes := trusting(providers.Auth0(domain, providers.Auth0Scopes, article))
	get := []claims.Level{claims.LevelGet}
	app := seen{Caller: claims.CallerApp, Client: m2m}
	for name, want := range map[string]struct{ permissions, scopes seen }{
		"auth0-m2m": {app, app},
		"auth0-m2m-permissions": {
			permissions: seen{Caller: claims.CallerApp, Client: m2m, Permissions: []string{"get", "article:read"}, Levels: get},
			scopes:      app,
		},
		"auth0-m2m-scope": {
			permissions: app,
			scopes:      seen{Caller: claims.CallerApp, Client: m2m, Scopes: []string{"get", "article:read"}, Levels: get},
		},
		"auth0-user": {
			permissions: seen{Caller: claims.CallerUser, Client: "webapplication", Permissions: []string{"get"}, Levels: get},
			scopes:      seen{Caller: claims.CallerUser, Client: "webapplication", Scopes: []string{"openid", "profile", "delete"}, Levels: []claims.Level{claims.LevelDelete}},
		},
		"auth0-rfc9068-user": {
			permissions: seen{Client: "my_client_id"},
			scopes:      seen{Client: "my_client_id", Scopes: []string{"openid", "profile", "read:patients", "read:admin"}},
		},
		"auth0-id-token": {seen{Reason: reason.WrongAudience}, seen{Reason: reason.WrongAudience}},
	} {
		s := load(t, name)
		token := s.mint(t, iss)
		assert.Equal(t, want.permissions, look(t, byPermissions, token, articleLevels), "%s by permissions: %s", name, s.About)
		assert.Equal(t, want.scopes, look(t, byScopes, token, articleLevels), "%s by scopes: %s", name, s.About)
	}
}

func TestAuth0Traps(t *testing.T) {
	t.Parallel()
	iss, trusting := auth0(t)
	g := trusting(providers.Auth0(domain, providers.Auth0Permissions, article))
	s := load(t, "auth0-m2m-permissions")
	for name, row := range map[string]struct {
		change jwkstest.TokenOption
		want   reason.Code
	}{
		"iss without the slash that Auth0 writes":    {jwkstest.Claims{"iss": "https://" + domain}, reason.UnknownIssuer},
		"iss of the host that hands out tokens":      {jwkstest.Claims{"iss": "https://auth.dev.bokbasen.io/"}, reason.UnknownIssuer},
		"iss of PROD where TEST is trusted":          {jwkstest.Claims{"iss": "https://login.bokbasen.io/"}, reason.UnknownIssuer},
		"an audience without its slash":              {jwkstest.WithAudience("https://api.dev.bokbasen.io/article"), reason.WrongAudience},
		"another of the services":                    {jwkstest.WithAudience("https://api.dev.bokbasen.io/order/"), reason.WrongAudience},
		"only the userinfo endpoint":                 {jwkstest.WithAudience("https://" + domain + "/userinfo"), reason.WrongAudience},
		"an algorithm that Auth0 does not sign with": {jwkstest.WithAlgorithm("ES256"), reason.UnsupportedAlg},
		"permissions as an object":                   {jwkstest.Claims{"permissions": map[string]any{"get": true}}, reason.MalformedClaims},
		"an ID token's hash":                         {jwkstest.Claims{"at_hash": "x"}, reason.UnsupportedType},
		"PS256 is signed with as well":               {jwkstest.WithAlgorithm("PS256"), ""},
	} {
		assert.Equal(t, row.want, look(t, g, s.mint(t, iss, row.change), articleLevels).Reason, name)
	}

	roles := look(t, g, s.mint(t, iss, jwkstest.Claims{"roles": []string{"post"}, "permissions": nil}), articleLevels)
	assert.Empty(t, roles.Roles, "a claim named roles is no role of Auth0's")
	assert.Empty(t, roles.Levels)
	empty := look(t, g, s.mint(t, iss, jwkstest.Claims{"permissions": []string{}, "scope": "get"}), articleLevels)
	assert.Empty(t, empty.Levels, "scopes are not read where permissions are chosen, not even if there are none")
}

func TestAnAuth0TokenWithoutPermissionsGetsDefaultLevels(t *testing.T) {
	t.Parallel()
	iss, trusting := auth0(t)
	g := trusting(providers.Auth0(domain, providers.Auth0Permissions, article))
	levels := articleLevels
	levels.Default = []claims.Level{claims.LevelGet}
	assert.Equal(t, []claims.Level{claims.LevelGet}, look(t, g, load(t, "auth0-m2m").mint(t, iss), levels).Levels, "clients are granted an audience one by one")
	assert.Empty(t, look(t, g, load(t, "auth0-rfc9068-user").mint(t, iss), levels).Levels, "no app, no default")
}

func TestAuth0Mistakes(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		provider providers.Provider
		says     []string
	}{
		"an issuer for a domain": {providers.Auth0("https://login.example.com/", providers.Auth0Scopes, article), []string{`domain "https://login.example.com/": give the host name alone`}},
		"no domain":              {providers.Auth0("", providers.Auth0Scopes, article), []string{"domain is not set"}},
		"no choice of grants":    {providers.Auth0(domain, 0, article), []string{"choose Auth0Permissions or Auth0Scopes"}},
		"a choice there is not":  {providers.Auth0(domain, 3, article), []string{"choose Auth0Permissions or Auth0Scopes"}},
		"no audience":            {providers.Auth0(domain, providers.Auth0Scopes), []string{"give the audience"}},
		"all of them":            {providers.Auth0("a b", 0), []string{"domain", "choose", "audience"}},
	} {
		for _, say := range row.says {
			assert.ErrorContains(t, row.provider.Err, say, name)
		}
		assert.ErrorContains(t, row.provider.Err, "providers: Auth0: ", name)
		assert.Empty(t, row.provider.Issuers, name)
	}
}
