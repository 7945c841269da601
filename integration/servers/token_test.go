package servers_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/servers"
)

// Some providers document a token request in JSON. RFC 6749 section 4.4.2 asks
// for a form, and these servers take nothing else.
func TestATokenRequestIsAForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s servers.Server) {
		f := s.Facts()
		body := strings.NewReader(`{"grant_type":"client_credentials","scope":"get","resource":"` + f.Audience + `","audience":"` + f.Audience + `"}`)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.TokenURL, body)
		require.NoError(t, err)
		request.SetBasicAuth(f.ClientID, f.Secret)
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.GreaterOrEqual(t, response.StatusCode, http.StatusBadRequest)
	})
}

// The judge of tokens that are refused during a rotation must see a bad one.
func TestAnotherLibrarySeesWhichSignatureIsGood(t *testing.T) {
	t.Parallel()
	f := servers.New(t, servers.Fosite).Facts()
	good := token(t, f, f.Reads)
	for text, want := range map[string]bool{good: true, forged(good): false} {
		got, err := f.Good(t.Context(), text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
}
