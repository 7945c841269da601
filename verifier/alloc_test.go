//go:build !race

package verifier_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// These tests count allocations. The race detector makes sync.Pool forget at
// random, so they are built without it.

// entra is what an app token of Entra ID says beside the registered claims.
var entra = jwkstest.Claims{
	"aio": "k2RgYJjP8DvAKfq52XfFAQA=", "azp": "0d4f7c1e-93ab-4c26-8f5e-b1a7c3d5e790", "azpacr": "1", "idtyp": "app",
	"oid": "c9a1e6b2-58d4-4f73-a0b6-7e9d2c4f1a85", "roles": []string{"Orders.Write.All", "Customers.Read.All", "Orders.Read.All"},
	"tid": "5f1c3a52-7d0e-4b6a-9a3f-0c2b7d9e8f41", "uti": "b0rJv3n5Q0mW8yT1kXcZAA", "ver": "2.0",
}

func TestAFirstSightAllocatesLittleBeyondTheSignatureCheck(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			w := newWorld(t, jwkstest.WithAlgorithm(alg))
			token, v, ctx := w.Token(entra), w.uncached(t), t.Context()
			key, err := w.keys.Snapshot().Key(w.Key().ID(), alg)
			require.NoError(t, err)
			dot := strings.LastIndexByte(token, '.')
			signature := decode(token[dot+1:])

			primitive := testing.AllocsPerRun(200, func() { err = key.Verify(alg, []byte(token[:dot]), signature) })
			require.NoError(t, err)
			whole := testing.AllocsPerRun(200, func() { _, err = v.Verify(ctx, token) })
			require.NoError(t, err)
			t.Logf("%.0f allocations, %.0f of them the signature check's", whole, primitive)
			assert.LessOrEqual(t, whole-primitive, 5.0, "header, payload, index, claims, names")
		})
	}
}

func TestARefusalAllocatesLittle(t *testing.T) {
	w := newWorld(t)
	v, ctx := w.verifier(t), t.Context()
	good := w.Token(entra)
	parts := strings.Split(good, ".")
	for _, row := range []struct {
		name, token string
		reason      reason.Code
		most        float64
	}{
		{"one part", strings.ReplaceAll(good, ".", "A"), reason.Malformed, 1},
		{"two parts", parts[0] + "." + parts[1], reason.Malformed, 1},
		{"five parts", strings.Join([]string{parts[0], parts[1], parts[2], parts[0], parts[1]}, "."), reason.Malformed, 1},
		{"8 KiB of dots", strings.Repeat(".", 8<<10), reason.Malformed, 1},
		{"too large", strings.Repeat(good, 20), reason.TooLarge, 1},
		{"a payload that is no base64url", parts[0] + "." + parts[1][:9] + "*" + parts[1][10:] + "." + parts[2], reason.Malformed, 4},
		{"a payload that is cut", parts[0] + "." + parts[1][:len(parts[1])/4*4-8] + "." + parts[2], reason.Malformed, 12},
		{"a payload that is broken inside", w.Token(jwkstest.WithRawPayload(`{"iss":"` + strings.Repeat("a", 500) + `","aud":["a",{"b":?}]}`)), reason.Malformed, 12},
		{"a payload with a member twice", w.Token(jwkstest.WithRawPayload(`{"iss":"` + strings.Repeat("a", 500) + `","sub":"a","sub":"b"}`)), reason.Malformed, 12},
		{"a payload that is no UTF-8", w.Token(jwkstest.WithRawPayload(`{"iss":"` + strings.Repeat("a", 500) + "\xff\"}")), reason.Malformed, 12},
		{"a foreign issuer", w.Token(entra, jwkstest.Claims{"iss": "https://elsewhere.example/"}), reason.UnknownIssuer, 3},
		{"an algorithm that is not allowed", w.Token(entra, jwkstest.Header{"alg": "ES384"}), reason.UnsupportedAlg, 3},
		{"an unknown key", w.Token(entra, jwkstest.WithKey(w.NewKey("ES256", jwkstest.JWK{"kid": "not-published"}))), reason.UnknownKey, 4},
	} {
		t.Run(row.name, func(t *testing.T) {
			var err error
			allocs := testing.AllocsPerRun(200, func() { _, err = v.Verify(ctx, row.token) })
			require.ErrorIs(t, err, row.reason)
			assert.LessOrEqual(t, allocs, row.most)
		})
	}
}

func TestAHitAllocatesNothing(t *testing.T) {
	w := newWorld(t)
	w.cfg.MaxAge = 1 << 40
	w.cfg.Validators = []verifier.Validator{func(context.Context, *claims.Claims) error { return nil }}
	w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { return false, nil }
	v, token, ctx := w.verifier(t), w.Token(jwkstest.Claims{"scope": "orders.read orders.write"}), t.Context()
	want, err := v.Verify(ctx, token)
	require.NoError(t, err)

	var got *claims.Claims
	allocs := testing.AllocsPerRun(1000, func() { got, err = v.Verify(ctx, token) })
	assert.NoError(t, err)
	assert.Same(t, want, got)
	assert.Zero(t, allocs)
}

func TestTheCacheWeighsWhatItHolds(t *testing.T) {
	w := newWorld(t)
	const bound = 4 << 20
	w.cfg.CacheBytes = bound
	v := w.verifier(t)
	wide := jwkstest.Header{"x5c": []string{strings.Repeat("A", 3000)}} // must not be kept with the kid
	before := heap()
	for range 6000 {
		_, err := v.Verify(t.Context(), w.Token(wide, jwkstest.Claims{"roles": []string{"a", "b", "c"}, "ext": strings.Repeat("x", 200)}))
		require.NoError(t, err)
	}
	tokens, weight := v.Remembered()
	held := heap() - before
	t.Logf("%d tokens that weigh %d bytes hold %d bytes of the heap", tokens, weight, held)
	assert.Less(t, held, int64(bound)*5/4)
	assert.LessOrEqual(t, weight, int64(bound))
	assert.Greater(t, tokens, 1000)
	runtime.KeepAlive(v)
}

// TestATokenTooLargeCostsNothing wants a giant refused before anything looks at
// its bytes, the cache's hash included.
func TestATokenTooLargeCostsNothing(t *testing.T) {
	v, giant := newWorld(t).verifier(t), strings.Repeat("A", 64<<20)
	fastest := func(f func()) time.Duration {
		best := time.Hour
		for range 5 {
			start := time.Now()
			f()
			best = min(best, time.Since(start))
		}
		return best
	}
	refused := fastest(func() { _, _ = v.Verify(t.Context(), giant) })
	hashed := fastest(func() { sha256.Sum256([]byte(giant)) })
	assert.Less(t, refused*20, hashed)
}

// A string with an escape in it lies outside of the payload that it was read
// from: an issuer that writes "\/" doubled what the cache holds.
func TestTheCacheWeighsStringsWithEscapes(t *testing.T) {
	const bound = 4 << 20
	long := `\/` + strings.Repeat("x", 1600)
	for name, members := range map[string]string{
		"a long scope":               `,"scope":"\u00e5` + strings.Repeat("x", 5000) + `"`,
		"subject, id and client":     strings.NewReplacer("LONG", long).Replace(`,"sub":"LONG","jti":"LONG","client_id":"LONG"`),
		"hundreds of roles":          `,"roles":["` + strings.Repeat(`\/a","`, 600) + `x"]`,
		"hundreds of scopes in one":  `,"scope":"\/` + strings.Repeat("abcdef ", 600) + `"`,
		"hundreds of permissions":    `,"permissions":["` + strings.Repeat(`orders\/read","`, 300) + `x"]`,
		"audiences beside the right": `,"x":1`,
	} {
		w := newWorld(t)
		w.cfg.CacheBytes = bound
		v := w.verifier(t)
		aud := fmt.Sprintf("%q", audience)
		if members == `,"x":1` {
			aud = `["` + strings.Repeat(`api:\/\/other","`, 300) + audience + `"]`
		}
		before := heap()
		for i := range 2500 {
			payload := fmt.Sprintf(`{"iss":%q,"aud":%s,"exp":%d,"n":%d%s}`, issuerName, aud, noon.Add(time.Hour).Unix(), i, members)
			_, err := v.Verify(t.Context(), w.Token(jwkstest.WithRawPayload(payload)))
			require.NoError(t, err, name)
		}
		tokens, weight := v.Remembered()
		held := heap() - before
		assert.Less(t, held, int64(bound)*5/4, "%s: %d tokens weigh %d", name, tokens, weight)
		assert.Greater(t, held, int64(bound)/2, "nor is much of it left unused")
		runtime.KeepAlive(v)
	}
}
