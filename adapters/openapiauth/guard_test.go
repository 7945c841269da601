package openapiauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	nethttpmiddleware "github.com/oapi-codegen/nethttp-middleware"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/openapiauth"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

// validated is oapi-codegen's request validation, which asks the Guard.
func validated(t *testing.T, a *api, doc *openapi3.T, cfg openapiauth.Config) func(http.Handler) http.Handler {
	t.Helper()
	return nethttpmiddleware.OapiRequestValidatorWithOptions(doc, &nethttpmiddleware.Options{
		Options: openapi3filter.Options{AuthenticationFunc: openapiauth.AuthenticationFunc(a, cfg)},
		ErrorHandlerWithOpts: func(_ context.Context, err error, w http.ResponseWriter, r *http.Request, o nethttpmiddleware.ErrorHandlerOpts) {
			if !openapiauth.Deny(a, w, r, err) {
				w.WriteHeader(o.StatusCode)
			}
		},
	})
}

func TestTheValidationAsksTheGuardAndAnswersAsItWould(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	doc := load(t, orders)
	h, same := validated(t, a, doc, openapiauth.Config{})(a), protect(t, a, doc, openapiauth.Config{})
	for name, row := range map[string]struct {
		method, path, authorization, body string
		status                            int
	}{
		"an open operation":           {"GET", "/healthz", "", "", 200},
		"no token":                    {"GET", "/orders", "", "", 401},
		"a bad token":                 {"GET", "/orders", "Bearer bad", "", 401},
		"a header that is malformed":  {"GET", "/orders", "Bearer a b", "", 400},
		"the scope":                   {"GET", "/orders", a.bearer("orders.read"), "", 200},
		"another scope":               {"GET", "/orders", a.bearer("orders.write"), "", 403},
		"the first alternative":       {"DELETE", "/orders/1", a.bearer("orders.admin"), "", 200},
		"the second alternative":      {"DELETE", "/orders/1", a.bearer("orders.owner"), "", 200},
		"none of the alternatives":    {"DELETE", "/orders/1", a.bearer("orders.read"), "", 403},
		"the document's own security": {"GET", "/whoami", "", "", 401},
		"a body":                      {"POST", "/orders", a.bearer("orders.read orders.write"), `{"item":"tea"}`, 200},
		"a body without a token":      {"POST", "/orders", "", `{"item":"tea"}`, 401},
	} {
		a.decisions()
		a.take()
		got := serve(h, request(row.method, row.path, row.authorization, strings.NewReader(row.body)))
		decisions, reached := a.decisions(), a.take()
		assert.Equal(t, row.status, got.StatusCode, name)
		want := serve(same, request(row.method, row.path, row.authorization, strings.NewReader(row.body)))
		if row.status != 200 {
			assert.Equal(t, want.Header, got.Header, name)
		}
		assert.Equal(t, a.decisions(), decisions, "%s: one decision of a request", name)
		assert.Equal(t, a.take(), reached, "%s: with the claims, and the body", name)
	}
}

func TestWhatIsNoRefusalIsTheCallersToAnswer(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := validated(t, a, load(t, orders), openapiauth.Config{})(a)
	res := serve(h, request("POST", "/orders", a.bearer("orders.read orders.write"), strings.NewReader(`{}`)))
	assert.Equal(t, 400, res.StatusCode, "no item")
	assert.Empty(t, res.Header.Get("WWW-Authenticate"))
	assert.Equal(t, 404, serve(h, request("GET", "/stray", "", nil)).StatusCode)
	assert.Empty(t, a.take())
}

func TestBehindProtectNothingIsDecidedTwice(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	doc := load(t, orders)
	door, err := openapiauth.Protect(a, doc, openapiauth.Config{})
	require.NoError(t, err)
	h := door(validated(t, a, doc, openapiauth.Config{})(a))
	assert.Equal(t, 200, serve(h, request("DELETE", "/orders/1", a.bearer("orders.owner"), nil)).StatusCode)
	assert.Equal(t, []string{"test-client"}, a.take())
	assert.Equal(t, []string{"verified"}, a.decisions())
	body := &untouched{}
	assert.Equal(t, 401, serve(h, request("POST", "/orders", "", body)).StatusCode)
	assert.False(t, body.read)

	// A decision for one operation is none for another.
	moved := door(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/orders"
		validated(t, a, doc, openapiauth.Config{})(a).ServeHTTP(w, r)
	}))
	assert.Equal(t, 403, serve(moved, request("GET", "/whoami", a.bearer(""), nil)).StatusCode)
	assert.Empty(t, a.take())
}

// This is why there is Protect. Where it fails, kin-openapi has learned to ask
// first, and the documentation can say so.
func TestOnItsOwnTheFunctionIsAskedTooLate(t *testing.T) {
	t.Parallel()
	a, body := newAPI(t), &untouched{}
	h := validated(t, a, load(t, orders), openapiauth.Config{})(a)
	assert.Equal(t, 401, serve(h, request("POST", "/orders", "", body)).StatusCode)
	assert.True(t, body.read)
}

func TestOtherSchemes(t *testing.T) {
	t.Parallel()
	const mixed = schemes + `
paths:
  /either: {get: {security: [{oauth: [x]}, {key: []}]}}
  /both: {get: {security: [{oauth: [x], key: []}, {oauth: [y]}]}}
  /key: {get: {security: [{key: []}]}}
  /undeclared: {get: {security: [{undeclared: []}]}}
`
	a := newAPI(t)
	withKey := openapiauth.Config{Others: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
		if in.SecuritySchemeName != "key" || in.RequestValidationInput.Request.Header.Get("X-Key") != "good" {
			return errors.New("not that key")
		}
		return nil
	}}
	for name, row := range map[string]struct {
		path, authorization, key string
		status, without          int // with Others, and without
	}{
		"a token, where either will do":             {"/either", a.bearer("x"), "", 200, 200},
		"a key, where either will do":               {"/either", "", "good", 200, 401},
		"neither":                                   {"/either", "", "bad", 401, 401},
		"both of both":                              {"/both", a.bearer("x"), "good", 200, 403},
		"a token that needs the key, without it":    {"/both", a.bearer("x"), "", 403, 403},
		"the key that needs a token, without it":    {"/both", "", "good", 401, 401},
		"the token that needs no key":               {"/both", a.bearer("y"), "", 200, 200},
		"the token that needs no key, with one":     {"/both", a.bearer("y"), "good", 200, 200},
		"a key alone":                               {"/key", "", "good", 200, 403},
		"a bad key alone":                           {"/key", a.bearer("x"), "bad", 403, 403},
		"a scheme that is not declared is not open": {"/undeclared", a.bearer("x"), "good", 403, 403},
	} {
		for status, cfg := range map[*int]openapiauth.Config{&row.status: withKey, &row.without: {}} {
			r := request("GET", row.path, row.authorization, nil)
			r.Header.Set("X-Key", row.key)
			assert.Equal(t, *status, serve(validated(t, a, load(t, mixed), cfg)(a), r).StatusCode, name)
		}
	}
}

// Who passes as nobody has no claims that look as if their scopes had been asked for.
func TestAnAlternativeThatIsNotMetGivesNoClaims(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := validated(t, a, load(t, schemes+`
paths:
  /home: {get: {security: [{oauth: [x]}, {}]}}
`), openapiauth.Config{})(a)
	for authorization, client := range map[string]string{a.bearer("x"): "test-client", a.bearer("y"): "nobody", "": "nobody"} {
		assert.Equal(t, 200, serve(h, request("GET", "/home", authorization, nil)).StatusCode)
		assert.Equal(t, []string{client}, a.take())
	}
}

// All mistakes of a request at once: a refusal is one all the same.
func TestARefusalAmongSeveralMistakesIsARefusal(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	var answers []bool
	h := nethttpmiddleware.OapiRequestValidatorWithOptions(load(t, orders), &nethttpmiddleware.Options{
		Options:           openapi3filter.Options{AuthenticationFunc: openapiauth.AuthenticationFunc(a, openapiauth.Config{}), MultiError: true},
		MultiErrorHandler: func(errs openapi3.MultiError) (int, error) { return http.StatusBadRequest, errs },
		ErrorHandlerWithOpts: func(_ context.Context, err error, w http.ResponseWriter, r *http.Request, o nethttpmiddleware.ErrorHandlerOpts) {
			answers = append(answers, openapiauth.Deny(a, w, r, err))
		},
	})(a)
	res := serve(h, request("POST", "/orders", a.bearer("orders.read"), strings.NewReader(`{}`)))
	assert.Equal(t, []bool{true}, answers)
	assert.Equal(t, 403, res.StatusCode)
	assert.Empty(t, a.take())
}

func TestTheFunctionWithoutAGuardRefuses(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := nethttpmiddleware.OapiRequestValidatorWithOptions(load(t, orders), &nethttpmiddleware.Options{
		Options:      openapi3filter.Options{AuthenticationFunc: openapiauth.AuthenticationFunc(nil, openapiauth.Config{})},
		ErrorHandler: func(w http.ResponseWriter, _ string, status int) { w.WriteHeader(status) },
	})(a)
	assert.Equal(t, 401, serve(h, request("GET", "/orders", a.bearer("orders.read"), nil)).StatusCode)
	assert.Empty(t, a.take())
}

func TestDenyTakesRefusalsAlone(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for err, taken := range map[error]bool{
		openapi3filter.ErrAuthenticationServiceMissing:   true,
		&openapi3filter.SecurityRequirementsError{}:      true,
		&openapi3filter.RequestError{Reason: "the body"}: false,
		errors.New("another"):                            false,
	} {
		w := answered{header: http.Header{}}
		assert.Equal(t, taken, openapiauth.Deny(a, &w, request("GET", "/", "", nil), err))
		assert.Equal(t, taken, w.status == 403)
	}
}

type answered struct {
	header http.Header
	status int
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) Write(p []byte) (int, error) { return len(p), nil }
func (a *answered) WriteHeader(status int)      { a.status = status }

// The handler of a validated request has that request's claims, whoever else
// calls at the same time.
func TestClaimsAreOfTheirOwnRequest(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	h := validated(t, a, load(t, orders), openapiauth.Config{})(a)
	done := make(chan struct{})
	for _, client := range []string{"one", "two", "three"} {
		token := "Bearer " + a.issuer.Token(jwkstest.Claims{"client_id": client, "scope": "orders.read orders.write"})
		go func() {
			defer func() { done <- struct{}{} }()
			for range 50 {
				serve(h, request("POST", "/orders", token, strings.NewReader(`{"item":"`+client+`"}`)))
			}
		}()
	}
	for range 3 {
		<-done
	}
	reached := a.take()
	assert.Len(t, reached, 150)
	for _, one := range reached {
		client, body, _ := strings.Cut(one, " ")
		assert.Equal(t, `{"item":"`+client+`"}`, body)
	}
}
