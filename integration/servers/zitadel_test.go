package servers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/integration/servers"
)

func TestZitadel(t *testing.T) {
	t.Parallel()
	f := servers.New(t, servers.Zitadel).Facts()
	a := start(t, f)

	t.Run("no token has a scope, whatever was granted", func(t *testing.T) {
		t.Parallel()
		good := token(t, f, f.Reads)
		header, payload := read(t, good)
		assert.Equal(t, "JWT", header["typ"])
		assert.NotContains(t, payload, "scope")
		assert.NotContains(t, payload, "scp")
		assert.Equal(t, http.StatusOK, get(t, a.URL+"/whoami", good).status)
		assert.Equal(t, http.StatusForbidden, get(t, a.URL+"/orders", good).status)
	})
	t.Run("its issuer is localhost with a slash at the end", func(t *testing.T) {
		t.Parallel()
		good := token(t, f, f.Reads)
		_, payload := read(t, good)
		assert.Regexp(t, `^http://localhost:\d+/$`, payload["iss"])
		for _, other := range []string{strings.TrimSuffix(f.Issuer, "/"), strings.Replace(f.Issuer, "localhost", "127.0.0.1", 1)} {
			refusedFor(t, start(t, servers.Facts{Issuer: other, Audience: f.Audience}), good, "unknown_issuer")
		}
	})
	t.Run("a token is opaque unless the client asks for a JWT", func(t *testing.T) {
		t.Parallel()
		f := f
		f.ClientID = "opaque"
		opaque := token(t, f, f.Reads)
		assert.NotContains(t, opaque, ".")
		refusedFor(t, a, opaque, "malformed")
	})
}
