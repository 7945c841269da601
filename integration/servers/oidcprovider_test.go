package servers_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/servers"
)

func TestOIDCProvider(t *testing.T) {
	t.Parallel()
	s := servers.New(t, servers.OIDCProvider)
	f := s.Facts()
	a := start(t, f)

	t.Run("a token is what RFC 9068 asks for", func(t *testing.T) {
		t.Parallel()
		header, payload := read(t, token(t, f, f.Reads))
		assert.Equal(t, "at+jwt", header["typ"])
		assert.Equal(t, f.Audience, payload["aud"])
		assert.Equal(t, "get", payload["scope"])
		assert.Equal(t, f.ClientID, payload["client_id"])
		assert.NotEmpty(t, payload["jti"])
	})
	t.Run("it has both discovery documents", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
			response, document := fetch(t, f.Issuer+path)
			assert.Equal(t, http.StatusOK, response.StatusCode, path)
			assert.Equal(t, f.Issuer, document["issuer"], path)
		}
	})
	t.Run("nothing says how long its keys may be kept", func(t *testing.T) {
		t.Parallel()
		response, _ := fetch(t, f.JWKSURL)
		assert.Empty(t, response.Header.Get("Cache-Control"))
	})
	t.Run("without a resource the token is opaque", func(t *testing.T) {
		t.Parallel()
		opaque := token(t, f, with(f.Reads, "resource", ""))
		assert.NotContains(t, opaque, ".")
		refusedFor(t, a, opaque, "malformed")
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

// Some of its clients get RS384 by default. The example lists more algorithms
// than the library does by default, and PS384 is not among them.
func TestAnAlgorithmIsGoodWhereTheAPIListsIt(t *testing.T) {
	t.Parallel()
	s := servers.New(t, servers.OIDCProvider)
	f := s.Facts()
	a := start(t, f)
	for _, alg := range []string{"PS256", "ES256", "EdDSA", "Ed25519", "RS384", "PS384"} {
		s.Rotate(t, alg)
		signed := token(t, f, f.Reads)
		header, _ := read(t, signed)
		assert.Equal(t, alg, header["alg"])
		if alg == "PS384" {
			refusedFor(t, a, signed, "unsupported_alg")
		} else {
			assert.Equal(t, http.StatusOK, get(t, a.URL+"/orders", signed).status, alg)
		}
	}
}
