package introspection_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func check(t *testing.T, r verifier.Report, name string) verifier.Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	require.Failf(t, "no such check", "%s in %+v", name, r.Checks)
	return verifier.Check{}
}

func TestExplainAgreesWithVerify(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	w.cfg.Tokens = introspection.All
	v := w.open(t)
	tokens := map[string]string{
		"good": w.OpaqueToken(), "a JWT": w.Token(), "made up": "made-up", "too long": string(make([]byte, 9000)), "no token": "a b",
		"a JWT that has expired": w.Token(jwkstest.Claims{"exp": time.Now().Add(-time.Hour)}),
		"a JWT of a stranger":    w.Token(jwkstest.Claims{"iss": "https://another.example/"}),
	}
	revoked := w.Token()
	w.Revoke(revoked)
	tokens["a JWT that was revoked"] = revoked
	for name, f := range w.ForgedAnswers() {
		tokens[name] = w.OpaqueTokenOf(f)
	}
	for name, token := range tokens {
		good(t, v, w.OpaqueToken())
		report := v.Explain(t.Context(), token)
		good(t, v, w.OpaqueToken())
		_, err := v.Verify(t.Context(), token)
		assert.Equal(t, err == nil, report.OK, name)
		if err != nil {
			assert.ErrorIs(t, err, report.Reason, name)
			assert.NotEmpty(t, report.Hint, name)
		}
	}
}

func TestExplainSaysWhatWasAskedAndAnswered(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	v := w.open(t)
	rule := claims.AllScopes("orders.read")

	report := v.ExplainRule(t.Context(), w.OpaqueToken(jwkstest.Claims{"scope": "orders.read"}), rule)
	assert.True(t, report.OK)
	asked := check(t, report, "introspection")
	assert.Contains(t, asked.Found, "active true, with 9 members")
	assert.Contains(t, asked.Expected, "active true, by "+w.IntrospectionURL())
	assert.Equal(t, `"`+audience+`"`, check(t, report, "audience").Found)

	report = v.ExplainRule(t.Context(), w.OpaqueToken(jwkstest.WithAudience("api://another")), rule)
	assert.Equal(t, reason.WrongAudience, report.Reason)
	assert.Equal(t, `"api://another"`, check(t, report, "audience").Found)
	assert.True(t, check(t, report, "rule").Skipped)

	report = v.ExplainRule(t.Context(), "made-up", rule)
	assert.Contains(t, check(t, report, "introspection").Found, "active false")
	assert.Contains(t, report.Hint, "calls the token inactive")
	assert.True(t, check(t, report, "rule").Skipped)

	w.serve(http.StatusUnauthorized, nil, "")
	report = v.Explain(t.Context(), "token")
	assert.Contains(t, check(t, report, "introspection").Found, "401 Unauthorized: are the Credentials right?")
	assert.Contains(t, report.Hint, "could not be asked")
}

func TestExplainOfAJWTSaysWhetherItWasRevoked(t *testing.T) {
	t.Parallel()
	w := onSocket(t)
	w.cfg.Tokens = introspection.JWTs
	v, rule := w.open(t), claims.AllScopes("orders.read")
	token := w.Token(jwkstest.Claims{"scope": "orders.read"})
	report := v.ExplainRule(t.Context(), token, rule)
	assert.True(t, report.OK)
	assert.Equal(t, "introspection", report.Checks[len(report.Checks)-2].Name)
	w.Revoke(token)
	report = v.ExplainRule(t.Context(), token, rule)
	assert.Equal(t, reason.Revoked, report.Reason)
	assert.True(t, check(t, report, "rule").Skipped)
	assert.Contains(t, report.Hint, "was revoked")
	w.serve(http.StatusBadGateway, nil, "")
	assert.Equal(t, reason.RevocationUnavailable, v.Explain(t.Context(), token).Reason)
}
