package sallyport_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/providers"
	"github.com/sallyport-go/sallyport/reason"
)

// leaking is an issuer with a key that has leaked, and another one.
func leaking(t *testing.T) (iss *jwkstest.Issuer, leaked, next *jwkstest.Key) {
	t.Helper()
	iss = newIssuer(t)
	leaked, next = iss.Key(), iss.NewKey("ES256")
	iss.Publish(next)
	return iss, leaked, next
}

// fetching is a Fetcher of the owner's own.
func fetching(t *testing.T, iss *jwkstest.Issuer) *jwks.Fetcher {
	t.Helper()
	f, err := jwks.NewFetcher(jwks.FetcherConfig{Issuer: iss.Issuer()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, f.Close()) })
	return f
}

// given is a Provider whose keys are these.
func given(iss *jwkstest.Issuer, keys jwks.KeySet) providers.Provider {
	p := providers.Generic(iss.Issuer(), audience)
	p.Issuers[0].Tokens.Keys = keys
	return p
}

func TestADistrustedKeyStaysSoInKeysThatAreGivenLater(t *testing.T) {
	t.Parallel()
	iss, leaked, next := leaking(t)
	g := open(t, trusting(given(iss, fetching(t, iss))))
	h, bad, good := g.Authenticate(ok), iss.Token(jwkstest.WithKey(leaked)), iss.Token(jwkstest.WithKey(next))
	require.Equal(t, 200, status(h, bad))
	require.NoError(t, g.Distrust(iss.Issuer(), leaked.ID()))
	require.Equal(t, 401, status(h, bad))

	require.NoError(t, g.Replace(t.Context(), trusting(given(iss, fetching(t, iss)))))
	assert.Equal(t, 401, status(h, bad), "another Fetcher")
	assert.Equal(t, 200, status(h, good))

	both := iss.KeySet()
	assert.ErrorContains(t, g.Replace(t.Context(), trusting(given(iss, both))), `which Distrust was called for: leave it out`)
	assert.Equal(t, 401, status(h, bad), "a fixed set that has it")
	assert.Equal(t, 200, status(h, good))

	iss.Remove(leaked.ID())
	require.NoError(t, g.Replace(t.Context(), trusting(given(iss, iss.KeySet()))))
	assert.Equal(t, 401, status(h, bad))
	assert.Equal(t, 200, status(h, good))
}

func TestADistrustedKeyStaysSoInKeysOfARow(t *testing.T) {
	t.Parallel()
	iss, leaked, next := leaking(t)
	for name, want := range map[string]struct {
		row       providers.Provider
		bad, good reason.Code
	}{
		"a Fetcher of the owner's own": {given(iss, fetching(t, iss)), reason.UnknownKey, ""},
		"a fixed set":                  {given(iss, iss.KeySet()), reason.KeysUnavailable, reason.KeysUnavailable},
	} {
		r := newRows()
		r.put(iss.Issuer(), want.row)
		g := openTenants(t, r)
		require.NoError(t, g.Distrust(iss.Issuer(), leaked.ID()), "it was not asked for yet")
		for _, of := range []struct {
			key  *jwkstest.Key
			code reason.Code
		}{{next, want.good}, {leaked, want.bad}} {
			_, err := g.Verify(t.Context(), iss.Token(jwkstest.WithKey(of.key)))
			if of.code == "" {
				assert.NoError(t, err, name)
				continue
			}
			assert.Equal(t, of.code, reasonOf(t, err), name)
		}
	}
}

func TestACallThatWaitsForATenantsKeysIsNotServedADistrustedOne(t *testing.T) {
	t.Parallel()
	iss := newIssuer(t)
	r := newRows()
	r.put(iss.Issuer(), providers.Generic(iss.Issuer(), audience))
	g := openTenants(t, r)
	require.Equal(t, 200, status(g.Authenticate(ok), iss.Token()))
	leaked := iss.NewKey("ES256")
	got, release := callThatWaits(t, g, iss, leaked)
	require.NoError(t, g.Distrust(iss.Issuer(), leaked.ID()))
	release()
	assert.Equal(t, 401, <-got)
}
