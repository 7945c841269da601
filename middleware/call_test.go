package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// member is a token of tenant acme.
const member = "token-of-acme"

// tenantGuard is a Guard whose Verifier knows a member of a tenant too.
func tenantGuard(t *testing.T, cfg middleware.Config) *middleware.Guard {
	t.Helper()
	v := newTokens(t)
	v.claims[member] = parse(t, `{"sub":"m","scope":"orders.read","tenant":"acme"}`)
	cfg.Verifier = v
	return newGuard(t, cfg)
}

func ownTenant() claims.Rule { return claims.EqualsParam("tenant", "tenant") }

func getting(target, token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func TestARuleSeesTheParametersThatServeMuxHasFound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, pattern, target, token string
		status                       int
		outcome                      string
	}{
		{"the tenant of the path", "GET /tenants/{tenant}/orders", "/tenants/acme/orders", member, 200, "verified"},
		{"another tenant", "GET /tenants/{tenant}/orders", "/tenants/globex/orders", member, 403, "refused denied"},
		{"another case", "GET /tenants/{tenant}/orders", "/tenants/ACME/orders", member, 403, "refused denied"},
		{"a token without a tenant", "GET /tenants/{tenant}/orders", "/tenants/acme/orders", reader, 403, "refused denied"},
		{"no token", "GET /tenants/{tenant}/orders", "/tenants/acme/orders", "bad", 401, "refused bad_signature"},
		{"an escape that says the same", "GET /tenants/{tenant}/orders", "/tenants/%61cme/orders", member, 200, "verified"},
		{"an escaped slash is part of the name", "GET /tenants/{tenant}/orders", "/tenants/acme%2Forders/orders", member, 403, "refused denied"},
		{"the rest of a path", "GET /t/{tenant...}", "/t/acme", member, 200, "verified"},
		{"the rest of a path goes on", "GET /t/{tenant...}", "/t/acme/globex", member, 403, "refused denied"},
		{"a query is no parameter", "GET /orders", "/orders?tenant=acme", member, 403, "refused denied"},
		{"a pattern of other parameters", "GET /orders/{id}", "/orders/acme", member, 403, "refused denied"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, by := range []string{"a route", "a table", "Check"} {
				seen := &events{}
				g := tenantGuard(t, middleware.Config{OnEvent: seen.add})
				mux := http.NewServeMux()
				var h http.Handler = mux
				switch by {
				case "a route":
					mux.Handle(row.pattern, g.Require(ownTenant())(handler))
				case "Check":
					mux.HandleFunc(row.pattern, func(w http.ResponseWriter, r *http.Request) {
						r, _, err := g.Check(r, ownTenant())
						if err != nil {
							g.Deny(w, r, err)
							return
						}
						handler(w, r)
					})
				case "a table":
					mux.Handle(row.pattern, handler)
					enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{row.pattern: ownTenant()}})
					require.NoError(t, err)
					h = enforce(mux)
				}
				status, outcomes := row.status, []string{row.outcome}
				if by == "a table" && row.target == "/tenants/acme%2Forders/orders" {
					status, outcomes = 403, []string{"refused denied"} // no pattern is certain for that path
				}
				assert.Equal(t, status, serve(h, getting(row.target, row.token)).Code, by)
				assert.Equal(t, outcomes, seen.lines(), by)
			}
		})
	}
}

func TestARuleWithoutItsRouteDenies(t *testing.T) {
	t.Parallel()
	g := tenantGuard(t, middleware.Config{})
	mux := http.NewServeMux()
	mux.Handle("GET /tenants/{tenant}", handler)
	w := serve(g.Require(ownTenant())(mux), getting("/tenants/acme", member))
	assert.Equal(t, 403, w.Code, "outside of the mux there are no parameters yet")
}

func TestARuleThatSeesTheCallIsReportedLikeAnyOther(t *testing.T) {
	t.Parallel()
	seen, meter := &events{}, newMeasured()
	g := tenantGuard(t, middleware.Config{OnEvent: seen.add, MeterProvider: meter.meters})
	rule := claims.AllOf(allReads(), claims.FuncCall("the tenant of the path", func(c *claims.Claims, call claims.Call) bool {
		tenant, ok := c.Text("tenant")
		return ok && call.Param("tenant") == tenant
	}))
	guarded := g.Require(rule)(handler)
	mux := http.NewServeMux()
	mux.Handle("GET /tenants/{tenant}", guarded)
	assert.Equal(t, 200, serve(mux, getting("/tenants/acme", member)).Code)
	w := serve(mux, getting("/tenants/globex", member))
	assert.Equal(t, 403, w.Code)
	assert.Equal(t, `Bearer realm="api", error="insufficient_scope"`, w.Header().Get("WWW-Authenticate"))
	assert.NotContains(t, w.Body.String(), "tenant")
	require.Len(t, seen.list, 2)
	assert.Equal(t, []string{"the tenant of the path"}, seen.list[1].Missing)
	assert.Equal(t, map[string]int64{"outcome=verified": 1, "outcome=refused reason=denied": 1}, meter.counts(t))
	access, ruled := guarded.(interface {
		Requires(method, pattern string) (string, bool)
	}).Requires(http.MethodGet, "GET /tenants/{tenant}")
	assert.True(t, ruled)
	assert.Equal(t, "(all scopes orders.read) and (the tenant of the path)", access)
}

func TestATableLeavesTheRequestAsItWas(t *testing.T) {
	t.Parallel()
	g := tenantGuard(t, middleware.Config{})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/tenants/{tenant}": ownTenant()}})
	require.NoError(t, err)
	inner := g.Require(claims.EqualsParam("id", "tenant"))(handler)
	mux := http.NewServeMux()
	mux.HandleFunc("/tenants/{id}", func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/tenants/{id}", r.Pattern)
		assert.Empty(t, r.PathValue("tenant"), "the table's names are its own")
		inner.ServeHTTP(w, r)
	})
	for name, h := range map[string]http.Handler{"a table": enforce(mux), "a table of a request that was verified": g.Authenticate(enforce(mux))} {
		assert.Equal(t, 200, serve(h, getting("/tenants/acme", member)).Code, "%s: the rule further in asks the router further in", name)
	}
}

func TestRequestOf(t *testing.T) {
	t.Parallel()
	g := tenantGuard(t, middleware.Config{})
	host := claims.FuncCall("the tenant of the host", func(c *claims.Claims, call claims.Call) bool {
		r, ok := middleware.RequestOf(call)
		tenant, has := c.Text("tenant")
		return ok && has && r.Host == tenant+".api.example"
	})
	h := g.Require(host)(handler)
	assert.Equal(t, 200, serve(h, getting("https://acme.api.example/orders", member)).Code)
	assert.Equal(t, 403, serve(h, getting("https://globex.api.example/orders", member)).Code)
	_, ok := middleware.RequestOf(nil)
	assert.False(t, ok, "there is no call")
	_, ok = middleware.RequestOf(otherCall{})
	assert.False(t, ok, "the call of another transport")
}

type otherCall struct{}

func (otherCall) Param(string) string { return "" }

func TestRow78AVerifierWithoutAClockJudgesByTheMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newTokens(t)
		g := newGuard(t, middleware.Config{Verifier: v})
		h := g.Require(claims.AuthenticatedWithin(time.Minute))(handler)
		for name, row := range map[string]struct {
			ahead  time.Duration
			status int
		}{
			"78 at the end of the age":         {-time.Minute, 200},
			"78 a second older":                {-61 * time.Second, 401},
			"78 by a clock that is ahead":      {30 * time.Second, 200},
			"78 by one that is too far ahead":  {31 * time.Second, 401},
			"78 in a future beyond all clocks": {200 * 365 * 24 * time.Hour, 401},
		} {
			v.claims[reader] = parse(t, fmt.Sprintf(`{"sub":"r","auth_time":%d}`, time.Now().Unix()+int64(row.ahead/time.Second)))
			assert.Equal(t, row.status, serve(h, getting("/", reader)).Code, name)
		}
	})
}
