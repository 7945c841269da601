package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

var _ middleware.Verifier = (*verifier.Verifier)(nil)

func TestAGuardThatNewDidNotMakeRefuses(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]*middleware.Guard{"the zero Guard": {}, "a nil Guard": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, h := range []http.Handler{
				g.Authenticate(handler), g.Optional(handler), g.Require(allReads())(handler),
				g.RequireAccess(claims.AccessLevels{Resources: []string{"api://orders"}})(handler),
			} {
				w := serve(h, withToken(reader))
				assert.Equal(t, 503, w.Code)
				assert.Equal(t, "1", w.Header().Get("Retry-After"))
			}
			assert.Equal(t, 401, serve(deny(g, reason.NoToken), request()).Code)
			_, _, err := g.Check(withToken(reader), claims.AnyToken())
			require.ErrorIs(t, err, reason.KeysUnavailable)
			_, err = g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken()}})
			require.ErrorContains(t, err, "middleware: Enforce: this Guard was not made by New")
		})
	}
}

func TestHandlers(t *testing.T) {
	t.Parallel()
	const insufficient = `Bearer realm="api", error="insufficient_scope"`
	levels := claims.AccessLevels{Resources: []string{"api://orders"}}
	authenticate := func(g *middleware.Guard) http.Handler { return g.Authenticate(handler) }
	optional := func(g *middleware.Guard) http.Handler { return g.Optional(handler) }
	requires := func(rule claims.Rule) func(*middleware.Guard) http.Handler {
		return func(g *middleware.Guard) http.Handler { return g.Require(rule)(handler) }
	}
	access := func(g *middleware.Guard) http.Handler { return g.RequireAccess(levels)(handler) }
	method := func(m string, r *http.Request) *http.Request { r.Method = m; return r }

	for _, row := range []struct {
		name      string
		around    func(*middleware.Guard) http.Handler
		request   *http.Request
		status    int
		outcome   string
		challenge string
		body      string
	}{
		{"Authenticate lets a good token in, with its claims", authenticate, withToken(reader), 200, "verified", "", "r"},
		{"Authenticate refuses a request without a token", authenticate, request(), 401, "refused no_token", `Bearer realm="api"`, ""},
		{"Optional lets a request without credentials pass, without claims", optional, request(), 200, "anonymous", "", "-"},
		{"Optional lets a good token in, with its claims", optional, withToken(reader), 200, "verified", "", "r"},
		{"Optional refuses a bad token", optional, withToken("bad"), 401, "refused bad_signature", `Bearer realm="api", error="invalid_token"`, ""},
		{"Optional refuses another scheme", optional, request("Basic Zm9v"), 401, "refused unsupported_scheme", `Bearer realm="api"`, ""},
		{"Optional refuses a malformed header", optional, request("Bearer"), 400, "refused invalid_request", `Bearer realm="api", error="invalid_request"`, ""},
		{"45 46 Require lets in what the rule allows", requires(allReads()), withToken(reader), 200, "verified", "", "r"},
		{"12 49 Require names every scope that the rule requires", requires(allWrites()), withToken(reader), 403, "refused insufficient_scope", insufficient + `, scope="orders.read orders.write"`, ""},
		{"a missing role is a 403 without a scope", requires(claims.AnyRole("Admin")), withToken(reader), 403, "refused insufficient_role", insufficient, ""},
		{"a client that a rule does not name is a 403", requires(claims.ClientIn("other-app")), withToken(reader), 403, "refused wrong_client", insufficient, ""},
		{"an own rule is a 403", requires(claims.Func("office hours", func(*claims.Claims) bool { return false })), withToken(reader), 403, "refused denied", insufficient, ""},
		{"the zero Rule denies", requires(claims.Rule{}), withToken(reader), 403, "refused denied", insufficient, ""},
		{"the zero Rule asks for a token first", requires(claims.Rule{}), request(), 401, "refused no_token", `Bearer realm="api"`, ""},
		{"97 a bad token is a 401 before any rule", requires(allReads()), withToken("bad"), 401, "refused bad_signature", `Bearer realm="api", error="invalid_token"`, ""},
		{"RequireAccess lets GET in by the level get", access, withToken(reader), 200, "verified", "", "r"},
		{"RequireAccess lets HEAD in by the level get", access, method("HEAD", withToken(reader)), 200, "verified", "", "r"},
		{"12 RequireAccess names the level that the method asks for", access, method("DELETE", withToken(reader)), 403, "refused insufficient_scope", insufficient + `, scope="delete"`, ""},
		{"RequireAccess refuses a method without a level", access, method("PROPFIND", withToken(reader)), 403, "refused denied", insufficient, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			w := serve(row.around(newGuard(t, middleware.Config{OnEvent: seen.add})), row.request)
			assert.Equal(t, row.status, w.Code)
			assert.Equal(t, []string{row.outcome}, seen.lines())
			assert.Equal(t, row.challenge, w.Header().Get("WWW-Authenticate"))
			if row.status == 200 {
				assert.Equal(t, row.body, w.Body.String())
				return
			}
			assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"])
			assert.NotContains(t, w.Header(), "Vary")
		})
	}
}

// What audits of routers rely on.
func TestHandlersSayWhatTheyRequire(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	shadow := newGuard(t, middleware.Config{Shadow: true})
	orders := claims.AccessLevels{Resources: []string{"api://orders"}}
	access, err := orders.Compile()
	require.NoError(t, err)
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": allReads()}})
	require.NoError(t, err)
	for _, row := range []struct {
		name    string
		handler http.Handler
		method  string
		access  string
		ruled   bool
	}{
		{"Authenticate requires a token and has no rule", g.Authenticate(handler), "GET", claims.AnyToken().String(), false},
		{"Optional requires nothing", g.Optional(handler), "GET", "nothing, for credentials are optional", false},
		{"Require has a rule", g.Require(allWrites())(handler), "GET", allWrites().String(), true},
		{"any token can be a rule", g.Require(claims.AnyToken())(handler), "GET", claims.AnyToken().String(), true},
		{"the zero Rule is one too", g.Require(claims.Rule{})(handler), "GET", claims.Rule{}.String(), true},
		{"RequireAccess goes by the method", g.RequireAccess(orders)(handler), "HEAD", access.Rule("GET").String(), true},
		{"and requires another level of another", g.RequireAccess(orders)(handler), "PATCH", access.Rule("PUT").String(), true},
		{"and denies a method without a level", g.RequireAccess(orders)(handler), "TRACE", access.Rule("TRACE").String(), true},
		{"Enforce has a table", enforce(handler), "GET", "what the Guard's Policy says of the path", true},
		{"a Guard in shadow mode requires nothing", shadow.Require(allWrites())(handler), "GET", "nothing, for the Guard is in shadow mode", false},
		{"a zero Guard says what it would require", new(middleware.Guard).Require(allReads())(handler), "GET", allReads().String(), true},
		{"so does a nil one", (*middleware.Guard)(nil).Require(allReads())(handler), "GET", allReads().String(), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h, ok := row.handler.(interface {
				Requires(method, pattern string) (access string, ruled bool)
			})
			require.True(t, ok)
			access, ruled := h.Requires(row.method, "/orders")
			assert.Equal(t, row.access, access)
			assert.Equal(t, row.ruled, ruled)
		})
	}
}

func TestFaultyRulesAreFoundAtConstruction(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	assert.PanicsWithError(t, "middleware: Require: "+claims.AllScopes().Err().Error(), func() { g.Require(claims.AllScopes()) })
	_, err := claims.AccessLevels{}.Compile()
	require.Error(t, err)
	assert.PanicsWithError(t, "middleware: RequireAccess: "+err.Error(), func() { g.RequireAccess(claims.AccessLevels{}) })
	_, _, err = g.Check(withToken(reader), claims.AllScopes())
	assert.ErrorIs(t, err, reason.Denied, "a faulty rule that comes at run time denies")
}

func TestDenyWithoutARequest(t *testing.T) {
	t.Parallel()
	called := false
	g := newGuard(t, middleware.Config{ErrorBody: func(http.ResponseWriter, *http.Request, *middleware.Error) { called = true }})
	w := httptest.NewRecorder()
	g.Deny(w, nil, reason.NoToken)
	assert.Equal(t, 401, w.Code)
	assert.NotEmpty(t, w.Body.String())
	assert.False(t, called)
}

func TestTheResponseWriterOfWhatIsNotGuardedIsNotWrapped(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"/exempt"}})
	left := newGuard(t, middleware.Config{NoCacheControl: true})
	shadow := newGuard(t, middleware.Config{Shadow: true})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken()}})
	require.NoError(t, err)
	byTable, err := left.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken()}})
	require.NoError(t, err)
	exempt := httptest.NewRequest(http.MethodGet, "/exempt", nil)
	for _, row := range []struct {
		name    string
		around  func(http.Handler) http.Handler
		request *http.Request
	}{
		{"an exempt path of Authenticate", g.Authenticate, exempt},
		{"an exempt path of a table", enforce, exempt},
		{"an anonymous request", g.Optional, request()},
		{"shadow mode", shadow.Require(allReads()), withToken(reader)},
		{"Authenticate that leaves Cache-Control alone", left.Authenticate, withToken(reader)},
		{"Optional that leaves it alone", left.Optional, withToken(reader)},
		{"Require that leaves it alone", left.Require(allReads()), withToken(reader)},
		{"a table that leaves it alone", byTable, withToken(reader)},
	} {
		in, served := httptest.NewRecorder(), false
		row.around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			served = assert.Same(t, in, w, row.name)
		})).ServeHTTP(in, row.request)
		assert.True(t, served, row.name)
		assert.NotContains(t, in.Header(), "Cache-Control", row.name)
	}
}
