package servers_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/servers"
)

func TestAKeyThatIsTakenBackSignsNothingGoodAnyMore(t *testing.T) {
	t.Parallel()
	for _, name := range []string{servers.OIDCProvider, servers.Fosite, servers.Zitadel, servers.GoOIDC} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servers.New(t, name)
			f := s.Facts()
			a := start(t, f, "-jwks-refresh", "1s")
			path := a.URL + readPath(&f)
			old := token(t, f, f.Reads)
			s.Rotate(t, "ES256")
			assert.Equal(t, http.StatusOK, get(t, path, old).status, "it is still published")
			retirer, ok := s.(interface{ Retire(t *testing.T) })
			require.True(t, ok)
			retirer.Retire(t)
			assert.Eventually(t, func() bool { return get(t, path, old).status == http.StatusUnauthorized }, 10*time.Second, 100*time.Millisecond)
			refusedFor(t, a, old, "unknown_key")
			assert.Equal(t, http.StatusOK, get(t, path, token(t, f, f.Reads)).status)
		})
	}
}
