package sallyport_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// asking returns a Gate that asks its issuer, and its log.
func asking(tb testing.TB, iss *jwkstest.Issuer, change func(*sallyport.Config)) (*sallyport.Gate, *bytes.Buffer) {
	tb.Helper()
	log := new(bytes.Buffer)
	cfg := sallyport.Config{
		Providers: []providers.Provider{providers.Generic(iss.Issuer(), audience)},
		Introspection: []introspection.Config{{
			Issuer: iss.Issuer(), Endpoint: iss.IntrospectionURL(), Tokens: introspection.All,
			Credentials: introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed(jwkstest.IntrospectionSecret)),
		}},
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	g, err := sallyport.Open(cfg)
	return closing(tb, g, err), log
}

func call(g *sallyport.Gate, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	g.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := claims.FromContext(r.Context())
		fmt.Fprint(w, c.Subject())
	})).ServeHTTP(w, r)
	return w
}

func TestAGateAsksAboutOpaqueTokens(t *testing.T) { // its parts share an issuer, one after another
	iss := newIssuer(t)
	g, log := asking(t, iss, nil)
	read := jwkstest.Claims{"scope": "orders.read"}
	for name, tt := range map[string]struct {
		token     string
		status    int
		challenge string
	}{
		"80 a good opaque token passes":        {iss.OpaqueToken(read), 200, ""},
		"80 a good JWT passes":                 {iss.Token(read), 200, ""},
		"80 a rule does not know them apart":   {iss.OpaqueToken(), 403, `Bearer realm="api", error="insufficient_scope", scope="orders.read"`},
		"80 an inactive one is no good":        {"made-up", 401, `Bearer realm="api", error="invalid_token"`},
		"80 one for another API is no good":    {iss.OpaqueToken(read, jwkstest.WithAudience("api://another")), 401, `Bearer realm="api", error="invalid_token"`},
		"79 one without an answer is not read": {iss.OpaqueTokenOf(jwkstest.ForgedAnswer{Status: 500}), 503, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(g, tt.token)
			assert.Equal(t, tt.status, w.Code)
			assert.Equal(t, tt.challenge, w.Header().Get("WWW-Authenticate"))
			assert.Equal(t, tt.status == 503, w.Header().Get("Retry-After") == "1")
			assert.NotContains(t, log.String(), tt.token)
		})
	}
	assert.Contains(t, log.String(), "level=INFO msg=\"request refused\" reason=inactive status=401")
	assert.Contains(t, log.String(), "level=WARN msg=\"request refused\" reason=introspection_unavailable status=503")
	assert.Contains(t, log.String(), "answered 500")
	assert.NotContains(t, log.String(), jwkstest.IntrospectionSecret)
}

func TestAGateThatAsksWithstandsTheAttack(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	g, _ := asking(t, iss, nil)
	api := g.Require(claims.AllScopes("orders.read"))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	asked := iss.Introspections()
	jwkstest.AttackHandler(t, iss, api, httptest.NewRequest(http.MethodGet, "/orders", nil), jwkstest.Claims{"scope": "orders.read"})
	assert.Greater(t, iss.Introspections()-asked, 100, "forged answers are part of it")
}

func TestAnAPIThatBelievesEveryAnswerIsFullOfHoles(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	g, _ := asking(t, iss, nil)
	naive := func(token string) int {
		if g.Explain(t.Context(), token).OK || len(token) < 40 && token[:7] == "opaque_" {
			return http.StatusOK
		}
		return http.StatusUnauthorized
	}
	breaches, err := iss.Breaches(naive)
	require.NoError(t, err)
	assert.Greater(t, len(breaches), 50)
}

func TestABindingChecksAnOpaqueToken(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	bound := iss.OpaqueToken(jwkstest.Claims{"scope": "orders.read", "cnf": map[string]any{"jkt": "x"}})
	g, _ := asking(t, iss, nil)
	assert.Equal(t, 401, call(g, bound).Code)
	g, _ = asking(t, iss, func(cfg *sallyport.Config) { cfg.Guard.Bindings = []middleware.Binding{confirming("jkt")} })
	assert.Equal(t, 200, call(g, bound).Code)
}

// confirming is a Binding that lets everything pass.
type confirming string

func (c confirming) Confirms() []string { return []string{string(c)} }

func (confirming) Check(*http.Request, middleware.Credential, *claims.Claims) error { return nil }

func TestAGateExplainsWhatWasAskedAndAnswered(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	g, _ := asking(t, iss, nil)
	rule := claims.AllScopes("orders.read")
	report := g.ExplainRule(t.Context(), iss.OpaqueToken(), rule)
	assert.Equal(t, reason.InsufficientScope, report.Reason)
	require.NotEmpty(t, report.Checks)
	assert.Equal(t, "introspection", report.Checks[0].Name)
	assert.Contains(t, report.Checks[0].Found, "active true")
	assert.Contains(t, report.Checks[0].Expected, iss.IntrospectionURL())
	_, err := g.Verify(t.Context(), "made-up")
	assert.ErrorIs(t, err, reason.Inactive)
}

func TestAGateReportsMistakesOfIntrospection(t *testing.T) {
	t.Parallel()
	_, err := sallyport.Open(sallyport.Config{
		Providers:     []providers.Provider{providers.Generic("https://issuer.example/", audience)},
		Introspection: []introspection.Config{{Issuer: "https://issuer.example/"}},
	})
	require.ErrorContains(t, err, "Endpoint is empty")
	require.ErrorContains(t, err, "Credentials are missing")
}
