package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
)

type binding struct {
	members []string
	err     error
	calls   int
	cred    middleware.Credential
	claims  *claims.Claims
}

func (b *binding) Confirms() []string { return b.members }

func (b *binding) Check(_ *http.Request, c middleware.Credential, cl *claims.Claims) error {
	b.calls++
	b.cred, b.claims = c, cl
	return b.err
}

func TestATokenWithCnfNeedsABindingThatCoversIt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		cnf     string
		members []string
		refused bool
	}{
		{"no binding covers nothing", `{"jkt":"x"}`, nil, true},
		{"a binding of another member covers nothing", `{"jkt":"x"}`, []string{"x5t#S256"}, true},
		{"a binding of one of two members is not enough", `{"jkt":"x","x5t#S256":"y"}`, []string{"jkt"}, true},
		{"a binding of all members is enough", `{"jkt":"x","x5t#S256":"y"}`, []string{"jkt", "x5t#S256"}, false},
		{"a binding of more members is enough", `{"jkt":"x"}`, []string{"jkt", "x5t#S256"}, false},
		{"an empty cnf binds to nothing that could be checked", `{}`, []string{"jkt"}, true},
		{"a cnf of another type is not covered", `"jkt"`, []string{"jkt"}, true},
		{"a null cnf is not covered", `null`, []string{"jkt"}, true},
		{"the names are compared with regard to case", `{"JKT":"x"}`, []string{"jkt"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := newTokens(t)
			v.claims[bound] = parse(t, `{"sub":"b","cnf":`+row.cnf+`}`)
			cfg := middleware.Config{Verifier: v}
			b := &binding{members: row.members}
			if row.members != nil {
				cfg.Bindings = []middleware.Binding{b}
			}
			g := newGuard(t, cfg)
			_, _, err := g.Check(withToken(bound), claims.AnyToken())
			if !row.refused {
				require.NoError(t, err)
				assert.Equal(t, 1, b.calls)
				return
			}
			require.ErrorIs(t, err, reason.UnsupportedBinding)
			assert.Zero(t, b.calls)
			assert.Equal(t, `Bearer realm="api", error="invalid_token"`, serve(g.Authenticate(handler), withToken(bound)).Header().Get("WWW-Authenticate"))
		})
	}
}

func TestBindingsRunOncePerRequestAndAreNeverCached(t *testing.T) {
	t.Parallel()
	v := newTokens(t)
	first, second := &binding{members: []string{"jkt"}}, &binding{members: []string{"x5t#S256"}}
	g := newGuard(t, middleware.Config{Verifier: v, Bindings: []middleware.Binding{first, second}})
	h := g.Authenticate(g.Require(allReads())(handler))
	for n := 1; n <= 3; n++ {
		assert.Equal(t, 200, serve(h, withToken(bound)).Code)
		assert.Equal(t, n, first.calls)
		assert.Equal(t, n, second.calls)
	}
	assert.Equal(t, middleware.Credential{Scheme: "Bearer", Token: bound}, first.cred)
	assert.Same(t, v.claims[bound], first.claims)
	serve(h, withToken(reader))
	assert.Equal(t, 4, first.calls, "a token without cnf is shown to the bindings as well")
}

func TestBindingThatRefuses(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, row := range []struct {
		name      string
		ctx       context.Context
		err       error
		status    int
		reason    reason.Code
		challenge string
	}{
		{"its own Error is written as it is", context.Background(), &middleware.Error{
			Status: 401, Reason: "bad_proof",
			Challenges: []middleware.Challenge{{Scheme: "DPoP", Params: params{{"error", "invalid_dpop_proof"}, {"algs", "ES256"}}}},
		}, 401, "bad_proof", `DPoP error="invalid_dpop_proof", algs="ES256"`},
		{"a reason is answered by its class", context.Background(), fmt.Errorf("replay store: %w", reason.RevocationUnavailable), 503, reason.RevocationUnavailable, ""},
		{"any other error is an invalid token", context.Background(), errors.New("thumbprint differs"), 401, reason.UnsupportedBinding, `Bearer realm="api", error="invalid_token"`},
		{"a caller that went away is no invalid token", canceled, context.Canceled, 503, reason.Canceled, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Bindings: []middleware.Binding{&binding{members: []string{"jkt"}, err: row.err}}})
			r := withToken(bound).WithContext(row.ctx)
			_, _, err := g.Check(r, claims.AnyToken())
			require.ErrorIs(t, err, row.reason)
			w := serve(g.Authenticate(handler), r)
			assert.Equal(t, row.status, w.Code)
			assert.Equal(t, row.challenge, w.Header().Get("WWW-Authenticate"))
		})
	}
}
