package middleware

import (
	"net/http"

	"github.com/sallyport-go/sallyport/claims"
	"github.com/sallyport-go/sallyport/reason"
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
	// Status is the answer's status; 0 if there was nothing to refuse.
	Status int
	// Reason is why the request was refused; "" if it was not.
	Reason reason.Code
	// Missing names what the rule wanted.
	Missing []string
	// Claims are those of a verified token, also of one that a rule refused;
	// else nil. They hold personal data: choose what leaves the process.
	Claims *claims.Claims
	// Err is the cause of a refusal; nil if a rule refused. Most often it is a
	// *verifier.Error, which says which issuer and key were concerned.
	Err error
}

// report tells everyone who asked. It runs before the answer is written.
func (g *Guard) report(r *http.Request, ev Event) {
	if g == nil || g.shadowed(r) {
		return
	}
	ctx := r.Context()
	g.counter.count(ctx, ev)
	if g.logger != nil {
		g.log(r, ev)
	}
	if g.onEvent != nil {
		g.onEvent(ctx, ev)
	}
}
