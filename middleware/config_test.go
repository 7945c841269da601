package middleware_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestAllMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	cfg := middleware.Config{
		Realm:         "caf\u00e9",
		Exempt:        []string{"GET /healthz", "GET /healthz", "no-slash", ""},
		Bindings:      []middleware.Binding{nil, &binding{}, &binding{members: []string{"jkt"}}, &binding{members: []string{"jkt"}}, &binding{members: []string{""}}},
		Preflight:     func(http.Handler) http.Handler { return nil },
		MeterProvider: brokenMeters{},
	}
	_, err := middleware.New(cfg)
	require.Error(t, err)
	for _, text := range []string{
		"middleware: Config.Verifier is missing",
		"middleware: Config.Realm",
		`middleware: Config.Exempt: pattern "GET /healthz": `,
		`middleware: Config.Exempt: pattern "no-slash": `,
		`middleware: Config.Exempt: pattern "": `,
		"middleware: Config.Bindings[0] is nil",
		"middleware: Config.Bindings[1] confirms no member of cnf",
		`middleware: Config.Bindings[3] confirms "jkt", which another one confirms already`,
		"middleware: Config.Bindings[4] confirms a member of cnf without a name",
		"middleware: Config.Preflight returned no handler",
		"middleware: Config.MeterProvider refused an instrument: no more instruments",
	} {
		assert.ErrorContains(t, err, text)
	}
	assert.EqualError(t, cfg.Validate(), strings.TrimPrefix(err.Error(), "middleware: Config.Verifier is missing: without one no token can be verified\n"), "Validate leaves the Verifier to New")
	assert.NoError(t, middleware.Config{Realm: " ~"}.Validate())
	assert.ErrorContains(t, middleware.Config{Realm: "a\tb"}.Validate(), "Config.Realm")
	assert.NotContains(t, err.Error(), "registered at", "no path of the machine that it was built on")
}

func TestNewSeesThroughANilPointer(t *testing.T) {
	t.Parallel()
	var none *tokens
	_, err := middleware.New(middleware.Config{Verifier: none})
	assert.ErrorContains(t, err, "middleware: Config.Verifier is missing")
}

func TestVerifierThatIsNoPointer(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{Verifier: verifierFunc(func(context.Context, string) (*claims.Claims, error) {
		return nil, reason.Expired
	})})
	assert.Equal(t, 401, serve(g.Authenticate(g.Authenticate(handler)), withToken(reader)).Code)
}

// Configuration that is changed after construction changes nothing.
func TestConfigurationIsCopied(t *testing.T) {
	t.Parallel()
	exempt := []string{"/healthz"}
	bindings := []middleware.Binding{&binding{members: []string{"jkt"}}}
	g := newGuard(t, middleware.Config{Exempt: exempt, Bindings: bindings})
	exempt[0], bindings[0] = "/", nil
	rules := map[string]claims.Rule{"/orders": allWrites()}
	enforce, err := g.Enforce(middleware.Policy{Rules: rules})
	require.NoError(t, err)
	rules["/orders"] = claims.AnyToken()
	assert.Equal(t, 403, serve(enforce(handler), withToken(reader)).Code)
	assert.Equal(t, 401, serve(enforce(handler), request()).Code)
	assert.Equal(t, 401, serve(enforce(handler), httptest.NewRequest(http.MethodGet, "/elsewhere", nil)).Code)
}

// stricter is a Verifier around another one, whose other methods it has too.
type stricter struct{ *verifier.Verifier }

func (s stricter) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	if _, err := s.Verifier.Verify(ctx, token); err != nil {
		return nil, err
	}
	return nil, reason.Denied
}

// What a Verifier adds to the one that it holds is not passed by.
func TestAVerifierAroundAnotherOneDecides(t *testing.T) {
	t.Parallel()
	v, iss := newIssued(t)
	seen := &events{}
	g := newGuard(t, middleware.Config{Verifier: stricter{v}, OnEvent: seen.add})
	assert.Equal(t, 403, serve(g.Authenticate(handler), withToken(iss.Token())).Code)
	assert.Equal(t, []string{"refused denied"}, seen.lines())
}
