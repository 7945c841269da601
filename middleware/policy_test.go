package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/routed"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	seen := func(t *testing.T) (http.Handler, *events) {
		t.Helper()
		e := &events{}
		g := newGuard(t, middleware.Config{OnEvent: e.add, Exempt: []string{"GET /healthz", "/public/"}})
		enforce, err := g.Enforce(middleware.Policy{
			Rules: map[string]claims.Rule{
				"GET /orders":                allReads(),
				"POST /orders":               allWrites(),
				"GET /orders/{id}":           allReads(),
				"/tree/":                     claims.AnyToken(),
				"/public/admin":              allWrites(),
				"GET internal.example/stats": claims.AnyToken(),
				"DELETE /orders/{id}":        {}, // the zero Rule denies
			},
			Access: map[string]claims.AccessLevels{"/items": {Resources: []string{"api://orders"}}},
		})
		require.NoError(t, err)
		return enforce(handler), e
	}
	for _, row := range []struct {
		name    string
		method  string
		target  string
		token   string
		status  int
		outcome string
	}{
		{"a pattern's rule lets pass", "GET", "/orders", reader, 200, "verified"},
		{"a pattern's rule refuses", "POST", "/orders", reader, 403, "refused insufficient_scope"},
		{"a pattern's rule asks for a token first", "POST", "/orders", "", 401, "refused no_token"},
		{"GET includes HEAD", "HEAD", "/orders", reader, 200, "verified"},
		{"a wildcard matches", "GET", "/orders/7", reader, 200, "verified"},
		{"a zero Rule in the table denies", "DELETE", "/orders/7", writer, 403, "refused denied"},
		{"an access level lets pass", "GET", "/items", reader, 200, "verified"},
		{"an access level refuses by method", "PUT", "/items", reader, 403, "refused insufficient_scope"},
		{"no pattern and no token is a 401", "GET", "/other", "", 401, "refused no_token"},
		{"no pattern and a bad token is a 401", "GET", "/other", "bad", 401, "refused bad_signature"},
		{"no pattern and a good token is a 403", "GET", "/other", writer, 403, "refused denied"},
		{"another method is no match", "PATCH", "/orders", writer, 403, "refused denied"},
		{"the path below a pattern without a slash is no match", "GET", "/orders/7/lines", writer, 403, "refused denied"},
		{"the path that lacks the trailing slash is no match", "GET", "/tree", writer, 403, "refused denied"},
		{"the path with one slash too many is no match", "GET", "/orders/", writer, 403, "refused denied"},
		{"a host pattern needs its host", "GET", "http://other.example/stats", writer, 403, "refused denied"},
		{"a host pattern matches its host", "GET", "http://internal.example/stats", reader, 200, "verified"},
		{"a host pattern matches whatever the port", "GET", "http://internal.example:8443/stats", reader, 200, "verified"},
		{"an exempt path passes without a token", "GET", "/healthz", "", 200, ""},
		{"an exempt path passes with a bad token", "GET", "/healthz", "bad", 200, ""},
		{"an exempt path is exempt for its method only", "POST", "/healthz", "", 401, "refused no_token"},
		{"the paths below an exempt one pass", "GET", "/public/a/b", "", 200, ""},
		{"a more specific pattern wins over an exempt one", "GET", "/public/admin", reader, 403, "refused insufficient_scope"},
		{"the exempt tree without its slash is not exempt", "GET", "/public", "", 401, "refused no_token"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			h, seen := seen(t)
			r := httptest.NewRequest(row.method, row.target, nil)
			if row.token != "" {
				r.Header.Set("Authorization", "Bearer "+row.token)
			}
			assert.Equal(t, row.status, serve(h, r).Code)
			want := []string{}
			if row.outcome != "" {
				want = append(want, row.outcome)
			}
			assert.Equal(t, want, seen.lines())
		})
	}
}

// Every target is one that some router or file server would take for a
// protected or an exempt path. None may open a route.
func TestUncleanTargetsOpenNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, line string }{
		{"a doubled slash in front", "GET //public/x HTTP/1.1"},
		{"a doubled slash inside", "GET /public//x HTTP/1.1"},
		{"a dot segment", "GET /public/./x HTTP/1.1"},
		{"a dot-dot segment", "GET /public/../admin HTTP/1.1"},
		{"a dot-dot segment that ends in the exempt tree", "GET /x/../public/x HTTP/1.1"},
		{"escaped dots", "GET /public/%2e%2e/admin HTTP/1.1"},
		{"half escaped dots", "GET /public/.%2E/admin HTTP/1.1"},
		{"an escaped slash after dots", "GET /public/..%2Fadmin HTTP/1.1"},
		{"an escaped slash in lower case", "GET /public/..%2fadmin HTTP/1.1"},
		{"an escaped slash that hides a specific route", "GET /public%2Fadmin HTTP/1.1"},
		{"an escaped slash that hides a specific route below an exempt tree", "GET /public/x%2F..%2Fadmin HTTP/1.1"},
		{"a specific route below an exempt tree with an escaped letter", "GET /public/%61dmin HTTP/1.1"},
		{"a specific route below an exempt tree behind an escaped slash", "GET /public/%2Fadmin HTTP/1.1"},
		{"CONNECT, whose path is not cleaned", "CONNECT /public/x HTTP/1.1"},
		{"CONNECT with dots", "CONNECT /public/../admin HTTP/1.1"},
		{"CONNECT to an authority", "CONNECT api.example:443 HTTP/1.1"},
		{"the asterisk", "OPTIONS * HTTP/1.1"},
		{"an absolute target with dots", "GET http://api.example/public/../admin HTTP/1.1"},
		{"an absolute target without a path", "GET http://api.example HTTP/1.1"},
		{"the exempt tree without its slash", "GET /public HTTP/1.1"},
		{"the exempt tree in another case", "GET /PUBLIC/x HTTP/1.1"},
		{"a method in another case", "get /healthz HTTP/1.1"},
		{"a method that the exempt pattern does not name", "POST /healthz HTTP/1.1"},
		{"an exempt path with a slash too many", "GET /healthz/ HTTP/1.1"},
		{"an exempt path with an escaped slash at its end", "GET /healthz%2F HTTP/1.1"},
		{"an exempt path with a parameter", "GET /healthz;x=1 HTTP/1.1"},
		{"an exempt path with an escaped letter, which a router may keep", "GET /health%7A HTTP/1.1"},
		{"the exempt tree with an escaped letter", "GET /publi%63/x HTTP/1.1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Exempt: []string{"/public/", "GET /healthz"}})
			enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{
				"/public/admin": allWrites(), "/admin": allWrites(), "/orders/": allReads(),
			}})
			require.NoError(t, err)
			without := read(t, row.line, "Host: api.example")
			assert.Equal(t, 401, serve(enforce(handler), without).Code)
			with := read(t, row.line, "Host: api.example", "Authorization: Bearer "+reader)
			assert.Equal(t, 403, serve(enforce(handler), with).Code)
			if row.name[:10] != "a specific" { // Authenticate has no table, only the exempt tree
				assert.Equal(t, 401, serve(g.Authenticate(handler), without).Code)
			}
		})
	}
}

// A lenient tree around a strict route: what a router may read as the strict
// one must not get by with the lenient rule.
func TestUncleanTargetsDoNotTradeAStrictRuleForALenientOne(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{
		"/": claims.AnyToken(), "/admin/": allWrites(), "/files/{path...}": claims.AnyToken(),
	}})
	require.NoError(t, err)
	for _, row := range []struct {
		name, target string
		status       int
	}{
		{"the strict route itself", "/admin/users", 403},
		{"doubled slashes", "//admin/users", 403},
		{"an escaped slash", "/admin%2Fusers", 403},
		{"escaped dots", "/x/%2e%2e/admin/users", 403},
		{"an escaped letter", "/%61dmin/users", 403},
		{"the lenient tree", "/x/y", 200},
		{"an escaped slash inside the lenient tree", "/x%2Fy", 200},
		{"an escaped slash below a tree of names", "/files/a%2Fb", 200},
		{"a space in a name", "/files/a%20b", 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, "GET "+row.target+" HTTP/1.1", "Host: api.example", "Authorization: Bearer "+reader)
			assert.Equal(t, row.status, serve(enforce(handler), r).Code)
		})
	}
}

// A router that goes by another path, which the adapter of one reads.
var _ = routed.Register(func(r *http.Request) routed.Reading { return routed.Reading{Path: r.Header.Get("Goes-By")} })

func TestARequestMatchesWhereItsRouterGoesByTheSameEntry(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/": claims.AnyToken(), "/admin": allWrites()}})
	require.NoError(t, err)
	for path, status := range map[string]int{"/orders/7": 200, "/admin": 403} {
		r := withToken(reader)
		r.Header.Set("Goes-By", path)
		assert.Equal(t, status, serve(enforce(handler), r).Code, path)
	}
}

func TestARequestWithoutAURLMatchesNothing(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"/"}})
	r := request()
	r.URL = nil
	assert.Equal(t, 401, serve(g.Authenticate(handler), r).Code)
}

func TestExemptPathsAreUntouched(t *testing.T) {
	t.Parallel()
	v := newTokens(t)
	g := newGuard(t, middleware.Config{Verifier: v, Exempt: []string{"GET /orders"}})
	in := withToken(reader)
	enforce, err := g.Enforce(middleware.Policy{
		Rules:  map[string]claims.Rule{"POST /orders": allWrites()},
		Access: map[string]claims.AccessLevels{"/levels": {Resources: []string{"api://orders"}}},
	})
	require.NoError(t, err, "a table of one rule and one access level is not empty")
	for name, around := range map[string]func(http.Handler) http.Handler{"Authenticate": g.Authenticate, "Enforce": enforce} {
		served := false
		serve(around(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { served = assert.Same(t, in, r) })), in)
		assert.True(t, served, name)
	}
	assert.Zero(t, v.calls.Load())
	assert.Equal(t, 401, serve(g.Require(claims.AnyToken())(handler), request()).Code, "Require knows no exemptions")
	assert.Equal(t, 401, serve(g.Optional(handler), withToken("bad")).Code, "nor does Optional")
}

func TestPolicyMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Exempt: []string{"/healthz"}})
	_, err := g.Enforce(middleware.Policy{
		Rules: map[string]claims.Rule{
			"orders":         claims.AnyToken(),
			"/a":             claims.AllScopes(),
			"/healthz":       claims.AnyToken(),
			"/x/{id}":        claims.AnyToken(),
			"/{any}/y":       claims.AnyToken(),
			"GET /b/{id}/{":  claims.AnyToken(),
			"GET/no-space":   claims.AnyToken(),
			"/both":          claims.AnyToken(),
			"GET  /two":      claims.AnyToken(),
			"/n/{id}/{id}":   claims.AnyToken(),
			"/late/{x...}/y": claims.AnyToken(),
		},
		Access: map[string]claims.AccessLevels{"/both": {Resources: []string{"api://orders"}}, "/levels": {}},
	})
	require.Error(t, err)
	for _, text := range []string{
		`middleware: Policy: pattern "orders": `,
		`middleware: Policy: pattern "/a": ` + claims.AllScopes().Err().Error(),
		`middleware: Policy: pattern "/healthz": `,
		`middleware: Policy: pattern "/{any}/y": `,
		`middleware: Policy: pattern "GET /b/{id}/{": `,
		`middleware: Policy: pattern "/both": `,
		`middleware: Policy: pattern "/levels": `,
		`middleware: Policy: pattern "/n/{id}/{id}": `,
		`middleware: Policy: pattern "/late/{x...}/y": `,
	} {
		assert.ErrorContains(t, err, text)
	}
	assert.NotContains(t, err.Error(), ".go:")

	_, err = g.Enforce(middleware.Policy{})
	assert.EqualError(t, err, "middleware: Policy: no pattern at all; name the routes and their rules")
}

// The setting is read when a process starts, so it takes another process.
func TestOldServeMuxIsRefused(t *testing.T) {
	t.Parallel()
	if os.Getenv("GODEBUG") == "httpmuxgo121=1" {
		_, err := middleware.New(middleware.Config{Verifier: newTokens(t), Exempt: []string{"GET /healthz"}})
		require.ErrorContains(t, err, "remove httpmuxgo121=1 from GODEBUG")
		_, err = newGuard(t, middleware.Config{}).Enforce(middleware.Policy{Rules: map[string]claims.Rule{"GET /admin": {}, "/": claims.AnyToken()}})
		require.ErrorContains(t, err, "remove httpmuxgo121=1 from GODEBUG")
		return
	}
	test := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOldServeMuxIsRefused$", "-test.v")
	test.Env = append(os.Environ(), "GODEBUG=httpmuxgo121=1")
	out, err := test.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), "--- PASS: TestOldServeMuxIsRefused")
}
