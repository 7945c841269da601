package providers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/providers"
)

func TestWithFiles(t *testing.T) {
	t.Parallel()
	plain := providers.Entra(tenant, "a")
	p := plain.WithCAFile("/etc/ca.pem").WithBearerFile("/etc/token")
	for i := range p.Issuers {
		assert.Equal(t, "/etc/ca.pem", p.Issuers[i].Source.CAFile)
		assert.Equal(t, "/etc/token", p.Issuers[i].Source.BearerFile)
		assert.Empty(t, plain.Issuers[i].Source.CAFile, "a changed copy changes nothing here")
	}
	assert.Equal(t, p, p.WithCAFile("").WithBearerFile(""), "nothing more is said")
	_, err := sallyport.NewFrom(p)
	require.ErrorContains(t, err, `CAFile "/etc/ca.pem" cannot be read`)
	require.ErrorContains(t, err, `BearerFile "/etc/token" cannot be read`)
}

// The token of a cluster is not for the server of another address.
func TestAnotherServerGetsNeitherCANorBearer(t *testing.T) {
	t.Parallel()
	const api = "https://api.cluster.example:6443"
	p := providers.Kubernetes(providers.Cluster{APIServer: api, CAFile: "/ca", BearerFile: "/token"}, []string{"shop/checkout"}, "a")
	for address, kept := range map[string]bool{
		api + "/keys":                          true,
		"https://API.cluster.example:6443/x":   true,
		"https://api.cluster.example/x":        false,
		"http://api.cluster.example:6443/x":    false,
		"https://oidc.eks.example/id/1/keys":   false,
		"https://api.cluster.example:6443.x/y": false,
		"https://u@api.cluster.example:6443:/": false,
	} {
		for by, moved := range map[string]providers.Provider{"WithJWKS": p.WithJWKS(address), "WithDiscovery": p.WithDiscovery(address)} {
			assert.Equal(t, kept, moved.Issuers[0].Source.BearerFile != "", "%s %s", by, address)
			assert.Equal(t, kept, moved.Issuers[0].Source.CAFile != "", "%s %s", by, address)
			again := moved.WithCAFile("/ca2").WithBearerFile("/token2")
			assert.Equal(t, "/ca2/token2", again.Issuers[0].Source.CAFile+again.Issuers[0].Source.BearerFile, "%s %s: the owner says so", by, address)
		}
	}
}

func TestABearerIsOfOneProvider(t *testing.T) {
	t.Parallel()
	_, err := sallyport.Open(sallyport.Config{
		Providers: []providers.Provider{providers.Generic("https://issuer.example/", "a")},
		Keys:      jwks.FetcherConfig{BearerFile: "/token"},
	})
	assert.ErrorContains(t, err, "sallyport: Keys has a BearerFile, which would be sent to the servers of all issuers: give it to the provider whose server asks for it, by WithBearerFile")
}
