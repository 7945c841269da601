package table_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/internal/table"
	"github.com/sallyport-go/sallyport/claims"
)

// guard answers with the rule that it was asked for.
type guard struct{}

type says string

func (s says) ServeHTTP(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
func (s says) Requires(method, _ string) (access string, ruled bool) {
	return method + ": " + string(s), true
}

func (guard) Require(r claims.Rule) func(http.Handler) http.Handler { return always(says(r.String())) }

func (guard) RequireAccess(claims.AccessLevels) func(http.Handler) http.Handler {
	return always(says("levels"))
}

func always(h http.Handler) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler { return h }
}

func anyPattern(pattern string) (string, error) {
	if pattern == "/bad" {
		return "", errors.New("bad")
	}
	return pattern, nil
}

func bind(t *testing.T, p table.Policy) *table.Table {
	t.Helper()
	plan, err := table.New("test", guard{}, p, anyPattern)
	require.NoError(t, err)
	return plan.Bind(says("next"))
}

func TestLookup(t *testing.T) {
	t.Parallel()
	tab := bind(t, table.Policy{
		Rules: map[string]claims.Rule{
			"GET /a":          claims.AllScopes("get"),
			"/a":              claims.AllScopes("any"),
			"HEAD /b":         claims.AllScopes("head"),
			"GET /b":          claims.AllScopes("get"),
			"X-METHOD_2 /c":   claims.EqualsParam("id", "odd"),
			"NoRoute":         claims.AllScopes("none"),
			"GET /with space": claims.AllScopes("space"),
		},
		Access: map[string]claims.AccessLevels{"PUT /a": {Resources: []string{"api://a"}}},
		Exempt: []string{"GET /free"},
	})
	for _, row := range []struct{ method, pattern, body, access string }{
		{"GET", "/a", "all scopes get", "GET: all scopes get"},
		{"HEAD", "/a", "all scopes get", "HEAD: all scopes get"},
		{"POST", "/a", "all scopes any", "POST: all scopes any"},
		{"PUT", "/a", "levels", "PUT: levels"},
		{"HEAD", "/b", "all scopes head", "HEAD: all scopes head"},
		{"X-METHOD_2", "/c", "claim odd equal to parameter id of the route", "X-METHOD_2: claim odd equal to parameter id of the route"},
		{"GET", "", "all scopes none", "GET: all scopes none"},
		{"GET", "/with space", "all scopes space", "GET: all scopes space"},
		{"GET", "/free", "next", ""},
		{"HEAD", "/free", "next", ""},
	} {
		w := httptest.NewRecorder()
		h, needsCall := tab.Handler(row.method, row.pattern)
		h.ServeHTTP(w, nil)
		assert.Equal(t, row.pattern == "/c", needsCall)
		assert.Equal(t, row.body, w.Body.String(), "%s %s", row.method, row.pattern)
		access, ruled := tab.Requires(row.method, row.pattern)
		assert.Equal(t, row.access, access)
		assert.True(t, ruled)
	}
	for _, method := range []string{"POST", "get"} {
		h, needsCall := tab.Handler(method, "/b")
		assert.Equal(t, says("nobody"), h)
		assert.False(t, needsCall)
	}
	assert.Equal(t, says("nobody"), tab.Denial())
	access, ruled := tab.Requires("POST", "/b")
	assert.Equal(t, "nobody, for no entry of the policy names it", access)
	assert.False(t, ruled)
	access, ruled = bind(t, table.Policy{Exempt: []string{"/"}}).Requires("GET", "")
	assert.Equal(t, "nobody, for it is no route", access)
	assert.True(t, ruled, "without an entry for it, no route is closed on purpose")
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	_, levels := claims.AccessLevels{}.Compile()
	for _, row := range []struct {
		guard  table.Guard
		policy table.Policy
		want   string
	}{
		{nil, table.Policy{Exempt: []string{"/"}}, "test: the Guard is nil"},
		{guard{}, table.Policy{}, "test: Policy: no pattern at all; name the routes and their rules"},
		{guard{}, table.Policy{
			Rules:  map[string]claims.Rule{"/bad": claims.AnyToken(), "GET /bad": claims.AllScopes(), "G(T /": claims.AnyToken(), "1GET /": claims.AnyToken()},
			Access: map[string]claims.AccessLevels{"GET NoRoute": {Resources: []string{"api://a"}}},
			Exempt: []string{"a", "/", "/", "GET "},
		}, `test: Policy: pattern "/bad": bad
test: Policy: pattern "1GET /": "1GET" is no method; write METHOD, one space, pattern, or the pattern alone
test: Policy: pattern "G(T /": "G(T" is no method; write METHOD, one space, pattern, or the pattern alone
test: Policy: pattern "GET /bad": bad
` + claims.AllScopes().Err().Error() + `
test: Policy: pattern "GET NoRoute": requests without a route are told apart by nothing, not even by method: write NoRoute
test: Policy: pattern "a": a pattern begins with a slash
test: Policy: pattern "/": stands there twice, also as "/"
test: Policy: pattern "GET ": a pattern begins with a slash`},
		{guard{}, table.Policy{Access: map[string]claims.AccessLevels{"/": {}}}, `test: Policy: pattern "/": ` + levels.Error()},
	} {
		_, err := table.New("test", row.guard, row.policy, anyPattern)
		assert.EqualError(t, err, row.want)
	}
}

// What is changed after New changes nothing, and one entry of any kind is a policy.
func TestThePolicyIsCopied(t *testing.T) {
	t.Parallel()
	rules := table.Policy{Rules: map[string]claims.Rule{"/": claims.AllScopes("a")}}
	access := table.Policy{Access: map[string]claims.AccessLevels{"/": {Resources: []string{"api://a"}}}}
	exempt := table.Policy{Exempt: []string{"/"}}
	byRule, byLevel, open := bind(t, rules), bind(t, access), bind(t, exempt)
	rules.Rules["/"], exempt.Exempt[0] = claims.AnyToken(), "/other"
	delete(access.Access, "/")
	for want, tab := range map[string]*table.Table{"all scopes a": byRule, "levels": byLevel, "next": open} {
		h, _ := tab.Handler("GET", "/")
		assert.Equal(t, says(want), h)
	}
}

// silent is a Guard of another make.
type silent struct{ open bool }

func (s silent) Require(claims.Rule) func(http.Handler) http.Handler {
	if s.open {
		return always(shadow{})
	}
	return always(http.NotFoundHandler())
}

func (s silent) RequireAccess(claims.AccessLevels) func(http.Handler) http.Handler {
	return s.Require(claims.Rule{})
}

type shadow struct{ http.Handler }

func (shadow) Requires(string, string) (access string, ruled bool) { return "nothing", false }

func TestATableTrustsNoGuardThatDoesNotSayWhatItWants(t *testing.T) {
	t.Parallel()
	p := table.Policy{Access: map[string]claims.AccessLevels{"/a": {Resources: []string{"api://a"}}}}
	for _, g := range []silent{{open: false}, {open: true}} {
		plan, err := table.New("test", g, p, anyPattern)
		require.NoError(t, err)
		for _, pattern := range []string{"/a", "/missing", ""} {
			access, ruled := plan.Bind(says("next")).Requires("GET", pattern)
			assert.NotEmpty(t, access)
			assert.False(t, ruled)
		}
	}
}
