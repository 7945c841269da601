package middleware

import (
	"context"
	"errors"
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
)

// anyToken is the rule of a door that only wants to know who comes.
var anyToken = claims.AnyToken()

// admit is the way of one request through both doors: who are you, and may
// you. It writes nothing. An admitted request carries its claims; a refused
// one comes back as it was, with the refusal or, in shadow mode, without.
func (g *Guard) admit(r *http.Request, rule claims.Rule, anonymous bool) (*http.Request, *claims.Claims, *Error) {
	who, refused := g.authenticate(r)
	if refused != nil {
		if anonymous && refused.Reason == reason.NoToken {
			g.report(r, Event{Outcome: Anonymous})
			return r, nil, nil
		}
		return g.turnAway(r, nil, refused)
	}
	if d := rule.Check(who.claims); !d.Allowed {
		return g.turnAway(r, who.claims, g.forbid(d))
	}
	if who.fresh {
		g.report(r, Event{Outcome: Verified, Claims: who.claims})
	}
	return g.mark(r, who), who.claims, nil
}

// caller is who passed the first door.
type caller struct {
	token  string
	claims *claims.Claims
	fresh  bool // verified just now, not found on the request's stamp
}

// authenticate is the first door: the stamp of an earlier pass, or credential,
// verification and bindings. A stamp speaks for the credential that it was made
// from; a request that carries another one is verified afresh, a request from
// which it was removed on the way in is still the same request.
func (g *Guard) authenticate(r *http.Request) (caller, *Error) {
	if g == nil || g.verifier == nil {
		return caller{}, g.fail(reason.KeysUnavailable, errZeroGuard, 0)
	}
	ctx := r.Context()
	cred, err := g.credentials(r)
	if err == nil && cred.Token == "" {
		err = reason.NoToken
	}
	if s := g.stampOf(ctx); s != nil {
		if err == nil && cred.Token == s.token || errors.Is(err, reason.NoToken) {
			return caller{claims: s.claims}, nil
		}
	}
	if err != nil {
		return caller{}, g.unread(err)
	}
	if !cred.isBearer() {
		return caller{}, g.fail(reason.UnsupportedScheme, nil, 0)
	}
	verify := g.verifier.Verify
	if v, ok := g.verifier.(interface {
		VerifyBound(ctx context.Context, token string) (*claims.Claims, error)
	}); ok && len(g.bindings) > 0 {
		verify = v.VerifyBound
	}
	c, err := verify(ctx, cred.Token)
	if err == nil && c == nil {
		err = errNoVerdict
	}
	if err != nil {
		return caller{}, g.unverified(ctx, err)
	}
	if refused := g.bound(r, cred, c); refused != nil {
		return caller{}, refused
	}
	return caller{token: cred.Token, claims: c, fresh: true}, nil
}

// turnAway ends the way of a refused request, or in shadow mode lets it go on
// with nothing that says it was verified.
func (g *Guard) turnAway(r *http.Request, c *claims.Claims, e *Error) (*http.Request, *claims.Claims, *Error) {
	ev := Event{Outcome: Refused, Status: e.status(), Reason: e.Reason, Missing: e.Missing, Claims: c, Err: e.Err}
	if g == nil || !g.shadow {
		g.report(r, ev)
		return r, nil, e
	}
	ev.Outcome = Shadow
	g.report(r, ev)
	return g.unmarked(r), nil, nil
}
