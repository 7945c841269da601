package dpop_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
)

// No text is taken for a proof, but a good proof itself.
func FuzzProof(f *testing.F) {
	f.Add("x")
	f.Add("e30.e30.AA")
	f.Add("eyJ0eXAiOiJkcG9wK2p3dCJ9..")
	f.Add(strings.Repeat(".", 100))
	f.Fuzz(func(t *testing.T, text string) {
		a := newAPI(t, dpop.Config{}, "EdDSA")
		good := a.proof()
		if text != good {
			require.NotNil(t, a.refused(t, a.request(text)))
			require.NotNil(t, a.refused(t, a.request(good+text+"x")))
		}
		require.Nil(t, a.refused(t, a.request(good)))
	})
}

// What is the same address for a proof is the same host and port for net/url.
func FuzzAddress(f *testing.F) {
	for _, htu := range []string{address, "HTTPS://api.example:443/orders", host + "/x/../orders", host + "/%6frders?x#y", "https://api.example@evil/orders"} {
		f.Add(htu)
	}
	f.Fuzz(func(t *testing.T, htu string) {
		a := newAPI(t, dpop.Config{}, "EdDSA")
		report := a.binding.Explain(t.Context(), dpop.Request{
			Proof: a.proof(jwkstest.Claims{"htu": strings.ToValidUTF8(htu, "")}), Method: "GET", URL: address, Token: a.token, Thumbprint: a.prover.Thumbprint(),
		})
		if !report.OK {
			return
		}
		u, err := url.Parse(strings.ToValidUTF8(htu, ""))
		require.NoError(t, err)
		assert.Equal(t, "https", u.Scheme)
		assert.Equal(t, "api.example", strings.ToLower(u.Hostname()))
		assert.Contains(t, []string{"", "443"}, u.Port())
		assert.Nil(t, u.User)
		assert.Equal(t, "/orders", u.JoinPath().Path)
	})
}
