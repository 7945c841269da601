package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

const (
	noSuchKey = "the issuer has no such key"
	ambiguous = "several keys fit: the issuer must tell them apart by kid, use or alg"
	mismatch  = "no key that the token can mean is for this alg"
	foreign   = "alg is not among the issuer's Algorithms"
)

func TestAlgorithm(t *testing.T) {
	t.Parallel()
	table{
		"RS256":             {token: with(jwkstest.WithAlgorithm("RS256"))},
		"PS256":             {token: with(jwkstest.WithAlgorithm("PS256"))},
		"ES256":             {token: with(jwkstest.WithAlgorithm("ES256"))},
		"EdDSA":             {token: with(jwkstest.WithAlgorithm("EdDSA"))},
		"ES384 by default":  {token: with(jwkstest.WithAlgorithm("ES384")), want: reason.UnsupportedAlg, check: "algorithm", detail: foreign},
		"ES384 if named":    {setup: algorithms("ES384"), token: with(jwkstest.WithAlgorithm("ES384"))},
		"ES256 if ES384 is": {setup: algorithms("ES384"), want: reason.UnsupportedAlg, check: "algorithm", detail: foreign},
		"no alg":            {token: with(jwkstest.Header{"alg": nil}), want: reason.UnsupportedAlg, check: "algorithm", detail: foreign},
		"alg in small letters": {
			token: with(jwkstest.Header{"alg": "es256"}),
			want:  reason.UnsupportedAlg, check: "algorithm", detail: foreign,
		},
		"Ed25519 is another name, and has to be named": {
			token: with(jwkstest.WithAlgorithm("EdDSA"), jwkstest.Header{"alg": "Ed25519"}),
			want:  reason.UnsupportedAlg, check: "algorithm", detail: foreign,
		},
		"Ed25519 if both are named": {
			setup: algorithms("EdDSA", "Ed25519"),
			token: with(jwkstest.WithAlgorithm("EdDSA"), jwkstest.Header{"alg": "Ed25519"}),
		},
		"EdDSA with a key published for Ed25519": {
			setup: algorithms("EdDSA", "Ed25519"),
			token: func(w *world) string {
				w.Publish(w.NewKey("EdDSA", jwkstest.JWK{"alg": "Ed25519"}))
				return w.Token(jwkstest.WithAlgorithm("EdDSA"))
			},
		},
		"PS256 with a key published for RS256": {
			setup: algorithms("RS256", "PS256"),
			token: func(w *world) string {
				key := w.NewKey("RS256")
				w.Publish(key)
				return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm("PS256"), jwkstest.Header{"alg": "PS256"})
			},
			want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
		},
		"RS256 with a key published without alg, as Entra does": {
			token: func(w *world) string {
				key := w.NewKey("RS256", jwkstest.JWK{"alg": nil})
				w.Publish(key)
				return w.Token(jwkstest.WithKey(key), jwkstest.WithAlgorithm("RS256"))
			},
		},
	}.run(t)
}

func algorithms(list ...string) func(*world) {
	return func(w *world) { w.issuer().Algorithms = list }
}

func TestHMACNeedsAnExplicitSecret(t *testing.T) {
	t.Parallel()
	secret := func(algorithms ...string) func(*world) {
		return func(w *world) {
			key := w.NewKey("HS256")
			w.Use(key)
			known, err := jwks.NewSecret(key.ID(), "HS256", key.Secret())
			if err != nil {
				panic(err)
			}
			set, err := jwks.NewStatic(known)
			if err != nil {
				panic(err)
			}
			w.issuer().Keys, w.issuer().Algorithms = set, algorithms
		}
	}
	table{
		"with a secret, and named":     {setup: secret("HS256"), token: with(jwkstest.WithAlgorithm("HS256"))},
		"with a secret, but not named": {setup: secret(), token: with(jwkstest.WithAlgorithm("HS256")), want: reason.UnsupportedAlg, check: "algorithm", detail: foreign},
		"another HMAC than the secret's": {
			setup: secret("HS256", "HS384"), token: with(jwkstest.WithAlgorithm("HS384"), jwkstest.Header{"kid": "key-2"}),
			want: reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-2"`,
		},
		"a secret that the issuer publishes is not a key": {
			setup: func(w *world) {
				w.issuer().Algorithms = []string{"HS256", "ES256"}
				w.Publish(w.NewKey("HS256"))
			},
			token: with(jwkstest.WithAlgorithm("HS256")),
			want:  reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-2"`,
		},
	}.run(t)
}

func TestKey(t *testing.T) {
	t.Parallel()
	unnamed := jwkstest.JWK{"kid": nil}
	long := strings.Repeat("k", 65)
	table{
		"a kid that nobody published": {
			token: with(jwkstest.Header{"kid": "key-9"}),
			want:  reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-9"`,
		},
		"a kid is quoted": {
			token: with(jwkstest.Header{"kid": "a\r\nb\"ø"}),
			want:  reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"a\r\nb\"\u00f8"`,
		},
		"a kid of 64 bytes is shown whole": {
			token: with(jwkstest.Header{"kid": long[:64]}),
			want:  reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"` + long[:64] + `"`,
		},
		"and cut beyond": {
			token: with(jwkstest.Header{"kid": long}),
			want:  reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"` + long[:64] + `"...`,
		},
		"no kid and a single key":   {token: with(jwkstest.Header{"kid": nil})},
		"an empty kid is as none":   {token: with(jwkstest.Header{"kid": ""})},
		"no kid, one key fits alg":  {setup: func(w *world) { w.Publish(w.NewKey("EdDSA")) }, token: with(jwkstest.Header{"kid": nil})},
		"no kid on either side":     {options: []jwkstest.Option{unnamed}},
		"a kid, keys have none":     {options: []jwkstest.Option{unnamed}, token: with(jwkstest.Header{"kid": "key-1"}), want: reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-1"`},
		"the same key twice is one": {setup: func(w *world) { w.Publish(w.Key()) }},
		"no kid, two keys fit alg": {
			setup: func(w *world) { w.Publish(w.NewKey("ES256")) },
			token: with(jwkstest.Header{"kid": nil}),
			want:  reason.UnknownKey, check: "key", detail: ambiguous, kid: `""`,
		},
		"no kid, no key fits alg": {
			token: with(jwkstest.Header{"kid": nil, "alg": "RS256"}),
			want:  reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `""`,
		},
		"two keys of one kid": {
			setup: func(w *world) { w.Publish(w.NewKey("ES256", jwkstest.JWK{"kid": "key-1"})) },
			want:  reason.UnknownKey, check: "key", detail: ambiguous, kid: `"key-1"`,
		},
		"two keys of one kid, told apart by alg": {
			setup: func(w *world) { w.Publish(w.NewKey("EdDSA", jwkstest.JWK{"kid": "key-1"})) },
		},
		"the kid of a key for another alg": {
			token: with(jwkstest.Header{"alg": "EdDSA"}),
			want:  reason.UnsupportedAlg, check: "key", detail: mismatch, kid: `"key-1"`,
		},
	}.run(t)
}

func TestAnUnknownKidAsksForNewerKeysOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	var asked []string
	w.keys.refresh = func(_ context.Context, kid string) error {
		asked = append(asked, kid)
		w.keys.fetch()
		return nil
	}

	w.Rotate()
	_, got := verify(t, v, w.Token())
	assert.Empty(t, got, "a rotated key is found by the refresh")
	assert.Equal(t, []string{"key-2"}, asked)

	_, got = verify(t, v, w.Token(jwkstest.Header{"kid": "made-up"}))
	assert.Equal(t, reason.UnknownKey, got)
	assert.Equal(t, []string{"key-2", "made-up"}, asked, "one that is still unknown is asked for once")
}

func TestOnlyAnUnknownKidAsksForNewerKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Publish(w.NewKey("ES256"))
	w.keys.fetch()
	v := w.verifier(t)
	for name, token := range map[string]string{
		"a bad signature":             tampered(w.Token()),
		"the wrong key for the alg":   w.Token(jwkstest.Header{"alg": "RS256"}),
		"no kid, and several keys":    w.Token(jwkstest.Header{"kid": nil}),
		"no kid, and no key fits":     w.Token(jwkstest.Header{"kid": nil, "alg": "RS256"}),
		"a token that is good":        w.Token(),
		"a token that is not for us":  w.Token(jwkstest.WithAudience("api://other")),
		"a token that expired":        w.Token(jwkstest.Claims{"exp": noon.Add(-time.Hour)}),
		"an alg that is not accepted": w.Token(jwkstest.Header{"alg": "HS256", "kid": "made-up"}),
	} {
		_, _ = v.Verify(t.Context(), token)
		assert.Zero(t, w.keys.refreshes.Load(), name)
	}
}

func TestKeysThatCannotBeHadAreNotTheTokensFault(t *testing.T) {
	t.Parallel()
	down := &jwks.UnavailableError{RetryAfter: 7 * time.Second, Err: errors.New("connection refused")}
	for name, r := range map[string]struct {
		keys  func(*world)
		kid   any
		retry time.Duration
		cause error
	}{
		"never fetched":              {keys: func(w *world) { w.issuer().Keys = failing(nobody(), down) }, kid: "key-1", retry: 7 * time.Second, cause: down},
		"never fetched, and no kid":  {keys: func(w *world) { w.issuer().Keys = failing(nobody(), down) }, retry: 7 * time.Second, cause: down},
		"too stale":                  {keys: func(w *world) { w.keys.expire(true); failing(w.keys, down) }, kid: "key-1", retry: 7 * time.Second, cause: down},
		"an unknown kid":             {keys: func(w *world) { failing(w.keys, down) }, kid: "new", retry: 7 * time.Second, cause: down},
		"a KeySet's own error":       {keys: func(w *world) { failing(w.keys, http.ErrServerClosed) }, kid: "new", cause: http.ErrServerClosed},
		"a refresh that brings none": {keys: func(w *world) { w.issuer().Keys = nobody() }, kid: "key-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.Token(jwkstest.Header{"kid": r.kid})
			r.keys(w)

			report := w.judge(t, token, row{want: reason.KeysUnavailable, check: "key"})
			assert.Contains(t, report.Hint, "was not judged")

			_, err := w.verifier(t).Verify(t.Context(), token)
			assert.Equal(t, r.retry, asError(t, err).RetryAfter)
			if r.cause != nil {
				assert.ErrorIs(t, err, r.cause)
			}
		})
	}
}

func failing(k *keySet, err error) *keySet {
	k.refresh = func(context.Context, string) error { return err }
	return k
}

func TestACallersOwnHurryIsCanceled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	w.keys.refresh = func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return fmt.Errorf("gave up waiting: %w", ctx.Err())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	unknown := w.Token(jwkstest.Header{"kid": "new"})

	_, err := v.Verify(ctx, unknown)
	assert.Equal(t, reason.Canceled, asError(t, err).Reason)
	assert.Equal(t, "while waiting for the issuer's keys", asError(t, err).Detail)
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, reason.Canceled, v.Explain(ctx, unknown).Reason)

	_, err = v.Verify(ctx, w.Token())
	assert.NoError(t, err, "a token that needs no wait is judged all the same")
}

func TestKeysAreFetchedWhenTheFirstTokenComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.issuer().Keys = w.fetcher(t)
		v := w.verifier(t)
		assert.Zero(t, w.Fetches())

		_, err := v.Verify(t.Context(), w.Token())
		require.NoError(t, err)
		assert.Equal(t, 1, w.Fetches())

		w.Rotate()
		_, err = v.Verify(t.Context(), w.Token())
		require.NoError(t, err, "a rotated key is fetched when its first token comes")
		assert.Equal(t, 2, w.Fetches())
	})
}

func TestAnIssuerThatIsDownAnswersWhenToRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.issuer().Keys = w.fetcher(t)
		v := w.verifier(t)
		w.Fail(http.StatusBadGateway)

		_, err := v.Verify(t.Context(), w.Token())
		assert.Equal(t, reason.KeysUnavailable, asError(t, err).Reason)
		assert.GreaterOrEqual(t, asError(t, err).RetryAfter, time.Second)

		w.Restore()
		time.Sleep(2 * time.Minute)
		_, err = v.Verify(t.Context(), w.Token())
		assert.NoError(t, err, "and it recovers by itself")
	})
}

func TestOneIssuersTroubleIsNotAnothers(t *testing.T) {
	t.Parallel()
	good, bad := newWorld(t), newWorld(t, jwkstest.WithName("https://down.example"))
	bad.issuer().Keys = failing(nobody(), &jwks.UnavailableError{Err: errors.New("down")})
	good.cfg.Issuers = append(good.cfg.Issuers, *bad.issuer())
	v := good.verifier(t)

	_, got := verify(t, v, good.Token())
	assert.Empty(t, got)
	_, got = verify(t, v, bad.Token())
	assert.Equal(t, reason.KeysUnavailable, got)
}

func TestAKeySetThatForgotItsErrorIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.issuer().Keys = (*jwks.Fetcher)(nil)
	_, err := verifier.New(w.cfg)
	assert.ErrorContains(t, err, "Keys is nil")
}
