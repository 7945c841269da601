package middleware_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

var _ middleware.Verifier = (*verifier.Verifier)(nil)

// whole is a Guard over a real Verifier and the keys of a fake issuer.
func whole(t *testing.T, iss *jwkstest.Issuer, cfg middleware.Config) *middleware.Guard {
	t.Helper()
	keys, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer(), Client: iss.Client()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, keys.Close()) })
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{
		Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: keys,
	}}})
	require.NoError(t, err)
	cfg.Verifier = v
	return newGuard(t, cfg)
}

func TestRealTokens(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	g := whole(t, iss, middleware.Config{})
	now := time.Now()
	for _, row := range []struct {
		name, token string
		status      int
		reason      reason.Code
	}{
		{"97 an expired token", iss.Token(jwkstest.Claims{"exp": now.Add(-time.Hour).Unix()}), 401, reason.Expired},
		{"49 a token for another audience", iss.Token(jwkstest.Claims{"aud": "api://other", "scope": "orders.read"}), 401, reason.WrongAudience},
		{"a tampered token", iss.Token(jwkstest.Claims{"scope": "orders.read"}) + "AAAA", 401, reason.BadSignature},
		{"a malformed token", "nonsense", 401, reason.Malformed},
		{"a token bound to a key of its sender", iss.Token(jwkstest.Claims{"scope": "orders.read", "cnf": map[string]any{"jkt": "x"}}), 401, reason.UnsupportedBinding},
		{"15 a scope in another case", iss.Token(jwkstest.Claims{"scope": "Orders.Read"}), 403, reason.InsufficientScope},
		{"15 a scope among others in any order", iss.Token(jwkstest.Claims{"scope": "z orders.read a"}), 200, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := g.Check(withToken(row.token), allReads())
			assert.Equal(t, row.status, serve(g.Require(allReads())(handler), withToken(row.token)).Code)
			if row.reason == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, row.reason)
		})
	}
}

func TestAnOutageBeforeTheFirstKeysIsA503(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	iss.Fail(http.StatusBadGateway)
	g := whole(t, iss, middleware.Config{})
	r := withToken(iss.Token(jwkstest.Claims{"scope": "orders.read"}))
	_, _, err := g.Check(r, claims.AnyToken())
	require.ErrorIs(t, err, reason.KeysUnavailable)
	w := serve(g.Require(allReads())(handler), r)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
	assert.NotContains(t, w.Header(), "Www-Authenticate")
	assert.NotEmpty(t, w.Header().Get("Retry-After"))
}

// Not parallel: it counts what the whole process allocates.
func TestAllocationsWithARealVerifier(t *testing.T) {
	iss := jwkstest.New(t)
	g := whole(t, iss, middleware.Config{})
	r := withToken(iss.Token(jwkstest.Claims{"scope": "orders.read get"}))
	_, _, err := g.Check(r, claims.AnyToken()) // from here on the token is known
	require.NoError(t, err)
	bare := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	floor := allocations(bare, r)
	for name, h := range map[string]http.Handler{
		"Require":       g.Require(allReads())(bare),
		"RequireAccess": g.RequireAccess(claims.AccessLevels{Resources: []string{iss.Audience()}})(bare),
	} {
		t.Run(name, func(t *testing.T) {
			got := allocations(h, r) - floor
			t.Logf("%.0f allocations over the bare handler", got)
			if !raceEnabled {
				assert.LessOrEqual(t, got, 4.0)
			}
		})
	}
}
