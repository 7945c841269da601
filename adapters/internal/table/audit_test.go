package table_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/adapters/internal/table"
	"github.com/sallyport-go/sallyport/claims"
)

// door requires the same of every route.
type door struct {
	access string
	ruled  bool
}

func (d door) Requires(string, string) (access string, ruled bool) { return d.access, d.ruled }
func (door) ServeHTTP(http.ResponseWriter, *http.Request)          {}

func TestDoorOf(t *testing.T) {
	t.Parallel()
	assert.Equal(t, door{"x", true}, table.DoorOf(door{"x", true}))
	assert.Nil(t, table.DoorOf(http.NotFoundHandler()))
	assert.Nil(t, table.DoorOf(nil))
}

func TestARouteRequiresWhatItsDoorsRequire(t *testing.T) {
	t.Parallel()
	token, rule, other, exempt := door{"a token", false}, door{"a scope", true}, door{"a role", true}, door{"", true}
	for _, row := range []struct {
		name  string
		doors []table.Door
		want  string
	}{
		{"without a door it is forgotten", nil, "FORGOTTEN: nothing"},
		{"a nil door is none", []table.Door{nil}, "FORGOTTEN: nothing"},
		{"a door without a rule leaves it forgotten", []table.Door{token}, "FORGOTTEN: a token"},
		{"a rule decides", []table.Door{rule}, "a scope"},
		{"a rule requires more than a token", []table.Door{token, rule}, "a scope"},
		{"two rules both hold", []table.Door{rule, other}, "a scope, and a role"},
		{"an exemption decides", []table.Door{exempt}, "open to everybody"},
		{"an exemption leaves other doors shut", []table.Door{exempt, token}, "a token"},
		{"and rules in force", []table.Door{exempt, rule}, "a scope"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var a table.Audit
			a.Add("GET", "/a", row.doors...)
			report, err := a.Report(nil, nil)
			assert.Equal(t, "GET  /a  -> "+row.want+"\n", report.String())
			if access, forgotten := strings.CutPrefix(row.want, "FORGOTTEN: "); forgotten {
				assert.EqualError(t, err, "audit: no rule protects GET /a (it requires "+access+")")
			} else {
				assert.NoError(t, err)
			}
		})
	}
}

func TestRoutesThatAreOpenOnPurpose(t *testing.T) {
	t.Parallel()
	routes := func() *table.Audit {
		var a table.Audit
		a.AddUnrouted("NoRoute", door{"a scope", true})
		a.Add("POST", "/b", door{"a scope", true})
		a.Add("GET", "/b")
		a.Add("GET", "/a", door{"a token", false})
		return &a
	}
	report, err := routes().Report([]string{"GET /a", "/b"}, nil)
	require.NoError(t, err)
	assert.Equal(t, "GET   /a       -> a token\nGET   /b       -> open to everybody\nPOST  /b       -> a scope\n*     NoRoute  -> a scope\n", report.String())

	report, err = routes().Report([]string{"PUT /a", "/c", "GET /b"}, nil)
	assert.EqualError(t, err, "audit: \"PUT /a\" is declared open, but there is no such route\n"+
		"audit: \"/c\" is declared open, but there is no such route\naudit: no rule protects GET /a (it requires a token)")
	assert.Len(t, report, 4)
}

func TestEntriesThatDecideAboutNoRoute(t *testing.T) {
	t.Parallel()
	const gone = `audit: the entry "/pattern-only" of the policy names no route`
	plan, err := table.New("test", guard{}, table.Policy{Rules: map[string]claims.Rule{
		"GET /b": claims.AnyToken(), "/pattern-only": claims.AnyToken(), "NoRoute": claims.AnyToken(),
	}}, anyPattern)
	require.NoError(t, err)
	for _, row := range []struct {
		name, route string
		known       func(method, pattern string) bool
		want        string
	}{
		{"one of two", "/b", nil, gone},
		{"both, by their order", "/c", nil, gone + "\n" + `audit: the entry "GET /b" of the policy names no route`},
		{"one that the router does not know either", "/b", func(string, string) bool { return false }, gone},
		{"none, for the router knows it", "/b", func(method, pattern string) bool { return method == "" && pattern == "/pattern-only" }, ""},
	} {
		var a table.Audit
		for range 2 { // a plan is asked once, however often it is bound
			a.Add("HEAD", row.route, plan.Bind(says("next")), door{"a scope", true})
		}
		_, err := a.Report(nil, row.known)
		if row.want == "" {
			assert.NoError(t, err, row.name)
		} else {
			assert.EqualError(t, err, row.want, row.name)
		}
	}
}
