package middleware

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/internal/vetted"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// decider decides on calls: who is calling, and may they. It knows no
// transport; a Guard is its net/http face. It is immutable and safe for
// concurrent use. The zero decider refuses every call.
type decider struct {
	family  *family
	verify  func(context.Context, string) (who *claims.Claims, seen bool, err error)
	realm   string
	shadow  bool
	issuers issuers // nil if the Verifier does not say
	labels  labels  // nil without log, metrics and spans
	log     *refusalLog
	meters  *meters
	spans   bool
	onEvent func(context.Context, Event)

	schemes     []Challenge // of the schemes that tokens may come by; nil: Bearer alone
	constrained bool        // whether each token must be bound to its sender
	metadata    string      // the address of the resource's metadata; "" for none
}

// call is one call as its transport presents it.
type call struct {
	credential Credential
	err        error       // why there is no credential; nil if there is one
	rule       claims.Rule // what the credential must allow
	asked      claims.Call // what the rule may ask about the call; nil if it does not ask
	optional   bool        // without credentials the call passes, without claims
	route      string      // the pattern that the call was routed by, for the log
	method     string      // for events, as peer
	peer       string

	// What is found out on the way, for events alone.
	begun    time.Time      // when the check of the token began; zero without metrics, or where there was none
	seen     bool           // the token was seen before
	verified *claims.Claims // of a token that is good so far

	// newStamp returns a new stamp, for a call that passes, and the context that
	// has it.
	newStamp func() (*stamp, context.Context)

	// confirms are the members of cnf that checkBindings checks. Without
	// checkBindings every token with a cnf is refused.
	confirms      map[string]bool
	checkBindings func(Credential, *claims.Claims) error
}

// decide decides on one call and reports the decision. It returns the context
// for what runs next, which holds the claims of a call that passes; nil means
// the call's own. In shadow mode a call that is refused passes, with neither a
// refusal nor claims.
func (d *decider) decide(ctx context.Context, c *call) (context.Context, *claims.Claims, *Error) {
	c.err = withoutNil(c.err)
	if c.err == nil && c.credential.Token == "" {
		c.err = reason.NoToken
	}
	// 1. Who is calling?
	var refused *Error
	who := d.stamped(ctx, c)
	fresh := who == nil
	if fresh {
		who, refused = d.authenticate(ctx, c)
	}
	if refused != nil {
		if c.optional && refused.Reason == reason.NoToken {
			d.report(ctx, c, Event{Outcome: Anonymous})
			return nil, nil, nil
		}
		return d.turnAway(ctx, c, nil, refused)
	}
	// 2. May they do this?
	if answer := c.rule.CheckCall(who, c.asked); !answer.Allowed {
		return d.turnAway(ctx, c, who, d.forbid(answer))
	}
	// 3. The call passes.
	if !fresh {
		return withChecked(ctx, who), who, nil
	}
	d.report(ctx, c, Event{Outcome: Verified, Claims: who})
	return d.withStamp(ctx, c, who), who, nil
}

// stamped returns the claims of an earlier decision on the call, nil for none.
// A stamp is good for the token that it was made from: a call with another
// token is verified again, a call whose token was removed since is still the
// same call.
func (d *decider) stamped(ctx context.Context, c *call) *claims.Claims {
	s := d.stampOf(ctx)
	if s == nil {
		return nil
	}
	if c.err == nil && c.credential.Token == s.token || errors.Is(c.err, reason.NoToken) {
		return s.claims
	}
	return nil
}

// authenticate finds out who is calling: credential, verification, bindings.
func (d *decider) authenticate(ctx context.Context, c *call) (*claims.Claims, *Error) {
	if d.verify == nil {
		return nil, d.fail(reason.KeysUnavailable, errNotMadeByNew, 0)
	}
	if c.err != nil {
		return nil, d.refusal(c.err, orCanceled(ctx, reason.InvalidRequest))
	}
	if !d.accepts(c.credential.Scheme) {
		return nil, d.fail(reason.UnsupportedScheme, nil, 0)
	}
	if d.meters != nil {
		c.begun = time.Now()
	}
	who, seen, err := d.verify(ctx, c.credential.Token)
	c.seen = seen
	if err == nil && who == nil {
		err = errNoAnswer
	}
	if err != nil { // an error that names no reason says nothing about the token, so it is no 401
		return nil, d.refusal(err, orCanceled(ctx, reason.KeysUnavailable))
	}
	c.verified = who
	switch isBound := who.Has("cnf"); {
	case isBound && !c.confirmsAll(who):
		return nil, d.fail(reason.UnsupportedBinding, nil, 0)
	case !isBound && d.constrained:
		return nil, d.fail(reason.UnsupportedBinding, errNotBound, 0)
	}
	if c.checkBindings != nil {
		if err := c.checkBindings(c.credential, who); err != nil {
			return nil, d.refusal(err, orCanceled(ctx, reason.UnsupportedBinding))
		}
	}
	return who, nil
}

// verifyOf returns the method that verifies, and whether it has seen the token
// before where v says so. With Bindings v leaves cnf to them if it can.
func verifyOf(v Verifier, bound bool) func(context.Context, string) (*claims.Claims, bool, error) {
	if own, ok := v.(*verifier.Verifier); ok { // and no type around it: its Verify may check more
		return func(ctx context.Context, token string) (*claims.Claims, bool, error) {
			return own.VerifySeen(ctx, token, bound)
		}
	}
	if own, ok := v.(seenVerifier); ok && vetted.Asking != nil && vetted.Asking(v) {
		return func(ctx context.Context, token string) (*claims.Claims, bool, error) {
			return own.VerifySeen(ctx, token, bound)
		}
	}
	verify := v.Verify
	if b, ok := v.(boundVerifier); ok && bound {
		verify = b.VerifyBound
	}
	return func(ctx context.Context, token string) (*claims.Claims, bool, error) {
		who, err := verify(ctx, token)
		return who, false, err
	}
}

// seenVerifier is a Verifier that knows whether it has seen a token before.
type seenVerifier interface {
	VerifySeen(ctx context.Context, token string, bound bool) (*claims.Claims, bool, error)
}

// boundVerifier is a Verifier that leaves the cnf of a token to its caller.
type boundVerifier interface {
	VerifyBound(ctx context.Context, token string) (*claims.Claims, error)
}

// confirmationMembers are the members of cnf that are defined to name a key.
//
// RFC 7800 section 3: https://www.rfc-editor.org/rfc/rfc7800#section-3
// RFC 8705 section 3.1: https://www.rfc-editor.org/rfc/rfc8705#section-3.1
// RFC 9449 section 6.1: https://www.rfc-editor.org/rfc/rfc9449#section-6.1
var confirmationMembers = map[string]bool{
	"jkt": true, "x5t#S256": true, "jwk": true, "jwe": true, "jku": true, "kid": true,
}

// confirmsAll reports whether the bindings of the call check the cnf of a
// token: at least one member of it, and every member that is defined to name a
// key. Members that are not understood are ignored beside a checked one.
//
// RFC 7800 section 3.1: https://www.rfc-editor.org/rfc/rfc7800#section-3.1
func (c *call) confirmsAll(who *claims.Claims) bool {
	if c.checkBindings == nil {
		return false
	}
	value, _ := who.Value("cnf")
	cnf, _ := value.(map[string]any) // anything else has no member that could be checked
	checked := false
	for name, value := range cnf {
		switch {
		case value == nil: // null is absent
		case c.confirms[name]:
			checked = true
		case confirmationMembers[name]:
			return false
		}
	}
	return checked
}

// turnAway ends a call that is refused; in shadow mode it only reports it.
func (d *decider) turnAway(ctx context.Context, c *call, who *claims.Claims, e *Error) (context.Context, *claims.Claims, *Error) {
	ev := Event{Outcome: Refused, Status: e.status(), Reason: e.Reason, Missing: e.Missing, Claims: who, Err: e.Err}
	if d.shadow {
		ev.Outcome = Shadow
		d.report(ctx, c, ev)
		return d.withShadow(ctx), nil, nil
	}
	d.report(ctx, c, ev)
	if d.presents() {
		e = d.present(e, c.credential.Scheme)
	}
	return nil, nil, e
}

// presents reports whether challenges say more than the decision itself does.
func (d *decider) presents() bool { return d.schemes != nil || d.metadata != "" }

// report counts a decision, logs it and calls the hook, before the answer is
// written.
func (d *decider) report(ctx context.Context, c *call, ev Event) {
	if d.labels == nil && d.onEvent == nil || d.isShadowed(ctx) {
		return
	}
	d.describe(c, &ev)
	if d.labels != nil {
		d.publish(ctx, c, &ev)
	}
	if d.onEvent != nil {
		d.onEvent(ctx, ev)
	}
}

// publish counts a decision, adds it to the span of the request and logs it.
func (d *decider) publish(ctx context.Context, c *call, ev *Event) {
	s := d.labels.of(ev)
	if d.meters != nil {
		d.meters.record(ctx, s, c.begun, c.seen)
	}
	if d.spans {
		annotate(ctx, s, ev)
	}
	if d.log != nil {
		d.log.write(ctx, s.label, ev)
	}
}

// orCanceled returns the reason for an error that names none: the caller's own
// cancellation says nothing about its token.
func orCanceled(ctx context.Context, otherwise reason.Code) reason.Code {
	if ctx.Err() != nil {
		return reason.Canceled
	}
	return otherwise
}

// withoutNil replaces an error that is a nil pointer, which would panic when it
// is unwrapped or printed. It is an error still.
func withoutNil(err error) error {
	if err != nil && isNil(err) {
		return errNilPointer
	}
	return err
}
