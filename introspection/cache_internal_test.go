package introspection

import (
	"crypto/sha256"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A digest that left the process, in a dump for instance, must not tell whether a
// token that is known was used here.
func TestDigestsMeanNothingElsewhere(t *testing.T) {
	t.Parallel()
	one, err := newCache(1 << 20)
	require.NoError(t, err)
	other, err := newCache(1 << 20)
	require.NoError(t, err)
	const token = "opaque"
	again := one.digestOf(token)
	assert.Equal(t, one.digestOf(token), again)
	assert.NotEqual(t, one.digestOf(token), one.digestOf(token+"x"))
	assert.NotEqual(t, one.digestOf(token), other.digestOf(token))
	assert.NotEqual(t, digest(sha256.Sum256([]byte(token))), one.digestOf(token))
}
