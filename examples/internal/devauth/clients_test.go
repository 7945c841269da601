package devauth_test

import (
	"testing"

	"github.com/sallyport-go/sallyport/examples/internal/devauth"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEverySchemeHasItsThreeClientsWithSecretsOfThisStart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, h := range []*harness{start(t), start(t)} {
		for _, scheme := range devauth.Schemes {
			for name, levels := range map[string][]string{devauth.AllLevels: {"get", "post", "put", "delete"}, devauth.GetOnly: {"get"}, devauth.NoLevel: {}} {
				c := h.client(scheme, name)
				assert.Equal(t, levels, c.Levels)
				assert.NotEmpty(t, c.Audiences)
				assert.NotContains(t, c.ID, ":", "a colon ends the id in HTTP Basic")
				assert.Equal(t, c, h.client(scheme, c.ID))
				assert.GreaterOrEqual(t, len(c.Secret), 43, "256 bits")
				assert.False(t, seen[c.Secret])
				seen[c.Secret] = true
			}
		}
	}
	_, err := start(t).Client(devauth.OKQ8, "admin")
	require.Error(t, err)
}
