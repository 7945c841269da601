package middleware_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

func TestChallenge(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		in   middleware.Challenge
		want string
	}{
		{"parameters are separated by commas", middleware.Challenge{Scheme: "DPoP", Params: params{{"error", "use_dpop_nonce"}, {"algs", "ES256 PS256"}}}, `DPoP error="use_dpop_nonce", algs="ES256 PS256"`},
		{"09 the first of a name is kept, whatever its case", middleware.Challenge{Scheme: "Bearer", Params: params{{"realm", "a"}, {"REALM", "b"}, {"error", "c"}, {"realm", "d"}}}, `Bearer realm="a", error="c"`},
		{"10 quotes and backslashes are escaped", middleware.Challenge{Scheme: "Bearer", Params: params{{"realm", `a"b\c`}}}, `Bearer realm="a\"b\\c"`},
		{"10 line breaks are dropped", middleware.Challenge{Scheme: "Bearer", Params: params{{"realm", "a\r\nSet-Cookie: x=y"}}}, `Bearer realm="aSet-Cookie: x=y"`},
		{"10 UTF-8 and control characters are dropped", middleware.Challenge{Scheme: "Bearer", Params: params{{"realm", "a\u00e5\u2028\x00\x7fb"}}}, `Bearer realm="ab"`},
		{"13 an empty value is still a quoted-string", middleware.Challenge{Scheme: "Bearer", Params: params{{"realm", ""}}}, `Bearer realm=""`},
		{"a name that is no token is left out", middleware.Challenge{Scheme: "Bearer", Params: params{{"a b", "x"}, {"", "y"}, {"c", "z"}}}, `Bearer c="z"`},
		{"a scheme that is no token leaves nothing", middleware.Challenge{Scheme: "Bearer x=\"y\",", Params: params{{"realm", "a"}}}, ""},
		{"a scheme may stand alone", middleware.Challenge{Scheme: "Negotiate"}, "Negotiate"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, row.in.String())
		})
	}
}

func TestAChallengeKeepsEveryPrintableCharacter(t *testing.T) {
	t.Parallel()
	var all, want strings.Builder
	for c := range 0x100 {
		all.WriteByte(byte(c))
		switch {
		case c == '"' || c == '\\':
			want.WriteString(`\` + string(rune(c)))
		case c >= ' ' && c <= '~':
			want.WriteByte(byte(c))
		}
	}
	line := middleware.Challenge{Scheme: "Bearer", Params: params{{"realm", all.String()}}}.String()
	assert.Equal(t, `Bearer realm="`+want.String()+`"`, line)
}

func TestRealm(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, realm, want string }{
		{"08 without a realm the challenge still has a parameter", "", `Bearer realm="api"`},
		{"13 the realm is a quoted-string", "orders of the day", `Bearer realm="orders of the day"`},
		{"13 a realm with quotes is escaped", `the "orders" \ api`, `Bearer realm="the \"orders\" \\ api"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Realm: row.realm})
			w := serve(g.Authenticate(handler), request())
			assert.Equal(t, []string{row.want}, w.Header()["Www-Authenticate"])
		})
	}
}

// A rule, a Binding or a user's own Error may bring any text into a challenge.
func TestChallengesOfOwnErrors(t *testing.T) {
	t.Parallel()
	evil := "x\"\r\nX-Evil: 1\u00e5\\"
	for _, row := range []struct {
		name string
		err  middleware.Error
		want []string
	}{
		{"10 injected text cannot leave its quotes", middleware.Error{Status: 401, Challenges: []middleware.Challenge{{Scheme: "Bearer", Params: params{{"realm", evil}, {evil, "x"}}}}}, []string{`Bearer realm="x\"X-Evil: 1\\"`}},
		{"07 a 401 without challenges gets the usual one", middleware.Error{Status: 401, Reason: reason.Expired}, []string{`Bearer realm="api", error="invalid_token"`}},
		{"07 a 401 for want of credentials gets the one without an error", middleware.Error{Status: 401, Reason: reason.NoToken}, []string{`Bearer realm="api"`}},
		{"07 a 401 with a challenge that cannot be written gets the usual one", middleware.Error{Status: 401, Reason: reason.Expired, Challenges: []middleware.Challenge{{Scheme: evil}}}, []string{`Bearer realm="api", error="invalid_token"`}},
		{"07 a challenge that cannot be written takes no other away", middleware.Error{Status: 401, Challenges: []middleware.Challenge{{Scheme: evil}, {Scheme: "Bearer"}}}, []string{`Bearer realm="api"`}},
		{"08 a bare scheme gets the realm", middleware.Error{Status: 401, Challenges: []middleware.Challenge{{Scheme: "Bearer"}}}, []string{`Bearer realm="api"`}},
		{"a 400 without challenges gets the usual one", middleware.Error{Status: 400, Reason: reason.InvalidRequest}, []string{`Bearer realm="api", error="invalid_request"`}},
		{"a 403 without challenges gets the usual one", middleware.Error{Status: 403, Reason: reason.WrongClient}, []string{`Bearer realm="api", error="insufficient_scope"`}},
		{"several challenges are several lines", middleware.Error{Status: 401, Challenges: []middleware.Challenge{{Scheme: "Bearer"}, {Scheme: "DPoP", Params: params{{"algs", "ES256"}}}}}, []string{`Bearer realm="api"`, `DPoP algs="ES256"`}},
		{"a 503 has none", middleware.Error{Status: 503, Reason: reason.KeysUnavailable, Challenges: []middleware.Challenge{{Scheme: "Bearer"}}}, nil},
		{"a 429 has none of its own", middleware.Error{Status: 429}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{})
			w := serve(deny(g, &row.err), request())
			assert.Equal(t, row.err.Status, w.Code)
			assert.Equal(t, row.want, w.Header()["Www-Authenticate"])
			assert.NotContains(t, w.Header(), "X-Evil")
		})
	}
}

func TestTheScopeOfTheRuleInA401(t *testing.T) {
	t.Parallel()
	bound := &binding{members: []string{"jkt"}, err: &middleware.Error{Status: 401, Challenges: []middleware.Challenge{
		{Scheme: "DPoP", Params: params{{"algs", "ES256"}}}, {Scheme: "bearer", Params: params{{"realm", "api"}}}, {Scheme: "Bearer", Params: params{{"scope", "own"}}},
	}}}
	for _, row := range []struct {
		name      string
		cfg       middleware.Config
		around    func(*middleware.Guard) http.Handler
		request   *http.Request
		challenge []string
	}{
		{"of one without a token", middleware.Config{}, requires(allWrites()), request(), []string{`Bearer realm="api", scope="orders.read orders.write"`}},
		{"of a bad token", middleware.Config{}, requires(allReads()), withToken("bad"), []string{`Bearer realm="api", error="invalid_token", scope="orders.read"`}},
		{"of an access level", middleware.Config{}, func(g *middleware.Guard) http.Handler { return g.RequireAccess(orders())(handler) }, request(), []string{`Bearer realm="api", scope="get"`}},
		{"not of a rule without a scope", middleware.Config{}, requires(claims.AnyRole("Admin")), request(), []string{`Bearer realm="api"`}},
		{"not of any token", middleware.Config{}, func(g *middleware.Guard) http.Handler { return g.Authenticate(handler) }, request(), []string{`Bearer realm="api"`}},
		{"not of a 400", middleware.Config{}, requires(allReads()), request("Bearer"), []string{`Bearer realm="api", error="invalid_request"`}},
		{"once in a 403", middleware.Config{}, requires(allWrites()), withToken(reader), []string{`Bearer realm="api", error="insufficient_scope", scope="orders.read orders.write"`}},
		{"in Bearer challenges of a Binding that name none", middleware.Config{Bindings: []middleware.Binding{bound}}, requires(allReads()), withToken(reader), []string{`DPoP algs="ES256"`, `bearer realm="api", scope="orders.read"`, `Bearer scope="own"`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.cfg.ChallengeScope = true
			g := newGuard(t, row.cfg)
			for range 2 { // what is added is added once
				assert.Equal(t, row.challenge, serve(row.around(g), row.request).Header()["Www-Authenticate"])
			}
		})
	}
	w := serve(newGuard(t, middleware.Config{}).Require(allWrites())(handler), request())
	assert.Equal(t, []string{`Bearer realm="api"`}, w.Header()["Www-Authenticate"], "only if it is asked for")
}

func requires(rule claims.Rule) func(*middleware.Guard) http.Handler {
	return func(g *middleware.Guard) http.Handler { return g.Require(rule)(handler) }
}
