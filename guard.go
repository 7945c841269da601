package sallyport

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/middleware"
)

// A Gate has the methods of its Guard, written out so that they refuse behind a
// nil Gate too, where an embedded field would panic.

var (
	zeroGate     Gate // refuses everything
	errNotOpened = errors.New("sallyport: this Gate was not made by New, NewFrom, Open or FromEnv")
)

// orZero returns the Gate that refuses everything for one that is nil or zero.
func (g *Gate) orZero() *Gate {
	if g == nil || g.now.Load() == nil {
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
	if len(m.AuthorizationServers) > 0 || g == &zeroGate {
		return g.Guard.MetadataHandler(m)
	}
	h := &serversHandler{gate: g, metadata: m}
	if _, err := h.now(); err != nil {
		return nil, err
	}
	g.listed.Store(true)
	return h, nil
}

// serversHandler sends the metadata with the issuers of the configuration in force.
type serversHandler struct {
	gate     *Gate
	metadata middleware.Metadata
	last     atomic.Pointer[listing]
}

type listing struct {
	of      *state
	handler http.Handler
}

func (h *serversHandler) now() (http.Handler, error) {
	current, last := h.gate.state(), h.last.Load()
	if last != nil && last.of == current {
		return last.handler, nil
	}
	m := h.metadata
	m.AuthorizationServers = current.servers()
	handler, err := h.gate.Guard.MetadataHandler(m)
	if err == nil {
		h.last.Store(&listing{current, handler})
	}
	return handler, err
}

func (h *serversHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, err := h.now()
	if err != nil { // of what More says beside a Binding that was replaced
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	handler.ServeHTTP(w, r)
}
