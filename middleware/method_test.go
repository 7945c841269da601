package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// orders asks for the access levels of the API, of which a reader has get.
func orders() claims.AccessLevels { return claims.AccessLevels{Resources: []string{"api://orders"}} }

func TestTheMethodThatRoutedIsJudged(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		pattern string // of ServeMux
		routed  string // the method that it was routed by
		judged  string // the method that it has when it is judged
		header  http.Header
		status  int
		outcome string
	}{
		{"107 a pattern with the method", "GET /orders", "GET", "GET", nil, 200, "verified"},
		{"107 a pattern for all methods", "/orders", "GET", "GET", nil, 200, "verified"},
		{"107 a pattern for GET has HEAD too", "GET /orders", "HEAD", "HEAD", nil, 200, "verified"},
		{"107 a pattern with a host and the method", "GET example.com/orders", "GET", "GET", nil, 200, "verified"},
		{"107 routed as POST, called GET since", "POST /orders", "POST", "GET", nil, 403, "refused denied"},
		{"107 routed as DELETE on a host, called GET since", "DELETE example.com/orders", "DELETE", "GET", nil, 403, "refused denied"},
		{"107 routed as POST, called HEAD since", "POST /orders", "POST", "HEAD", nil, 403, "refused denied"},
		{"107 routed as GET, called POST since, which it may not", "GET /orders", "GET", "POST", nil, 403, "refused insufficient_scope"},
		{"107 routed for all methods, by whatever it is called", "/orders", "POST", "GET", nil, 200, "verified"},
		{"107 a header that asks for DELETE", "/orders", "GET", "GET", http.Header{"X-Http-Method-Override": {"DELETE"}}, 403, "refused denied"},
		{"107 one in small letters", "/orders", "GET", "GET", http.Header{"X-Http-Method": {"delete"}}, 403, "refused denied"},
		{"107 the last of several", "/orders", "GET", "GET", http.Header{"X-Method-Override": {"GET", "PUT"}}, 403, "refused denied"},
		{"107 a header that asks for what the method is", "/orders", "GET", "GET", http.Header{"X-Http-Method-Override": {" get "}}, 200, "verified"},
		{"107 HEAD instead of GET asks for the same level", "/orders", "GET", "GET", http.Header{"X-Http-Method-Override": {"HEAD"}}, 200, "verified"},
		{"107 a level that is missing is named, whatever else is asked for", "/orders", "PATCH", "PATCH", http.Header{"X-Http-Method-Override": {"GET"}}, 403, "refused insufficient_scope"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			seen, reached := &events{}, false
			g := newGuard(t, middleware.Config{OnEvent: seen.add})
			door := g.RequireAccess(orders())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			mux := http.NewServeMux()
			mux.Handle(row.pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Method = row.judged
				door.ServeHTTP(w, r)
			}))
			r := httptest.NewRequest(row.routed, "/orders", nil)
			r.Header = row.header.Clone()
			if r.Header == nil {
				r.Header = http.Header{}
			}
			r.Header.Set("Authorization", "Bearer "+reader)
			assert.Equal(t, row.status, serve(mux, r).Code)
			assert.Equal(t, []string{row.outcome}, seen.lines())
			assert.Equal(t, row.status == 200, reached)
		})
	}
}

// A table decides by the method, and an exemption may: what runs behind it may
// obey a header that asks for another one.
func TestATableIsNotGotAroundByAHeaderThatAsksForAnotherMethod(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"GET /public", "/open"}})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{
		"GET /orders": allReads(), "DELETE /orders": allWrites(), "/any": allReads(), "DELETE /public": allWrites(),
	}})
	require.NoError(t, err)
	doors := map[string]http.Handler{"table": enforce(handler), "door": g.Authenticate(handler)}
	for _, row := range []struct {
		name, door, path, asks, token string
		status                        int
	}{
		{"107 the rule of another method", "table", "/orders", "DELETE", reader, 403},
		{"107 no rule at all", "table", "/orders", "PATCH", reader, 403},
		{"107 the same rule", "table", "/orders", "HEAD", reader, 200},
		{"107 one rule for all methods", "table", "/any", "DELETE", reader, 200},
		{"107 an exemption of one method, in a table", "table", "/public", "DELETE", "", 401},
		{"107 an exemption of all methods, in a table", "table", "/open", "DELETE", "", 200},
		{"107 an exemption of one method", "door", "/public", "DELETE", "", 401},
		{"107 an exemption of all methods", "door", "/open", "DELETE", "", 200},
		{"107 without the header", "door", "/public", "", "", 200},
	} {
		for _, name := range []string{"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
			r := httptest.NewRequest(http.MethodGet, row.path, nil)
			if row.asks != "" {
				r.Header.Set(name, row.asks)
			}
			if row.token != "" {
				r.Header.Set("Authorization", "Bearer "+row.token)
			}
			assert.Equal(t, row.status, serve(doors[row.door], r).Code, "%s, by %s", row.name, name)
		}
	}
}

// An exemption of one method is not for what was routed by another, nor is a rule.
func TestATableAndAnExemptionAreForTheMethodThatRouted(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"GET /public", "/open"}})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"GET /orders": allReads(), "DELETE /orders": allWrites(), "/any": allReads()}})
	require.NoError(t, err)
	doors := map[string]http.Handler{"table": enforce(handler), "door": g.Authenticate(handler)}
	for _, row := range []struct {
		name, door, pattern, judged, token string
		status                             int
	}{
		{"107 the rule of another method", "table", "DELETE /orders", "GET", reader, 403},
		{"107 one rule for all methods", "table", "DELETE /any", "GET", reader, 200},
		{"107 an exemption of one method, in a table", "table", "POST /public", "GET", "", 401},
		{"107 an exemption of one method", "door", "POST /public", "GET", "", 401},
		{"107 an exemption of all methods", "door", "POST /open", "GET", "", 200},
		{"107 an exemption of GET, for HEAD that became GET", "door", "HEAD /public", "GET", "", 200},
	} {
		mux := http.NewServeMux()
		mux.Handle(row.pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Method = row.judged
			doors[row.door].ServeHTTP(w, r)
		}))
		method, path, _ := strings.Cut(row.pattern, " ")
		r := httptest.NewRequest(method, path, nil)
		if row.token != "" {
			r.Header.Set("Authorization", "Bearer "+row.token)
		}
		assert.Equal(t, row.status, serve(mux, r).Code, row.name)
	}
}

// The method is overridden where it should be: in front of the router.
func TestAMethodThatIsOverriddenInFrontOfTheRouterIsTheMethod(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	enforce, err := g.Enforce(middleware.Policy{Access: map[string]claims.AccessLevels{"GET /orders": orders(), "POST /orders": orders()}})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("GET /orders", g.RequireAccess(orders())(handler))
	mux.Handle("POST /orders", g.RequireAccess(orders())(handler))
	h := change(func(r *http.Request) *http.Request {
		r.Method = r.Header.Get("X-HTTP-Method-Override")
		return r
	}, enforce(mux))
	for from, to := range map[string]string{"POST": "GET", "GET": "POST"} {
		r := withToken(reader)
		r.Method = from
		r.Header.Set("X-HTTP-Method-Override", to)
		assert.Equal(t, map[string]int{"GET": 200, "POST": 403}[to], serve(h, r).Code, "%s called %s", from, to)
	}
}
