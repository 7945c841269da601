package openapiauth_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sallyport-go/sallyport/adapters/openapiauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// schemes are the components of every document here.
const schemes = `
openapi: 3.1.0
info: {title: orders, version: "1"}
security: [{oauth: []}]
components:
  securitySchemes:
    oauth:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: "https://issuer.example/token", scopes: {}}}
    oidc: {type: openIdConnect, openIdConnectUrl: "https://issuer.example/.well-known/openid-configuration"}
    bearer: {type: http, scheme: Bearer}
    proof: {type: http, scheme: dpop}
    basic: {type: http, scheme: basic}
    key: {type: apiKey, in: header, name: X-Key}
    cert: {type: mutualTLS}
`

const orders = schemes + `
paths:
  /healthz:
    get: {security: []}
  /orders:
    get: {security: [{oauth: [orders.read]}]}
    post:
      security: [{oauth: [orders.read, orders.write]}]
      requestBody: {content: {application/json: {schema: {type: object, required: [item]}}}}
  /orders/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    delete: {security: [{oauth: [orders.admin]}, {oidc: [orders.owner]}]}
  /whoami:
    get: {}
  /home:
    get: {security: [{}, {bearer: []}]}
`

// rules are those of the document of orders.
func rules() openapiauth.Policy {
	return openapiauth.Policy{
		Rules: map[string]claims.Rule{
			"GET /orders":         claims.AllScopes("orders.read"),
			"POST /orders":        claims.AllScopes("orders.write", "orders.read"),
			"DELETE /orders/{no}": claims.AnyScope("orders.owner", "orders.admin"),
			"/whoami":             claims.AnyToken(),
		},
		Exempt: []string{"GET /healthz"},
	}
}

func load(t *testing.T, text string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	require.NoError(t, err)
	return doc
}

// api is a Guard, the events that it reported and a handler that counts.
type api struct {
	*middleware.Guard
	issuer *jwkstest.Issuer

	mu      sync.Mutex
	events  []string
	reached []string // the client ids
}

func newAPI(t *testing.T, change ...func(*middleware.Config)) *api {
	t.Helper()
	a := &api{issuer: jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithAlgorithm("EdDSA"))}
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{Name: a.issuer.Issuer(), Audiences: []string{a.issuer.Audience()}, Keys: a.issuer.KeySet()}}})
	require.NoError(t, err)
	cfg := middleware.Config{Verifier: v, Realm: "orders", OnEvent: a.hear}
	for _, c := range change {
		c(&cfg)
	}
	a.Guard, err = middleware.New(cfg)
	require.NoError(t, err)
	return a
}

// ServeHTTP is the handler behind the Guard.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	client := "nobody"
	if c, ok := claims.FromContext(r.Context()); ok {
		client = c.ClientID()
	}
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.reached = append(a.reached, strings.TrimSpace(client+" "+string(body)))
}

// take returns who reached the handler since the last call.
func (a *api) take() (reached []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	reached, a.reached = a.reached, nil
	return reached
}

// decisions returns the Guard's events since the last call.
func (a *api) decisions() (events []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	events, a.events = a.events, nil
	return events
}

// bearer is a token that carries scopes.
func (a *api) bearer(scopes string) string {
	return "Bearer " + a.issuer.Token(jwkstest.Claims{"scope": scopes})
}

func (a *api) hear(_ context.Context, e middleware.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, strings.TrimSpace(string(e.Outcome)+" "+string(e.Reason)))
}

func request(method, target, authorization string, body io.Reader) *http.Request {
	r := httptest.NewRequest(method, target, body)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// untouched is a body that must not be read.
type untouched struct{ read bool }

func (u *untouched) Read([]byte) (int, error) {
	u.read = true
	return 0, io.EOF
}
