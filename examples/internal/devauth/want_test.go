package devauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/sallyport-go/sallyport/examples/internal/testkit"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const someThumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" // of RFC 8705 appendix A

func TestATokenOfEverySchemeMayBeBoundToACertificate(t *testing.T) {
	t.Parallel()
	h, key := start(t), newDPoPKey(t)
	for _, scheme := range devauth.Schemes {
		a := testkit.Do(t, h.request(scheme, "dev_certificate="+someThumbprint))
		assert.Equal(t, "Bearer", a.Members(t)["token_type"], scheme)
		assert.Equal(t, map[string]any{"x5t#S256": someThumbprint}, h.granted(scheme, a, nil).claims["cnf"], scheme)

		a = testkit.Do(t, h.request(scheme, "dev_certificate="+someThumbprint, key.proof(t, h, h.issuer(scheme).TokenURL, nil, nil)))
		assert.Equal(t, "DPoP", a.Members(t)["token_type"], scheme)
		assert.Equal(t, map[string]any{"x5t#S256": someThumbprint, "jkt": key.thumbprint()}, h.granted(scheme, a, nil).claims["cnf"], "bound to both")
	}
}

func TestATokenOfEverySchemeMaySayHowTheUserLoggedIn(t *testing.T) {
	t.Parallel()
	h := start(t)
	for _, scheme := range devauth.Schemes {
		a := testkit.Do(t, h.request(scheme, "dev_acr=urn:example:mfa"))
		assert.Equal(t, "urn:example:mfa", h.granted(scheme, a, nil).claims["acr"], scheme)
	}
}

func TestWhatIsAskedForByTheQueryIsKnownOrRefused(t *testing.T) {
	t.Parallel()
	h := start(t)
	const known = "of the query, dev_format=opaque, dev_acr with one word and dev_certificate with a SHA-256 thumbprint in base64url are known"
	for query, want := range map[string]string{
		"dev_format=jwt":                               known,
		"dev_format":                                   known,
		"dev_fromat=opaque":                            known,
		"dev_certificate=":                             known,
		"dev_certificate=" + someThumbprint[:42]:       known,
		"dev_certificate=" + someThumbprint + "%3D":    known,
		"dev_certificate=" + someThumbprint[:42] + "1": known,
		"dev_certificate=" + someThumbprint + "%0A":    known,
		"dev_certificate=" + strings.Repeat("%0A", 43): known,
		"dev_acr=":                            known,
		"dev_acr=two+words":                   known,
		"dev_acr=%C3%A9":                      known,
		"dev_format=opaque&dev_format=opaque": "a parameter came more than once",
		"scope=get&client_secret=of-the-query-is-not-read":            "",
		"other=1&dev_format=opaque&dev_certificate=" + someThumbprint: "",
	} {
		a := testkit.Do(t, h.request(devauth.Messaging, query))
		if want == "" {
			assert.Equal(t, http.StatusOK, a.Status, query)
			continue
		}
		assert.Equal(t, http.StatusBadRequest, a.Status, query)
		assert.Equal(t, map[string]any{"error": "invalid_request", "error_description": want}, a.Members(t), query)
	}
	a := testkit.Do(t, h.request(devauth.OKQ8, "dev_format=jwt"))
	assert.Equal(t, 400, a.Status)
	assert.Contains(t, a.Members(t)["error_description"], "AADSTS90023", "in the words of the scheme")
}

// Bokbasen hands out one token again and again, but never one that is bound to
// another key or of another form.
func TestAKeptTokenIsOfOneBindingAndForm(t *testing.T) {
	t.Parallel()
	h := start(t)
	seen := map[string]bool{}
	for _, query := range []string{"", "dev_certificate=" + someThumbprint, "dev_format=opaque", "dev_format=opaque&dev_certificate=" + someThumbprint} {
		first := testkit.Do(t, h.request(devauth.Bokbasen, query)).Members(t)["access_token"].(string)
		require.Equal(t, first, testkit.Do(t, h.request(devauth.Bokbasen, query)).Members(t)["access_token"], "the same again")
		seen[first] = true
	}
	assert.Len(t, seen, 4)
}
