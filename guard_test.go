package sallyport_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// refusals are what each method of a Gate says where there is no Gate.
func refusals(token string) map[string]func(*testing.T, *sallyport.Gate) {
	unavailable := func(t *testing.T, h http.Handler) {
		t.Helper()
		assert.Equal(t, 503, status(h, token))
	}
	return map[string]func(*testing.T, *sallyport.Gate){
		"Authenticate": func(t *testing.T, g *sallyport.Gate) { unavailable(t, g.Authenticate(ok)) },
		"Optional":     func(t *testing.T, g *sallyport.Gate) { unavailable(t, g.Optional(ok)) },
		"Require":      func(t *testing.T, g *sallyport.Gate) { unavailable(t, g.Require(claims.AnyToken())(ok)) },
		"RequireAccess": func(t *testing.T, g *sallyport.Gate) {
			unavailable(t, g.RequireAccess(claims.AccessLevels{Resources: []string{audience}})(ok))
		},
		"Enforce": func(t *testing.T, g *sallyport.Gate) {
			_, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken()}})
			assert.ErrorContains(t, err, "not made by New")
		},
		"Check": func(t *testing.T, g *sallyport.Gate) {
			_, c, err := g.Check(httptest.NewRequest(http.MethodGet, "/", nil), claims.AnyToken())
			assert.Nil(t, c)
			assert.ErrorIs(t, err, reason.KeysUnavailable)
		},
		"Deny": func(t *testing.T, g *sallyport.Gate) {
			w := httptest.NewRecorder()
			g.Deny(w, httptest.NewRequest(http.MethodGet, "/", nil), reason.KeysUnavailable)
			assert.Equal(t, 503, w.Code)
		},
		"Verify": func(t *testing.T, g *sallyport.Gate) {
			c, err := g.Verify(t.Context(), token)
			assert.Nil(t, c)
			assert.Error(t, err)
		},
		"Explain": func(t *testing.T, g *sallyport.Gate) { assert.False(t, g.Explain(t.Context(), token).OK) },
		"ExplainRule": func(t *testing.T, g *sallyport.Gate) {
			assert.False(t, g.ExplainRule(t.Context(), token, claims.AnyToken()).OK)
		},
		"ExplainBound": func(t *testing.T, g *sallyport.Gate) {
			assert.False(t, g.ExplainBound(t.Context(), token, claims.AnyToken()).OK)
		},
		"Ready": func(t *testing.T, g *sallyport.Gate) {
			assert.ErrorContains(t, g.Ready(t.Context()), "not made by New")
		},
		"Readiness": func(t *testing.T, g *sallyport.Gate) { assert.ErrorContains(t, g.Readiness(), "not made by New") },
		"ReadinessHandler": func(t *testing.T, g *sallyport.Gate) {
			code, body := probe(g.ReadinessHandler(sallyport.AllIssuers))
			assert.Equal(t, 503, code)
			assert.JSONEq(t, `{"ready":false,"issuers":[]}`, body)
		},
		"MetadataPath": func(t *testing.T, g *sallyport.Gate) { assert.Empty(t, g.MetadataPath()) },
		"UntilExpiry": func(t *testing.T, g *sallyport.Gate) {
			ctx, cancel := g.UntilExpiry(t.Context(), nil)
			assert.NoError(t, ctx.Err())
			cancel()
			assert.ErrorIs(t, ctx.Err(), context.Canceled)
		},
		"MetadataHandler": func(t *testing.T, g *sallyport.Gate) {
			_, err := g.MetadataHandler(middleware.Metadata{})
			assert.ErrorContains(t, err, "set Config.Resource")
		},
		"Keys": func(t *testing.T, g *sallyport.Gate) { assert.Empty(t, g.Keys()) },
		"StatusHandler": func(t *testing.T, g *sallyport.Gate) {
			code, body := probe(g.StatusHandler())
			assert.Equal(t, 200, code)
			assert.JSONEq(t, `{"issuers":[]}`, body)
		},
		"Distrust": func(t *testing.T, g *sallyport.Gate) {
			assert.ErrorContains(t, g.Distrust("https://issuer.example/", "a"), "not configured")
		},
		"Replace": func(t *testing.T, g *sallyport.Gate) {
			assert.ErrorContains(t, g.Replace(t.Context(), sallyport.Config{}), "not made by New")
		},
		"Forget": func(_ *testing.T, g *sallyport.Gate) { g.Forget("https://issuer.example/") },
		"Close":  func(t *testing.T, g *sallyport.Gate) { assert.NoError(t, g.Close()) },
	}
}

func TestANilGateAndTheZeroOneRefuseEverything(t *testing.T) {
	t.Parallel()
	token := newIssuer(t).Token()
	guard, err := middleware.New(middleware.Config{Verifier: anybody{}})
	require.NoError(t, err)
	for name, g := range map[string]*sallyport.Gate{
		"a nil Gate":                       nil,
		"the zero Gate":                    {},
		"a Gate of a Guard that lets pass": {Guard: guard},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			say := refusals(token)
			for m := range reflect.TypeFor[*sallyport.Gate]().Methods() {
				t.Run(m.Name, func(t *testing.T) {
					t.Parallel()
					require.Contains(t, say, m.Name, "what does it say without a Gate?")
					assert.NotPanics(t, func() { say[m.Name](t, g) })
				})
			}
		})
	}
}

func TestRow93TheMetadataNamesIssuersThatAreAddresses(t *testing.T) {
	t.Parallel()
	cfg := sallyport.Config{Providers: []providers.Provider{
		providers.Google(providers.GoogleCallers{Emails: []string{"shop@acme.example"}}, "https://api.example"),
		providers.EntraTenants([]string{"a53d724c-15ea-4469-a987-82a5b30ec167"}, "https://api.example"),
	}}
	cfg.Guard.Resource = "https://api.example"
	gate, err := sallyport.Open(cfg)
	require.NoError(t, err)
	defer gate.Close()
	h, err := gate.MetadataHandler(middleware.Metadata{})
	require.NoError(t, err)
	_, body := probe(h)
	assert.Contains(t, body, `"authorization_servers":["https://accounts.google.com"]`, "93 not accounts.google.com, and no template")
}
