package servers_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/integration/servers"
)

// What typ a token has is left to the user of the library.
func TestFosite(t *testing.T) {
	t.Parallel()
	f := servers.New(t, servers.Fosite).Facts()
	a := start(t, f)
	header, payload := read(t, token(t, f, f.Reads))
	assert.Equal(t, "JWT", header["typ"], "unless it is set")
	assert.Equal(t, []any{f.Audience}, payload["aud"])
	assert.Equal(t, "get", payload["scope"])
	for _, typ := range []string{"JWT", "at+jwt", "at+JWT", "application/at+jwt"} {
		t.Run(typ+" is good", func(t *testing.T) {
			t.Parallel()
			good := token(t, f, with(f.Reads, "typ", typ))
			header, _ := read(t, good)
			assert.Equal(t, typ, header["typ"])
			assert.Equal(t, http.StatusOK, get(t, a.URL+"/orders", good).status)
		})
	}
	for _, typ := range []string{"dpop+jwt", "logout+jwt", "id_token"} {
		t.Run(typ+" is no access token", func(t *testing.T) {
			t.Parallel()
			refusedFor(t, a, token(t, f, with(f.Reads, "typ", typ)), "unsupported_type")
		})
	}
	t.Run("without an audience it is refused", func(t *testing.T) {
		t.Parallel()
		open := token(t, f, with(f.Reads, "audience", ""))
		_, payload := read(t, open)
		assert.Equal(t, []any{}, payload["aud"])
		refusedFor(t, a, open, "wrong_audience")
	})
}
