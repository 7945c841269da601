package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestBinding(t *testing.T) {
	t.Parallel()
	for name, cnf := range map[string]any{
		"a thumbprint":    map[string]any{"jkt": "thumbprint"},
		"an unknown name": map[string]any{"other": "x"},
		"no member":       map[string]any{},
		"a string":        "jkt",
		"null in it":      map[string]any{"jkt": null},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := w.Token(jwkstest.Claims{"cnf": cnf})
			w.judge(t, token, row{want: reason.UnsupportedBinding, check: "binding", detail: "the token is bound to its sender by cnf, which is not checked here"})

			v := w.verifier(t)
			c, err := v.VerifyBound(t.Context(), token)
			require.NoError(t, err, "the caller checks it")
			assert.True(t, c.Has("cnf"))
			again, err := v.VerifyBound(t.Context(), token)
			require.NoError(t, err)
			assert.Same(t, c, again)
			expect(t, v, token, reason.UnsupportedBinding, "what one caller checks is not remembered for another")
		})
	}
}

func TestACnfThatIsNullBindsToNothing(t *testing.T) {
	t.Parallel()
	table{"null": good(having(jwkstest.Claims{"cnf": null}))}.run(t)
}

func TestVerifyBoundChecksAllElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(t)
	for token, want := range map[string]reason.Code{
		w.Token():                           "",
		tampered(w.Token()):                 reason.BadSignature,
		w.Token(jwkstest.WithAudience("x")): reason.WrongAudience,
		w.Token(jwkstest.Claims{"exp": noon.Add(-time.Hour), "cnf": map[string]any{"jkt": "t"}}): reason.Expired,
	} {
		_, err := v.VerifyBound(t.Context(), token)
		assert.Equal(t, want, reasonOf(t, err))
	}
}

func TestExpiryIsExactToTheSecond(t *testing.T) {
	t.Parallel()
	hour, fraction := jwkstest.Claims{"exp": noon.Add(time.Hour)}, jwkstest.Claims{"exp": float64(noon.Unix()) + 0.75}
	expired := row{want: reason.Expired, check: "expiry"}
	none, most := leeway(-1), leeway(5*time.Minute)
	table{
		"long after":                        at(1000*time.Hour, hour, expired),
		"with the most leeway, just before": at(time.Hour+5*time.Minute-1, hour, row{setup: most}),
		"with the most leeway, at the end":  at(time.Hour+5*time.Minute, hour, expired.under(most)),
		"a fraction of a second counts":     at(500*time.Millisecond, fraction, row{setup: none}),
		"and ends":                          at(750*time.Millisecond, fraction, expired.under(none)),
		"at the beginning of time":          at(0, jwkstest.Claims{"exp": 0}, expired),
		"at the end of all dates":           at(0, jwkstest.Claims{"exp": 253402300799}, row{}),
	}.run(t)
}

func TestNotBeforeAndIssuedAt(t *testing.T) {
	t.Parallel()
	iat := jwkstest.Claims{"iat": noon.Add(time.Minute), "exp": noon.Add(time.Hour)}
	early := row{want: reason.NotYetValid, check: "not_before", detail: "nbf lies ahead: is a clock wrong?"}
	future := row{want: reason.IssuedInFuture, check: "issued_at", detail: "iat lies ahead: is a clock wrong?"}
	none := leeway(-1)
	table{
		"iat within the leeway":             at(30*time.Second, iat, row{}),
		"iat a nanosecond beyond it":        at(30*time.Second-1, iat, future),
		"without leeway, at iat":            at(time.Minute, iat, row{setup: none}),
		"without leeway, just before iat":   at(time.Minute-1, iat, future.under(none)),
		"nbf is judged before iat":          at(0, jwkstest.Claims{"nbf": noon.Add(time.Hour), "iat": noon.Add(time.Hour), "exp": noon.Add(2 * time.Hour)}, early),
		"nbf in the past, as Entra sets it": at(0, jwkstest.Claims{"nbf": noon.Add(-5 * time.Minute), "iat": noon.Add(-5 * time.Minute)}, row{}),
	}.run(t)
}

func TestMaxAge(t *testing.T) {
	t.Parallel()
	day := jwkstest.Claims{"exp": noon.Add(24 * time.Hour)}
	bounded := func(leeway time.Duration, r row) row {
		r.setup = func(w *world) { w.cfg.MaxAge, w.cfg.Leeway = time.Hour, leeway }
		return r
	}
	old := row{want: reason.TooOld, check: "age", detail: "issued longer ago than MaxAge"}
	table{
		"no bound by default":           at(23*time.Hour, day, row{}),
		"younger":                       at(time.Hour, day, bounded(0, row{})),
		"a nanosecond below, by leeway": at(time.Hour+30*time.Second-1, day, bounded(0, row{})),
		"at the bound":                  at(time.Hour+30*time.Second, day, bounded(0, old)),
		"without leeway, below":         at(time.Hour-1, day, bounded(-1, row{})),
		"without leeway, at the bound":  at(time.Hour, day, bounded(-1, old)),
		"no iat": at(0, jwkstest.Claims{"iat": nil},
			bounded(0, row{want: reason.MissingClaim, check: "age", detail: "iat, which MaxAge needs"})),
		"no iat, and no bound": at(0, jwkstest.Claims{"iat": nil}, row{}),
	}.run(t)
}

func TestTimeIsTheSystemsUnlessSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.cfg.Now = nil
	v := w.verifier(t)
	expect(t, v, w.Token(jwkstest.Claims{"iat": nil, "exp": time.Now().Add(time.Hour)}), "")
	expect(t, v, w.Token(jwkstest.Claims{"iat": nil, "exp": time.Now().Add(-time.Hour)}), reason.Expired)
}

// TestTimeIsJudgedAfterTheWaitForKeys has two hours pass while keys are fetched.
func TestTimeIsJudgedAfterTheWaitForKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rotate()
	w.keys.refresh = func(context.Context, string) error {
		w.set(noon.Add(2 * time.Hour))
		w.keys.fetch()
		return nil
	}
	v, token := w.verifier(t), w.Token()
	expect(t, v, token, reason.Expired)

	w.Rotate()
	w.set(noon)
	assert.Equal(t, reason.Expired, v.Explain(t.Context(), w.Token()).Reason)
}

func TestValidators(t *testing.T) {
	t.Parallel()
	const detail = "by a validator"
	refused := func(code reason.Code, errs ...error) row {
		return row{setup: validating(errs...), want: code, check: "validators", detail: detail}
	}
	table{
		"all agree":                         {setup: validating(nil, nil)},
		"the first refuses":                 refused(reason.Denied, errors.New("no contract"), nil),
		"the last refuses":                  refused(reason.Denied, nil, errors.New("no contract")),
		"the first refusal counts":          refused(reason.Revoked, nil, reason.Revoked, reason.TooOld),
		"a reason in the chain is the one":  refused(reason.WrongClient, fmt.Errorf("contract ended: %w", reason.WrongClient)),
		"a reason beside another error":     refused(reason.UnknownTenant, errors.Join(errors.New("no contract"), reason.UnknownTenant)),
		"a reason without a name is denied": refused(reason.Denied, reason.Code("")),
	}.run(t)
}

func TestAValidatorsErrorIsTheCause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	noContract := errors.New("no contract")
	w.cfg.Validators = []verifier.Validator{func(_ context.Context, c *claims.Claims) error {
		require.Equal(t, "test-client", c.ClientID())
		return noContract
	}}
	_, err := w.verifier(t).Verify(t.Context(), w.Token())
	assert.ErrorIs(t, err, noContract)
	assert.ErrorContains(t, err, "no contract")
	assert.Contains(t, w.verifier(t).Explain(t.Context(), w.Token()).Hint, "no contract")
}

func TestHooksOfACallerWhoLeft(t *testing.T) {
	t.Parallel()
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	w := newWorld(t)
	w.cfg.Validators = []verifier.Validator{func(ctx context.Context, _ *claims.Claims) error { return waits(ctx) }}
	_, err := w.verifier(t).Verify(ctx, w.Token())
	assert.Equal(t, reason.Canceled, asError(t, err).Reason, "a validator that gave up says nothing of the token")

	w = newWorld(t)
	w.cfg.Validators = []verifier.Validator{func(context.Context, *claims.Claims) error { return reason.Revoked }}
	_, err = w.verifier(t).Verify(ctx, w.Token())
	assert.Equal(t, reason.Revoked, asError(t, err).Reason, "one that knows still says so")

	w = newWorld(t)
	w.cfg.Revoked = func(ctx context.Context, _ *claims.Claims) (bool, error) { return false, waits(ctx) }
	_, err = w.verifier(t).Verify(ctx, w.Token())
	assert.Equal(t, reason.Canceled, asError(t, err).Reason)
	assert.Equal(t, "while asking about revocation", asError(t, err).Detail)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestRevocation(t *testing.T) {
	t.Parallel()
	down := errors.New("redis is down")
	table{
		"not revoked":                    {setup: revoked(false, nil)},
		"revoked":                        {setup: revoked(true, nil), want: reason.Revoked, check: "revocation"},
		"cannot be asked":                {setup: revoked(false, down), want: reason.RevocationUnavailable, check: "revocation"},
		"cannot be asked, whatever else": {setup: revoked(true, down), want: reason.RevocationUnavailable, check: "revocation"},
		"a deadline of the hook's own":   {setup: revoked(false, context.DeadlineExceeded), want: reason.RevocationUnavailable, check: "revocation"},
		"an expired token is not asked":  at(2*time.Hour, nil, row{setup: revoked(true, nil), want: reason.Expired, check: "expiry"}),
	}.run(t)
}

func TestHooksSeeOnlyWhatHeldOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var validated, asked atomic.Int64
	w.cfg.Validators = []verifier.Validator{func(context.Context, *claims.Claims) error { validated.Add(1); return nil }}
	w.cfg.Revoked = func(context.Context, *claims.Claims) (bool, error) { asked.Add(1); return false, nil }
	v := w.verifier(t)

	for _, token := range []string{
		tampered(w.Token()),
		w.Token(jwkstest.WithAudience("api://other")),
		w.Token(jwkstest.Claims{"exp": noon.Add(-time.Hour)}),
		w.Token(jwkstest.Claims{"nbf": noon.Add(time.Hour)}),
		w.Token(jwkstest.Claims{"events": map[string]any{}}),
	} {
		_, err := v.Verify(t.Context(), token)
		assert.Error(t, err)
		assert.False(t, v.Explain(t.Context(), token).OK)
	}
	assert.Zero(t, validated.Load())
	assert.Zero(t, asked.Load())

	for range 3 {
		_, err := v.Verify(t.Context(), w.Token())
		assert.NoError(t, err)
	}
	assert.True(t, v.Explain(t.Context(), w.Token()).OK)
	assert.EqualValues(t, 4, validated.Load(), "on every call")
	assert.EqualValues(t, 4, asked.Load(), "on every call")
}
