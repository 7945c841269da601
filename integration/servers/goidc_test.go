package servers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/servers"
)

func TestGoOIDC(t *testing.T) {
	t.Parallel()
	f := servers.New(t, servers.GoOIDC).Facts()
	a := start(t, f)

	t.Run("a token is at+jwt", func(t *testing.T) {
		t.Parallel()
		header, payload := read(t, token(t, f, f.Reads))
		assert.Equal(t, "at+jwt", header["typ"])
		assert.Equal(t, f.Audience, payload["aud"])
		assert.Equal(t, "get", payload["scope"])
	})
	t.Run("without a resource it has no aud", func(t *testing.T) {
		t.Parallel()
		open := token(t, f, with(f.Reads, "resource", ""))
		_, payload := read(t, open)
		assert.NotContains(t, payload, "aud")
		refusedFor(t, a, open, "missing_claim")
	})
	t.Run("a token that is bound by DPoP is refused as a bearer token", func(t *testing.T) {
		t.Parallel()
		bound, err := f.Bound(t.Context(), f.Reads)
		require.NoError(t, err)
		_, payload := read(t, bound)
		assert.Contains(t, payload, "cnf")
		refusedFor(t, a, bound, "unsupported_binding")
	})
	t.Run("its keys must not be stored", func(t *testing.T) {
		t.Parallel()
		response, _ := fetch(t, f.JWKSURL)
		assert.Contains(t, response.Header.Get("Cache-Control"), "no-store")
	})
}
