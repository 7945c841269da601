package openapiauth_test

import (
	"encoding/json"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/openapiauth"
	"github.com/sallyport-go/sallyport/claims"
)

func TestRulesBecomeADocument(t *testing.T) {
	t.Parallel()
	p := rules()
	p.Access = map[string]claims.AccessLevels{"/stock/:id": {Resources: []string{"api://stock"}}}
	p.Routes = []string{"GET /whoami", "GET /stock/:id", "PATCH /stock/:id", "DELETE /orders/{other}"}
	doc, err := openapiauth.Describe(p, openapiauth.Scheme{Name: "oauth", TokenURL: "https://issuer.example/token"})
	require.NoError(t, err)
	text, err := doc.MarshalJSON()
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"openapi": "3.1.0", "info": {"title": "security", "version": "1"},
		"components": {"securitySchemes": {"oauth": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://issuer.example/token",
			"scopes": {"get": "", "put": "", "orders.read": "", "orders.write": "", "orders.owner": "", "orders.admin": ""}}}}}},
		"paths": {
			"/healthz": {"get": {"security": []}},
			"/orders": {
				"get": {"security": [{"oauth": ["orders.read"]}]},
				"post": {"security": [{"oauth": ["orders.write", "orders.read"]}]}},
			"/orders/{other}": {"delete": {"parameters": [{"in": "path", "name": "other", "required": true, "schema": {"type": "string"}}],
				"security": [{"oauth": ["orders.owner"]}, {"oauth": ["orders.admin"]}]}},
			"/stock/{id}": {
				"get": {"parameters": [{"in": "path", "name": "id", "required": true, "schema": {"type": "string"}}], "security": [{"oauth": ["get"]}]},
				"patch": {"parameters": [{"in": "path", "name": "id", "required": true, "schema": {"type": "string"}}], "security": [{"oauth": ["put"]}]}},
			"/whoami": {"get": {"security": [{"oauth": []}]}}
		}}`, string(text))

	again := load(t, string(text))
	assert.NoError(t, openapiauth.Compare(again, p), "what was written says what the rules say")
	require.NoError(t, again.Validate(t.Context()), "it is a document")
}

func TestTheKindOfTheScheme(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]openapiauth.Scheme{
		`{"token":{"type":"http","scheme":"bearer","bearerFormat":"JWT"}}`:              {},
		`{"oidc":{"type":"openIdConnect","openIdConnectUrl":"https://issuer.example"}}`: {Name: "oidc", DiscoveryURL: "https://issuer.example"},
	} {
		p := openapiauth.Policy{Rules: map[string]claims.Rule{"GET /": claims.AllScopes("a")}}
		doc, err := openapiauth.Describe(p, s)
		require.NoError(t, err)
		text, err := json.Marshal(doc.Components.SecuritySchemes)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(text))
		assert.NoError(t, openapiauth.Compare(doc, p))
	}
	_, err := openapiauth.Describe(rules(), openapiauth.Scheme{DiscoveryURL: "x", TokenURL: "y"})
	assert.ErrorContains(t, err, `"/whoami" has no method`)
	_, err = openapiauth.Describe(openapiauth.Policy{Exempt: []string{"GET /"}}, openapiauth.Scheme{DiscoveryURL: "x", TokenURL: "y"})
	assert.EqualError(t, err, "openapiauth: Scheme: DiscoveryURL and TokenURL are two kinds of scheme: set one of them")
}

func TestWhatIsNotToldIsAMistake(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]openapiauth.Policy{
		`"/whoami" has no method, or is for a rest: name in Routes`: rules(),
		`"GET /files/*path" has no method, or is for a rest`:        {Rules: map[string]claims.Rule{"GET /files/*path": claims.AnyToken()}},
		`Routes: "GET /files/*path": no path of a document is a rest`: {
			Rules: map[string]claims.Rule{"GET /files/*path": claims.AnyToken()}, Routes: []string{"GET /files/*path"},
		},
		`Routes: "/whoami": a route has a method`: {Rules: map[string]claims.Rule{"/whoami": claims.AnyToken()}, Routes: []string{"/whoami"}},
		`no rule decides about POST /whoami`:      {Rules: map[string]claims.Rule{"GET /whoami": claims.AnyToken()}, Routes: []string{"POST /whoami"}},
		`no token may call GET /x (nobody), which no document can say`: {
			Rules: map[string]claims.Rule{"GET /x": {}},
		},
	} {
		doc, err := openapiauth.Describe(p, openapiauth.Scheme{})
		assert.ErrorContains(t, err, want)
		assert.Nil(t, doc, want)
	}
}

func TestADocumentIsWrittenAllOrNothing(t *testing.T) {
	t.Parallel()
	doc := load(t, orders)
	before, err := doc.MarshalJSON()
	require.NoError(t, err)
	p := rules()
	p.Rules["GET /orders"] = claims.AllScopes("orders.list")
	assert.EqualError(t, openapiauth.Apply(doc, p, openapiauth.Scheme{}), "openapiauth: no rule decides about GET /home")
	after, err := doc.MarshalJSON()
	require.NoError(t, err)
	assert.JSONEq(t, string(before), string(after))

	p.Exempt = append(p.Exempt, "/home")
	require.NoError(t, openapiauth.Apply(doc, p, openapiauth.Scheme{}))
	assert.NoError(t, openapiauth.Compare(doc, p))
	assert.Equal(t, openapi3.SecurityRequirements{{"token": {"orders.list"}}}, *doc.Paths.Value("/orders").Get.Security)
	assert.EqualError(t, openapiauth.Apply(nil, p, openapiauth.Scheme{}), "openapiauth: Apply: there is no document")
}
