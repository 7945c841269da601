package middleware

import (
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// Binding checks that a request may use a token that is bound to a key of its
// sender (the cnf claim, RFC 7800). It runs on every request after the token
// is verified, never from a cache, in the order of [Config.Bindings], and also
// for tokens without cnf. Implementations must be safe for concurrent use.
//
// A Guard refuses a token whose cnf has a member that no Binding confirms.
type Binding interface {
	// Confirms lists the members of cnf that Check covers, such as "jkt".
	// It is asked when the Guard is made, not for each request.
	Confirms() []string
	// Check returns nil if the request may use the token. An [*Error] is
	// written as it is; an error with a [reason.Code] in its chain by that
	// code; any other is a 401 with [reason.UnsupportedBinding].
	Check(r *http.Request, c Credential, cl *claims.Claims) error
}

// bound checks what ties the token to its sender. A cnf that nothing covers
// must not pass: its token was never meant to be used by whoever holds it.
func (g *Guard) bound(r *http.Request, cred Credential, c *claims.Claims) *Error {
	if c.Has("cnf") && !g.covers(c) {
		return g.fail(reason.UnsupportedBinding, nil, 0)
	}
	for _, b := range g.bindings {
		if err := b.Check(r, cred, c); err != nil {
			return g.unbound(r.Context(), err)
		}
	}
	return nil
}

func (g *Guard) covers(c *claims.Claims) bool {
	v, _ := c.Value("cnf")
	members, ok := v.(map[string]any)
	if !ok || len(members) == 0 {
		return false
	}
	for name := range members {
		if !g.confirms[name] {
			return false
		}
	}
	return true
}
