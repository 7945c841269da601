package verifier_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// template is the name of an issuer of many tenants, and a token's of one.
const (
	templateName = "https://login.example/{tenantid}/v2.0"
	tenantGUID   = "11111111-2222-3333-4444-555555555555"
)

func TestAReplacementTakesOverWhatIsUnchanged(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		change func(*world)
		seen   bool
	}{
		"nothing":               {func(*world) {}, true},
		"what is of every call": {func(w *world) { w.cfg.Leeway = -1 }, true},
		"another issuer":        {second("https://other.example"), true},
		"an audience":           {func(w *world) { w.issuer().Audiences = append(slices.Clone(w.issuer().Audiences), "api://more") }, false},
		"a client":              {clients("test-client"), false},
		"an algorithm":          {algorithms("RS256", "ES256", "PS256", "EdDSA"), false},
		"a type":                {types("at+jwt", "JWT", ""), false},
		"keys":                  {func(w *world) { w.issuer().Keys = w.KeySet() }, false},
		"the cache":             {func(w *world) { w.cfg.CacheBytes = 1 << 20 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v, token := w.verifier(t), w.Token()
			_, _, err := v.VerifySeen(t.Context(), token, false)
			require.NoError(t, err)
			r.change(w)
			next, done, err := v.Replacement(w.cfg)
			require.NoError(t, err)
			_, seen, err := v.VerifySeen(t.Context(), token, false)
			assert.NoError(t, err)
			assert.True(t, seen, "until then nothing has changed")
			done()
			_, seen, err = next.VerifySeen(t.Context(), token, false)
			assert.NoError(t, err)
			assert.Equal(t, r.seen, seen)
			_, _, err = v.VerifySeen(t.Context(), token, false)
			assert.NoError(t, err, "the old one goes on")
		})
	}
}

func TestAReplacementHoldsSeenTokensToThePolicyThatItHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, token := w.verifier(t), w.Token()
	for range 2 {
		_, err := v.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	w.issuer().Audiences = []string{"api://other"}
	next, done, err := v.Replacement(w.cfg)
	require.NoError(t, err)
	done()
	for range 2 {
		_, err = next.Verify(t.Context(), token)
		assert.ErrorIs(t, err, reason.WrongAudience)
		_, err = v.Verify(t.Context(), token) // of a call under way: it must not revive what the other refuses
		assert.NoError(t, err)
	}
	w.cfg.Issuers[0].Name = "https://renamed.example"
	last, done, err := next.Replacement(w.cfg)
	require.NoError(t, err)
	done()
	_, err = last.Verify(t.Context(), token)
	assert.ErrorIs(t, err, reason.UnknownIssuer)
}

func TestAReplacementKnowsTemplates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.issuer()
	i.Name, i.Tenants = templateName, []string{tenantGUID}
	v := w.verifier(t)
	next, done, err := v.Replacement(w.cfg)
	require.NoError(t, err)
	done()
	assert.Equal(t, v.Issuers(), next.Issuers())
	i.Tenants = []string{"11111111-2222-3333-4444-666666666666"}
	narrowed, done, err := next.Replacement(w.cfg)
	require.NoError(t, err)
	done()
	_, err = narrowed.Verify(t.Context(), w.Token(jwkstest.Claims{"iss": "https://login.example/" + tenantGUID + "/v2.0", "tid": tenantGUID}))
	assert.ErrorIs(t, err, reason.UnknownTenant)
}

func TestATenantOfATemplateThatIsNamedByItselfLosesWhatWasSeen(t *testing.T) {
	t.Parallel()
	const own = "https://login.example/" + tenantGUID + "/v2.0"
	for name, r := range map[string]struct {
		issuer string
		seen   bool
	}{
		"the tenant's own":    {own, false},
		"another tenant's":    {"https://login.example/22222222-2222-3333-4444-555555555555/v2.0", false}, // of all that the template covers
		"of another template": {"https://login.example/" + tenantGUID + "/v1.0", true},
	} {
		w := newWorld(t)
		i := w.issuer()
		i.Name, i.Tenants, i.KeyIssuer = templateName, []string{tenantGUID}, ""
		key := w.NewKey("ES256", jwkstest.JWK{"issuer": templateName})
		w.Publish(key)
		i.Keys = w.KeySet()
		v, token := w.verifier(t), w.Token(jwkstest.WithKey(key), jwkstest.Claims{"iss": own, "tid": tenantGUID})
		_, err := v.Verify(t.Context(), token)
		require.NoError(t, err, name)
		exact := *i
		exact.Name, exact.Tenants = r.issuer, nil
		w.cfg.Issuers = append(w.cfg.Issuers, exact)
		next, done, err := v.Replacement(w.cfg)
		require.NoError(t, err, name)
		done()
		_, seen, err := next.VerifySeen(t.Context(), token, false)
		require.NoError(t, err, name)
		assert.Equal(t, r.seen, seen, name)
		last, done, err := next.Replacement(w.cfg)
		require.NoError(t, err, name)
		done()
		_, seen, err = last.VerifySeen(t.Context(), token, false)
		require.NoError(t, err, name)
		assert.True(t, seen, "%s: nothing has changed since", name)
	}
}

func TestMistakesOfAReplacement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.verifier(t).Replacement(verifier.Config{})
	assert.ErrorContains(t, err, "no Issuers")
	for _, v := range []*verifier.Verifier{nil, {}} {
		_, _, err = v.Replacement(w.cfg)
		assert.ErrorContains(t, err, "not made by New")
	}
}
