package jwks_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

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

func TestSnapshotFindsTheOneKeyThatFits(t *testing.T) {
	edA := must(jwks.NewKey("a", "", edPublic("a")))
	edB := must(jwks.NewKey("b", "", edPublic("b")))
	sameKidOtherKey := must(jwks.NewKey("a", "", edPublic("b")))
	again := must(jwks.NewKey("a", "", edPublic("a")))
	boundA := must(jwks.NewKey("a", "EdDSA", edPublic("a")))
	rsaA := must(jwks.NewKey("a", "", &rsaKey().PublicKey))
	rs256 := must(jwks.NewKey("a", "RS256", &rsaKey().PublicKey))
	ps256 := must(jwks.NewKey("a", "PS256", &rsaKey().PublicKey))
	ecA, ec384 := must(jwks.NewKey("a", "", &p256().PublicKey)), must(jwks.NewKey("a", "", &p384().PublicKey))
	nameless := edA.WithID("")
	entra := must(jwks.ParseJWKS([]byte(set(jwk("a", members{"issuer": "https://one.example"}), jwk("a", members{"issuer": "https://two.example"})))))

	type row struct {
		keys     []*jwks.Key
		kid, alg string
		want     *jwks.Key
		err      error
	}
	each(t, map[string]row{
		"by kid":                                      {[]*jwks.Key{edB, edA}, "a", "EdDSA", edA, nil},
		"by kid and the other name of Ed25519":        {[]*jwks.Key{edB, edA}, "a", "Ed25519", edA, nil},
		"no key of that kid":                          {[]*jwks.Key{edA}, "b", "EdDSA", nil, jwks.ErrNoKey},
		"a kid is case-sensitive":                     {[]*jwks.Key{edA}, "A", "EdDSA", nil, jwks.ErrNoKey},
		"a kid like a path is a plain miss":           {[]*jwks.Key{edA}, "../../dev/null", "EdDSA", nil, jwks.ErrNoKey},
		"a kid does not find a key without one":       {[]*jwks.Key{nameless}, "a", "EdDSA", nil, jwks.ErrNoKey},
		"an alg of another type":                      {[]*jwks.Key{edA}, "a", "RS256", nil, jwks.ErrMismatch},
		"an alg of another curve":                     {[]*jwks.Key{ecA}, "a", "ES384", nil, jwks.ErrMismatch},
		"an alg that the key is not declared for":     {[]*jwks.Key{rs256}, "a", "PS256", nil, jwks.ErrMismatch},
		"an alg that does not exist":                  {[]*jwks.Key{edA}, "a", "none", nil, jwks.ErrMismatch},
		"the same kid twice, by type":                 {[]*jwks.Key{edA, rsaA}, "a", "RS512", rsaA, nil},
		"the same kid twice, by curve":                {[]*jwks.Key{ecA, ec384}, "a", "ES384", ec384, nil},
		"the same kid twice, by alg":                  {[]*jwks.Key{rs256, ps256}, "a", "PS256", ps256, nil},
		"the same kid twice, none fits":               {[]*jwks.Key{edA, rsaA}, "a", "ES256", nil, jwks.ErrMismatch},
		"the same kid twice, identical":               {[]*jwks.Key{edA, again}, "a", "EdDSA", edA, nil},
		"the same kid twice, the same key once bound": {[]*jwks.Key{edA, boundA}, "a", "EdDSA", edA, nil},
		"the same kid twice, ambiguous":               {[]*jwks.Key{edA, sameKidOtherKey}, "a", "EdDSA", nil, jwks.ErrAmbiguous},
		"the same kid three times, ambiguous":         {[]*jwks.Key{rsaA, edA, sameKidOtherKey}, "a", "EdDSA", nil, jwks.ErrAmbiguous},
		"the same key for two issuers is ambiguous":   {entra, "a", "EdDSA", nil, jwks.ErrAmbiguous},
		"without kid, the only key":                   {[]*jwks.Key{edA}, "", "EdDSA", edA, nil},
		"without kid, the only one that fits":         {[]*jwks.Key{rsaA, edA, ecA}, "", "ES256", ecA, nil},
		"without kid, a key without kid":              {[]*jwks.Key{nameless, rsaA}, "", "EdDSA", nameless, nil},
		"without kid, several fit":                    {[]*jwks.Key{edA, edB}, "", "EdDSA", nil, jwks.ErrAmbiguous},
		"without kid, the same key under two":         {[]*jwks.Key{edA, edA.WithID("b")}, "", "EdDSA", edA, nil},
		"without kid, none fits":                      {[]*jwks.Key{edA}, "", "RS256", nil, jwks.ErrMismatch},
		"without kid, an alg that does not exist":     {[]*jwks.Key{edA}, "", "none", nil, jwks.ErrMismatch},
		"nothing to find":                             {nil, "a", "EdDSA", nil, jwks.ErrNoKey},
		"nothing to find without kid":                 {nil, "", "EdDSA", nil, jwks.ErrNoKey},
	}, func(t *testing.T, row row) {
		s := jwks.NewSnapshot(jwks.SnapshotConfig{Keys: row.keys})
		got, err := s.Key(row.kid, row.alg)
		if row.err != nil {
			require.ErrorIs(t, err, row.err)
			assert.Nil(t, got)
			return
		}
		require.NoError(t, err)
		assert.Same(t, row.want, got)
	})
}

func TestTokensWithoutKidAreFoundByEveryAlgorithmThatKeysCanFit(t *testing.T) {
	t.Parallel()
	secret := func(alg string) *jwks.Key { return must(jwks.NewSecret("", alg, make([]byte, 64))) }
	keys := []*jwks.Key{secret("HS256"), secret("HS384"), secret("HS512")}
	for _, public := range []any{&rsaKey().PublicKey, &p256().PublicKey, &p384().PublicKey, edPublic("a")} {
		keys = append(keys, must(jwks.NewKey("", "", public)))
	}
	s := jwks.NewSnapshot(jwks.SnapshotConfig{Keys: keys})
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519", "HS256", "HS384", "HS512"} {
		k, err := s.Key("", alg)
		if assert.NoError(t, err, alg) {
			assert.True(t, fits(k, alg))
		}
	}
}

func TestSnapshotTellsWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	a := must(jwks.NewKey("a", "", edPublic("a")))
	again := must(jwks.NewKey("a", "", edPublic("a")))
	nameless := a.WithID("")
	keys := []*jwks.Key{a, nil, again, nameless, a.WithID("")}
	s := jwks.NewSnapshot(jwks.SnapshotConfig{Keys: keys})
	clear(keys)
	assert.Equal(t, []*jwks.Key{a, nameless}, slices.Collect(s.Keys()), "identical keys collapse")
	for k := range s.Keys() {
		assert.Same(t, a, k)
		break
	}
	assert.True(t, s.Usable())
}

func TestSnapshotIsUsableWhileItHasKeysAndIsNotStale(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := must(jwks.NewKey("a", "", edPublic("a")))
		assert.False(t, jwks.NewSnapshot(jwks.SnapshotConfig{}).Usable())
		assert.True(t, jwks.NewSnapshot(jwks.SnapshotConfig{Keys: []*jwks.Key{a}}).Usable())
		s := jwks.NewSnapshot(jwks.SnapshotConfig{Keys: []*jwks.Key{a}, Expires: time.Now().Add(time.Hour)})
		time.Sleep(time.Hour - time.Millisecond)
		assert.True(t, s.Usable())
		time.Sleep(time.Millisecond)
		assert.False(t, s.Usable())
	})
}

func TestZeroSnapshotIsEmpty(t *testing.T) {
	t.Parallel()
	var s jwks.Snapshot
	assert.False(t, s.Usable())
	assert.Empty(t, slices.Collect(s.Keys()))
	_, err := s.Key("a", "EdDSA")
	require.ErrorIs(t, err, jwks.ErrNoKey)
}

func TestLookUpIsFlatAndAllocatesNothing(t *testing.T) {
	one, thousand := snapshotOf(1), snapshotOf(1000)
	for name, look := range map[string]func(s *jwks.Snapshot){
		"hit":         func(s *jwks.Snapshot) { _, _ = s.Key("k0", "EdDSA") },
		"miss":        func(s *jwks.Snapshot) { _, _ = s.Key("nobody", "EdDSA") },
		"mismatch":    func(s *jwks.Snapshot) { _, _ = s.Key("k0", "RS256") },
		"without kid": func(s *jwks.Snapshot) { _, _ = s.Key("", "EdDSA") },
		"usable":      func(s *jwks.Snapshot) { _ = s.Usable() },
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { look(one) }), name)
		assert.Zero(t, testing.AllocsPerRun(100, func() { look(thousand) }), name)
	}
}

func snapshotOf(n int) *jwks.Snapshot {
	keys := make([]*jwks.Key, 0, n)
	for i := range n {
		kid := fmt.Sprint("k", i)
		keys = append(keys, must(jwks.NewKey(kid, "", edPublic(kid))))
	}
	return jwks.NewSnapshot(jwks.SnapshotConfig{Keys: keys, Expires: time.Now().Add(time.Hour)})
}

// What a verification pays for its key: by how many keys there are, and whether
// one is found.
func BenchmarkSnapshotKey(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		s := snapshotOf(n)
		for _, kid := range []string{"k0", "nobody", ""} {
			b.Run(fmt.Sprintf("keys=%d/kid=%q", n, kid), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, _ = s.Key(kid, "EdDSA")
				}
			})
		}
	}
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
