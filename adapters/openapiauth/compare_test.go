package openapiauth_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/openapiauth"
	"github.com/sallyport-go/sallyport/claims"
)

// home is the operation that no table can have: its token is optional.
var home = strings.Split(orders, "  /home:")[0]

func TestADocumentAndRulesThatAgree(t *testing.T) {
	t.Parallel()
	assert.NoError(t, openapiauth.Compare(load(t, home), rules()))
}

func TestWhatIsSaidDifferentlyIsSaidInWords(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		from, to string // in the document
		change   func(p *openapiauth.Policy)
		want     string // the whole error
	}{
		"another scope": {
			"{oauth: [orders.read]}", "{oauth: [orders.list]}", nil,
			"GET /orders: the document asks for orders.list, the rules for orders.read",
		},
		"a scope less": {
			"[orders.read, orders.write]", "[orders.write]", nil,
			"POST /orders: the document asks for orders.write, the rules for orders.read and orders.write",
		},
		"all instead of any": {
			"[{oauth: [orders.admin]}, {oidc: [orders.owner]}]", "[{oauth: [orders.admin, orders.owner]}]", nil,
			"DELETE /orders/{id}: the document asks for orders.admin and orders.owner, the rules for orders.admin, or orders.owner",
		},
		"all by two schemes instead of any": {
			"[{oauth: [orders.admin]}, {oidc: [orders.owner]}]", "[{oauth: [orders.admin], oidc: [orders.owner]}]", nil,
			"DELETE /orders/{id}: the document asks for orders.admin and orders.owner, the rules for orders.admin, or orders.owner",
		},
		"open in the document": {
			"get: {security: [{oauth: [orders.read]}]}", "get: {security: []}", nil,
			"GET /orders: the document asks for no token, the rules for orders.read",
		},
		"open if the caller likes": {
			"[{oauth: [orders.read]}]", "[{}, {oauth: [orders.read]}]", nil,
			"GET /orders: the document asks for no token, or orders.read, the rules for orders.read",
		},
		"open in the rules": {
			"get: {security: []}", "get: {security: [{oauth: []}]}", nil,
			"GET /healthz: the document asks for any token, the rules for no token",
		},
		"no security at all, anywhere": {
			"security: [{oauth: []}]\n", "", nil,
			"GET /whoami: the document asks for no token, the rules for any token",
		},
		"a scheme that is no token": {
			"{oauth: [orders.read]}", "{oauth: [orders.read], key: []}", nil,
			"GET /orders: the document asks for orders.read and key (apiKey), the rules for orders.read",
		},
		"basic is no token": {
			"{oauth: [orders.read]}", "{basic: []}", nil,
			"GET /orders: the document asks for basic (http basic), the rules for orders.read",
		},
		"a scheme that is not declared": {
			"{oauth: [orders.read]}", "{oaut: [orders.read]}", nil,
			"GET /orders: the document asks for oaut, which no security scheme declares, the rules for orders.read",
		},
		"an operation that was forgotten": {
			"  /whoami:\n", "  /stray:\n    get: {}\n  /whoami:\n", nil,
			"GET /stray: no rule decides about it, and the document asks for any token",
		},
		"an operation that is gone": {
			"    get: {security: [{oauth: [orders.read]}]}\n", "", nil,
			"GET /orders: the rules have it, and no operation of the document is decided by it",
		},
		"a method that only the rules leave out": {
			"    get: {}\n", "    get: {}\n    put: {}\n", func(p *openapiauth.Policy) {
				delete(p.Rules, "/whoami")
				p.Rules["GET /whoami"] = claims.AnyToken()
			},
			"PUT /whoami: no rule decides about it, and the document asks for any token",
		},
		"a rule that no token meets": {
			"", "", func(p *openapiauth.Policy) { p.Rules["GET /orders"] = claims.Rule{} },
			"GET /orders: the document asks for orders.read, the rules for what no token has",
		},
		"an exemption that is left over": {
			"", "", func(p *openapiauth.Policy) { p.Exempt = append(p.Exempt, "GET /old") },
			"GET /old: the rules have it, and no operation of the document is decided by it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := rules()
			if row.change != nil {
				row.change(&p)
			}
			require.Contains(t, home, row.from)
			assert.EqualError(t, openapiauth.Compare(load(t, strings.Replace(home, row.from, row.to, 1)), p), row.want)
		})
	}
}

func TestEveryDifferenceIsReported(t *testing.T) {
	t.Parallel()
	doc := load(t, strings.NewReplacer("orders.read]", "orders.list]", "get: {security: []}", "get: {}").Replace(home))
	assert.EqualError(t, openapiauth.Compare(doc, rules()), "GET /healthz: the document asks for any token, the rules for no token\n"+
		"GET /orders: the document asks for orders.list, the rules for orders.read")
	assert.EqualError(t, openapiauth.Compare(nil, rules()), "openapiauth: Compare: there is no document")
}

// Roles and callers are not told in a document: a token is all that it asks for.
func TestWhatADocumentCannotSayIsNotCompared(t *testing.T) {
	t.Parallel()
	p := rules()
	maps.Copy(p.Rules, map[string]claims.Rule{
		"/whoami":     claims.AllOf(claims.AppOnly(), claims.AnyRole("Admin")),
		"GET /orders": claims.AllOf(claims.AllScopes("orders.read"), claims.UserOnly()),
	})
	assert.NoError(t, openapiauth.Compare(load(t, home), p))
}

func TestPreflightsAreNoOperations(t *testing.T) {
	t.Parallel()
	doc := load(t, strings.Replace(home, "    get: {}\n", "    get: {}\n    options: {security: []}\n", 1))
	assert.NoError(t, openapiauth.Compare(doc, rules()))
	p := rules()
	p.Rules["OPTIONS /whoami"] = claims.AnyToken()
	assert.EqualError(t, openapiauth.Compare(doc, p), "OPTIONS /whoami: the document asks for no token, the rules for any token", "but where a rule says so")
	p = openapiauth.Policy{Rules: map[string]claims.Rule{"OPTIONS /x": claims.AllScopes("a")}}
	doc, err := openapiauth.Describe(p, openapiauth.Scheme{})
	require.NoError(t, err)
	assert.Equal(t, openapi3.SecurityRequirements{{"token": {"a"}}}, *doc.Paths.Value("/x").Options.Security)
}
