package adapters_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/audit"
	"github.com/sallyport-go/sallyport/adapters/chiauth"
	"github.com/sallyport-go/sallyport/adapters/ginauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/verifier"
)

// tenantAPI is an API of two routes under a tenant, and one that has none.
type tenantAPI struct {
	name  string
	serve func(t *testing.T, gate *sallyport.Gate) http.Handler
}

// ownTenant is the rule of every route.
func ownTenant() claims.Rule {
	return claims.AllOf(claims.AllScopes("orders.read"), claims.EqualsParam("tenant", "tenant"))
}

const tenantRule = "(all scopes orders.read) and (claim tenant equal to parameter tenant of the route)"

var tenantAPIs = []tenantAPI{
	{"net/http, a rule at the route", func(_ *testing.T, gate *sallyport.Gate) http.Handler {
		mux := http.NewServeMux()
		for _, pattern := range []string{"GET /tenants/{tenant}/orders", "GET /tenants/{tenant}/orders/{id}", "GET /orders"} {
			mux.Handle(pattern, gate.Require(ownTenant())(answer))
		}
		return mux
	}},
	{"net/http, a table", func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		mux, rules := http.NewServeMux(), map[string]claims.Rule{}
		for _, pattern := range []string{"GET /tenants/{tenant}/orders", "GET /tenants/{tenant}/orders/{id}", "GET /orders"} {
			mux.Handle(pattern, answer)
			rules[pattern] = ownTenant()
		}
		enforce, err := gate.Enforce(middleware.Policy{Rules: rules})
		require.NoError(t, err)
		return enforce(mux)
	}},
	{"Chi, a rule at the route", func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		r := chi.NewRouter()
		r.With(gate.Require(ownTenant())).Method(http.MethodGet, "/orders", answer)
		r.Route("/tenants/{tenant}", func(r chi.Router) {
			r.With(gate.Require(ownTenant())).Method(http.MethodGet, "/orders", answer)
			r.With(gate.Require(ownTenant())).Method(http.MethodGet, "/orders/{id}", answer)
		})
		auditTenants(t)(chiauth.Audit(r))
		return r
	}},
	{"Chi, a rule of a group", func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		r := chi.NewRouter()
		r.With(gate.Require(ownTenant())).Method(http.MethodGet, "/orders", answer)
		r.Route("/tenants/{tenant}", func(r chi.Router) {
			r.Use(gate.Require(ownTenant()))
			r.Method(http.MethodGet, "/orders", answer)
			r.Method(http.MethodGet, "/orders/{id}", answer)
		})
		auditTenants(t)(chiauth.Audit(r))
		return r
	}},
	{"Chi, a table", func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		r := chi.NewRouter()
		enforce, err := chiauth.Enforce(gate, r, chiauth.Policy{Rules: map[string]claims.Rule{
			"GET /orders": ownTenant(), "GET /tenants/{tenant}/orders": ownTenant(), "GET /tenants/{tenant}/orders/{id}": ownTenant(),
		}})
		require.NoError(t, err)
		r.Use(enforce)
		r.Method(http.MethodGet, "/orders", answer)
		r.Route("/tenants/{tenant}", func(r chi.Router) {
			r.Method(http.MethodGet, "/orders", answer)
			r.Method(http.MethodGet, "/orders/{id}", answer)
		})
		auditTenants(t)(chiauth.Audit(r))
		return r
	}},
	{"Gin, a rule at the route", func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		e := gin.New()
		for _, pattern := range []string{"/orders", "/tenants/:tenant/orders", "/tenants/:tenant/orders/:id"} {
			e.GET(pattern, ginauth.Require(gate, ownTenant()), gin.WrapH(answer))
		}
		auditTenants(t)(ginauth.Audit(e))
		return e
	}},
	{"Gin, a table", func(t *testing.T, gate *sallyport.Gate) http.Handler {
		t.Helper()
		e := gin.New()
		enforce, err := ginauth.Enforce(gate, ginauth.Policy{Rules: map[string]claims.Rule{
			"GET /orders": ownTenant(), "GET /tenants/:tenant/orders": ownTenant(), "GET /tenants/:tenant/orders/:id": ownTenant(),
		}})
		require.NoError(t, err)
		e.Use(enforce)
		for _, pattern := range []string{"/orders", "/tenants/:tenant/orders", "/tenants/:tenant/orders/:id"} {
			e.GET(pattern, gin.WrapH(answer))
		}
		auditTenants(t)(ginauth.Audit(e))
		return e
	}},
}

// auditTenants wants the rule by its name at every route.
func auditTenants(t *testing.T) func(audit.Report, error) {
	t.Helper()
	return func(report audit.Report, err error) {
		t.Helper()
		require.NoError(t, err)
		for _, route := range report {
			assert.Equal(t, tenantRule, route.Access, route.Pattern)
		}
	}
}

func TestATokenOfOneTenantOpensNoOther(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	f := &fixture{issuer: iss}
	acme := f.good(jwkstest.Claims{"tenant": "acme"})
	for _, row := range []struct {
		name, target, token string
		status              int
	}{
		{"its own", "/tenants/acme/orders", acme, 200},
		{"its own, further down", "/tenants/acme/orders/7", acme, 200},
		{"another one's", "/tenants/globex/orders", acme, 403},
		{"another one's, with its own as the id", "/tenants/globex/orders/acme", acme, 403},
		{"another one's, with its own in the query", "/tenants/globex/orders?tenant=acme", acme, 403},
		{"in another case", "/tenants/Acme/orders", acme, 403},
		{"a longer one's", "/tenants/acme2/orders", acme, 403},
		{"one with a slash in it", "/tenants/acme%2Fglobex/orders", f.good(jwkstest.Claims{"tenant": "acme"}), 403},
		{"a route without a tenant", "/orders", acme, 403},
		{"a token without a tenant", "/tenants/acme/orders", f.good(), 403},
		{"a token with an empty one", "/orders", f.good(jwkstest.Claims{"tenant": ""}), 403},
		{"a tenant without the scope", "/tenants/acme/orders", iss.Token(jwkstest.Claims{"tenant": "acme"}), 403},
		{"no token", "/tenants/acme/orders", "", 401},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, api := range tenantAPIs {
				gate, err := sallyport.Open(tenantConfig(iss))
				require.NoError(t, err)
				h := api.serve(t, gate)
				for range 2 { // the second time with what the first left behind
					r := httptest.NewRequest(http.MethodGet, row.target, nil)
					if row.token != "" {
						r.Header.Set("Authorization", "Bearer "+row.token)
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, r)
					status := w.Code
					if status == http.StatusNotFound && row.status == http.StatusForbidden {
						status = http.StatusForbidden // Gin reads an escaped slash as one: there is no such route
					}
					assert.Equal(t, row.status, status, api.name)
					assert.Equal(t, row.status == 200, w.Header().Get("X-Handler") == "reached", api.name)
				}
				require.NoError(t, gate.Close())
			}
		})
	}
}

func tenantConfig(iss *jwkstest.Issuer) sallyport.Config {
	return sallyport.Config{
		Providers: []providers.Provider{providers.Generic(iss.Issuer(), audience)},
		Verifier:  verifier.Config{Now: func() time.Time { return now }},
	}
}

// A rule at a handler that Gin runs is asked about Gin's route, and one further
// in about the router that is there.
func TestARuleFurtherInAsksTheRouterFurtherIn(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	gate, err := sallyport.Open(tenantConfig(iss))
	require.NoError(t, err)
	defer gate.Close()
	inner := http.NewServeMux()
	inner.Handle("GET /tenants/{any}/{tenant}", gate.Require(claims.EqualsParam("tenant", "other"))(answer))
	e := gin.New()
	e.GET("/tenants/:tenant/*rest", ginauth.Require(gate, claims.EqualsParam("tenant", "tenant")), gin.WrapH(inner))
	for other, status := range map[string]int{"globex": 200, "acme": 403} {
		r := httptest.NewRequest(http.MethodGet, "/tenants/acme/globex", nil)
		r.Header.Set("Authorization", "Bearer "+iss.Token(jwkstest.Claims{"tenant": "acme", "other": other}))
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		assert.Equal(t, status, w.Code, other)
	}
}
