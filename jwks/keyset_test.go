package jwks_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestStatic(t *testing.T) {
	t.Parallel()
	a := must(jwks.NewKey("a", "", edPublic("a")))
	s := must(jwks.NewStatic(a))
	assert.True(t, s.Snapshot().Usable())
	got := must(s.Snapshot().Key("a", "EdDSA"))
	assert.Same(t, a, got)
	first := s.Snapshot()
	assert.Same(t, first, s.Snapshot())
	require.NoError(t, s.Refresh(t.Context(), "b"))
	_, err := s.Snapshot().Key("b", "EdDSA")
	require.ErrorIs(t, err, jwks.ErrNoKey)
}

func TestStaticReportsAllMistakes(t *testing.T) {
	t.Parallel()
	_, err := jwks.NewStatic()
	require.ErrorContains(t, err, "at least one key")
	_, err = jwks.NewStatic(nil, must(jwks.NewKey("a", "", edPublic("a"))), nil)
	require.ErrorContains(t, err, "key 0")
	require.ErrorContains(t, err, "key 2")
}
