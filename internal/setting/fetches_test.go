package setting_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/internal/setting"
	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
)

func TestTheMistakesOfFetchesAreNamedByEveryoneBetweenThemAndTheUser(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t, jwkstest.WithAlgorithm("ES256"))
	iss.Serve(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + iss.Issuer() + `"}`))
	})
	asks := func(names ...setting.Names) error {
		cfg := jwks.FetcherConfig{Issuer: iss.Issuer()}
		for _, n := range names {
			setting.NameFetches(&cfg, n)
		}
		f, err := jwks.NewFetcher(cfg)
		require.NoError(t, err)
		defer f.Close()
		return f.Refresh(t.Context(), "")
	}
	inGate, flag := setting.Names{"JWKSURL": "WithJWKS"}, setting.Names{"WithJWKS": "-jwks"}
	assert.ErrorContains(t, asks(), "names no jwks_uri: set JWKSURL")
	assert.ErrorContains(t, asks(inGate), "names no jwks_uri: set WithJWKS")
	assert.ErrorContains(t, asks(flag, inGate), "names no jwks_uri: set -jwks", "the outermost is given first")
}
