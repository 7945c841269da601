package verifier_test

import (
	"context"
	"encoding/json"
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
	"github.com/sallyport-go/sallyport/verifier"
)

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
		"a kid, keys have none":                  {options: unnamed, token: kid("key-1")},
		"the same key twice is one":              {setup: func(w *world) { w.Publish(w.Key()) }},
		"no kid, two keys fit alg":               good(kid(nil)).under(another("ES256", nil)),
		"no kid, five keys fit alg":              unknownKey(`""`, ambiguous, kid(nil)).under(func(w *world) { w.Publish(others(w, nil)...) }),
		"no kid, no key fits alg":                wrongKey(`""`, with(jwkstest.Header{"kid": nil, "alg": "RS256"})),
		"five keys of one kid":                   unknownKey(`"key-1"`, ambiguous, nil).under(func(w *world) { w.Publish(others(w, jwkstest.JWK{"kid": "key-1"})...) }),
		"two keys of one kid, told apart by alg": {setup: another("EdDSA", jwkstest.JWK{"kid": "key-1"})},
		"the kid of a key for another alg":       wrongKey(`"key-1"`, with(jwkstest.Header{"alg": "EdDSA"})),
	}.run(t)
}

func TestAHintFindsAKeyAndTheSignatureDecides(t *testing.T) {
	t.Parallel()
	type jwk = jwkstest.JWK
	unnamed := []jwkstest.Option{jwk{"kid": nil}}
	// signs has another key sign, under this header.
	signs := func(members jwk, h jwkstest.Header) func(*world) string {
		return func(w *world) string {
			key := w.NewKey("ES256", members)
			w.Publish(key)
			return w.Token(jwkstest.WithKey(key), h)
		}
	}
	// stranger signs with a key that is not published.
	stranger := func(h jwkstest.Header) func(*world) string {
		return func(w *world) string { return w.Token(jwkstest.WithKey(w.NewKey("ES256", nil)), h) }
	}
	named := func(kid string, r row) row { r.kid = kid; return r }
	x5t := []jwkstest.Option{jwk{"x5t": "one", "x5t#S256": "one256"}}
	rs256 := []jwkstest.Option{jwkstest.WithAlgorithm("RS256"), jwk{"alg": nil}}
	undeclared := row{want: reason.UnsupportedAlg, check: "key", detail: undeclaredAlg, kid: `"key-2"`}
	unread := jwk{}
	for _, name := range []string{"alg", "use", "key_ops", "issuer", "d", "p", "q", "k", "oth", "x5t", "x5t#S256"} {
		unread[name] = null
	}
	for name, value := range map[string]any{"x5c": 7, "x5u": []int{1}, "D": "AQ", "jku": true, "exp": "soon"} {
		unread[name] = value
	}
	rules{
		"101 one key, one algorithm": {
			"an RSA key without alg is for RS256, the first of the list": {options: rs256},
			"and not for PS256, though that is allowed":                  undeclared.as(signedBy("PS256", jwk{"alg": nil})),
			"unless it is the first":                                     good(signedBy("PS256", jwk{"alg": nil})).under(algorithms("ES256", "PS256", "RS256")),
			"and then not for RS256":                                     undeclared.as(signedBy("RS256", jwk{"alg": nil})).under(algorithms("PS256", "RS256")),
			"a key for PS256 is":                                         good(signedBy("PS256", nil)),
			"a curve has one anyway":                                     {options: []jwkstest.Option{jwk{"alg": nil}}},
		},
		"102 a kid is a hint": {
			"two keys of one kid, signed by the first":  {setup: func(w *world) { w.Publish(w.NewKey("ES256", jwk{"kid": "key-1"})) }},
			"two keys of one kid, signed by the second": good(signs(jwk{"kid": "key-1"}, nil)),
			"two keys of one kid, signed by neither": badSignature(stranger(jwkstest.Header{"kid": "key-1"})).under(func(w *world) {
				w.Publish(w.NewKey("ES256", jwk{"kid": "key-1"}))
			}),
			"a set without kids, and a token with one":          {options: unnamed, token: with(jwkstest.Header{"kid": "2026-11"})},
			"a set without kids, and a stranger's key":          named(`"x"`, badSignature(stranger(jwkstest.Header{"kid": "x"}))).of(unnamed),
			"a key without kid where no key has it":             good(signs(jwk{"kid": nil}, jwkstest.Header{"kid": "x"})),
			"a key without kid where another key has it":        badSignature(signs(jwk{"kid": nil}, jwkstest.Header{"kid": "key-1"})),
			"no kid, and a stranger's key":                      named(`""`, badSignature(stranger(jwkstest.Header{"kid": nil}))),
			"x5t names the key":                                 {options: x5t, token: signs(jwk{"x5t": "two"}, jwkstest.Header{"kid": nil, "x5t": "two"})},
			"x5t names another key":                             named(`""`, badSignature(signs(jwk{"x5t": "two"}, jwkstest.Header{"kid": nil, "x5t": "one"}))).of(x5t),
			"x5t that is no text is none":                       {options: x5t, token: with(jwkstest.Header{"kid": nil, "x5t": 7})},
			"x5t beside a kid that no key has finds nothing":    unknownKey(`"x"`, noSuchKey, with(jwkstest.Header{"kid": "x", "x5t": "one"})).of(x5t),
			"x5t in a token whose keys state none, as in Azure": good(signs(nil, jwkstest.Header{"kid": nil, "x5t": "x"})),
		},
		"103 null and members that nobody reads take nothing away": {"a key with them": good(signedBy("ES256", unread))},
		"105 a key of another type breaks no set": {
			"a key for ML-DSA": good(nil).under(func(w *world) {
				w.Publish(w.NewKey("ES256", jwk{"kty": "AKP", "alg": "ML-DSA-65", "pub": "AA", "crv": nil, "x": nil, "y": nil}))
			}),
		},
	}.run(t)
}

// A key that is published and cannot be used is not one that is missing.
func TestASkippedKeyIsNotAMissingOne(t *testing.T) {
	t.Parallel()
	type jwk = jwkstest.JWK
	const hidden, published = "cannot be read, so the token was not judged", "must not check access tokens"
	for name, r := range map[string]struct {
		members jwk
		header  jwkstest.Header
		sound   jwk // another key of the set
		want    reason.Code
		hint    string
		why     string
	}{
		"110 a damaged key":                         {members: jwk{"x": "!!"}, want: reason.KeysUnavailable, hint: hidden, why: "x is not base64url"},
		"110 a damaged key without kid":             {members: jwk{"x": "!!", "kid": nil}, header: jwkstest.Header{"kid": nil}, want: reason.KeysUnavailable, hint: hidden, why: "key 1: unusable EC key: x is not base64url"},
		"110 a damaged key named by x5t":            {members: jwk{"x": "!!", "x5t": "t"}, header: jwkstest.Header{"kid": nil, "x5t": "t"}, want: reason.KeysUnavailable, hint: hidden, why: "x is not base64url"},
		"110 a damaged key beside one of its kid":   {members: jwk{"x": "!!", "kid": "key-1"}, want: reason.KeysUnavailable, hint: hidden, why: "x is not base64url"},
		"110 a damaged key of another type":         {members: jwk{"x": "!!"}, header: jwkstest.Header{"alg": "RS256"}, want: reason.UnusableKey, hint: published, why: "x is not base64url"},
		"110 a damaged key for encryption":          {members: jwk{"x": "!!", "use": "enc"}, want: reason.UnusableKey, hint: published, why: `use is "enc", not sig`},
		"110 a key for encryption":                  {members: jwk{"use": "enc"}, want: reason.UnusableKey, hint: published, why: `use is "enc", not sig`},
		"110 a kid that no key has, beside all":     {members: jwk{"x": "!!"}, header: jwkstest.Header{"kid": "x"}, want: reason.UnknownKey, hint: "does not publish this key"},
		"110 a forgery under a sound key's kid":     {members: jwk{"x": "!!"}, header: jwkstest.Header{"kid": "key-1"}, want: reason.BadSignature, hint: "changed after it was signed"},
		"110 a kid that only a skipped key has":     {members: jwk{"use": "enc"}, sound: jwk{"kid": nil}, want: reason.UnusableKey, hint: published, why: `use is "enc"`},
		"110 terminal escapes in what is published": {members: jwk{"crv": "\x1b[2J", "alg": nil}, want: reason.UnusableKey, hint: published, why: `crv "\x1b[2J"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				odd := w.NewKey("ES256", r.members)
				w.Publish(odd)
				if r.sound != nil {
					w.Publish(w.NewKey("ES256", r.sound))
				}
				fetcher := w.fetcher(t)
				w.issuer().Keys = fetcher
				require.NoError(t, fetcher.Ready(t.Context()))
				v := w.verifier(t)
				token := w.Token(jwkstest.WithKey(odd), jwkstest.WithAlgorithm("ES256"), r.header)
				expect(t, v, w.Token(), "", "the sound key is not affected")

				_, err := v.Verify(t.Context(), token)
				refused := asError(t, err)
				assert.Equal(t, r.want, refused.Reason, err)
				report := v.Explain(t.Context(), token)
				assert.Equal(t, r.want, report.Reason)
				assert.Contains(t, report.Hint, r.hint)
				assert.Contains(t, report.Hint, r.why)
				assert.ErrorContains(t, err, r.why)
				assert.Contains(t, strings.Join(fetcher.Status().Skipped, " "), r.why)
				if r.why != "" {
					assert.NotContains(t, err.Error()+report.Hint, "no such key")
				}
			})
		})
	}
}

func TestAKeyThatIsMendedIsUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		sound := w.Key()
		damaged := w.NewKey("ES256", jwkstest.JWK{"kid": sound.ID(), "x": "!!"})
		w.Publish(w.NewKey("ES256"), damaged)
		w.Remove(sound.ID())
		w.Publish(damaged)
		fetcher := w.fetcher(t)
		w.issuer().Keys = fetcher
		v := w.verifier(t)
		require.NoError(t, fetcher.Ready(t.Context()))
		token := w.Token(jwkstest.WithKey(sound))
		expect(t, v, token, reason.KeysUnavailable)
		w.Remove(sound.ID())
		w.Publish(sound)
		time.Sleep(time.Minute)
		expect(t, v, token, "", "without waiting for the next refresh")
	})
}

// In the middle of a rotation of keys that have no kid, a signature tells that a key is new.
func TestABadSignatureUnderKeysThatNoNameNamesAsksForNewerKeys(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]jwkstest.Header{"no kid": {"kid": nil}, "a kid that no key has": {"kid": "2026-11"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for way, ask := range map[string]func(*verifier.Verifier, string) bool{
				"Verify": func(v *verifier.Verifier, token string) bool {
					_, err := v.Verify(t.Context(), token)
					return err == nil
				},
				"Explain": func(v *verifier.Verifier, token string) bool { return v.Explain(t.Context(), token).OK },
			} {
				w := newWorld(t, jwkstest.JWK{"kid": nil})
				v := w.verifier(t)
				var asked []string
				w.keys.refresh = func(_ context.Context, kid string) error {
					asked = append(asked, kid)
					w.keys.fetch()
					return nil
				}
				next := w.NewKey("ES256", jwkstest.JWK{"kid": nil})
				w.Publish(next)
				assert.True(t, ask(v, w.Token(header)), way)
				assert.Empty(t, asked, way)
				assert.True(t, ask(v, w.Token(jwkstest.WithKey(next), header)), way)
				assert.Equal(t, []string{""}, asked, "%s: there is no kid to remember", way)
				assert.False(t, ask(v, tampered(w.Token(header))), way)
				assert.Equal(t, []string{"", ""}, asked, "%s: once, where nothing is new", way)
			}
		})
	}
}

func TestABadSignatureUnderAKeyThatIsNamedAsksForNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, jwkstest.JWK{"x5t": "t"})
	v := w.verifier(t)
	for _, header := range []jwkstest.Header{{"kid": "key-1"}, {"kid": nil, "x5t": "t"}} {
		expect(t, v, tampered(w.Token(header)), reason.BadSignature)
		assert.Zero(t, w.keys.refreshes.Load())
	}
}

// The wait for newer keys is each caller's own, though the signature is checked
// once for all that bring the same token.
func TestEachCallerWaitsForItselfAfterABadSignature(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jwkstest.JWK{"kid": nil})
		v := w.verifier(t)
		fetched := make(chan struct{})
		w.keys.refresh = func(ctx context.Context, _ string) error {
			select {
			case <-fetched:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		next := w.NewKey("ES256", jwkstest.JWK{"kid": nil})
		token := w.Token(jwkstest.WithKey(next))
		hurried, cancel := context.WithCancel(t.Context())
		errs := make(chan error, 2)
		go func() { _, err := v.Verify(hurried, token); errs <- err }()
		go func() { _, err := v.Verify(t.Context(), token); errs <- err }()
		synctest.Wait()
		cancel()
		assert.Equal(t, reason.Canceled, asError(t, <-errs).Reason)
		w.Publish(next)
		w.keys.fetch()
		close(fetched)
		assert.NoError(t, <-errs)

		w.keys.refresh = func(context.Context, string) error { return http.ErrServerClosed }
		expect(t, v, tampered(token), reason.KeysUnavailable, "a key that could not be asked for is not the token's fault")
	})
}

func TestTheSeveralKeysOfATenantAreItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	setup := tenants(contoso, fabrikam)
	setup(w)
	var keys []*jwks.Key
	for _, tenant := range []string{fabrikam, contoso} {
		jwk := w.Key().JWK()
		jwk["issuer"] = strings.Replace(w.issuer().Name, "{tenantid}", tenant, 1)
		keys = append(keys, must(jwks.ParseJWKS(must(json.Marshal(jwk))))...)
	}
	w.issuer().Keys = must(jwks.NewStatic(keys...))
	v := w.verifier(t)
	for range 2 {
		expect(t, v, of(contoso)(w), "")
		expect(t, v, of(fabrikam)(w), "")
	}
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
	enc, damaged := w.NewKey("ES256", jwkstest.JWK{"use": "enc"}), w.NewKey("ES256", jwkstest.JWK{"x": "!!"})
	w.Publish(w.NewKey("ES256"), enc, damaged)
	w.keys.fetch()
	v := w.verifier(t)
	for name, token := range map[string]string{
		"a key for something else":    w.Token(jwkstest.WithKey(enc)),
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
	expect(t, v, w.Token(jwkstest.WithKey(damaged)), reason.KeysUnavailable)
	assert.EqualValues(t, 1, w.keys.refreshes.Load(), "but a key that cannot be read may have been mended")
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
