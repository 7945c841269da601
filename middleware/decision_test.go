package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// bindingTokens leaves cnf to its caller in VerifyBound, and only there.
type bindingTokens struct{ *tokens }

func (v bindingTokens) Verify(ctx context.Context, token string) (*claims.Claims, error) {
	c, err := v.tokens.Verify(ctx, token)
	if err == nil && c.Has("cnf") {
		return nil, errBound
	}
	return c, err
}

var errBound = fmt.Errorf("bound: %w", reason.UnsupportedBinding)

func (v bindingTokens) VerifyBound(ctx context.Context, token string) (*claims.Claims, error) {
	return v.tokens.Verify(ctx, token)
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
		{"without a binding an unknown member is refused too", `{"x-own":"x"}`, nil, true},
		{"a binding of another member covers nothing", `{"jkt":"x"}`, []string{"x5t#S256"}, true},
		{"a binding of one of two members is not enough", `{"jkt":"x","x5t#S256":"y"}`, []string{"jkt"}, true},
		{"jwk beside a checked member is refused", `{"jkt":"x","jwk":{}}`, []string{"jkt"}, true},
		{"jwe beside a checked member is refused", `{"jkt":"x","jwe":"y"}`, []string{"jkt"}, true},
		{"jku beside a checked member is refused", `{"jkt":"x","jku":"y"}`, []string{"jkt"}, true},
		{"kid beside a checked member is refused", `{"jkt":"x","kid":"y"}`, []string{"jkt"}, true},
		{"jkt beside a checked member is refused", `{"jkt":"x","kid":"y"}`, []string{"kid"}, true},
		{"a member without a meaning is ignored beside a checked one", `{"jkt":"x","x-own":"y"}`, []string{"jkt"}, false},
		{"a member without a meaning alone is refused", `{"x-own":"y"}`, []string{"jkt"}, true},
		{"a member of one's own can be checked", `{"x-own":"y"}`, []string{"x-own"}, false},
		{"a checked member that is null is absent", `{"jkt":null}`, []string{"jkt"}, true},
		{"a checked member that is null is none beside another name", `{"jkt":null,"x-own":"y"}`, []string{"jkt"}, true},
		{"an array is not covered", `["jkt"]`, []string{"jkt"}, true},
		{"a binding of all members is enough", `{"jkt":"x","x5t#S256":"y"}`, []string{"jkt", "x5t#S256"}, false},
		{"a binding of more members is enough", `{"jkt":"x"}`, []string{"jkt", "x5t#S256"}, false},
		{"an empty cnf binds to nothing that could be checked", `{}`, []string{"jkt"}, true},
		{"a cnf of another type is not covered", `"jkt"`, []string{"jkt"}, true},
		{"a null cnf is none", `null`, []string{"jkt"}, false},
		{"a known member that is null is absent beside a checked one", `{"jkt":"x","x5t#S256":null,"kid":null}`, []string{"jkt"}, false},
		{"a known member that is empty is not absent", `{"jkt":"x","x5t#S256":""}`, []string{"jkt"}, true},
		{"the names are compared with regard to case", `{"JKT":"x"}`, []string{"jkt"}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := newTokens(t)
			v.claims[bound] = parse(t, `{"sub":"b","cnf":`+row.cnf+`}`)
			for name, v := range map[string]middleware.Verifier{"any Verifier": v, "one with VerifyBound": bindingTokens{v}} {
				cfg := middleware.Config{Verifier: v}
				b := &binding{members: row.members}
				if row.members != nil {
					cfg.Bindings = []middleware.Binding{b}
				}
				g := newGuard(t, cfg)
				_, _, err := g.Check(withToken(bound), claims.AnyToken())
				if !row.refused {
					require.NoError(t, err, name)
					assert.Equal(t, 1, b.calls)
					continue
				}
				require.ErrorIs(t, err, reason.UnsupportedBinding, name)
				assert.Zero(t, b.calls)
				byVerifier := name != "any Verifier" && row.members == nil
				assert.Equal(t, byVerifier, errors.Is(err, errBound), "VerifyBound is for a Guard with bindings")
				assert.Equal(t, `Bearer realm="api", error="invalid_token"`, serve(g.Authenticate(handler), withToken(bound)).Header().Get("WWW-Authenticate"))
			}
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

func TestTroubleOnThisSideIsNever401(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, row := range []struct {
		name   string
		ctx    context.Context
		err    error
		reason reason.Code
		retry  string
	}{
		{"keys that cannot be had, with the verifier's own delay rounded up", context.Background(), &verifier.Error{Reason: reason.KeysUnavailable, RetryAfter: 1500 * time.Millisecond}, reason.KeysUnavailable, "2"},
		{"a delay of nothing is a second", context.Background(), &verifier.Error{Reason: reason.RevocationUnavailable}, reason.RevocationUnavailable, "1"},
		{"a caller that went away", canceled, &verifier.Error{Reason: reason.Canceled, Err: context.Canceled}, reason.Canceled, "1"},
		{"a caller that went away while a verifier of one's own ran", canceled, context.Canceled, reason.Canceled, "1"},
		{"an error that says nothing of the token", context.Background(), errors.New("database is down"), reason.KeysUnavailable, "1"},
		{"an error without a reason", context.Background(), &verifier.Error{}, reason.KeysUnavailable, "1"},
		{"a reason that is none", context.Background(), reason.Code(""), reason.KeysUnavailable, "1"},
		{"a verifier that says nothing at all", context.Background(), nil, reason.KeysUnavailable, "1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, middleware.Config{Verifier: verifierFunc(func(context.Context, string) (*claims.Claims, error) {
				return nil, row.err
			})})
			_, c, err := g.Check(withToken(reader).WithContext(row.ctx), claims.AnyToken())
			require.ErrorIs(t, err, row.reason)
			assert.Nil(t, c)
			if row.err != nil {
				require.ErrorIs(t, err, row.err)
			}
			var e *middleware.Error
			require.ErrorAs(t, err, &e)
			assert.GreaterOrEqual(t, e.RetryAfter, time.Second)
			assert.Empty(t, e.Challenges)
			w := serve(g.Authenticate(handler), withToken(reader).WithContext(row.ctx))
			assert.Equal(t, 503, w.Code)
			assert.Equal(t, []string{row.retry}, w.Header()["Retry-After"])
			assert.NotContains(t, w.Header(), "Www-Authenticate")
		})
	}
}

// A nil pointer in an error is a mistake that Go makes easy. It must neither
// panic nor let a call pass.
func TestANilPointerInAnErrorIsStillARefusal(t *testing.T) {
	t.Parallel()
	var masked *verifier.Error
	for name, row := range map[string]struct {
		cfg    middleware.Config
		reason reason.Code
	}{
		"of a credential source": {middleware.Config{Credentials: func(*http.Request) (middleware.Credential, error) {
			return middleware.Credential{Token: reader}, masked
		}}, reason.InvalidRequest},
		"of a Verifier": {middleware.Config{Verifier: verifierFunc(func(context.Context, string) (*claims.Claims, error) {
			return parse(t, `{"sub":"anybody"}`), masked
		})}, reason.KeysUnavailable},
		"of a Binding": {middleware.Config{Bindings: []middleware.Binding{&binding{members: []string{"jkt"}, err: masked}}}, reason.UnsupportedBinding},
	} {
		_, c, err := newGuard(t, row.cfg).Check(withToken(bound), claims.AnyToken())
		assert.ErrorIs(t, err, row.reason, name)
		assert.Nil(t, c, name)
	}
}

func TestACallersOwnCancellationIsNoMalformedRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	g := newGuard(t, middleware.Config{Credentials: func(r *http.Request) (middleware.Credential, error) {
		return middleware.Credential{}, r.Context().Err()
	}})
	_, _, err := g.Check(withToken(reader).WithContext(ctx), claims.AnyToken())
	assert.ErrorIs(t, err, reason.Canceled)
}

func TestShadowMode(t *testing.T) {
	t.Parallel()
	type around = func(*middleware.Guard, http.Handler) http.Handler
	authenticate := func(g *middleware.Guard, next http.Handler) http.Handler { return g.Authenticate(next) }
	optional := func(g *middleware.Guard, next http.Handler) http.Handler { return g.Optional(next) }
	reads := func(g *middleware.Guard, next http.Handler) http.Handler { return g.Require(allReads())(next) }
	writes := func(g *middleware.Guard, next http.Handler) http.Handler { return g.Require(allWrites())(next) }
	for _, row := range []struct {
		name    string
		around  []around // the innermost first
		request *http.Request
		body    string
		lines   []string
	}{
		{"lets a request without a token through, without claims", []around{authenticate}, request(), "-", []string{"shadow no_token"}},
		{"lets a bad token through, without claims", []around{reads}, withToken("bad"), "-", []string{"shadow bad_signature"}},
		{"lets a malformed header through", []around{optional}, request("Bearer"), "-", []string{"shadow invalid_request"}},
		{"lets a good token that a rule refuses through, without claims", []around{writes}, withToken(reader), "-", []string{"shadow insufficient_scope"}},
		{"also if an outer handler had put the claims there", []around{writes, authenticate}, withToken(reader), "-", []string{"verified", "shadow insufficient_scope"}},
		{"gives claims to a request that passes", []around{reads}, withToken(reader), "r", []string{"verified"}},
		{"reports a request once, where it would have ended", []around{reads, authenticate}, request(), "-", []string{"shadow no_token"}},
		{"says nothing of what is further in", []around{reads, writes}, withToken(reader), "r", []string{"shadow insufficient_scope"}},
		{"lets anonymous requests be anonymous", []around{optional}, request(), "-", []string{"anonymous"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			g := newGuard(t, middleware.Config{Shadow: true, OnEvent: seen.add})
			var h http.Handler = handler
			for _, around := range row.around {
				h = around(g, h)
			}
			w := serve(h, row.request)
			assert.Equal(t, 200, w.Code)
			assert.Equal(t, row.body, w.Body.String())
			assert.Equal(t, row.lines, seen.lines())
			assert.NotContains(t, w.Header(), "Www-Authenticate")
			assert.NotContains(t, w.Header(), "Cache-Control")
		})
	}
}

func TestShadowModeOfCheckAndEnforce(t *testing.T) {
	t.Parallel()
	seen := &events{}
	g := newGuard(t, middleware.Config{Shadow: true, OnEvent: seen.add})
	r, c, err := g.Check(withToken(reader), allWrites())
	require.NoError(t, err)
	assert.Nil(t, c)
	_, ok := claims.FromContext(r.Context())
	assert.False(t, ok)
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"/other": claims.AnyToken()}})
	require.NoError(t, err)
	assert.Equal(t, "-", serve(enforce(handler), withToken(reader)).Body.String())
	assert.Equal(t, []string{"shadow insufficient_scope", "shadow denied"}, seen.lines())
	assert.Equal(t, 403, seen.list[0].Status, "the status that it would have had")

	strict := newGuard(t, middleware.Config{})
	for _, r := range []*http.Request{withToken("bad"), request()} {
		assert.Equal(t, 401, serve(g.Authenticate(strict.Authenticate(handler)), r).Code, "nothing for another Guard")
	}
}

func TestRow89EveryTokenIsBoundWhereThatIsRequired(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		token  string
		status int
	}{
		"89 a token that is bound passes": {bound, 200},
		"89 one that is not is refused":   {reader, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen events
			g := newGuard(t, middleware.Config{SenderConstrained: true, Bindings: []middleware.Binding{&binding{members: []string{"jkt"}}}, OnEvent: seen.add})
			assert.Equal(t, row.status, serve(g.Require(allReads())(handler), withToken(row.token)).Code)
			if row.status != 200 {
				assert.Equal(t, []string{"refused unsupported_binding"}, seen.lines())
			}
		})
	}
	_, err := middleware.New(middleware.Config{Verifier: newTokens(t), SenderConstrained: true})
	require.ErrorContains(t, err, "Config.SenderConstrained refuses every token without Bindings")
}
