package verifier_test

import (
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestTheZeroVerifierRefusesEveryToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var zero verifier.Verifier

	for _, token := range []string{w.Token(), "a.b.c", "x"} {
		expect(t, &zero, token, reason.TooLarge)
		assert.False(t, zero.Explain(t.Context(), token).OK)
	}
	expect(t, &zero, "", reason.Malformed)
}

func TestSize(t *testing.T) {
	t.Parallel()
	const tooLarge = "more than 8192 bytes: raise MaxTokenBytes if such tokens are meant to pass"
	table{
		"8 KiB are looked at":                      malformed("structure", text(strings.Repeat("A", 8<<10))),
		"one byte more is too large":               {token: text(strings.Repeat("A", 8<<10+1)), want: reason.TooLarge, check: "size", detail: tooLarge},
		"the bound can be raised":                  malformed("structure", text(strings.Repeat("A", 9000))).under(maxTokenBytes(9000)),
		"and lowered":                              {setup: maxTokenBytes(100), want: reason.TooLarge, check: "size", detail: "more than 100 bytes: raise MaxTokenBytes if such tokens are meant to pass"},
		"a megabyte of dots is not even looked at": {token: text(strings.Repeat(".", 1<<20)), want: reason.TooLarge, check: "size", detail: tooLarge},
	}.run(t)
}

func maxTokenBytes(n int) func(*world) { return func(w *world) { w.cfg.MaxTokenBytes = n } }

// TestEveryForgeryIsRefusedForItsReason tries all that the test kit can forge,
// for each kind of key, with Verify and with Explain.
func TestEveryForgeryIsRefusedForItsReason(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, jwkstest.WithAlgorithm(alg))
			forgeries := w.Forgeries()
			w.keys.fetch()
			v := w.verifier(t)
			expect(t, v, w.Token(), "", "the token that they are forged from is good")

			tried := 0
			for name, forgery := range forgeries {
				tried++
				expect(t, v, forgery.Token, forgery.Reason, name)
				report := v.Explain(t.Context(), forgery.Token)
				assert.Equal(t, forgery.Reason, report.Reason, name)
				assert.Len(t, report.Checks, len(checkNames), name)
				assert.NotEmpty(t, report.Hint, name)
			}
			assert.Greater(t, tried, 250)
			expect(t, v, w.Token(), "", "and good ones still are")
		})
	}
}

// In a bubble, Wait returns when every goroutine is blocked for good: so the
// refresh is still under way, and does not end, while Verify answers.
func TestVerifyAnswersWhileARefreshHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		keys := w.fetcher(t)
		w.issuer().Keys = keys
		require.NoError(t, keys.Ready(t.Context()))
		v, off, seen := w.verifier(t), w.uncached(t), w.Token()
		expect(t, v, seen, "")

		release := w.Hang()
		refreshed := make(chan error, 1)
		go func() { refreshed <- keys.Refresh(t.Context(), "a-key-to-come") }()
		synctest.Wait()
		expect(t, v, seen, "", "a token seen before")
		expect(t, v, w.Token(jwkstest.Claims{"sub": "another"}), "", "a first sight")
		expect(t, off, seen, "", "without a cache")
		assert.Empty(t, refreshed, "the refresh goes on hanging")
		release()
		require.NoError(t, <-refreshed)
	})
}

// skipUnderRace skips what counts allocations: the race detector makes sync.Pool
// forget at random. Such tests run alone.
func skipUnderRace(t *testing.T) {
	t.Helper()
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			t.Skip("allocations are counted without the race detector")
		}
	}
}

// entra is what an app token of Entra ID says beside the registered claims.
var entra = jwkstest.Claims{
	"aio": "k2RgYJjP8DvAKfq52XfFAQA=", "azp": "0d4f7c1e-93ab-4c26-8f5e-b1a7c3d5e790", "azpacr": "1", "idtyp": "app",
	"oid": "c9a1e6b2-58d4-4f73-a0b6-7e9d2c4f1a85", "roles": []string{"Orders.Write.All", "Customers.Read.All", "Orders.Read.All"},
	"tid": "5f1c3a52-7d0e-4b6a-9a3f-0c2b7d9e8f41", "uti": "b0rJv3n5Q0mW8yT1kXcZAA", "ver": "2.0",
}

func TestAFirstSightAllocatesLittleBeyondTheSignatureCheck(t *testing.T) {
	skipUnderRace(t)
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
	skipUnderRace(t)
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
