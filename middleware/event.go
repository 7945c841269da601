package middleware

import (
	"errors"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
	"github.com/sallyport-go/sallyport/verifier"
)

// Outcome is what became of a request at a Guard.
type Outcome string

// The outcomes. A request has one per Guard, except that one which
// Authenticate verified and a Require further in refused has both.
const (
	Verified  Outcome = "verified"  // a good token, and the rule let it pass
	Anonymous Outcome = "anonymous" // no credentials where Optional allows that
	Refused   Outcome = "refused"   // answered with 400, 401, 403 or 503
	Shadow    Outcome = "shadow"    // would have been refused; shadow mode let it through
)

// Event is one decision of a Guard. Requests on exempt paths cause none.
type Event struct {
	Outcome Outcome
	// Status is the HTTP status of the answer; 0 if there was nothing to refuse.
	Status int
	// Reason is why the request was refused; "" if it was not.
	Reason reason.Code
	// Missing names what the rule requires.
	Missing []string
	// Claims are those of a verified token, also of one that a rule refused;
	// else nil. They hold personal data: choose what leaves the process.
	Claims *claims.Claims
	// Err is the cause of a refusal; nil if a rule refused. Most often it is a
	// *verifier.Error, which says which issuer and key were concerned.
	Err error

	// Issuer is the name of the configured issuer whose token it is, of a
	// template the template; "" if there is none, or if the Verifier does not
	// say.
	Issuer string
	// Seen reports whether the signature of the token was known to be good from
	// an earlier call.
	Seen bool
	// Route is the pattern that the call was routed by, "" if that is not known.
	// It is a word of the program, where the path is the caller's.
	Route string
	// Method is the method of the request if HTTP defines it, else "_OTHER"; ""
	// for a call of another transport.
	Method string
	// Peer is the address that the call came from, which may be a proxy's.
	Peer string
}

// describe adds to an event what its call says.
func (d *decider) describe(c *call, ev *Event) {
	ev.Seen, ev.Route, ev.Method, ev.Peer = c.seen, c.route, knownMethod(c.method), c.peer
	who := ev.Claims
	if who == nil {
		who = c.verified
	}
	if who != nil {
		if d.issuers != nil {
			ev.Issuer = d.issuers.IssuerOf(who)
		}
		return
	}
	if ve, ok := errors.AsType[*verifier.Error](ev.Err); ok {
		ev.Issuer = ve.Issuer
	}
}

// knownMethod returns a method that HTTP defines, and "_OTHER" for any other:
// that is a text of the caller's.
//
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/http/
func knownMethod(method string) string {
	switch method {
	case "", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "QUERY":
		return method
	}
	return "_OTHER"
}
