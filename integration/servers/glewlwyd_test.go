package servers_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/servers"
)

func TestGlewlwyd(t *testing.T) {
	t.Parallel()
	s := servers.New(t, servers.Glewlwyd)
	f := s.Facts()
	a := start(t, f)

	t.Run("a token is at+jwt and says so again", func(t *testing.T) {
		t.Parallel()
		header, payload := read(t, token(t, f, f.Reads))
		assert.Equal(t, "at+jwt", header["typ"])
		assert.Equal(t, "access_token", payload["type"])
		assert.Equal(t, f.Issuer, payload["iss"])
		assert.Equal(t, "get", payload["scope"])
	})
	t.Run("the discovery document is below the plugin, its issuer is the bare host", func(t *testing.T) {
		t.Parallel()
		response, document := fetch(t, f.Issuer+"/api/oidc/.well-known/openid-configuration")
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, f.Issuer, document["issuer"])
		assert.Equal(t, f.JWKSURL, document["jwks_uri"])
		response, _ = fetch(t, f.Issuer+"/.well-known/openid-configuration")
		assert.NotEqual(t, http.StatusOK, response.StatusCode)
	})
	t.Run("by its issuer alone the keys are not found, which is no fault of the token", func(t *testing.T) {
		t.Parallel()
		lost := start(t, servers.Facts{Issuer: f.Issuer, Audience: f.Audience})
		answer := get(t, lost.URL+"/orders", token(t, f, f.Reads))
		assert.Equal(t, http.StatusServiceUnavailable, answer.status)
		assert.Empty(t, answer.challenge)
		logs(t, lost, "keys cannot be had")
	})
	t.Run("without a resource aud is the list of scopes", func(t *testing.T) {
		t.Parallel()
		scopes := token(t, f, with(with(f.Reads, "resource", ""), "scope", "get post"))
		_, payload := read(t, scopes)
		assert.Equal(t, "get post", payload["aud"])
		refusedFor(t, a, scopes, "wrong_audience")
	})
	t.Run("a resource has to be a URL", func(t *testing.T) {
		t.Parallel()
		_, err := f.Token(t.Context(), with(f.Reads, "resource", "api://orders"))
		assert.ErrorContains(t, err, "invalid_target")
	})
	t.Run("a token that is bound by DPoP is refused as a bearer token", func(t *testing.T) {
		t.Parallel()
		bound, err := f.Bound(t.Context(), f.Reads)
		require.NoError(t, err)
		_, payload := read(t, bound)
		assert.Contains(t, payload, "cnf")
		refusedFor(t, a, bound, "unsupported_binding")
	})
}

func TestGlewlwydTakesANewKeyWhenItsPluginIsReset(t *testing.T) {
	t.Parallel()
	s := servers.New(t, servers.Glewlwyd)
	f := s.Facts()
	a := start(t, f)
	before, _ := read(t, token(t, f, f.Reads))
	resetter, ok := s.(interface {
		Reset(t *testing.T, alg string)
	})
	require.True(t, ok)
	resetter.Reset(t, "ES256")
	next := token(t, f, f.Reads)
	after, _ := read(t, next)
	assert.NotEqual(t, before["kid"], after["kid"])
	assert.Equal(t, http.StatusOK, get(t, a.URL+"/orders", next).status)
}
