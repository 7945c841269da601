package dpop_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware/dpop"
	"github.com/sallyport-go/sallyport/reason"
)

func shared(secrets ...byte) dpop.NonceSecrets {
	var list [][]byte
	for _, b := range secrets {
		list = append(list, bytes.Repeat([]byte{b}, 32))
	}
	return must(dpop.SharedNonces(list...))
}

// ask returns the nonce that the API asks for.
func (a *api) ask(t *testing.T) jwkstest.Claims {
	t.Helper()
	w := a.serve(a.request(a.proof()))
	require.Equal(t, 401, w.Code)
	return jwkstest.Claims{"nonce": w.Header().Get("DPoP-Nonce")}
}

func TestANonceIsAskedFor(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{Nonces: shared(1)}, "ES256")
	for name, claims := range map[string]jwkstest.Claims{
		"68 a proof without a nonce":   {},
		"60 a nonce that is made up":   {"nonce": base64.RawURLEncoding.EncodeToString(make([]byte, 24))},
		"60 a nonce of another kind":   {"nonce": "x"},
		"60 a nonce that is a number":  {"nonce": 1},
		"60 a nonce of another secret": newAPI(t, dpop.Config{Nonces: shared(2), Now: a.now}, "ES256").ask(t),
	} {
		w := a.serve(a.request(a.proof(claims)))
		assert.Equal(t, 401, w.Code, name)
		assert.Equal(t, []string{`DPoP realm="api", error="use_dpop_nonce", algs="ES256 EdDSA Ed25519 PS256 RS256"`, `Bearer realm="api"`}, w.Header().Values("WWW-Authenticate"), name)
		assert.Len(t, w.Header().Values("DPoP-Nonce"), 1, name)
		assert.Equal(t, "no-store", w.Header().Get("Cache-Control"), name)
		e := a.refused(t, a.request(a.proof(claims)))
		assert.Equal(t, reason.UseDPoPNonce, e.Reason, name)
		assert.ErrorContains(t, e, "has no nonce that this server made", name)
	}
}

func TestANonceIsGoodForItsLifetime(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	a := newAPI(t, dpop.Config{Nonces: shared(1), NonceLifetime: time.Minute, Now: func() time.Time { return now }}, "ES256")
	begun := now // another instance made the nonce
	nonce := newAPI(t, dpop.Config{Nonces: shared(1), Now: func() time.Time { return begun }}, "ES256").ask(t)
	for _, row := range []struct {
		name    string
		age     time.Duration
		passes  bool
		offered bool
	}{
		{"67 by a clock that is far behind", -11 * time.Second, false, true},
		{"60 by one that is a little behind", -10 * time.Second, true, false},
		{"60 a fresh one", 0, true, false},
		{"60 at half its life", 30 * time.Second, true, false},
		{"60 after half its life another one is offered", 31 * time.Second, true, true},
		{"60 at the end", time.Minute, true, true},
		{"67 past it, it is asked for anew", time.Minute + time.Second, false, true},
	} {
		now = begun.Add(row.age)
		w := a.serve(a.request(a.proof(nonce)))
		assert.Equal(t, map[bool]int{true: 204, false: 401}[row.passes], w.Code, row.name)
		offered := w.Header().Values("DPoP-Nonce")
		assert.Equal(t, row.offered, len(offered) == 1, row.name)
		if len(offered) == 1 {
			assert.NotEqual(t, nonce["nonce"], offered[0], row.name)
			assert.Nil(t, a.refused(t, a.request(a.proof(jwkstest.Claims{"nonce": offered[0]}))), row.name)
		}
	}
}

func TestInstancesThatShareSecretsShareNonces(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	nonceOf := func(nonces dpop.NonceSecrets) jwkstest.Claims {
		return newAPI(t, dpop.Config{Nonces: nonces, Now: func() time.Time { return now }}, "EdDSA").ask(t)
	}
	for name, row := range map[string]struct {
		made, read dpop.NonceSecrets
		passes     bool
	}{
		"the same secret":             {shared(1), shared(1), true},
		"a new secret behind the old": {shared(1), shared(1, 2), true},
		"the new secret first":        {shared(2, 1), shared(1, 2), true},
		"the old secret behind":       {shared(1, 2), shared(2, 1), true},
		"the old secret taken away":   {shared(1), shared(2), false},
		"secrets of one process each": {dpop.NewNonces(), dpop.NewNonces(), false},
	} {
		a := newAPI(t, dpop.Config{Nonces: row.read, Now: func() time.Time { return now }}, "EdDSA")
		e := a.refused(t, a.request(a.proof(nonceOf(row.made))))
		assert.Equal(t, row.passes, e == nil, name)
	}
}

type secrets struct {
	list [][]byte
	err  error
}

func (s secrets) Secrets(context.Context) ([][]byte, error) { return s.list, s.err }

func TestSecretsThatAreNotThereAreNoFaultOfTheCaller(t *testing.T) {
	t.Parallel()
	for text, s := range map[string]secrets{
		"connection refused":         {err: errors.New("connection refused")},
		"there is no secret":         {},
		"is shorter than 32 bytes":   {list: [][]byte{make([]byte, 31)}},
		"for nonces is shorter than": {list: [][]byte{make([]byte, 32), nil}},
	} {
		a := newAPI(t, dpop.Config{Nonces: s}, "EdDSA")
		e := a.refused(t, a.request(a.proof()))
		require.NotNil(t, e, text)
		assert.Equal(t, 503, e.Status, text)
		assert.Equal(t, reason.ProofsUnavailable, e.Reason, text)
		assert.ErrorContains(t, e, text)
		assert.Nil(t, a.binding.Offer(a.request(a.proof())), text)
	}
	_, err := dpop.SharedNonces()
	assert.ErrorContains(t, err, "give at least one secret")
	_, err = dpop.SharedNonces(make([]byte, 32), make([]byte, 31))
	assert.ErrorContains(t, err, "secret 1 has 31 bytes")
}

func TestWhatIsNotOffered(t *testing.T) {
	t.Parallel()
	a := newAPI(t, dpop.Config{Nonces: shared(1)}, "EdDSA")
	for name, proofs := range map[string][]string{
		"no proof": nil, "two": {a.proof(), a.proof()}, "no JWT": {"x"}, "no payload": {"e30.x.AA"},
		"a nonce that is made up": {a.proof(jwkstest.Claims{"nonce": "x"})}, "too much": {string(make([]byte, 5000))},
	} {
		assert.Nil(t, a.binding.Offer(a.request(proofs...)), name)
	}
	none := newAPI(t, dpop.Config{}, "EdDSA")
	assert.Nil(t, none.binding.Offer(none.request(none.proof())))
}
