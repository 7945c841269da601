package jwks

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAKeyThatIsDistrustedAgainIsRememberedOnce(t *testing.T) {
	t.Parallel()
	f, err := NewFetcher(FetcherConfig{JWKSURL: "https://issuer.example/jwks"})
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	k := new(Key)
	for range 3 {
		f.DistrustKey(k)
		f.Distrust("a")
	}
	assert.Len(t, f.distrusted.keys, 1)
	assert.Len(t, f.distrusted.kids, 1)
}
