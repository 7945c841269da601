package mcpauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/adapters/mcpauth"
	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestEveryMistakeOfAPolicyIsReported(t *testing.T) {
	t.Parallel()
	gate, err := sallyport.New("https://issuer.example/", audience)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, gate.Close()) })
	for _, row := range []struct {
		name  string
		rules map[string]claims.Rule
		wants []string
	}{
		{"no entry", nil, []string{"no entry at all"}},
		{"no method", map[string]claims.Rule{"": claims.AnyToken()}, []string{`entry "": write a method`}},
		{"a method that no header can have", map[string]claims.Rule{"tools\tcall": claims.AnyToken(), "värktyg": claims.AnyToken()}, []string{`"tools\tcall"`, `"värktyg"`}},
		{"a name of a method without", map[string]claims.Rule{"tools/list x": claims.AnyToken(), "tool/call x": claims.AnyToken()}, []string{"tools/list", "messages of \"tool/call\" have no name"}},
		{"what the SDK obeys by itself", map[string]claims.Rule{"notifications/cancelled": claims.AllScopes("x")}, []string{`"notifications/cancelled": the SDK obeys it`}},
		{"an empty name", map[string]claims.Rule{"tools/call ": claims.AnyToken(), "tools/call  x": claims.AnyToken()}, []string{`"tools/call ": the name is empty`, `"tools/call  x"`}},
		{"a faulty rule", map[string]claims.Rule{"tools/list": claims.AllScopes("a b")}, []string{`"tools/list"`, `"a b"`}},
		{"one address and all of them", map[string]claims.Rule{"resources/read": claims.AnyToken(), "resources/read file:///secret": claims.AllScopes("x")}, []string{`"resources/read file:///secret"`, "another spelling"}},
	} {
		_, err := mcpauth.New(gate, mcpauth.Policy{Rules: row.rules})
		for _, want := range row.wants {
			assert.ErrorContains(t, err, want, row.name)
		}
	}
	_, err = mcpauth.New(gate, mcpauth.Policy{Rules: map[string]claims.Rule{"tools/call a": claims.AnyToken(), "tools/call": {}, "resources/read x": claims.AnyToken(), "ping": claims.AllScopes("x")}})
	assert.NoError(t, err)
}

func TestWhatWasNotMadeRefusesEverything(t *testing.T) {
	t.Parallel()
	_, err := mcpauth.New(nil, policy())
	assert.ErrorContains(t, err, "the Guard is nil")
	_, err = mcpauth.New((*middleware.Guard)(nil), policy())
	assert.ErrorContains(t, err, "the Guard is nil")
	var gate *sallyport.Gate
	_, err = mcpauth.New(gate, policy())
	assert.ErrorContains(t, err, "the Guard is nil")

	server := mcp.NewServer(&mcp.Implementation{Name: "t", Version: "1"}, nil)
	get := func(*http.Request) *mcp.Server { return server }
	zero, err := mcpauth.New(new(middleware.Guard), policy())
	require.NoError(t, err)
	var none *mcpauth.Table
	for name, table := range map[string]*mcpauth.Table{"a table of the zero Guard": zero, "the zero Table": {}, "no Table": none} {
		w := serve(table.Handler(get, nil), httptest.NewRequest(http.MethodPost, "/mcp", http.NoBody))
		assert.Equal(t, http.StatusServiceUnavailable, w.Code, name)
		assert.NotEmpty(t, w.Header().Get("Retry-After"), name)
	}
	assert.Panics(t, func() { zero.Handler(nil, nil) })
	_, err = none.Audit(t.Context(), server)
	assert.ErrorContains(t, err, "not made by New")
}

// A Guard of somebody else that lets a call pass without claims opens nothing.
func TestAGuardWithoutClaimsOpensNothing(t *testing.T) {
	t.Parallel()
	table, err := mcpauth.New(blind{}, policy())
	require.NoError(t, err)
	server := mcp.NewServer(&mcp.Implementation{Name: "t", Version: "1"}, nil)
	w := serve(table.Handler(func(*http.Request) *mcp.Server { return server }, nil), httptest.NewRequest(http.MethodPost, "/mcp", http.NoBody))
	assert.Equal(t, http.StatusTeapot, w.Code)
}

// blind is a Guard that checks nothing.
type blind struct{}

func (blind) Require(claims.Rule) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return next }
}

func (blind) Check(r *http.Request, _ claims.Rule) (*http.Request, *claims.Claims, error) {
	return r, nil, nil
}

func (blind) Deny(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusTeapot) }

// What clients may ask for is in the metadata: the scopes of all entries.
func TestTheMetadataNamesTheScopesOfTheTable(t *testing.T) {
	t.Parallel()
	k := newKit(t, config{})
	h, err := k.gate.MetadataHandler(middleware.Metadata{})
	require.NoError(t, err)
	w := serve(h, httptest.NewRequest(http.MethodGet, k.gate.MetadataPath(), http.NoBody))
	assert.Contains(t, w.Body.String(), `"scopes_supported":["admin","get","post"]`)
}
