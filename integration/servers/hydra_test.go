package servers_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/servers"
)

func TestHydra(t *testing.T) {
	t.Parallel()
	s := servers.New(t, servers.Hydra)
	f := s.Facts()
	a := start(t, f)

	t.Run("a token is of typ JWT and has its scopes twice", func(t *testing.T) {
		t.Parallel()
		header, payload := read(t, token(t, f, f.Reads))
		assert.Equal(t, "JWT", header["typ"])
		assert.Equal(t, []any{f.Audience}, payload["aud"])
		assert.Equal(t, "get", payload["scope"])
		assert.Equal(t, []any{"get"}, payload["scp"])
		assert.Equal(t, map[string]any{}, payload["ext"])
	})
	t.Run("its issuer ends with a slash", func(t *testing.T) {
		t.Parallel()
		_, payload := read(t, token(t, f, f.Reads))
		assert.Equal(t, f.Issuer, payload["iss"])
		assert.Equal(t, "/", f.Issuer[len(f.Issuer)-1:])
		bare := f
		bare.Issuer = f.Issuer[:len(f.Issuer)-1]
		refusedFor(t, start(t, bare), token(t, f, f.Reads), "unknown_issuer")
	})
	t.Run("a token for no audience in particular is refused", func(t *testing.T) {
		t.Parallel()
		open := token(t, f, with(f.Reads, "audience", ""))
		_, payload := read(t, open)
		assert.Equal(t, []any{}, payload["aud"])
		refusedFor(t, a, open, "wrong_audience")
	})
	t.Run("it has the document of OpenID Connect alone", func(t *testing.T) {
		t.Parallel()
		response, document := fetch(t, f.Issuer+".well-known/openid-configuration")
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, f.Issuer, document["issuer"])
		response, _ = fetch(t, f.Issuer+".well-known/oauth-authorization-server")
		assert.Equal(t, http.StatusNotFound, response.StatusCode)
	})
	t.Run("its keys must not be stored, and are kept all the same", func(t *testing.T) {
		t.Parallel()
		response, _ := fetch(t, f.JWKSURL)
		assert.Contains(t, response.Header.Get("Cache-Control"), "no-store")
		assert.Equal(t, http.StatusOK, get(t, a.URL+"/orders", token(t, f, f.Reads)).status)
	})
}

func TestAKeyThatHydraDeletesSignsNothingGoodAnyMore(t *testing.T) {
	t.Parallel()
	s := servers.New(t, servers.Hydra)
	f := s.Facts()
	a := start(t, f, "-jwks-refresh", "1s")
	old := token(t, f, f.Reads)
	header, _ := read(t, old)
	s.Rotate(t, "ES256")
	assert.Equal(t, http.StatusOK, get(t, a.URL+"/orders", old).status)
	retirer, ok := s.(interface {
		Retire(t *testing.T, kid string)
	})
	require.True(t, ok)
	retirer.Retire(t, header["kid"].(string))
	assert.Eventually(t, func() bool { return get(t, a.URL+"/orders", old).status == http.StatusUnauthorized }, 10*time.Second, 100*time.Millisecond)
	refusedFor(t, a, old, "unknown_key")
	assert.Equal(t, http.StatusOK, get(t, a.URL+"/orders", token(t, f, f.Reads)).status)
}
