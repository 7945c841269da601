package openapiauth_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/openapiauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

const files = schemes + `
paths:
  /admin/users: {get: {security: [{oauth: [admin]}]}}
  /admin/public: {get: {security: []}}
  /files/{name}: {get: {}, head: {}, put: {security: [{oauth: [put]}]}, delete: {security: [{oauth: [delete]}]}}
  /: {get: {security: []}}
`

func TestPatternsOfEachRouterArePathsOfADocument(t *testing.T) {
	t.Parallel()
	admin, token, levels := claims.AllScopes("admin"), claims.AnyToken(), claims.AccessLevels{Resources: []string{"api://files"}}
	for name, p := range map[string]openapiauth.Policy{
		"Gin": {
			Rules:  map[string]claims.Rule{"/admin/*rest": admin, "GET /files/:file": token},
			Access: map[string]claims.AccessLevels{"/files/:name": levels},
			Exempt: []string{"GET /admin/public", "/"},
		},
		"Chi": {
			Rules:  map[string]claims.Rule{"/admin/*": admin, `GET /files/{file:[a-z]{3}\.txt}`: token},
			Access: map[string]claims.AccessLevels{"/files/{name}": levels},
			Exempt: []string{"/admin/public", "GET /"},
		},
		"ServeMux": openapiauth.FromServeMux(middleware.Policy{
			Rules:  map[string]claims.Rule{"/admin/": admin, "GET /files/{path...}": token},
			Access: map[string]claims.AccessLevels{"/files/": levels},
		}, "GET /admin/public", "/{$}"),
		"with a prefix": {
			Prefix: "/v1",
			Rules:  map[string]claims.Rule{"/v1/admin/{rest...}": admin, "GET /v1/files/{file}": token},
			Access: map[string]claims.AccessLevels{"/v1/files/{name}": levels},
			Exempt: []string{"GET /v1/admin/public", "/v1/"},
		},
		"the longest rest": {
			Rules:  map[string]claims.Rule{"/{rest...}": claims.AllScopes("other"), "/admin/{rest...}": admin, "GET /files/{file}": token},
			Access: map[string]claims.AccessLevels{"/files/{name}": levels},
			Exempt: []string{"GET /admin/public", "/"},
		},
	} {
		err := openapiauth.Compare(load(t, files), p)
		if name == "the longest rest" {
			assert.EqualError(t, err, "/{rest...}: the rules have it, and no operation of the document is decided by it", name)
			continue
		}
		assert.NoError(t, err, name)
	}
}

func TestMistakesOfAPolicyAreReportedTogether(t *testing.T) {
	t.Parallel()
	err := openapiauth.Compare(load(t, files), openapiauth.Policy{
		Prefix: "/v1",
		Rules: map[string]claims.Rule{
			"get /v1/orders": claims.AnyToken(), "GET api.example/": claims.AnyToken(), "NoRoute": {}, "GET /v10/x": claims.AnyToken(),
			"GET /v1/a/{x}": claims.AnyToken(), "GET /v1/a/{y}": claims.AnyToken(), "/v1/b": claims.AllScopes("a b"),
		},
		Access: map[string]claims.AccessLevels{"/v1/levels": {}},
	})
	for _, want := range []string{
		`"get /v1/orders": a key is a method in capitals`, `"GET api.example/": a pattern begins with a slash`, `"NoRoute": requests without a route`,
		`"GET /v10/x": does not begin with the Prefix /v1`, `"GET /v1/a/{y}": stands there twice`, `"/v1/b": claims: AllScopes: "a b" is not one scope`,
		`"/v1/levels": claims: AccessLevels.Resources`,
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.EqualError(t, openapiauth.Compare(load(t, files), openapiauth.Policy{}), "openapiauth: Policy: no route at all; give the rules of the router")
}
