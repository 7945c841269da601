package sallyport

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
	"github.com/sallyport-go/sallyport/verifier"
)

// A Gate has the methods of its Guard, written out so that they refuse behind a
// nil Gate too, where an embedded field would panic.

var (
	zeroGate     = Gate{verifier: new(verifier.Verifier)} // refuses everything
	errNotOpened = errors.New("sallyport: this Gate was not made by New, NewFrom, Open or FromEnv")
)

// orZero returns the Gate that refuses everything for one that is nil or zero.
func (g *Gate) orZero() *Gate {
	if g == nil || g.verifier == nil {
		return &zeroGate
	}
	return g
}

// Authenticate is [middleware.Guard.Authenticate].
func (g *Gate) Authenticate(next http.Handler) http.Handler {
	return g.orZero().Guard.Authenticate(next)
}

// Optional is [middleware.Guard.Optional].
func (g *Gate) Optional(next http.Handler) http.Handler { return g.orZero().Guard.Optional(next) }

// Require is [middleware.Guard.Require].
func (g *Gate) Require(rule claims.Rule) func(http.Handler) http.Handler {
	return g.orZero().Guard.Require(rule)
}

// RequireAccess is [middleware.Guard.RequireAccess].
func (g *Gate) RequireAccess(levels claims.AccessLevels) func(http.Handler) http.Handler {
	return g.orZero().Guard.RequireAccess(levels)
}

// Enforce is [middleware.Guard.Enforce].
func (g *Gate) Enforce(p middleware.Policy) (func(http.Handler) http.Handler, error) {
	return g.orZero().Guard.Enforce(p)
}

// Check is [middleware.Guard.Check].
func (g *Gate) Check(r *http.Request, rule claims.Rule) (*http.Request, *claims.Claims, error) {
	return g.orZero().Guard.Check(r, rule)
}

// Deny is [middleware.Guard.Deny].
func (g *Gate) Deny(w http.ResponseWriter, r *http.Request, err error) {
	g.orZero().Guard.Deny(w, r, err)
}

// UntilExpiry is [middleware.Guard.UntilExpiry].
func (g *Gate) UntilExpiry(ctx context.Context, who *claims.Claims) (context.Context, context.CancelFunc) {
	return g.orZero().Guard.UntilExpiry(ctx, who)
}

// MetadataPath is [middleware.Guard.MetadataPath].
func (g *Gate) MetadataPath() string { return g.orZero().Guard.MetadataPath() }

// MetadataHandler is [middleware.Guard.MetadataHandler] with the issuers as authorization servers
// where m names none: all but those whose names are no URLs, as the second one of
// Google's, and templates, whose tenants have issuers of their own and are to be named.
//
// RFC 9728 section 3: https://www.rfc-editor.org/rfc/rfc9728#section-3
func (g *Gate) MetadataHandler(m middleware.Metadata) (http.Handler, error) {
	g = g.orZero()
	if len(m.AuthorizationServers) == 0 {
		for _, i := range g.issuers {
			if strings.Contains(i.name, "://") && !strings.Contains(i.name, "{") {
				m.AuthorizationServers = append(m.AuthorizationServers, i.name)
			}
		}
	}
	return g.Guard.MetadataHandler(m)
}
