package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

const invalid, insufficient = "invalid_token", "insufficient_scope"

// expected is every reason and what a caller sees of it.
var expected = map[reason.Code]struct {
	status int
	code   string
}{
	reason.NoToken: {401, ""}, reason.UnsupportedScheme: {401, ""},
	reason.InvalidRequest: {400, "invalid_request"},
	reason.Malformed:      {401, invalid}, reason.TooLarge: {401, invalid}, reason.UnsupportedAlg: {401, invalid}, reason.UnsupportedType: {401, invalid},
	reason.CriticalHeader: {401, invalid}, reason.UnknownIssuer: {401, invalid}, reason.UnknownTenant: {401, invalid}, reason.UnknownKey: {401, invalid}, reason.UnusableKey: {401, invalid},
	reason.BadSignature: {401, invalid}, reason.MalformedClaims: {401, invalid}, reason.MissingClaim: {401, invalid}, reason.Expired: {401, invalid},
	reason.NotYetValid: {401, invalid}, reason.IssuedInFuture: {401, invalid}, reason.TooOld: {401, invalid}, reason.WrongAudience: {401, invalid},
	reason.WrongClient: {401, invalid}, reason.UnsupportedBinding: {401, invalid}, reason.WrongCertificate: {401, invalid}, reason.Revoked: {401, invalid},
	reason.KeysUnavailable: {503, ""}, reason.RevocationUnavailable: {503, ""}, reason.Canceled: {503, ""},
	reason.Inactive: {401, "invalid_token"}, reason.IntrospectionUnavailable: {503, ""},
	reason.InsufficientScope: {403, insufficient}, reason.InsufficientRole: {403, insufficient}, reason.WrongCaller: {403, insufficient}, reason.Denied: {403, insufficient},
	reason.InsufficientUserAuthentication: {401, "insufficient_user_authentication"},
	reason.InvalidDPoPProof:               {401, "invalid_dpop_proof"}, reason.ReplayedDPoPProof: {401, "invalid_dpop_proof"}, reason.UseDPoPNonce: {401, "use_dpop_nonce"},
	reason.ProofsUnavailable: {503, ""},
	"a_code_of_tomorrow":     {401, invalid},
}

func TestEveryReasonOfAVerifierHasItsAnswer(t *testing.T) {
	t.Parallel()
	for _, code := range declaredReasons(t) {
		require.Contains(t, expected, code, "reason.go has a code that this table does not know")
	}
	require.Len(t, declaredReasons(t), len(expected)-1)
	for code, want := range expected {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			meter := newMeasured()
			v := newTokens(t)
			v.errs["refused"] = &verifier.Error{Reason: code}
			v.errs["wrapped"] = fmt.Errorf("own verifier: %w", code)
			g := newGuard(t, middleware.Config{Verifier: v, MeterProvider: meter.meters})
			answers := []*httptest.ResponseRecorder{
				serve(g.Authenticate(handler), withToken("refused")),
				serve(g.Authenticate(handler), withToken("wrapped")),
				serve(deny(g, code), request()),
				serve(deny(g, v.errs["refused"]), request()),
			}
			for _, w := range answers {
				assert.Equal(t, want.status, w.Code)
				switch {
				case want.status == 503:
					assert.NotContains(t, w.Header(), "Www-Authenticate")
					assert.Equal(t, []string{"1"}, w.Header()["Retry-After"])
				case want.code == "":
					assert.Equal(t, []string{`Bearer realm="api"`}, w.Header()["Www-Authenticate"])
				default:
					assert.Equal(t, []string{`Bearer realm="api", error="` + want.code + `"`}, w.Header()["Www-Authenticate"])
				}
				assert.Equal(t, []string{"no-store"}, w.Header()["Cache-Control"])
				assert.NotContains(t, w.Body.String(), string(code)+" ", "the reason stays inside")
			}
			counted := code
			if code == "a_code_of_tomorrow" {
				counted = "other"
			}
			assert.Equal(t, map[string]int64{"outcome=refused reason=" + string(counted): 2}, meter.counts(t))
		})
	}
}

// declaredReasons reads the codes from the source, so that a new one cannot be forgotten here.
func declaredReasons(t *testing.T) (codes []reason.Code) {
	t.Helper()
	source, err := os.ReadFile("../reason/reason.go")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile(`Code = "([a-z_]+)"`).FindAllSubmatch(source, -1) {
		codes = append(codes, reason.Code(found[1]))
	}
	return codes
}

func TestError(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	_, _, err := g.Check(withToken(writer), claims.AllScopes("a", "b"))
	assert.EqualError(t, err, "middleware: 403 insufficient_scope, missing a b")
	_, _, err = g.Check(request(), claims.AnyToken())
	assert.EqualError(t, err, "middleware: 401 no_token")
	_, _, err = g.Check(withToken("bad"), claims.AnyToken())
	assert.EqualError(t, err, `middleware: 401 bad_signature: verifier: bad_signature, issuer "https://issuer.example", kid "k1"`)
	var ve *verifier.Error
	assert.ErrorAs(t, err, &ve)
	assert.ErrorIs(t, err, reason.BadSignature)
	assert.NotErrorIs(t, err, reason.Expired)
	assert.NotErrorIs(t, &middleware.Error{}, reason.Code(""))
	assert.ErrorIs(t, &middleware.Error{Reason: "own"}, reason.Code("own"), "without a cause")
}

// What one caller does to its Error must not show in the next one's.
func TestErrorsAreNotShared(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	rule := allWrites()
	for range 2 {
		_, _, err := g.Check(withToken(reader), rule)
		var e *middleware.Error
		require.ErrorAs(t, err, &e)
		assert.NotContains(t, e.Missing, "changed")
		assert.Equal(t, "api", e.Challenges[0].Params[0][1])
		e.Missing[0], e.Challenges[0].Params[0][1], e.Status = "changed", "changed", 400
	}
	h := g.Require(rule)(handler)
	for range 2 {
		w := serve(h, withToken(reader))
		for name, values := range w.Header() {
			assert.NotContains(t, values, "changed", name)
			values[0] = "changed"
		}
	}
}

func TestDenyOfAnyOtherError(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		err    error
		status int
	}{
		{"an error of one's own is a 403", errors.New("not your order: secret"), 403},
		{"nil is a 403", nil, 403},
		{"a nil *Error is a 403", (*middleware.Error)(nil), 403},
		{"a nil *verifier.Error is a 403", (*verifier.Error)(nil), 403},
		{"a nil *Error in another error is a 403", fmt.Errorf("own check: %w", (*middleware.Error)(nil)), 403},
		{"a deadline is a 503", fmt.Errorf("own check: %w", context.DeadlineExceeded), 503},
		{"a cancellation is a 503", context.Canceled, 503},
		{"a status that is no refusal becomes the reason's", &middleware.Error{Status: 200, Reason: reason.Denied}, 403},
		{"an empty Error is a 401", &middleware.Error{}, 401},
		{"another status of the right kind stays", &middleware.Error{Status: 429, RetryAfter: time.Minute}, 429},
		{"a 500 stays", &middleware.Error{Status: 500, Challenges: []middleware.Challenge{{Scheme: "Bearer"}}}, 500},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := serve(deny(newGuard(t, middleware.Config{}), row.err), request())
			assert.Equal(t, row.status, w.Code)
			assert.NotContains(t, w.Body.String(), "secret")
			if row.status == 429 {
				assert.Equal(t, "60", w.Header().Get("Retry-After"))
				assert.Equal(t, "Too Many Requests\n", w.Body.String())
			}
			if row.status == 500 {
				assert.NotContains(t, w.Header(), "Retry-After")
				assert.NotContains(t, w.Header(), "Www-Authenticate")
			}
		})
	}
}

func TestACauseIsKeptForTheLog(t *testing.T) {
	t.Parallel()
	cause := errors.New("of its own")
	var seen *middleware.Error
	g := newGuard(t, middleware.Config{ErrorBody: func(_ http.ResponseWriter, _ *http.Request, e *middleware.Error) { seen = e }})
	w := serve(deny(g, cause), request())
	assert.Equal(t, http.StatusForbidden, w.Code)
	require.ErrorIs(t, seen, cause)
	assert.Equal(t, reason.Denied, seen.Reason)
}
