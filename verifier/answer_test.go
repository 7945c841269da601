package verifier_test

import (
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

// asking is a verifier in front of which the issuer is asked about tokens.
func asking(t *testing.T, iss *jwkstest.Issuer) (*verifier.Verifier, *introspection.Verifier) {
	t.Helper()
	jwts := must(verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name: iss.Issuer(), Audiences: []string{audience}, Keys: iss.KeySet(), Required: []string{"client_id"},
	}}}))
	v := must(introspection.New(jwts, introspection.Config{
		Issuer: iss.Issuer(), Endpoint: iss.IntrospectionURL(),
		Credentials: introspection.Basic(jwkstest.IntrospectionClient, introspection.Fixed(jwkstest.IntrospectionSecret)),
	}))
	t.Cleanup(func() { assert.NoError(t, v.Close()) })
	return jwts, v
}

func TestAnAnswerIsJudgedAsATokenIs(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"), jwkstest.WithAudience(audience))
	_, v := asking(t, iss)
	for name, row := range map[string]struct {
		changes jwkstest.Claims
		want    reason.Code
	}{
		"a good one":                {nil, ""},
		"for another API":           {jwkstest.Claims{"aud": "api://other"}, reason.WrongAudience},
		"of another issuer":         {jwkstest.Claims{"iss": "https://other.example"}, reason.UnknownIssuer},
		"not valid yet":             {jwkstest.Claims{"nbf": time.Now().Add(time.Hour)}, reason.NotYetValid},
		"issued in the future":      {jwkstest.Claims{"iat": time.Now().Add(time.Hour)}, reason.IssuedInFuture},
		"bound to its sender":       {jwkstest.Claims{"cnf": map[string]any{"jkt": "x"}}, reason.UnsupportedBinding},
		"without a required member": {jwkstest.Claims{"client_id": nil}, reason.MissingClaim},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := iss.OpaqueToken(row.changes)
			c, err := v.Verify(t.Context(), token)
			report := v.Explain(t.Context(), token)
			if row.want == "" {
				require.NoError(t, err)
				assert.Equal(t, iss.Issuer(), c.Issuer())
				assert.True(t, report.OK)
				return
			}
			require.ErrorIs(t, err, row.want)
			assert.Equal(t, row.want, report.Reason)
		})
	}
}

func TestHowLongAgoAndHowMuchLonger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for ago, want := range map[time.Duration]time.Duration{
		time.Minute: 30 * time.Second, 20 * time.Second: 0, 0: 0, -20 * time.Second: 0, -time.Minute: -30 * time.Second,
	} {
		assert.Equal(t, want, v.Elapsed(noon.Add(-ago)), "%v ago", ago)
	}
	c, err := v.Verify(t.Context(), w.Token(jwkstest.Claims{"exp": noon.Add(time.Minute)}))
	require.NoError(t, err)
	assert.Equal(t, 90*time.Second, v.Remaining(c))
}

func TestExplainRuleTellsOfTheLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rule := claims.AllOf(claims.AnyACR("mfa"), claims.AuthenticatedWithin(time.Minute))
	for name, row := range map[string]struct {
		claims jwkstest.Claims
		ok     bool
		found  string
	}{
		"a good login": {jwkstest.Claims{"acr": "mfa", "auth_time": noon.Unix()}, true, ""},
		"a weak one":   {jwkstest.Claims{"acr": "pwd", "auth_time": noon.Unix()}, false, `acr "pwd", auth_time`},
		"none told":    {nil, false, "no acr, no auth_time"},
	} {
		report := w.verifier(t).ExplainRule(t.Context(), w.Token(row.claims), rule)
		assert.Equal(t, row.ok, report.OK, name)
		if !row.ok {
			assert.Equal(t, reason.InsufficientUserAuthentication, report.Reason, name)
			assert.Contains(t, report.Hint, row.found, name)
		}
	}
}
