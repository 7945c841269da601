package vetted_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/strictjson"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/introspection"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestClaimsRegistersWhatVerifierNeeds(t *testing.T) {
	t.Parallel()
	payload, err := strictjson.Parse([]byte(`{"scope":"orders.read"}`))
	require.NoError(t, err)
	got, err := vetted.Claims(payload, &claims.Mapping{})
	require.NoError(t, err)
	c, ok := got.(*claims.Claims)
	require.True(t, ok)
	assert.True(t, c.HasScope("orders.read"))
	assert.Greater(t, vetted.Size(c), len(payload.Text()))
	lacking, held := claims.AllScopes("orders.write"), claims.AllScopes("orders.read")
	assert.Equal(t, "scope", vetted.Kind(&lacking, c))
	assert.Empty(t, vetted.Kind(&held, c))
}

func TestIntrospectionRegistersWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	assert.True(t, vetted.Asking(new(introspection.Verifier)))
	assert.False(t, vetted.Asking(struct{ *introspection.Verifier }{}), "a type around it may check more")
	assert.False(t, vetted.Asking(new(verifier.Verifier)))
}

func TestVerifierRegistersItsJudge(t *testing.T) {
	t.Parallel()
	judge, ok := vetted.Judge(new(verifier.Verifier)).(interface{ Knows(issuer string) bool })
	require.True(t, ok)
	assert.False(t, judge.Knows("https://issuer.example"), "a verifier that knows no issuer")
}
