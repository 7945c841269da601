//go:build !race

package middleware_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/jwks/jwkstest"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

// These tests are not parallel, for they count what the whole process
// allocates, and not for the race detector, which allocates too.

// discard is a ResponseWriter that costs nothing but its header.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header               { return d.header }
func (d *discard) WriteHeader(int)                   {}
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }

// row is a request and how much a handler may allocate for it, more than one that does nothing.
type row struct {
	name    string
	handler http.Handler
	request *http.Request
	most    float64
}

func (row row) run(t *testing.T) {
	allocations := func(h http.Handler) float64 {
		return testing.AllocsPerRun(200, func() { h.ServeHTTP(&discard{header: make(http.Header)}, row.request) })
	}
	got := allocations(row.handler) - allocations(bare)
	t.Logf("%.0f allocations over the bare handler", got)
	assert.LessOrEqual(t, got, row.most)
}

var bare = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

func TestAllocations(t *testing.T) {
	g := newGuard(t, middleware.Config{})
	counting := newGuard(t, middleware.Config{MeterProvider: newMeasured().meters, SpanAttributes: true, OnEvent: func(_ context.Context, _ middleware.Event) {}})
	binding := newGuard(t, middleware.Config{Bindings: []middleware.Binding{&binding{members: []string{"jkt"}}}})
	enforce, err := g.Enforce(middleware.Policy{Rules: map[string]claims.Rule{"GET /orders": allReads()}})
	require.NoError(t, err)
	stamped, _, err := g.Check(withToken(reader), claims.AnyToken())
	require.NoError(t, err)
	for _, row := range []row{
		{"Require with a token that the verifier knows", g.Require(allReads())(bare), withToken(reader), 3},
		{"Authenticate and Require", g.Authenticate(g.Require(allReads())(bare)), withToken(reader), 3},
		{"Require behind Authenticate", g.Require(allReads())(bare), stamped, 0},
		{"Require with metric and events", counting.Require(allReads())(bare), withToken(reader), 3},
		{"Require with a binding", binding.Require(allReads())(bare), withToken(reader), 4},
		{"Enforce", enforce(bare), withToken(reader), 4},
		{"401 without a token", g.Require(allReads())(bare), request(), 12},
		{"401 with a bad token", g.Require(allReads())(bare), withToken("bad"), 12},
		{"403", g.Require(allWrites())(bare), withToken(reader), 12},
		{"403 with a metric", counting.Require(allWrites())(bare), withToken(reader), 12},
	} {
		t.Run(row.name, row.run)
	}
}

// From the header to the handler, with a real Verifier and its cache.
func TestAllocationsFromHeaderToHandler(t *testing.T) {
	iss := jwkstest.New(t)
	v, err := verifier.New(verifier.Config{Issuers: []verifier.Issuer{{Name: iss.Issuer(), Audiences: []string{iss.Audience()}, Keys: iss.KeySet()}}})
	require.NoError(t, err)
	g := newGuard(t, middleware.Config{Verifier: v})
	measuring := newGuard(t, middleware.Config{Verifier: v, MeterProvider: newMeasured().meters, SpanAttributes: true, OnEvent: func(context.Context, middleware.Event) {}})
	levels := claims.AccessLevels{Resources: []string{iss.Audience()}}
	good := iss.Token(jwkstest.Claims{"scope": "orders.read get"})
	for _, row := range []row{
		{"a token seen before", g.Require(allReads())(bare), withToken(good), 4},
		{"a token seen before, with the metrics of the SDK", measuring.Require(allReads())(bare), withToken(good), 4},
		{"a token seen before, by its access level", g.RequireAccess(levels)(bare), withToken(good), 4},
		{"401 for a foreign issuer", g.Require(allReads())(bare), withToken(iss.Token(jwkstest.Claims{"iss": "https://elsewhere.example"})), 12},
		{"401 for an unknown key", g.Require(allReads())(bare), withToken(iss.Token(jwkstest.Header{"kid": "not-published"})), 12},
		{"401 for a malformed token", g.Require(allReads())(bare), withToken("nonsense"), 12},
		{"403", g.Require(allWrites())(bare), withToken(good), 12},
	} {
		t.Run(row.name, row.run)
	}
}
