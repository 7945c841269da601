package jwks_test

import (
	"encoding/base64"
	"encoding/json"
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

func TestParseStaticRemembersTheKeysThatItSkips(t *testing.T) {
	t.Parallel()
	a := must(json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": base64.RawURLEncoding.EncodeToString(edPublic("a"))}))
	s := must(jwks.ParseStatic([]byte(`{"keys":[` + string(a) + `,{"kty":"OKP","crv":"Ed25519","kid":"damaged","x":"!"},{"kty":"OKP","crv":"Ed25519","kid":"other","use":"enc","x":"AA"}]}`)))
	assert.True(t, s.Snapshot().Usable())
	assert.Equal(t, "a", must(s.Snapshot().Key("a", "EdDSA")).ID())
	for kid, want := range map[string]error{"damaged": jwks.ErrUnreadable, "other": jwks.ErrUnusable} {
		err := s.Snapshot().Skipped(&jwks.Query{Algorithm: "EdDSA", KeyID: kid})
		require.ErrorIs(t, err, want)
		assert.ErrorContains(t, err, kid)
	}
	assert.NoError(t, s.Snapshot().Skipped(&jwks.Query{Algorithm: "EdDSA", KeyID: "missing"}))
	for text, want := range map[string]string{
		"<html>":                   "not a JWK Set",
		`{"keys":[]}`:              "the set holds no keys",
		`{"keys":[{"kty":"OKP"}]}`: "none of the 1 keys in the set is usable",
	} {
		_, err := jwks.ParseStatic([]byte(text))
		assert.ErrorContains(t, err, want)
	}
}
