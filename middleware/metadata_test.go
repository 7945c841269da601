package middleware_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

const (
	resource = "https://api.example/orders"
	server   = "https://issuer.example"
)

func document(t *testing.T, h http.Handler) (members map[string]any, header http.Header) {
	t.Helper()
	w := serve(h, httptest.NewRequest(http.MethodGet, "/.well-known/oauth-protected-resource/orders", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
	return members, w.Header()
}

func TestRow75TheMetadataOfAResource(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Resource: resource, Bindings: []middleware.Binding{newScheme(true)}})
	h, err := g.MetadataHandler(middleware.Metadata{AuthorizationServers: []string{server}, More: map[string]any{"resource_name": "Orders"}})
	require.NoError(t, err)
	want := map[string]any{
		"resource": resource, "authorization_servers": []any{server}, "bearer_methods_supported": []any{"header"},
		"resource_name": "Orders", "dpop_bound_access_tokens_required": true,
	}
	t.Run("75 it is JSON for everybody, without empty arrays", func(t *testing.T) {
		t.Parallel()
		members, header := document(t, h)
		assert.Equal(t, want, members)
		assert.Equal(t, "application/json", header.Get("Content-Type"))
		assert.Equal(t, "*", header.Get("Access-Control-Allow-Origin"))
		assert.Equal(t, "public, max-age=300", header.Get("Cache-Control"))
	})
	t.Run("76 Host makes no difference", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequest(http.MethodGet, "https://evil.example/.well-known/oauth-protected-resource/orders", nil)
		r.Header.Set("X-Forwarded-Host", "evil.example")
		assert.NotContains(t, serve(h, r).Body.String(), "evil")
	})
}

func TestRow93TheScopesOfTheMetadataAreThoseOfTheRules(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		give func(g *middleware.Guard)
		want any
	}{
		"93 of a rule, those of alternatives too": {func(g *middleware.Guard) {
			g.Require(claims.AnyOf(claims.AnyScope("orders.write", "orders.admin"), claims.AllOf(claims.AllScopes("orders.read"), claims.AnyRole("Reader"))))
		}, []any{"orders.admin", "orders.read", "orders.write"}},
		"93 of access levels": {func(g *middleware.Guard) {
			g.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})
		}, []any{"delete", "get", "post", "put"}},
		"93 of a table": {func(g *middleware.Guard) {
			_, err := g.Enforce(middleware.Policy{
				Rules:  map[string]claims.Rule{"GET /stock": claims.AllScopes("stock.read")},
				Access: map[string]claims.AccessLevels{"GET /bins": {Resources: []string{"api://bins"}}},
			})
			require.NoError(t, err)
		}, []any{"delete", "get", "post", "put", "stock.read"}},
		"93 no role and no permission": {func(g *middleware.Guard) {
			g.Require(claims.AllOf(claims.AnyRole("Reader"), claims.AllPermissions("p")))
		}, nil},
		"99 offline_access never": {func(g *middleware.Guard) {
			g.Require(claims.AllScopes("orders.read", "offline_access"))
		}, []any{"orders.read"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Resource: resource})
			h, err := g.MetadataHandler(middleware.Metadata{AuthorizationServers: []string{server}})
			require.NoError(t, err)
			row.give(g) // a rule that comes after the handler counts too
			members, _ := document(t, h)
			assert.Equal(t, row.want, members["scopes_supported"])
		})
	}
}

func TestTheMethodsOfTheMetadata(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Resource: resource})
	h, err := g.MetadataHandler(middleware.Metadata{AuthorizationServers: []string{server}})
	require.NoError(t, err)
	for method, status := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "POST": 405, "PUT": 405, "DELETE": 405, "get": 405} {
		w := serve(h, httptest.NewRequest(method, g.MetadataPath(), nil))
		assert.Equal(t, status, w.Code, method)
		assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Origin"), method)
		assert.Equal(t, status == 200 && method == "GET" || status == 405, w.Body.Len() > 0, method)
		if status != 200 {
			assert.Equal(t, "GET, HEAD, OPTIONS", w.Header().Get("Allow"), method)
		}
		if status == 204 {
			assert.Equal(t, "GET, HEAD", w.Header().Get("Access-Control-Allow-Methods"))
			assert.Equal(t, "*", w.Header().Get("Access-Control-Allow-Headers"))
		}
	}
}

func TestRow74WhereTheMetadataIs(t *testing.T) {
	t.Parallel()
	for resource, path := range map[string]string{
		"":                                 "",
		"https://api.example":              "/.well-known/oauth-protected-resource",
		"https://api.example/":             "/.well-known/oauth-protected-resource",
		"https://api.example/orders":       "/.well-known/oauth-protected-resource/orders",
		"https://api.example:8443/a/b/":    "/.well-known/oauth-protected-resource/a/b/",
		"https://api.example/a%2Fb":        "/.well-known/oauth-protected-resource/a%2Fb",
		"http://127.0.0.1:8080/mcp":        "/.well-known/oauth-protected-resource/mcp",
		"http://localhost:8080/mcp":        "/.well-known/oauth-protected-resource/mcp",
		"http://[::1]:8080/mcp":            "/.well-known/oauth-protected-resource/mcp",
		"https://127.0.0.1.nip.example/os": "/.well-known/oauth-protected-resource/os",
	} {
		t.Run("74 of "+resource, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, path, newGuard(t, middleware.Config{Resource: resource}).MetadataPath())
		})
	}
}

func TestResourcesAndMetadataThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string]string{
		"api://orders":                "is not https",
		"http://api.example/orders":   "is not https",
		"http://127.0.0.1.example/":   "is not https",
		"orders":                      "is no absolute URL",
		"https:///orders":             "is no absolute URL",
		"https:orders":                "is no absolute URL",
		"https://api.example/%zz":     "is no absolute URL",
		"https://u:p@api.example/":    "has a user, a query or a fragment",
		"https://api.example/?a=b":    "has a user, a query or a fragment",
		"https://api.example/?":       "has a user, a query or a fragment",
		"https://api.example/orders#": "has a user, a query or a fragment",
		"https://api.example/a b":     "is not written as callers ask for it",
		`https://api.example/a"b`:     "is not written as callers ask for it",
		"https://api.exämple/":        "is not written as callers ask for it",
		"https://api.example/{id}":    "is not written as callers ask for it",
		"https://[fe80::1%25%22]/":    "is not written as callers ask for it",
		"https://api.example:/":       "is not written as callers ask for it",
		"https://api.example/a/../b":  "is not written as callers ask for it",
		"https://api.example//a":      "is not written as callers ask for it",
	} {
		_, err := middleware.New(middleware.Config{Verifier: newTokens(t), Resource: resource})
		require.ErrorContains(t, err, "Config.Resource "+want, resource)
	}
	g := newGuard(t, middleware.Config{Resource: resource, Bindings: []middleware.Binding{newScheme(false)}})
	for want, m := range map[string]middleware.Metadata{
		"at least one of AuthorizationServers":                          {},
		"none that is empty":                                            {AuthorizationServers: []string{server, ""}},
		`More has "resource", which the Guard states`:                   {AuthorizationServers: []string{server}, More: map[string]any{"resource": "x"}},
		`More has "scopes_supported", which the Guard`:                  {AuthorizationServers: []string{server}, More: map[string]any{"scopes_supported": "x"}},
		`More has "dpop_bound_access_tokens_required", which the Guard`: {AuthorizationServers: []string{server}, More: map[string]any{"dpop_bound_access_tokens_required": true}},
		"unsupported type":                                              {AuthorizationServers: []string{server}, More: map[string]any{"x": func() {}}},
	} {
		_, err := g.MetadataHandler(m)
		require.ErrorContains(t, err, want)
	}
	_, err := newGuard(t, middleware.Config{}).MetadataHandler(middleware.Metadata{AuthorizationServers: []string{server}})
	require.ErrorContains(t, err, "set Config.Resource")
}

func TestTheMetadataKeepsNothingOfItsOwners(t *testing.T) {
	t.Parallel()
	locales := []string{"sv"}
	h, err := newGuard(t, middleware.Config{Resource: resource}).MetadataHandler(middleware.Metadata{
		AuthorizationServers: []string{server}, More: map[string]any{"ui_locales_supported": locales},
	})
	require.NoError(t, err)
	locales[0] = "de"
	assert.Contains(t, serve(h, httptest.NewRequest(http.MethodGet, "/", nil)).Body.String(), `"ui_locales_supported":["sv"]`)
}
