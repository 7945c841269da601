package jwks_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
)

func TestFindReturnsTheKeysThatMayHaveSigned(t *testing.T) {
	a, b := must(jwks.NewKey("a", "", edPublic("a"))), must(jwks.NewKey("b", "", edPublic("b")))
	secondA, boundA := must(jwks.NewKey("a", "", edPublic("b"))), must(jwks.NewKey("a", "EdDSA", edPublic("a")))
	namelessA, namelessB := a.WithID(""), b.WithID("")
	plainRSA, rs256 := must(jwks.NewKey("r", "", &rsaKey().PublicKey)), must(jwks.NewKey("r", "RS256", &rsaKey().PublicKey))
	var many, manyA []*jwks.Key
	for i := range 5 {
		k := must(jwks.NewKey(fmt.Sprint(i), "", edPublic(fmt.Sprint(i))))
		many, manyA = append(many, k), append(manyA, k.WithID("a"))
	}
	parsed := func(m members) *jwks.Key { return must(jwks.ParseJWKS([]byte(set(jwk("x", m)))))[0] }
	one, other := parsed(members{"x5t": "one", "x5t#S256": "one256"}), parsed(members{"x5t": "other", "x": b64(edPublic("b"))})

	type row struct {
		keys  []*jwks.Key
		query jwks.Query
		want  []*jwks.Key
		named bool
		err   error
	}
	q := func(kid string) jwks.Query { return jwks.Query{Algorithm: "EdDSA", KeyID: kid} }
	x5t := func(sha256, sha1 string) jwks.Query {
		return jwks.Query{Algorithm: "EdDSA", Thumbprint: sha1, ThumbprintSHA256: sha256}
	}
	keys := func(keys ...*jwks.Key) []*jwks.Key { return keys }
	each(t, map[string]row{
		"by kid":                                       {keys: keys(b, a), query: q("a"), want: keys(a), named: true},
		"two of one kid, in the set's order":           {keys: keys(secondA, b, a), query: q("a"), want: keys(secondA, a), named: true},
		"92 of a kid, those that fit":                  {keys: keys(a, rs256.WithID("a")), query: q("a"), want: keys(a), named: true},
		"92 of a kid, none fits":                       {keys: keys(rs256), query: q("r"), err: jwks.ErrMismatch},
		"the same key of a kid is one":                 {keys: keys(a, boundA), query: q("a"), want: keys(a), named: true},
		"four of a kid":                                {keys: manyA[:4], query: q("a"), want: manyA[:4], named: true},
		"five of a kid":                                {keys: manyA, query: q("a"), err: jwks.ErrAmbiguous},
		"keys without kid where none has it":           {keys: keys(namelessA, b, namelessB), query: q("x"), want: keys(namelessA, namelessB)},
		"but not where one has it":                     {keys: keys(namelessA, b), query: q("b"), want: keys(b), named: true},
		"keys without kid, none fits":                  {keys: keys(rs256.WithID(""), b), query: q("x"), err: jwks.ErrNoKey},
		"none without kid":                             {keys: keys(a, b), query: q("x"), err: jwks.ErrNoKey},
		"without kid, all that fit":                    {keys: keys(a, rs256, namelessB), query: q(""), want: keys(a, namelessB)},
		"without kid, four":                            {keys: many[:4], query: q(""), want: many[:4]},
		"without kid, five":                            {keys: many, query: q(""), err: jwks.ErrAmbiguous},
		"without kid, none fits":                       {keys: keys(rs256), query: q(""), err: jwks.ErrMismatch},
		"by x5t#S256":                                  {keys: keys(other, one), query: x5t("one256", ""), want: keys(one), named: true},
		"by x5t":                                       {keys: keys(other, one), query: x5t("", "other"), want: keys(other), named: true},
		"by x5t#S256 rather than x5t":                  {keys: keys(other, one), query: x5t("one256", "other"), want: keys(one), named: true},
		"by x5t where no key has that x5t#S256":        {keys: keys(other, one), query: x5t("x", "other"), want: keys(other), named: true},
		"keys that state none":                         {keys: keys(other, b, one), query: x5t("", "x"), want: keys(b)},
		"keys that state another kind":                 {keys: keys(other, one), query: x5t("x", ""), want: keys(other)},
		"by x5t, and all state another":                {keys: keys(other, one), query: x5t("", "x"), err: jwks.ErrNoKey},
		"a key without alg, where one is to declare":   {keys: keys(plainRSA), query: jwks.Query{Algorithm: "PS256", KeyID: "r", Declared: true}, err: jwks.ErrMismatch},
		"a key without alg, where none need":           {keys: keys(plainRSA), query: jwks.Query{Algorithm: "PS256", KeyID: "r"}, want: keys(plainRSA), named: true},
		"the same key once with alg, where one has to": {keys: keys(plainRSA, rs256), query: jwks.Query{Algorithm: "RS256", KeyID: "r", Declared: true}, want: keys(rs256), named: true},
		"nothing to find":                              {query: q("a"), err: jwks.ErrNoKey},
	}, func(t *testing.T, row row) {
		s := jwks.NewSnapshot(jwks.SnapshotConfig{Keys: row.keys})
		c, err := s.Find(&row.query)
		if row.err != nil {
			require.ErrorIs(t, err, row.err)
			assert.Nil(t, c.Keys[0])
			return
		}
		require.NoError(t, err)
		var want [jwks.MaxCandidates]*jwks.Key
		copy(want[:], row.want)
		assert.Equal(t, want, c.Keys)
		assert.Equal(t, row.named, c.Named)
		assert.NoError(t, s.Skipped(&row.query))
	})
	var zero jwks.Snapshot
	query := q("a")
	_, err := zero.Find(&query)
	require.ErrorIs(t, err, jwks.ErrNoKey)
	assert.NoError(t, zero.Skipped(&query))
}

func TestSkippedTellsWhyAKeyIsNoCandidate(t *testing.T) {
	body := set(
		jwk("good", nil),
		jwk("damaged", members{"x": "!!"}),
		jwk("enc", members{"use": "enc"}),
		jwk("both", members{"use": "enc"}), jwk("both", members{"x": 7}),
		jwk("x5t", members{"x": "AA", "x5t": "t"}),
	)
	withServer(t, body, func(t *testing.T, _ *server, f *jwks.Fetcher) {
		s := f.Snapshot()
		for name, row := range map[string]struct {
			query jwks.Query
			want  error
			text  string
		}{
			"a good key":                    {jwks.Query{Algorithm: "EdDSA", KeyID: "good"}, nil, ""},
			"no key":                        {jwks.Query{Algorithm: "EdDSA", KeyID: "x"}, nil, ""},
			"damaged":                       {jwks.Query{Algorithm: "EdDSA", KeyID: "damaged"}, jwks.ErrUnreadable, `key 1 (kid "damaged"): unusable OKP key: x is not base64url`},
			"damaged, under its other name": {jwks.Query{Algorithm: "Ed25519", KeyID: "damaged"}, jwks.ErrUnreadable, "key 1"},
			"damaged, and of another type":  {jwks.Query{Algorithm: "RS256", KeyID: "damaged"}, jwks.ErrUnusable, "key 1"},
			"damaged, and without alg":      {jwks.Query{Algorithm: "EdDSA", KeyID: "damaged", Declared: true}, jwks.ErrUnusable, "key 1"},
			"for another use":               {jwks.Query{Algorithm: "EdDSA", KeyID: "enc"}, jwks.ErrUnusable, `key 2 (kid "enc"): use is "enc", not sig`},
			"what may have signed first":    {jwks.Query{Algorithm: "EdDSA", KeyID: "both"}, jwks.ErrUnreadable, "key 4"},
			"by x5t":                        {jwks.Query{Algorithm: "EdDSA", Thumbprint: "t"}, jwks.ErrUnreadable, "key 5"},
			"without a hint":                {jwks.Query{Algorithm: "EdDSA"}, jwks.ErrUnreadable, "key 1"},
			"without a hint, none may be":   {jwks.Query{Algorithm: "ES256"}, nil, ""},
		} {
			err := s.Skipped(&row.query)
			if row.want == nil {
				assert.NoError(t, err, name)
				continue
			}
			require.ErrorIs(t, err, row.want, name)
			require.ErrorContains(t, err, row.text, name)
		}
	})
}

// A certificate that is renewed for the same key changes a name, and no verdict.
func TestAKeyIsFoundByItsLatestThumbprint(t *testing.T) {
	withServer(t, set(jwk("a", members{"x5t": "old"}), jwk("b", members{"x5t": "b"})), func(t *testing.T, iss *server, f *jwks.Fetcher) {
		old, err := f.Snapshot().Find(&jwks.Query{Algorithm: "EdDSA", Thumbprint: "old"})
		require.NoError(t, err)
		iss.serve(set(jwk("a", members{"x5t": "new"}), jwk("b", members{"x5t": "b"})))
		require.NoError(t, f.Refresh(t.Context(), "stranger"))
		renewed, err := f.Snapshot().Find(&jwks.Query{Algorithm: "EdDSA", Thumbprint: "new"})
		require.NoError(t, err)
		assert.Equal(t, old, renewed, "the identical key")
		_, err = f.Snapshot().Find(&jwks.Query{Algorithm: "EdDSA", Thumbprint: "old"})
		assert.ErrorIs(t, err, jwks.ErrNoKey)
	})
}

func TestFindAllocatesNothing(t *testing.T) {
	s := snapshotOf(1000)
	for name, q := range map[string]jwks.Query{
		"hit":  {Algorithm: "EdDSA", KeyID: "k0"},
		"miss": {Algorithm: "EdDSA", KeyID: "nobody"},
		"none": {Algorithm: "EdDSA"},
		"x5t":  {Algorithm: "EdDSA", Thumbprint: "t"},
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() { _, _ = s.Find(&q) }), name)
	}
}
