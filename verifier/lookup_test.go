package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// lookingUp is a Verifier without issuers, which asks find.
func lookingUp(t *testing.T, find func(context.Context, string) (verifier.Known, error)) *verifier.Verifier {
	t.Helper()
	v, err := verifier.New(verifier.Config{Lookup: find})
	require.NoError(t, err)
	return v
}

// knowing is what Lookup says of an issuer, as long as it is in use.
func knowing(t *testing.T, iss *jwkstest.Issuer, inUse func() bool) verifier.Known {
	t.Helper()
	k, err := verifier.Issuer{Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: iss.KeySet()}.Compile(inUse)
	require.NoError(t, err)
	return k
}

func TestAnIssuerIsLookedUpWhereNoneIsConfigured(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	known := knowing(t, iss, nil)
	v := lookingUp(t, func(_ context.Context, name string) (verifier.Known, error) {
		if name == iss.Issuer() {
			return known, nil
		}
		return verifier.Known{}, fmt.Errorf("no row: %w", reason.UnknownIssuer)
	})
	c, err := v.Verify(t.Context(), iss.Token())
	require.NoError(t, err)
	assert.Equal(t, iss.Issuer(), v.IssuerOf(c))
	assert.Empty(t, v.Issuers())
	assert.True(t, v.Explain(t.Context(), iss.Token()).OK)
	_, err = v.Verify(t.Context(), iss.Token(jwkstest.Claims{"iss": "https://other.example"}))
	assert.ErrorIs(t, err, reason.UnknownIssuer)
}

func TestWhatLookupAnswers(t *testing.T) {
	t.Parallel()
	iss, other := jwkstest.New(t), jwkstest.New(t)
	down := errors.New("down")
	for name, r := range map[string]struct {
		known verifier.Known
		err   error
		want  reason.Code
		after time.Duration
	}{
		"nothing":              {verifier.Known{}, nil, reason.KeysUnavailable, 0},
		"another issuer":       {knowing(t, other, nil), nil, reason.KeysUnavailable, 0},
		"an error":             {verifier.Known{}, down, reason.KeysUnavailable, 0},
		"an error that says":   {verifier.Known{}, &jwks.UnavailableError{RetryAfter: 7 * time.Second, Err: down}, reason.KeysUnavailable, 7 * time.Second},
		"that there is none":   {verifier.Known{}, reason.UnknownIssuer, reason.UnknownIssuer, 0},
		"one beside an error":  {knowing(t, iss, nil), down, reason.KeysUnavailable, 0},
		"another reason":       {verifier.Known{}, reason.Denied, reason.KeysUnavailable, 0},
		"the end of a context": {verifier.Known{}, context.Canceled, reason.KeysUnavailable, 0},
	} {
		v := lookingUp(t, func(context.Context, string) (verifier.Known, error) { return r.known, r.err })
		_, err := v.Verify(t.Context(), iss.Token())
		var refused *verifier.Error
		require.ErrorAs(t, err, &refused, name)
		assert.Equal(t, r.want, refused.Reason, name)
		assert.Equal(t, r.after, refused.RetryAfter, name)
		assert.Empty(t, refused.Issuer, "%s: nothing vouches for it", name)
	}
	ctx, cancel := context.WithCancel(t.Context())
	v := lookingUp(t, func(ctx context.Context, _ string) (verifier.Known, error) {
		cancel()
		return verifier.Known{}, ctx.Err()
	})
	_, err := v.Verify(ctx, iss.Token())
	assert.ErrorIs(t, err, reason.Canceled)
}

func TestAnIssThatIsNoNameIsNotLookedUp(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	var asked atomic.Int64
	v := lookingUp(t, func(context.Context, string) (verifier.Known, error) {
		asked.Add(1)
		return verifier.Known{}, reason.UnknownIssuer
	})
	for _, name := range []string{strings.Repeat("x", 513), "https://issuer.example\n", `https://"`} {
		_, err := v.Verify(t.Context(), iss.Token(jwkstest.Claims{"iss": name}))
		assert.ErrorIs(t, err, reason.UnknownIssuer)
	}
	assert.Zero(t, asked.Load())
	_, _ = v.Verify(t.Context(), iss.Token(jwkstest.Claims{"iss": strings.Repeat("x", 512)}))
	assert.EqualValues(t, 1, asked.Load())
}

func TestATokenOfAnIssuerThatIsNoLongerInUseIsLookedUpAgain(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	var asked, used atomic.Int64
	var inUse atomic.Bool
	inUse.Store(true)
	known := knowing(t, iss, func() bool { used.Add(1); return inUse.Load() })
	v := lookingUp(t, func(context.Context, string) (verifier.Known, error) {
		asked.Add(1)
		if !inUse.Load() {
			return verifier.Known{}, reason.UnknownIssuer
		}
		return known, nil
	})
	token := iss.Token()
	for range 3 {
		_, err := v.Verify(t.Context(), token)
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, asked.Load(), "the token is remembered")
	assert.EqualValues(t, 3, used.Load(), "and each time it is of use")
	_, err := v.Verify(t.Context(), jwkstest.New(t, jwkstest.WithName(iss.Issuer())).Token())
	assert.Error(t, err)
	assert.EqualValues(t, 3, used.Load(), "a bad token is none")
	inUse.Store(false)
	_, err = v.Verify(t.Context(), token)
	assert.ErrorIs(t, err, reason.UnknownIssuer)
}

func TestCompileReportsMistakes(t *testing.T) {
	t.Parallel()
	iss := jwkstest.New(t)
	_, err := verifier.Issuer{}.Compile(nil)
	for _, want := range []string{"Name is empty", "Audiences is empty", "Keys is nil"} {
		assert.ErrorContains(t, err, want)
	}
	_, err = verifier.Issuer{Name: templateName, DangerouslyAnyTenant: true, Audiences: []string{"x"}, Keys: iss.KeySet()}.Compile(nil)
	assert.ErrorContains(t, err, "is a template")
}

func TestWhatIsConfiguredIsNotLookedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked []string
	w.cfg.Lookup = func(_ context.Context, iss string) (verifier.Known, error) {
		asked = append(asked, iss)
		return verifier.Known{}, reason.UnknownIssuer
	}
	template := *w.issuer()
	template.Name, template.Tenants = templateName, []string{tenantGUID}
	w.cfg.Issuers = append(w.cfg.Issuers, template)
	v := w.verifier(t)
	for iss, want := range map[string]struct {
		configured bool
		code       reason.Code
	}{
		w.Issuer.Issuer(): {true, ""},
		"https://login.example/22222222-2222-3333-4444-555555555555/v2.0": {true, reason.UnknownTenant},
		"https://login.example/no-guid/v2.0":                              {false, reason.UnknownIssuer},
		templateName:                                                      {false, reason.UnknownIssuer},
		w.Issuer.Issuer() + "/":                                           {false, reason.UnknownIssuer},
	} {
		asked = nil
		assert.Equal(t, want.configured, v.Configures(iss), iss)
		_, err := v.Verify(t.Context(), w.Token(jwkstest.Claims{"iss": iss}))
		if want.code == "" {
			assert.NoError(t, err, iss)
		} else {
			assert.ErrorIs(t, err, want.code, iss)
		}
		if want.configured {
			assert.Empty(t, asked, iss)
		} else {
			assert.Equal(t, []string{iss}, asked)
		}
	}
	assert.False(t, new(verifier.Verifier).Configures(w.Issuer.Issuer()))
}
