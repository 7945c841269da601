package jwks_test

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A failure has a class of a few words, which a label can carry: nothing of what
// the server wrote.
func TestFailedFetchesHaveAClass(t *testing.T) {
	t.Parallel()
	failing := func(err error) answer {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	for class, answer := range map[string]answer{
		"timeout":    silent,
		"500":        status(500, ""),
		"302":        status(302, ""),
		"_OTHER":     status(599, ""),
		"dns":        failing(&net.DNSError{Err: "no such host", Name: "issuer.example"}),
		"connection": failing(&net.OpError{Op: "dial", Err: errors.New("refused")}),
		"tls":        failing(x509.UnknownAuthorityError{}),
		"jwk_set":    func(r *http.Request) (*http.Response, error) { return reply(r, 200, `{"keys":[]}`, nil), nil },
	} {
		t.Run(class, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, m := newServer(""), newMeasured()
				s.respond(answer)
				require.Error(t, newFetcher(t, m.by(s.config())).Refresh(t.Context(), "a"))
				assert.Equal(t, map[string]float64{class + " failed": 1}, m.values(t, "sallyport.jwks.fetch.duration"))
			})
		})
	}
}

func TestWrongMetadataHasAClass(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, m := newServer(""), newMeasured()
		s.site(map[string]string{issuerURL + oidcPath: metadata("https://elsewhere.example", setURL)})
		require.Error(t, newFetcher(t, m.by(s.discovering(issuerURL))).Refresh(t.Context(), "a"))
		assert.Equal(t, map[string]float64{"metadata failed": 1}, m.values(t, "sallyport.jwks.fetch.duration"))
	})
}
