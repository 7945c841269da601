package verifier_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// null is a claim that is there and says nothing.
var null = json.RawMessage("null")

func TestSignature(t *testing.T) {
	t.Parallel()
	forged := func(token func(*world) string) row {
		return row{token: token, want: reason.BadSignature, check: "signature", kid: `"key-1"`}
	}
	table{
		"one bit turned": forged(func(w *world) string { return tampered(w.Token()) }),
		"a claim changed after signing": forged(func(w *world) string {
			header, _, signature := parts(w.Token())
			_, payload, _ := parts(w.Token(jwkstest.Claims{"scope": "orders.admin"}))
			return header + "." + payload + "." + signature
		}),
		"a header changed after signing": forged(func(w *world) string {
			_, payload, signature := parts(w.Token())
			header, _, _ := parts(w.Token(jwkstest.Header{"x": 1}))
			return header + "." + payload + "." + signature
		}),
		"signed by a stranger under the issuer's kid": forged(func(w *world) string {
			return w.Token(jwkstest.WithKey(w.NewKey("ES256", jwkstest.JWK{"kid": "key-1"})))
		}),
	}.run(t)
}

func TestClaimsOfTheWrongType(t *testing.T) {
	t.Parallel()
	refused := func(name string, value any) row {
		return row{token: having(jwkstest.Claims{name: value}), want: reason.MalformedClaims, check: "claims"}
	}
	table{
		"exp as a string":         refused("exp", "1795176000"),
		"exp as null":             refused("exp", null),
		"exp in milliseconds":     refused("exp", noon.UnixMilli()),
		"nbf as a string":         refused("nbf", "soon"),
		"iat as a list":           refused("iat", []int{1}),
		"sub as a number":         refused("sub", 7),
		"jti as an object":        refused("jti", map[string]any{}),
		"aud as a number":         refused("aud", 7),
		"aud with a number in it": refused("aud", []any{audience, 7}),
		"aud as null":             refused("aud", null),
		"scope as a number":       refused("scope", 7),
		"roles as an object":      refused("roles", map[string]any{"admin": true}),
		"client_id as a list":     refused("client_id", []string{"a"}),
		"claims nobody asked for": {token: having(jwkstest.Claims{"groups": 7, "ext": null, "ver": map[string]any{"a": 1}})},
	}.run(t)
}

func TestRequired(t *testing.T) {
	t.Parallel()
	missing := func(name string) row {
		return row{setup: required("tid", "sub"), token: having(jwkstest.Claims{"tid": "t", name: nil}), want: reason.MissingClaim, check: "required", detail: name}
	}
	table{
		"no exp":                    {token: having(jwkstest.Claims{"exp": nil}), want: reason.MissingClaim, check: "required", detail: "exp"},
		"exp is asked for first":    missing("exp"),
		"the first required claim":  missing("tid"),
		"the second required claim": missing("sub"),
		"all there":                 {setup: required("tid", "sub"), token: having(jwkstest.Claims{"tid": null})},
		"nbf, iat, jti and sub need not be there": {
			token: having(jwkstest.Claims{"nbf": nil, "iat": nil, "jti": nil, "sub": nil, "client_id": nil}),
		},
	}.run(t)
}

func required(list ...string) func(*world) { return func(w *world) { w.issuer().Required = list } }

func TestAudience(t *testing.T) {
	t.Parallel()
	const detail = "the token is meant for another API: see Audiences"
	wrong := func(aud any) row {
		return row{token: having(jwkstest.Claims{"aud": aud}), want: reason.WrongAudience, check: "audience", detail: detail}
	}
	both := func(w *world) { w.issuer().Audiences = []string{audience, "6e74172b-be56-4843-9ff4-e66a39bb12e3"} }
	table{
		"a string":                         {token: with(jwkstest.WithAudience(audience))},
		"one of several":                   {token: with(jwkstest.WithAudience("https://issuer.example/userinfo", audience))},
		"the other accepted value":         {setup: both, token: with(jwkstest.WithAudience("6e74172b-be56-4843-9ff4-e66a39bb12e3"))},
		"another API":                      wrong("api://billing"),
		"several others":                   wrong([]string{"api://billing", "api://orders-archive"}),
		"a slash too many":                 wrong(audience + "/"),
		"the audience within a longer one": wrong("xapi://ordersx"),
		"a list in one string":             wrong("api://billing api://orders"),
		"nobody":                           wrong([]string{}),
		"an empty string":                  wrong(""),
		"none": {
			token: having(jwkstest.Claims{"aud": nil}),
			want:  reason.MissingClaim, check: "audience", detail: "aud",
		},
	}.run(t)
}

func TestNoAudienceNeedsAClientAndAScope(t *testing.T) {
	t.Parallel()
	bound := func(w *world) {
		w.issuer().NoAudience, w.issuer().Clients = "orders/", []string{"partner"}
	}
	token := func(client, scope any) func(*world) string {
		return having(jwkstest.Claims{"aud": nil, "client_id": client, "scope": scope})
	}
	const (
		wrongClient = "the client is not among the issuer's Clients"
		wrongScope  = "no aud, and no scope that begins with NoAudience"
	)
	table{
		"both":             {setup: bound, token: token("partner", "profile orders/read")},
		"the client alone": {setup: bound, token: token("partner", "profile xorders/read"), want: reason.WrongAudience, check: "audience", detail: wrongScope},
		"no scope at all":  {setup: bound, token: token("partner", nil), want: reason.WrongAudience, check: "audience", detail: wrongScope},
		"the scope alone":  {setup: bound, token: token("stranger", "orders/read"), want: reason.WrongClient, check: "audience", detail: wrongClient},
		"no client":        {setup: bound, token: token(nil, "orders/read"), want: reason.WrongClient, check: "audience", detail: wrongClient},
		"a token with an aud is held to it": {
			setup: bound, token: having(jwkstest.Claims{"aud": "api://billing", "client_id": "partner", "scope": "orders/read"}),
			want: reason.WrongAudience, check: "audience", detail: "the token is meant for another API: see Audiences",
		},
		"an empty aud is one too": {
			setup: bound, token: having(jwkstest.Claims{"aud": []string{}, "client_id": "partner", "scope": "orders/read"}),
			want: reason.WrongAudience, check: "audience", detail: "the token is meant for another API: see Audiences",
		},
		"no audience need be configured beside it": {
			setup: func(w *world) { bound(w); w.issuer().Audiences = nil },
			token: token("partner", "orders/read"),
		},
		"and then a token with an aud is for nobody": {
			setup: func(w *world) { bound(w); w.issuer().Audiences = nil }, token: having(jwkstest.Claims{"client_id": "partner"}),
			want: reason.WrongAudience, check: "audience", detail: "the token is meant for another API: see Audiences",
		},
	}.run(t)
}

func TestClients(t *testing.T) {
	t.Parallel()
	const detail = "the client is not among the issuer's Clients"
	list := func(w *world) { w.issuer().Clients = []string{"partner", "other"} }
	table{
		"any client by default": {token: having(jwkstest.Claims{"client_id": "stranger"})},
		"no client by default":  {token: having(jwkstest.Claims{"client_id": nil})},
		"on the list":           {setup: list, token: having(jwkstest.Claims{"client_id": "other"})},
		"by azp":                {setup: list, token: having(jwkstest.Claims{"client_id": nil, "azp": "partner"})},
		"not on the list":       {setup: list, token: having(jwkstest.Claims{"client_id": "stranger"}), want: reason.WrongClient, check: "client", detail: detail},
		"in another case":       {setup: list, token: having(jwkstest.Claims{"client_id": "Partner"}), want: reason.WrongClient, check: "client", detail: detail},
		"no client":             {setup: list, token: having(jwkstest.Claims{"client_id": nil}), want: reason.WrongClient, check: "client", detail: detail},
		"the first client claim counts": {
			setup: list, token: having(jwkstest.Claims{"client_id": "stranger", "azp": "partner"}),
			want: reason.WrongClient, check: "client", detail: detail,
		},
		"where the client is can be said": {
			setup: func(w *world) { list(w); w.issuer().Claims.ClientID = []claims.Path{{"ext", "client"}} },
			token: having(jwkstest.Claims{"client_id": "stranger", "ext": map[string]any{"client": "partner"}}),
		},
	}.run(t)
}

func TestMarkers(t *testing.T) {
	t.Parallel()
	marked := func(name string, value any) row {
		return row{token: having(jwkstest.Claims{name: value}), want: reason.UnsupportedType, check: "kind", detail: "by its " + name + " claim this is no access token"}
	}
	mark := func(m verifier.Marker, r row) row {
		r.setup = func(w *world) { w.issuer().Markers = []verifier.Marker{m} }
		return r
	}
	purpose := verifier.Marker{Claim: "purpose", Is: []string{"access_token", "at"}}
	table{
		"Keycloak's ID token":        marked("typ", "ID"),
		"Keycloak's refresh token":   marked("typ", "Refresh"),
		"Keycloak's offline token":   marked("typ", "Offline"),
		"Keycloak's logout token":    marked("typ", "Logout"),
		"Keycloak's access token":    {token: having(jwkstest.Claims{"typ": "Bearer"})},
		"Cognito's ID token":         marked("token_use", "id"),
		"Cognito's access token":     {token: having(jwkstest.Claims{"token_use": "access"})},
		"an at_hash":                 marked("at_hash", "x"),
		"a c_hash":                   marked("c_hash", "x"),
		"a security event":           marked("events", map[string]any{}),
		"null is a mark too":         marked("events", null),
		"no markers at all":          {setup: func(w *world) { w.issuer().Markers = []verifier.Marker{} }, token: having(jwkstest.Claims{"typ": "ID"})},
		"what it must be, and is":    mark(purpose, row{token: having(jwkstest.Claims{"purpose": "at"})}),
		"what it must be, and isn't": mark(purpose, marked("purpose", "id_token")),
		"what must be there":         mark(purpose, marked("purpose", nil)),
		"of the wrong type":          mark(purpose, marked("purpose", []string{"at"})),
		"what must not be, in a list, is something else": mark(verifier.Marker{Claim: "use", Not: []string{"id"}},
			row{token: having(jwkstest.Claims{"use": []string{"id"}})}),
	}.run(t)
}

func TestBinding(t *testing.T) {
	t.Parallel()
	for name, cnf := range map[string]any{
		"a thumbprint":    map[string]any{"jkt": "thumbprint"},
		"an unknown name": map[string]any{"other": "x"},
		"no member":       map[string]any{},
		"a string":        "jkt",
		"null":            null,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.Token(jwkstest.Claims{"cnf": cnf})
			w.judge(t, token, row{want: reason.UnsupportedBinding, check: "binding", detail: "the token is bound to its sender by cnf, which is not checked here"})

			v := w.verifier(t)
			c, err := v.VerifyBound(t.Context(), token)
			require.NoError(t, err, "the caller checks it")
			assert.True(t, c.Has("cnf"))
			again, err := v.VerifyBound(t.Context(), token)
			require.NoError(t, err)
			assert.Same(t, c, again)
			_, got := verify(t, v, token)
			assert.Equal(t, reason.UnsupportedBinding, got, "what one caller checks is not remembered for another")
		})
	}
}

func TestVerifyBoundChecksAllElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for token, want := range map[string]reason.Code{
		w.Token():                           "",
		tampered(w.Token()):                 reason.BadSignature,
		w.Token(jwkstest.WithAudience("x")): reason.WrongAudience,
		w.Token(jwkstest.Claims{"exp": noon.Add(-time.Hour), "cnf": map[string]any{"jkt": "t"}}): reason.Expired,
	} {
		_, err := v.VerifyBound(t.Context(), token)
		assert.Equal(t, want, reasonOf(t, err))
	}
}

func TestScopesRolesAndPermissionsAreWhereTheIssuerHasThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer().Claims = claims.Mapping{
		Scopes: []claims.Source{{Path: claims.Path{"scp"}}},
		Roles:  []claims.Source{{Path: claims.Path{"realm_access", "roles"}}},
	}
	c, err := w.verifier(t).Verify(t.Context(), w.Token(jwkstest.Claims{
		"scope": "elsewhere", "scp": []string{"get"}, "roles": []string{"elsewhere"},
		"realm_access": map[string]any{"roles": []string{"admin"}}, "permissions": []string{"p"},
	}))
	assert.NoError(t, err)
	assert.True(t, c.HasScope("get"))
	assert.False(t, c.HasScope("elsewhere"))
	assert.True(t, c.HasRole("admin"))
	assert.False(t, c.HasRole("elsewhere"))
	assert.True(t, c.HasPermission("p"), "what is not said is as by default")
}
