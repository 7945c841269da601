package jwkstest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestOneClientReachesEachIssuerByItsName(t *testing.T) {
	t.Parallel()
	open := func(name string) *jwkstest.Issuer {
		return jwkstest.New(t, jwkstest.WithoutServer(), jwkstest.WithName(name), jwkstest.WithAlgorithm("EdDSA"))
	}
	root, tenant := open("https://login.example"), open("https://login.example/tenant/v2.0")
	longer, other := open("https://login.example/tenant/v2.0/more/"), open("https://other.example/")
	client := jwkstest.Client(root, tenant, longer, other)
	for _, iss := range []*jwkstest.Issuer{root, tenant, longer, other} {
		for _, url := range []string{iss.DiscoveryURL(), iss.JWKSURL()} {
			resp, _ := fetch(t, client, url)
			assert.Equal(t, http.StatusOK, resp.StatusCode, url)
		}
		assert.Equal(t, 1, iss.DiscoveryFetches(), iss.Issuer())
		assert.Equal(t, 1, iss.Fetches(), iss.Issuer())
	}
	_, body := fetch(t, client, "https://login.example/.well-known/oauth-authorization-server/tenant/v2.0")
	assert.Equal(t, tenant.Issuer(), jsonText(t, body, "issuer"), "inserted, as RFC 8414 has it")

	_, err := client.Get("https://nobody.example/jwks")
	require.ErrorContains(t, err, `no issuer is at "nobody.example"`)
}
