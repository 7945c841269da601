package middleware_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

func TestShadowMode(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		doors   func(*middleware.Guard) http.Handler
		request *http.Request
		body    string
		lines   []string
	}{
		{"lets a request without a token through, without claims", func(g *middleware.Guard) http.Handler {
			return g.Authenticate(handler)
		}, request(), "-", []string{"shadow no_token"}},
		{"lets a bad token through, without claims", func(g *middleware.Guard) http.Handler {
			return g.Require(allReads())(handler)
		}, withToken("bad"), "-", []string{"shadow bad_signature"}},
		{"lets a malformed header through", func(g *middleware.Guard) http.Handler {
			return g.Optional(handler)
		}, request("Bearer"), "-", []string{"shadow invalid_request"}},
		{"lets a good token that a rule refuses through, without claims", func(g *middleware.Guard) http.Handler {
			return g.Require(allWrites())(handler)
		}, withToken(reader), "-", []string{"shadow insufficient_scope"}},
		{"also if an outer door had put the claims there", func(g *middleware.Guard) http.Handler {
			return g.Authenticate(g.Require(allWrites())(handler))
		}, withToken(reader), "-", []string{"verified", "shadow insufficient_scope"}},
		{"gives claims to a request that passes", func(g *middleware.Guard) http.Handler {
			return g.Require(allReads())(handler)
		}, withToken(reader), "r", []string{"verified"}},
		{"reports a request once, at the door where it would have ended", func(g *middleware.Guard) http.Handler {
			return g.Authenticate(g.Require(allReads())(handler))
		}, request(), "-", []string{"shadow no_token"}},
		{"says nothing of the doors behind that one", func(g *middleware.Guard) http.Handler {
			return g.Require(allWrites())(g.Require(allReads())(handler))
		}, withToken(reader), "r", []string{"shadow insufficient_scope"}},
		{"lets anonymous requests be anonymous", func(g *middleware.Guard) http.Handler {
			return g.Optional(handler)
		}, request(), "-", []string{"anonymous"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			seen := &events{}
			g := newGuard(t, middleware.Config{Shadow: true, OnEvent: seen.add})
			w := serve(row.doors(g), row.request)
			assert.Equal(t, 200, w.Code)
			assert.Equal(t, row.body, w.Body.String())
			assert.Equal(t, row.lines, seen.lines())
			assert.NotContains(t, w.Header(), "Www-Authenticate")
			assert.NotContains(t, w.Header(), "Cache-Control")
		})
	}
}

func TestShadowedRequestIsNoStampForAnotherGuard(t *testing.T) {
	t.Parallel()
	v := newTokens(t)
	shadow := newGuard(t, middleware.Config{Shadow: true, Verifier: v})
	strict := newGuard(t, middleware.Config{Verifier: v})
	assert.Equal(t, 401, serve(shadow.Authenticate(strict.Authenticate(handler)), withToken("bad")).Code)
	assert.Equal(t, 401, serve(shadow.Authenticate(strict.Authenticate(handler)), request()).Code)
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
}
