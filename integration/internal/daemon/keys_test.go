package daemon_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/integration/internal/daemon"
)

func TestKeysOutliveARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	keys, err := daemon.Open(path)
	require.NoError(t, err)
	require.NoError(t, keys.Rotate("ES256"))
	require.Error(t, keys.Rotate("none"))
	all := keys.All()
	require.Len(t, all, 2)
	assert.Equal(t, []string{"ES256", "RS256"}, []string{all[0].Alg, all[1].Alg}, "the newest signs")

	again, err := daemon.Open(path)
	require.NoError(t, err)
	assert.Equal(t, all, again.All())
	require.NoError(t, again.Retire())
	assert.Equal(t, all[:1], again.All())
}
