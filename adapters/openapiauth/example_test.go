package openapiauth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	nethttpmiddleware "github.com/oapi-codegen/nethttp-middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/openapiauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// ordersRules are the rules of the router, by its patterns.
func ordersRules() map[string]claims.Rule {
	return map[string]claims.Rule{
		"GET /orders":         claims.AllScopes("orders.read"),
		"DELETE /orders/{id}": claims.AnyScope("orders.admin", "orders.owner"),
	}
}

func TestTheDocumentSaysWhatTheRulesSay(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.yaml")
	require.NoError(t, err)
	policy := openapiauth.Policy{Rules: ordersRules(), Exempt: []string{"GET /healthz"}}
	if err := openapiauth.Compare(doc, policy); err != nil {
		t.Error(err)
	}
}

func ExampleDescribe() {
	policy := openapiauth.Policy{Rules: ordersRules()}
	doc, err := openapiauth.Describe(policy, openapiauth.Scheme{Name: "oauth", TokenURL: "https://issuer.example/token"})
	if err != nil {
		panic(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			text, err := json.Marshal(operation.Security)
			fmt.Println(method, path, string(text), err)
		}
	}
	// Unordered output:
	// GET /orders [{"oauth":["orders.read"]}] <nil>
	// DELETE /orders/{id} [{"oauth":["orders.admin"]},{"oauth":["orders.owner"]}] <nil>
}

func ExampleCompare() {
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.yaml")
	if err != nil {
		panic(err)
	}
	fmt.Println(openapiauth.Compare(doc, openapiauth.Policy{Rules: map[string]claims.Rule{
		"GET /orders":  claims.AllScopes("orders.list"),
		"POST /orders": claims.AllScopes("orders.write"),
	}}))
	// Output:
	// GET /healthz: no rule decides about it, and the document asks for no token
	// GET /orders: the document asks for orders.read, the rules for orders.list
	// DELETE /orders/{id}: no rule decides about it, and the document asks for orders.admin, or orders.owner
	// POST /orders: the rules have it, and no operation of the document is decided by it
}

// protectedBy is an API whose rules are those of its document.
func protectedBy(gate *sallyport.Gate, doc *openapi3.T, api http.Handler) (http.Handler, error) {
	protect, err := openapiauth.Protect(gate, doc, openapiauth.Config{})
	if err != nil {
		return nil, err
	}
	validate := nethttpmiddleware.OapiRequestValidatorWithOptions(doc, &nethttpmiddleware.Options{
		Options: openapi3filter.Options{AuthenticationFunc: openapiauth.AuthenticationFunc(gate, openapiauth.Config{})},
		ErrorHandlerWithOpts: func(_ context.Context, err error, w http.ResponseWriter, r *http.Request, o nethttpmiddleware.ErrorHandlerOpts) {
			if !openapiauth.Deny(gate, w, r, err) {
				w.WriteHeader(o.StatusCode)
			}
		},
	})
	return protect(validate(api)), nil
}

func TestAnAPIWhoseRulesAreThoseOfItsDocument(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/openapi.yaml")
	require.NoError(t, err)
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience("api://orders"))
	gate, err := sallyport.New(iss.Issuer(), iss.Audience())
	require.NoError(t, err)
	defer gate.Close()
	h, err := protectedBy(gate, doc, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Fprint(w, c.ClientID())
	}))
	require.NoError(t, err)
	server := httptest.NewServer(h)
	defer server.Close()
	for scopes, status := range map[string]int{"": 401, "orders.list": 403, "orders.read": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/orders", strings.NewReader(""))
		require.NoError(t, err)
		if scopes != "" {
			r.Header.Set("Authorization", "Bearer "+iss.Token(jwkstest.Claims{"scope": scopes}))
		}
		res, err := server.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		assert.Equal(t, status, res.StatusCode)
	}
}
