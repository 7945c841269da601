package middleware_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

// scheme is a binding of tokens that come by a scheme of their own.
type scheme struct {
	binding
	challenge middleware.Challenge
	required  bool
	offer     [][2]string
}

func (s *scheme) Challenge() middleware.Challenge { return s.challenge }
func (s *scheme) Required() bool                  { return s.required }
func (s *scheme) Offer(*http.Request) [][2]string { return s.offer }
func (s *scheme) Describe() map[string]any {
	return map[string]any{"dpop_bound_access_tokens_required": s.required}
}

func (s *scheme) guard(t *testing.T) *middleware.Guard {
	t.Helper()
	return newGuard(t, middleware.Config{Bindings: []middleware.Binding{s}})
}

func newScheme(required bool) *scheme {
	return &scheme{
		binding:   binding{members: []string{"jkt"}},
		challenge: middleware.Challenge{Scheme: "DPoP", Params: [][2]string{{"algs", "ES256 EdDSA"}}},
		required:  required,
	}
}

func TestTheSchemesOfBindings(t *testing.T) {
	t.Parallel()
	const (
		bareBearer = `Bearer realm="api"`
		bareDPoP   = `DPoP realm="api", algs="ES256 EdDSA"`
	)
	shared := &middleware.Error{
		Status: 401, Reason: reason.UnsupportedBinding, Header: [][2]string{{"dpop-nonce", "n-1"}},
		Challenges: []middleware.Challenge{{Scheme: "DPoP", Params: [][2]string{{"error", "use_dpop_nonce"}}}},
	}
	for name, row := range map[string]struct {
		required   bool
		fails      error
		header     []string
		status     int
		challenges []string
	}{
		"63 a token by the scheme passes":                   {header: []string{"DPoP " + bound}, status: 200},
		"63 in any case":                                    {header: []string{"dpop " + bound}, status: 200},
		"a token without cnf by Bearer passes":              {header: []string{"Bearer " + reader}, status: 200},
		"66 no credentials: both challenges, no error":      {status: 401, challenges: []string{bareBearer, bareDPoP}},
		"66 another scheme: likewise":                       {header: []string{"Basic eDp5"}, status: 401, challenges: []string{bareBearer, bareDPoP}},
		"66 where it is required Bearer is another scheme":  {required: true, header: []string{"Bearer " + reader}, status: 401, challenges: []string{bareDPoP}},
		"66 and is not asked for":                           {required: true, status: 401, challenges: []string{bareDPoP}},
		"a bad token by the scheme: the error is there":     {header: []string{"DPoP x"}, status: 401, challenges: []string{`DPoP realm="api", error="invalid_token", algs="ES256 EdDSA"`, bareBearer}},
		"a bad token by Bearer: the error is there":         {header: []string{"Bearer x"}, status: 401, challenges: []string{`Bearer realm="api", error="invalid_token"`, bareDPoP}},
		"4 two lines are 400, of the first scheme":          {header: []string{"DPoP x", "Bearer x"}, status: 400, challenges: []string{`Bearer realm="api", error="invalid_request"`}},
		"a comma in the credentials is 400":                 {header: []string{"DPoP a,b"}, status: 400, challenges: []string{`Bearer realm="api", error="invalid_request"`}},
		"a missing scope is told by the scheme that it had": {header: []string{"DPoP " + bound}, status: 403, challenges: []string{`DPoP realm="api", error="insufficient_scope", scope="orders.read orders.write"`}},
		"65 the binding's own challenge and header are kept": {
			fails: shared, header: []string{"DPoP " + bound}, status: 401,
			challenges: []string{`DPoP error="use_dpop_nonce", algs="ES256 EdDSA"`, bareBearer},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScheme(row.required)
			s.err, s.offer = row.fails, [][2]string{{"DPoP-Nonce", "n-2"}}
			rule := allReads()
			if row.status == 403 {
				rule = allWrites()
			}
			w := serve(s.guard(t).Require(rule)(handler), request(row.header...))
			assert.Equal(t, row.status, w.Code)
			assert.Equal(t, row.challenges, w.Header().Values("WWW-Authenticate"))
			want := map[bool]string{true: "n-2"}[row.status == 200] // offered to who passes
			if row.fails != nil {
				want = "n-1"
			}
			assert.Equal(t, want, w.Header().Get("DPoP-Nonce"))
		})
	}
	assert.Len(t, shared.Challenges, 1, "an error that a binding shares is not changed")
	assert.Len(t, shared.Challenges[0].Params, 1)
}

func TestDenyPresentsTheSchemesToo(t *testing.T) {
	t.Parallel()
	w := serve(deny(newScheme(false).guard(t), reason.Expired), request())
	assert.Equal(t, []string{`Bearer realm="api", error="invalid_token"`, `DPoP realm="api", algs="ES256 EdDSA"`}, w.Header().Values("WWW-Authenticate"))
}

func TestNothingIsOfferedWithoutAToken(t *testing.T) {
	t.Parallel()
	s := newScheme(false)
	s.offer = [][2]string{{"DPoP-Nonce", "n-2"}}
	w := serve(s.guard(t).Optional(handler), request())
	assert.Equal(t, 200, w.Code)
	assert.Empty(t, w.Header().Get("DPoP-Nonce"))
}

func TestSchemesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	named := func(name string, required bool, member string) *scheme {
		s := newScheme(required)
		s.challenge.Scheme, s.members = name, []string{member}
		return s
	}
	for want, bindings := range map[string][]middleware.Binding{
		`"Bearer" is no scheme of a SchemeBinding`:     {named("Bearer", false, "a")},
		`"D PoP" is no scheme of a SchemeBinding`:      {named("D PoP", false, "a")},
		`the scheme dpop is there twice`:               {named("DPoP", false, "a"), named("dpop", false, "b")},
		`a scheme is required, and there is another`:   {named("DPoP", true, "a"), named("Own", false, "b")},
		`a scheme is required, and there is another o`: {named("Own", false, "a"), named("DPoP", true, "b")},
	} {
		_, err := middleware.New(middleware.Config{Verifier: newTokens(t), Bindings: bindings})
		require.ErrorContains(t, err, want)
	}
}

func TestRow77EveryChallengeNamesTheMetadata(t *testing.T) {
	t.Parallel()
	const named = `resource_metadata="https://api.example/.well-known/oauth-protected-resource/orders"`
	g := newGuard(t, middleware.Config{Bindings: []middleware.Binding{newScheme(false)}, Resource: "https://api.example/orders", ChallengeScope: true})
	for name, row := range map[string]struct {
		rule       claims.Rule
		header     []string
		challenges []string
	}{
		"77 no credentials":     {allReads(), nil, []string{`Bearer realm="api", ` + named + `, scope="orders.read"`, `DPoP realm="api", algs="ES256 EdDSA", ` + named + `, scope="orders.read"`}},
		"77 a bad token":        {allReads(), []string{"DPoP x"}, []string{`DPoP realm="api", error="invalid_token", algs="ES256 EdDSA", ` + named + `, scope="orders.read"`, `Bearer realm="api", ` + named + `, scope="orders.read"`}},
		"95 a missing scope":    {allWrites(), []string{"Bearer " + reader}, []string{`Bearer realm="api", error="insufficient_scope", scope="orders.read orders.write", ` + named}},
		"77 a malformed header": {allReads(), []string{"Bearer"}, []string{`Bearer realm="api", error="invalid_request", ` + named}},
		"78 a step-up": {
			claims.AllOf(claims.AnyACR("mfa", "pwd"), claims.AuthenticatedWithin(300e9)),
			[]string{"Bearer " + reader},
			[]string{`Bearer realm="api", error="insufficient_user_authentication", acr_values="mfa pwd", max_age="300", ` + named, `DPoP realm="api", algs="ES256 EdDSA", ` + named},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := serve(g.Require(row.rule)(handler), request(row.header...))
			assert.Equal(t, row.challenges, w.Header().Values("WWW-Authenticate"))
		})
	}
}
