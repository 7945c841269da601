package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-go/sallyport/examples/orders/api"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAlgorithmsAndTypesThatAreAccepted(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	w := start(t, trusting(issuer))
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"} {
		for _, typ := range []any{"at+jwt", "JWT", nil} {
			token := issuer.Token(jwkstest.WithAlgorithm(alg), jwkstest.Header{"typ": typ})
			assert.Equal(t, http.StatusOK, w.get("/orders", token).status, "%s %v", alg, typ)
		}
	}
	assert.Empty(t, w.reasons())
	assert.Equal(t, http.StatusUnauthorized, w.get("/orders", issuer.Token(jwkstest.WithAlgorithm("PS512"))).status)
	assert.Equal(t, http.StatusUnauthorized, w.get("/orders", issuer.Token(jwkstest.Header{"typ": "logout+jwt"})).status)
	assert.Equal(t, []string{"unsupported_alg", "unsupported_type"}, w.reasons())
}

func TestWhereLevelsComeFrom(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t, jwkstest.Claims{"scope": nil})
	w := start(t, trusting(issuer))
	type claims = jwkstest.Claims
	for name, row := range map[string]struct {
		claims claims
		want   int
	}{
		"scope, short":                           {claims{"scope": "get"}, 200},
		"scope, qualified by the audience":       {claims{"scope": audience + "/get"}, 200},
		"scope, an array":                        {claims{"scope": []string{"post", "get"}}, 200},
		"scp":                                    {claims{"scp": "post get"}, 200},
		"scp, an array":                          {claims{"scp": []string{"get"}}, 200},
		"permissions":                            {claims{"permissions": []string{"get"}}, 200},
		"permissions, qualified":                 {claims{"permissions": []string{audience + "/get"}}, 200},
		"roles of an app, by idtyp":              {claims{"idtyp": "app", "roles": []string{"get"}}, 200},
		"roles of an app, by gty":                {claims{"gty": "client-credentials", "roles": []string{"get"}}, 200},
		"roles of an app, for it has no scope":   {claims{"roles": []string{audience + "/get"}}, 200},
		"roles of a user":                        {claims{"idtyp": "user", "roles": []string{"get"}}, 403},
		"roles beside a delegated scope":         {claims{"scp": "openid", "roles": []string{"get"}}, 403},
		"qualified by another resource":          {claims{"scope": "api://other/get"}, 403},
		"another level":                          {claims{"scope": "post put delete"}, 403},
		"in capitals":                            {claims{"scope": "GET"}, 403},
		"the literal .default stands for nobody": {claims{"scope": ".default"}, 403},
		"none at all":                            {claims{}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, row.want, w.in(t).get("/orders", issuer.Token(row.claims)).status)
		})
	}
}

func TestForeignTokensAreRefused(t *testing.T) {
	t.Parallel()
	ours, foreign := newIssuer(t), newIssuer(t)
	other := newIssuer(t, jwkstest.WithAudience("api://other"))
	cfg := trusting(ours)
	cfg.Issuers = append(cfg.Issuers, api.Issuer{Name: other.Issuer(), Audiences: []string{"api://other"}})
	w := start(t, cfg)
	for _, row := range []struct {
		name, token, reason string
	}{
		{"an issuer that is not trusted", foreign.Token(), "unknown_issuer"},
		{"a foreign key under our issuer's name", foreign.Token(jwkstest.Claims{"iss": ours.Issuer()}, jwkstest.Header{"kid": ours.Key().ID()}), "bad_signature"},
		{"one of our issuers for the audience of the other", ours.Token(jwkstest.WithAudience("api://other")), "wrong_audience"},
		{"no token", "", "no_token"},
		{"something that is no JWT", "opaque", "malformed"},
		{"longer than 8 KiB", strings.Repeat("a", 9<<10), "too_large"},
	} {
		before := len(w.reasons())
		a := w.get("/orders", row.token)
		assert.Equal(t, http.StatusUnauthorized, a.status, row.name)
		assert.True(t, strings.HasPrefix(a.challenge(), `Bearer realm="orders"`), a.challenge())
		assert.Equal(t, []string{row.reason}, w.reasons()[before:], row.name)
	}
	assert.Zero(t, foreign.Fetches()+foreign.DiscoveryFetches(), "a foreign iss causes no fetch")
	assert.Equal(t, http.StatusOK, w.get("/orders", ours.Token()).status)
	assert.Equal(t, http.StatusOK, w.get("/orders", other.Token()).status)
}

func TestLeeway(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	for name, row := range map[string]struct {
		leeway time.Duration
		want   int
	}{
		"half a minute unless it is said": {0, 200},
		"none":                            {-1, 401},
		"ten seconds":                     {10 * time.Second, 401},
		"a minute":                        {time.Minute, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := trusting(issuer)
			cfg.Leeway = row.leeway
			w := start(t, cfg)
			require.Equal(t, http.StatusOK, w.get("/orders", issuer.Token()).status)
			late := issuer.Token(jwkstest.Claims{"exp": time.Now().Add(-15 * time.Second)})
			assert.Equal(t, row.want, w.get("/orders", late).status)
		})
	}
}
