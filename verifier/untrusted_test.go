package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
)

func TestIssuer(t *testing.T) {
	t.Parallel()
	table{
		"no iss":             missing("issuer", "iss"),
		"iss as a number":    {token: having(jwkstest.Claims{"iss": 7}), want: reason.MalformedClaims, check: "issuer", detail: "iss is no string"},
		"one of two issuers": {setup: second("https://second.example")},
		"the other of two":   good(having(jwkstest.Claims{"iss": "https://second.example"})).under(second("https://second.example")),
	}.run(t)
}

func TestTheIssuerOfARefusalIsTheConfiguredOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)

	_, err := v.Verify(t.Context(), w.Token(jwkstest.WithAudience("api://other")))
	assert.Equal(t, issuerName, asError(t, err).Issuer)
	assert.Contains(t, err.Error(), issuerName)

	_, err = v.Verify(t.Context(), w.Token(jwkstest.Claims{"iss": "https://other.example/"}))
	assert.Empty(t, asError(t, err).Issuer, "the token's own iss is data of the caller")
	assert.NotContains(t, err.Error(), "other.example")
}

func TestAForeignIssuerNeverReachesTheKeySet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for _, token := range []string{
		w.Token(jwkstest.Claims{"iss": "https://other.example/"}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Claims{"iss": nil}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Claims{"iss": 7}, jwkstest.Header{"kid": "never-seen"}),
		w.Token(jwkstest.Header{"crit": []string{"x"}, "kid": "never-seen"}),
		w.Token(jwkstest.Header{"typ": "dpop+jwt", "kid": "never-seen"}),
		w.Token(jwkstest.Header{"alg": "none", "kid": "never-seen"}),
		"opaque",
	} {
		_, err := v.Verify(t.Context(), token)
		assert.Error(t, err)
	}
	assert.Zero(t, w.keys.asked())
}

func TestType(t *testing.T) {
	t.Parallel()
	okta := types("okta-internal-at+jwt")
	typ := func(typ string) row { return good(with(jwkstest.Header{"typ": typ})) }
	table{
		"jwt in small letters":                  good(with(jwkstest.Header{"typ": "jwt"})),
		"types can be named":                    good(with(jwkstest.Header{"typ": "Okta-Internal-AT+JWT"})).under(okta),
		"and then the default ones are refused": otherType("at+jwt").under(okta),
		"no typ is refused unless it is named":  otherType(nil).under(types("JWT")),
		"no typ at all can be asked for":        good(with(jwkstest.Header{"typ": nil})).under(types("")),
		"and an empty typ is none then":         typ("").under(types("JWT", "")),
		"but not by default":                    otherType(""),
		"nor where no typ is not accepted":      otherType("").under(types("JWT")),

		// RFC 7515 section 4.1.9
		"application/ may stand in front of the default ones": typ("application/JWT"),
		"in any case":                            typ("APPLICATION/At+Jwt"),
		"or of those that are named":             typ("application/okta-internal-at+jwt").under(okta),
		"and be left out of those":               typ("at+jwt").under(types("application/at+jwt")),
		"in any case too":                        typ("jws").under(types("Application/JWS")),
		"another tree is another type":           otherType("text/at+jwt"),
		"which can be named":                     typ("Text/AT+jwt").under(types("text/at+jwt")),
		"and is not that of application/":        otherType("at+jwt").under(types("text/at+jwt")),
		"a value with two slashes is as it is":   otherType("application/x/jwt").under(types("x/jwt")),
		"application/ twice is another type":     otherType("application/application/at+jwt"),
		"application/ alone is a type":           otherType("application/").under(types("")),
		"application without a slash is another": otherType("applicationat+jwt"),
		"a parameter is part of a type":          otherType("application/at+jwt; v=1"),
	}.run(t)
}

func TestAlgorithm(t *testing.T) {
	t.Parallel()
	es384, ed25519 := with(jwkstest.WithAlgorithm("ES384")), with(jwkstest.WithAlgorithm("EdDSA"), jwkstest.Header{"alg": "Ed25519"})
	table{
		"RS256":             good(with(jwkstest.WithAlgorithm("RS256"))),
		"PS256":             good(with(jwkstest.WithAlgorithm("PS256"))),
		"ES256":             good(with(jwkstest.WithAlgorithm("ES256"))),
		"EdDSA":             good(with(jwkstest.WithAlgorithm("EdDSA"))),
		"ES384 by default":  unsupportedAlg(es384),
		"ES384 if named":    good(es384).under(algorithms("ES384")),
		"ES256 if ES384 is": unsupportedAlg(nil).under(algorithms("ES384")),
		"Ed25519 is another name, and has to be named":          unsupportedAlg(ed25519),
		"Ed25519 if both are named":                             good(ed25519).under(algorithms("EdDSA", "Ed25519")),
		"EdDSA with a key published for Ed25519":                good(signedBy("EdDSA", jwkstest.JWK{"alg": "Ed25519"})).under(algorithms("EdDSA", "Ed25519")),
		"RS256 with a key published without alg, as Entra does": good(signedBy("RS256", jwkstest.JWK{"alg": nil})),
	}.run(t)
}

func TestHMACNeedsAnExplicitSecret(t *testing.T) {
	t.Parallel()
	secret := func(algorithms ...string) func(*world) {
		return func(w *world) {
			key := w.NewKey("HS256")
			w.Use(key)
			set := must(jwks.NewStatic(must(jwks.NewSecret(key.ID(), "HS256", key.Secret()))))
			w.issuer().Keys, w.issuer().Algorithms = set, algorithms
		}
	}
	hs256 := with(jwkstest.WithAlgorithm("HS256"))
	table{
		"with a secret, and named":     good(hs256).under(secret("HS256")),
		"with a secret, but not named": unsupportedAlg(hs256).under(secret()),
		"another HMAC than the secret's": wrongKey(`"key-2"`, with(jwkstest.WithAlgorithm("HS384"), jwkstest.Header{"kid": "key-2"})).
			under(secret("HS256", "HS384")),
		"a secret that the issuer publishes is not a key": unknownKey(`"key-2"`, noSuchKey, hs256).under(func(w *world) {
			w.issuer().Algorithms = []string{"HS256", "ES256"}
			w.Publish(w.NewKey("HS256"))
		}),
	}.run(t)
}

func TestKey(t *testing.T) {
	t.Parallel()
	unnamed := []jwkstest.Option{jwkstest.JWK{"kid": nil}}
	long := strings.Repeat("k", 65)
	kid := func(kid any) func(*world) string { return with(jwkstest.Header{"kid": kid}) }
	another := func(alg string, members jwkstest.JWK) func(*world) {
		return func(w *world) { w.Publish(w.NewKey(alg, members)) }
	}
	table{
		"a kid that is not published":            unknownKey(`"key-9"`, noSuchKey, kid("key-9")),
		"a kid is quoted":                        unknownKey(`"a\r\nb\"\u00f8"`, noSuchKey, kid("a\r\nb\"ø")),
		"a kid of 64 bytes is shown whole":       unknownKey(`"`+long[:64]+`"`, noSuchKey, kid(long[:64])),
		"and cut beyond":                         unknownKey(`"`+long[:64]+`"...`, noSuchKey, kid(long)),
		"no kid and a single key":                good(kid(nil)),
		"an empty kid is as none":                good(kid("")),
		"no kid, one key fits alg":               good(kid(nil)).under(another("EdDSA", nil)),
		"no kid on either side":                  {options: unnamed},
		"a kid, keys have none":                  {options: unnamed, token: kid("key-1"), want: reason.UnknownKey, check: "key", detail: noSuchKey, kid: `"key-1"`},
		"the same key twice is one":              {setup: func(w *world) { w.Publish(w.Key()) }},
		"no kid, two keys fit alg":               unknownKey(`""`, ambiguous, kid(nil)).under(another("ES256", nil)),
		"no kid, no key fits alg":                wrongKey(`""`, with(jwkstest.Header{"kid": nil, "alg": "RS256"})),
		"two keys of one kid":                    unknownKey(`"key-1"`, ambiguous, nil).under(another("ES256", jwkstest.JWK{"kid": "key-1"})),
		"two keys of one kid, told apart by alg": {setup: another("EdDSA", jwkstest.JWK{"kid": "key-1"})},
		"the kid of a key for another alg":       wrongKey(`"key-1"`, with(jwkstest.Header{"alg": "EdDSA"})),
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
	expect(t, v, w.Token(), "", "a rotated key is found by the refresh")
	assert.Equal(t, []string{"key-2"}, asked)

	expect(t, v, w.Token(jwkstest.Header{"kid": "made-up"}), reason.UnknownKey)
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
		"never fetched":              {keys: func(w *world) { w.issuer().Keys = failing(unloaded(), down) }, kid: "key-1", retry: 7 * time.Second, cause: down},
		"never fetched, and no kid":  {keys: func(w *world) { w.issuer().Keys = failing(unloaded(), down) }, retry: 7 * time.Second, cause: down},
		"too stale":                  {keys: func(w *world) { w.keys.expire(true); failing(w.keys, down) }, kid: "key-1", retry: 7 * time.Second, cause: down},
		"an unknown kid":             {keys: func(w *world) { failing(w.keys, down) }, kid: "new", retry: 7 * time.Second, cause: down},
		"a KeySet's own error":       {keys: func(w *world) { failing(w.keys, http.ErrServerClosed) }, kid: "new", cause: http.ErrServerClosed},
		"a refresh that brings none": {keys: func(w *world) { w.issuer().Keys = unloaded() }, kid: "key-1"},
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

func TestKeysAreFetchedWhenATokenNeedsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.issuer().Keys = w.fetcher(t)
		v := w.verifier(t)
		assert.Zero(t, w.Fetches())
		w.Fail(http.StatusBadGateway)
		_, err := v.Verify(t.Context(), w.Token())
		assert.Equal(t, reason.KeysUnavailable, asError(t, err).Reason)
		assert.GreaterOrEqual(t, asError(t, err).RetryAfter, time.Second)

		w.Restore()
		time.Sleep(2 * time.Minute)
		expect(t, v, w.Token(), "", "and it recovers by itself")
		before := w.Fetches()
		w.Rotate()
		expect(t, v, w.Token(), "", "a rotated key is fetched when its first token comes")
		assert.Equal(t, before+1, w.Fetches())
	})
}

// A kid comes from the writer of the token and goes to logs and terminals.
func TestEveryCharacterOfAKidIsFitForALog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.uncached(t)
	for c := range rune(0x180) {
		kid := string(c)
		_, err := v.Verify(t.Context(), w.Token(jwkstest.Header{"kid": kid}))
		refusal := asError(t, err)
		require.Equal(t, strconv.QuoteToASCII(kid), refusal.KeyID)
		for i := range len(refusal.KeyID) {
			require.True(t, refusal.KeyID[i] >= ' ' && refusal.KeyID[i] <= '~', "%q", refusal.KeyID)
		}
	}
}
