package middleware_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

func TestATokenIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	v := newTokens(t)
	seen := &events{}
	g := newGuard(t, middleware.Config{Verifier: v, OnEvent: seen.add})
	h := g.Authenticate(g.Optional(g.Require(allReads())(g.Require(claims.AnyToken())(handler))))
	assert.Equal(t, "r", serve(h, withToken(reader)).Body.String())
	assert.EqualValues(t, 1, v.calls.Load())
	assert.Equal(t, []string{"verified"}, seen.lines())

	w := serve(g.Authenticate(g.Require(allWrites())(handler)), withToken(reader))
	assert.Equal(t, 403, w.Code, "a rule further in refuses")
	assert.EqualValues(t, 2, v.calls.Load())
	assert.Equal(t, []string{"verified", "verified", "refused insufficient_scope"}, seen.lines())
}

func TestAnotherGuardVerifiesAfresh(t *testing.T) {
	t.Parallel()
	theirs, ours := newTokens(t), newTokens(t)
	delete(ours.claims, reader)
	outer, inner := newGuard(t, middleware.Config{Verifier: theirs}), newGuard(t, middleware.Config{Verifier: ours})
	assert.Equal(t, 401, serve(outer.Authenticate(inner.Require(claims.AnyToken())(handler)), withToken(reader)).Code)
	assert.EqualValues(t, 1, ours.calls.Load())

	same := newGuard(t, middleware.Config{Verifier: theirs, Bindings: []middleware.Binding{&binding{members: []string{"jkt"}, err: fmt.Errorf("no proof")}}})
	w := serve(outer.Authenticate(same.Require(claims.AnyToken())(handler)), withToken(reader))
	assert.Equal(t, 401, w.Code, "a Guard without bindings does not speak for one that has some, though they share the Verifier")
}

func TestTwoGuardsKeepTheirStampsApart(t *testing.T) {
	t.Parallel()
	a, b := newTokens(t), newTokens(t)
	b.claims[reader] = parse(t, `{"sub":"seen by b"}`)
	ga, gb := newGuard(t, middleware.Config{Verifier: a}), newGuard(t, middleware.Config{Verifier: b})
	h := ga.Authenticate(gb.Authenticate(ga.Require(allReads())(handler)))
	assert.Equal(t, "r", serve(h, withToken(reader)).Body.String(), "the handler sees the claims of the innermost handler")
	assert.EqualValues(t, 1, a.calls.Load())
	assert.EqualValues(t, 1, b.calls.Load())
}

func TestClaimsInTheContextAreNoStamp(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	forged := parse(t, `{"sub":"forged","scope":"orders.read orders.write"}`)
	forge := func(r *http.Request) *http.Request {
		return r.WithContext(claims.NewContext(r.Context(), forged))
	}
	read := change(forge, g.Require(allReads())(handler))
	assert.Equal(t, 401, serve(read, request()).Code, "claims.NewContext alone never satisfies Require")
	assert.Equal(t, 403, serve(g.Authenticate(change(forge, g.Require(allWrites())(handler))), withToken(reader)).Code, "nor adds to what a verified token may do")
	assert.Equal(t, "r", serve(g.Authenticate(read), withToken(reader)).Body.String(), "the handler sees the claims that were checked")
	assert.Equal(t, "r", serve(read, withToken(reader)).Body.String())
}

func TestAStampSpeaksForItsCredential(t *testing.T) {
	t.Parallel()
	set := func(values ...string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request {
			r = r.Clone(r.Context())
			r.Header["Authorization"] = values
			return r
		}
	}
	for _, row := range []struct {
		name   string
		change func(*http.Request) *http.Request
		status int
		body   string
		calls  int64
	}{
		{"another token on the way in is verified afresh", set("Bearer " + writer), 200, "w", 2},
		{"a bad token on the way in is refused", set("Bearer bad"), 401, "", 2},
		{"a second line on the way in is a bad request", set("Bearer "+reader, "Bearer "+writer), 400, "", 1},
		{"another spelling of the scheme is the same credential", set("bearer  " + reader), 200, "r", 1},
		{"a token that was removed on the way in has been verified", set(), 200, "r", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := newTokens(t)
			g := newGuard(t, middleware.Config{Verifier: v})
			w := serve(g.Authenticate(change(row.change, g.Require(allReads())(handler))), withToken(reader))
			assert.Equal(t, row.status, w.Code)
			if row.body != "" {
				assert.Equal(t, row.body, w.Body.String())
			}
			assert.Equal(t, row.calls, v.calls.Load())
		})
	}
}

// The stamp speaks for the credential that it was made from, not for a source that fails with the same token at hand.
func TestAFailingSourceIsNotHealedByTheStamp(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{errors.New("the proxy took it back"), (*verifier.Error)(nil)} {
		calls := 0
		g := newGuard(t, middleware.Config{Credentials: func(*http.Request) (middleware.Credential, error) {
			if calls++; calls > 1 {
				return middleware.Credential{Token: reader}, failure
			}
			return middleware.Credential{Token: reader}, nil
		}})
		w := serve(g.Authenticate(g.Require(allReads())(handler)), request())
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Equal(t, 2, calls)
	}
}

func TestTheContextDoesNotPrintTheToken(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	r, _, err := g.Check(withToken(reader), claims.AnyToken())
	assert.NoError(t, err)
	child, cancel := context.WithCancel(r.Context())
	defer cancel()
	for _, ctx := range []context.Context{r.Context(), child} {
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s %q", ctx, ctx, ctx, ctx, ctx), reader)
	}
}

func TestTheContextKeepsItsNature(t *testing.T) {
	t.Parallel()
	type key struct{}
	parent, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "kept"))
	g := newGuard(t, middleware.Config{})
	r, _, err := g.Check(withToken(reader).WithContext(parent), claims.AnyToken())
	assert.NoError(t, err)
	assert.Equal(t, "kept", r.Context().Value(key{}))
	assert.NoError(t, r.Context().Err())
	cancel()
	<-r.Context().Done()
	assert.ErrorIs(t, r.Context().Err(), context.Canceled)
}

// uncomparable is a context that panics where it is compared.
type uncomparable struct {
	context.Context
	_ []int
}

func TestAContextIsNotCompared(t *testing.T) {
	t.Parallel()
	g := newGuard(t, middleware.Config{})
	for _, token := range []string{reader, "bad"} {
		r := withToken(token)
		assert.NotPanics(t, func() { serve(g.Optional(handler), r.WithContext(uncomparable{Context: r.Context()})) })
	}
}
