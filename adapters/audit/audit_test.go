package audit_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/adapters/audit"
)

// door wants the same of every route.
type door struct {
	access string
	ruled  bool
}

func (d door) Requires(string, string) (access string, ruled bool) { return d.access, d.ruled }
func (door) ServeHTTP(http.ResponseWriter, *http.Request)          {}

// table knows one entry.
type table struct{ entry string }

func (t table) Requires(string, string) (access string, ruled bool) { return "a rule", true }
func (t table) Entries() []string                                   { return []string{t.entry, "/pattern-only"} }

func (t table) Entry(method, pattern string) string {
	if method+" "+pattern == t.entry {
		return t.entry
	}
	return ""
}

func TestARouteSaysWhatItsDoorsRequire(t *testing.T) {
	t.Parallel()
	token, rule, other, exempt := door{"a token", false}, door{"a scope", true}, door{"a role", true}, door{"", true}
	for _, row := range []struct {
		name  string
		doors []audit.Door
		want  string
	}{
		{"without a door it is forgotten", nil, "GET /a -> FORGOTTEN: nothing"},
		{"a nil door is none", []audit.Door{nil}, "GET /a -> FORGOTTEN: nothing"},
		{"a door without a rule leaves it forgotten", []audit.Door{token}, "GET /a -> FORGOTTEN: a token"},
		{"a rule decides", []audit.Door{rule}, "GET /a -> a scope"},
		{"a rule says more than a token", []audit.Door{token, rule}, "GET /a -> a scope"},
		{"two rules both hold", []audit.Door{rule, other}, "GET /a -> a scope, and a role"},
		{"an exemption decides", []audit.Door{exempt}, "GET /a -> open to everybody"},
		{"an exemption leaves other doors shut", []audit.Door{exempt, token}, "GET /a -> a token"},
		{"and rules in force", []audit.Door{exempt, rule}, "GET /a -> a scope"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, audit.RouteBehind("GET", "/a", row.doors...).String())
		})
	}
}

func TestDoorOf(t *testing.T) {
	t.Parallel()
	assert.Equal(t, door{"x", true}, audit.DoorOf(door{"x", true}))
	assert.Nil(t, audit.DoorOf(http.NotFoundHandler()))
	assert.Nil(t, audit.DoorOf(nil))
}

func report() audit.Report {
	return audit.Report{
		{Method: "POST", Pattern: "/b", Access: "a scope"},
		{Method: "GET", Pattern: "/b", Forgotten: true},
		{Method: "GET", Pattern: "/a", Access: "a token", Forgotten: true},
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := report()
	r.Sort()
	assert.Equal(t, "GET   /a  -> FORGOTTEN: a token\nGET   /b  -> FORGOTTEN: nothing\nPOST  /b  -> a scope\n", r.String())
	assert.Equal(t, r[:2], r.Forgotten())
	assert.EqualError(t, r.Err(), "audit: no rule protects GET /a (it requires a token)\naudit: no rule protects GET /b (it requires nothing)")

	assert.Empty(t, audit.Report(nil).String())
	assert.NoError(t, audit.Report(nil).Err())
	assert.NoError(t, r[2:].Err())
}

func TestOpen(t *testing.T) {
	t.Parallel()
	r := report()
	assert.NoError(t, r.Open("GET /a", "/b"))
	assert.NoError(t, r.Err())
	assert.Equal(t, "a token", r[2].Access, "what it asks for stays what it is")

	r = report()
	assert.EqualError(t, r.Open("PUT /a", "/c", "GET /b"),
		"audit: \"PUT /a\" is declared open, but there is no such route\naudit: \"/c\" is declared open, but there is no such route")
	assert.Len(t, r.Forgotten(), 1)
}

func TestUnusedEntries(t *testing.T) {
	t.Parallel()
	const gone = `audit: the entry "/pattern-only" of the policy names no route`
	assert.EqualError(t, report().Unused(table{"GET /b"}, nil), gone)
	assert.EqualError(t, report().Unused(table{"GET /c"}, nil), `audit: the entry "GET /c" of the policy names no route`+"\n"+gone)
	assert.EqualError(t, report().Unused(table{"GET /b"}, func(string, string) bool { return false }), gone)
	assert.NoError(t, report().Unused(table{"GET /c"}, func(method, pattern string) bool {
		return method == "GET" && pattern == "/c" || method == "" && pattern == "/pattern-only"
	}))
}
