package openapiauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/openapiauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
)

func protect(t *testing.T, a *api, doc *openapi3.T, cfg openapiauth.Config) http.Handler {
	t.Helper()
	protect, err := openapiauth.Protect(a, doc, cfg)
	require.NoError(t, err)
	return protect(a)
}

func TestProtectAsksForWhatTheDocumentSays(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := protect(t, a, load(t, orders), openapiauth.Config{})
	const insufficient = `Bearer realm="orders", error="insufficient_scope", scope="`
	const denied = `Bearer realm="orders", error="insufficient_scope"`
	for name, row := range map[string]struct {
		method, path, authorization string
		status                      int
		challenge                   string
		decision                    string // "" for none
	}{
		"an open operation":                       {"GET", "/healthz", "", 200, "", ""},
		"an open operation, whatever comes":       {"GET", "/healthz", "Bearer bad", 200, "", ""},
		"no token":                                {"GET", "/orders", "", 401, `Bearer realm="orders"`, "refused no_token"},
		"a bad token":                             {"GET", "/orders", "Bearer bad", 401, `Bearer realm="orders", error="invalid_token"`, "refused malformed"},
		"the scope":                               {"GET", "/orders", a.bearer("orders.read"), 200, "", "verified"},
		"another scope":                           {"GET", "/orders", a.bearer("orders.write"), 403, insufficient + `orders.read"`, "refused insufficient_scope"},
		"one of two scopes":                       {"POST", "/orders", a.bearer("orders.write"), 403, insufficient + `orders.read orders.write"`, "refused insufficient_scope"},
		"two of two scopes":                       {"POST", "/orders", a.bearer("orders.write orders.read"), 200, "", "verified"},
		"the first alternative":                   {"DELETE", "/orders/1", a.bearer("orders.admin"), 200, "", "verified"},
		"the second alternative":                  {"DELETE", "/orders/1", a.bearer("orders.owner"), 200, "", "verified"},
		"none of the alternatives":                {"DELETE", "/orders/1", a.bearer("orders.read"), 403, insufficient + `orders.admin"`, "refused insufficient_scope"},
		"the document's own security":             {"GET", "/whoami", a.bearer(""), 200, "", "verified"},
		"the document's own security, no token":   {"GET", "/whoami", "", 401, `Bearer realm="orders"`, "refused no_token"},
		"an optional token":                       {"GET", "/home", a.bearer(""), 200, "", "verified"},
		"an optional token that is not there":     {"GET", "/home", "", 200, "", "anonymous"},
		"an optional token that is bad":           {"GET", "/home", "Bearer bad", 401, `Bearer realm="orders", error="invalid_token"`, "refused malformed"},
		"no operation of the path":                {"GET", "/stray", a.bearer("orders.read"), 403, denied, "refused denied"},
		"no operation of the path, no token":      {"GET", "/stray", "", 401, `Bearer realm="orders"`, "refused no_token"},
		"no operation of the method":              {"PUT", "/orders", a.bearer("orders.read orders.write"), 403, denied, "refused denied"},
		"HEAD where the document names none":      {"HEAD", "/healthz", "", 401, `Bearer realm="orders"`, "refused no_token"},
		"a path that is not clean":                {"GET", "/x/../healthz", "", 401, `Bearer realm="orders"`, "refused no_token"},
		"a doubled slash":                         {"GET", "//healthz", "", 401, `Bearer realm="orders"`, "refused no_token"},
		"an escaped slash in a parameter":         {"DELETE", "/orders/..%2F..", a.bearer("orders.admin"), 403, denied, "refused denied"},
		"a parameter that is two dots":            {"DELETE", "/orders/..", a.bearer("orders.admin"), 403, denied, "refused denied"},
		"an escaped dot":                          {"DELETE", "/orders/%2e%2e", a.bearer("orders.admin"), 403, denied, "refused denied"},
		"a backslash":                             {"DELETE", `/orders/a%5cb`, a.bearer("orders.admin"), 403, denied, "refused denied"},
		"a parameter with another escaped letter": {"DELETE", "/orders/%C3%A9%20", a.bearer("orders.admin"), 200, "", "verified"},
	} {
		a.decisions()
		a.take()
		res := serve(h, request(row.method, row.path, row.authorization, nil))
		assert.Equal(t, row.status, res.StatusCode, name)
		assert.Equal(t, row.challenge, res.Header.Get("WWW-Authenticate"), name)
		assert.Equal(t, row.status == 200, len(a.take()) == 1, name)
		assert.Equal(t, row.decision, strings.Join(a.decisions(), ", "), name)
	}
}

func TestAMethodThatIsAskedForInAHeaderIsNotTheOneThatIsJudged(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := protect(t, a, load(t, orders), openapiauth.Config{})
	for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
		for method, status := range map[string]int{"DELETE": 403, "": 403, "get": 200} {
			r := request("GET", "/orders", a.bearer("orders.read"), nil)
			r.Header.Add(name, "GET")
			r.Header.Add(name, " "+method+" ")
			assert.Equal(t, status, serve(h, r).StatusCode, name+": "+method)
		}
	}
}

func TestNothingIsReadOfABodyThatIsRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := protect(t, a, load(t, orders), openapiauth.Config{})
	for authorization, status := range map[string]int{"": 401, "Bearer bad": 401, a.bearer("orders.read"): 403, a.bearer("orders.read orders.write"): 200} {
		body := &untouched{}
		assert.Equal(t, status, serve(h, request("POST", "/orders", authorization, body)).StatusCode)
		assert.Equal(t, status == 200, body.read)
	}
}

func TestRulesOfAccessLevels(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	levels := claims.AccessLevels{Resources: []string{"api://stock"}, Audiences: []string{a.issuer.Audience()}}
	h := protect(t, a, load(t, schemes+`
paths:
  /stock: {get: {security: [{oauth: [get]}]}}
`), openapiauth.Config{Rule: func(scopes []string) claims.Rule { return levels.Require(claims.Level(scopes[0])) }})
	assert.Equal(t, 200, serve(h, request("GET", "/stock", a.bearer("api://stock/get"), nil)).StatusCode, "a qualified name")
	assert.Equal(t, 200, serve(h, request("GET", "/stock", "Bearer "+a.issuer.Token(jwkstest.Claims{"permissions": []string{"get"}}), nil)).StatusCode, "a permission")
	assert.Equal(t, 403, serve(h, request("GET", "/stock", a.bearer("put"), nil)).StatusCode)
}

func TestWhatProtectCannotDecideIsAMistake(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	doc := load(t, schemes+`
paths:
  /a: {get: {security: [{oauth: [x]}, {key: []}]}}
  /b: {get: {security: [{oauth: [x], cert: []}]}}
  /c: {options: {security: [{undeclared: []}]}}
  /d: {get: {security: [{oauth: ["x y"]}]}}
`)
	handler, err := openapiauth.Protect(a, doc, openapiauth.Config{})
	assert.Nil(t, handler)
	assert.ErrorContains(t, err, "GET /a asks for key (apiKey): only the AuthenticationFunc can ask Others")
	assert.ErrorContains(t, err, "GET /b asks for cert (mutualTLS): only")
	assert.ErrorContains(t, err, "OPTIONS /c asks for undeclared, which no security scheme declares")
	assert.ErrorContains(t, err, `GET /d: claims: AllScopes: "x y" is not one scope`)
	for _, guard := range []openapiauth.Guard{nil, a} {
		_, err = openapiauth.Protect(guard, nil, openapiauth.Config{})
		assert.EqualError(t, err, "openapiauth: Protect: the Guard or the document is nil")
	}
	_, err = openapiauth.Protect(nil, doc, openapiauth.Config{})
	assert.EqualError(t, err, "openapiauth: Protect: the Guard or the document is nil")
}

func TestASchemeThatTheGuardsBindingsCover(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := protect(t, a, load(t, schemes+`
paths:
  /b: {get: {security: [{oauth: [x], cert: []}]}}
`), openapiauth.Config{Covered: []string{"cert"}})
	assert.Equal(t, 200, serve(h, request("GET", "/b", a.bearer("x"), nil)).StatusCode)
	assert.Equal(t, 403, serve(h, request("GET", "/b", a.bearer(""), nil)).StatusCode)
}

func TestASchemeThatOnlyProtectKnowsToBeCovered(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	doc := load(t, schemes+`
paths:
  /b: {get: {security: [{cert: [], oauth: [x]}]}}
`)
	door, err := openapiauth.Protect(a, doc, openapiauth.Config{Covered: []string{"cert"}})
	require.NoError(t, err)
	for _, cfg := range []openapiauth.Config{{Covered: []string{"cert"}}, {}} {
		h := door(validated(t, a, doc, cfg)(a))
		assert.Equal(t, map[bool]int{true: 403, false: 200}[cfg.Covered == nil], serve(h, request("GET", "/b", a.bearer("x"), nil)).StatusCode)
	}
}

func TestAGuardThatIsNoneRefusesAll(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for name, guard := range map[string]openapiauth.Guard{"a nil Guard": (*middleware.Guard)(nil), "a zero Gate": &sallyport.Gate{}} {
		protect, err := openapiauth.Protect(guard, load(t, orders), openapiauth.Config{})
		require.NoError(t, err)
		for _, path := range []string{"/orders", "/home", "/stray"} {
			assert.Equal(t, 503, serve(protect(a), request("GET", path, a.bearer("orders.read"), nil)).StatusCode, name+path)
		}
		assert.Empty(t, a.take())
	}
}

func TestShadowModeLetsPass(t *testing.T) {
	t.Parallel()
	a := newAPI(t, func(c *middleware.Config) { c.Shadow = true })
	h := protect(t, a, load(t, orders), openapiauth.Config{})
	assert.Equal(t, 200, serve(h, request("POST", "/orders", "", strings.NewReader("tea"))).StatusCode)
	assert.Equal(t, []string{"nobody tea"}, a.take())
	assert.Equal(t, []string{"shadow no_token"}, a.decisions())
}

func TestEveryForgeryIsRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := protect(t, a, load(t, orders), openapiauth.Config{})
	jwkstest.AttackHandler(t, a.issuer, h, request("GET", "/orders", "", nil), jwkstest.Claims{"scope": "orders.read"})
	jwkstest.AttackHandler(t, a.issuer, validated(t, a, load(t, orders), openapiauth.Config{})(a), request("GET", "/orders", "", nil), jwkstest.Claims{"scope": "orders.read"})
}

// Servers take part in the matching, their scheme too.
func TestADocumentsServersTakePart(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, row := range []struct {
		server, target string
		status         int
	}{
		{"/v1", "/v1/open", 200},
		{"/v1", "/open", 401},
		{"https://api.example/v1", "https://api.example/v1/open", 200},
		{"https://api.example/v1", "https://other.example/v1/open", 401},
		{"https://api.example/v1", "http://api.example/v1/open", 401},
	} {
		h := protect(t, a, load(t, schemes+"servers: [{url: "+row.server+"}]\npaths: {/open: {get: {security: []}}}"), openapiauth.Config{})
		assert.Equal(t, row.status, serve(h, request("GET", row.target, "", nil)).StatusCode, "%s at %s", row.target, row.server)
	}
}
