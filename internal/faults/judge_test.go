package faults_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sallyport-go/sallyport/reason"
)

// credential is a token and what is true of it.
type credential struct {
	text    string
	genuine bool // of the issuer, for this API; else it may never pass
	kid     string
	jti     string
	expires time.Time
	revoked *atomic.Pointer[span] // holds nil: not yet
}

// revocation is zero until the token is revoked.
func (c *credential) revocation() (at span) {
	if c.revoked != nil && c.revoked.Load() != nil {
		at = *c.revoked.Load()
	}
	return at
}

// exchange is a request and its answer.
type exchange struct {
	span
	credential
	status  int // 0: none, because of failure
	reason  reason.Code
	phase   int
	failure error
}

// verdict is what is said of an exchange.
type verdict struct {
	wrong    string // "" if the answer was right
	accepted bool   // the wrong answer was 200
	known    bool   // the key was in force all the while
}

// judge says whether the answer was right at any moment between the sending
// and the answer. It is asked when all fetches of that time have ended.
func (l *ledger) judge(x exchange) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x.failure != nil {
		return verdict{wrong: "no answer: " + x.failure.Error()}
	}
	v := verdict{known: x.genuine && l.certain(x.kid, x.span) && !l.mayBeStale(x.span)}
	switch {
	case x.status == 200:
		v.wrong, v.accepted = l.mayPass(x), true
	case !x.genuine:
		v.wrong = mayRefuseForgery(x)
	default:
		v.wrong = l.mayRefuse(x)
	}
	return v
}

// mayPass: the token had not expired when it was sent, nor been revoked, and
// its key may have been in force. "" is yes.
func (l *ledger) mayPass(x exchange) string {
	revoked := x.revocation()
	switch {
	case !x.genuine:
		return "accepted a forgery"
	case !x.from.Before(x.expires):
		return "accepted an expired token"
	case !revoked.to.IsZero() && !x.from.Before(revoked.to):
		return "accepted a revoked token"
	case !l.possible(x.kid, x.span):
		return "accepted a key that was not in force"
	case l.mustBeStale(x.span):
		return "accepted a key that was too stale"
	case l.overdue(x):
		return "accepted a withdrawn key for too long"
	}
	return ""
}

// mayRefuse: the reason that was given may have been true. "" is yes.
func (l *ledger) mayRefuse(x exchange) string {
	var may bool
	switch x.reason {
	case reason.Expired:
		may = !x.to.Before(x.expires)
	case reason.Revoked:
		from := x.revocation().from
		may = !from.IsZero() && !x.to.Before(from)
	case reason.UnknownKey:
		may = !l.certain(x.kid, x.span) && (l.withdrawnBefore(x.kid, x.to) || l.cooling(x))
	case reason.KeysUnavailable:
		may = l.mayBeStale(x.span) || !l.certain(x.kid, x.span) && l.failing(x.span)
	}
	if may {
		return ""
	}
	return fmt.Sprintf("refused a good token: %d %s", x.status, x.reason)
}

func mayRefuseForgery(x exchange) string {
	if x.status == 401 || x.status == 503 && x.reason == reason.KeysUnavailable {
		return ""
	}
	return fmt.Sprintf("answered a forgery with %d %s", x.status, x.reason)
}

// active are the states that may have been in force within the span. One is
// from when it was served, at the earliest, until the next was told, at the
// latest.
func (l *ledger) active(at span) []keyState {
	var out []keyState
	for i, s := range l.states {
		replaced := i+1 < len(l.states) && l.states[i+1].told.Before(at.from)
		if !replaced && !s.served.After(at.to) {
			out = append(out, s)
		}
	}
	return out
}

// possible: the key was in force at some moment of the span.
func (l *ledger) possible(kid string, at span) bool {
	return slices.ContainsFunc(l.active(at), func(s keyState) bool { return slices.Contains(s.kids, kid) })
}

// certain: the key was in force all the while.
func (l *ledger) certain(kid string, at span) bool {
	active := l.active(at)
	return len(active) > 0 && !slices.ContainsFunc(active, func(s keyState) bool { return !slices.Contains(s.kids, kid) })
}

// mayBeStale: at some moment the keys were older than the maximum staleness.
func (l *ledger) mayBeStale(at span) bool {
	active := l.active(at)
	for i, s := range active {
		end := at.to
		if i+1 < len(active) && active[i+1].told.Before(end) {
			end = active[i+1].told
		}
		if !end.Before(s.served.Add(l.rules.staleness)) {
			return true
		}
	}
	return false
}

// mustBeStale: they were so all the while.
func (l *ledger) mustBeStale(at span) bool {
	active := l.active(at)
	for _, s := range active {
		if at.from.Before(s.told.Add(l.rules.staleness)) {
			return false
		}
	}
	return len(active) > 0
}

// failing: the last fetch had failed, or one failed meanwhile.
func (l *ledger) failing(at span) bool {
	for i, a := range l.attempts {
		if !a.failed {
			continue
		}
		trouble := span{from: a.from} // until a fetch works
		for _, later := range l.attempts[i+1:] {
			if !later.failed {
				trouble.to = later.to
				break
			}
		}
		if trouble.meets(at) {
			return true
		}
	}
	return false
}

func (l *ledger) withdrawnBefore(kid string, t time.Time) bool {
	life := l.keys[kid]
	return life == nil || !life.withdrawn.from.IsZero() && !life.withdrawn.from.After(t)
}

// cooling: a fetch for an unknown key found nothing, and the key of x came
// just after it.
func (l *ledger) cooling(x exchange) bool {
	life := l.keys[x.kid]
	if life == nil || x.from.After(l.due(life.published.to, x.from).Add(l.rules.cooldown+l.rules.spacing)) {
		return false
	}
	for i, a := range l.attempts {
		cooldown := span{a.from, a.from.Add(l.rules.cooldown)}
		if a.forced && !a.failed && cooldown.meets(x.span) && l.strangerBefore(i) {
			return true
		}
	}
	return false
}

// strangerBefore: the fetch i may have been for a key that does not exist. One
// that is asked for during a cooldown is fetched at its end; one that is asked
// for while fetches fail, by the first that works.
func (l *ledger) strangerBefore(i int) bool {
	asked := span{l.attempts[i].from, l.attempts[i].to}
	for i--; i >= 0 && l.attempts[i].failed; i-- {
		asked.from = l.attempts[i].from
	}
	asked.from = asked.from.Add(-l.rules.cooldown - l.rules.spacing - l.rules.timeout - l.rules.slack)
	return slices.ContainsFunc(l.unknown, func(t time.Time) bool { return asked.meets(span{t, t}) })
}

// overdue: the key of x was withdrawn long enough ago for the Gate to know.
func (l *ledger) overdue(x exchange) bool {
	life := l.keys[x.kid]
	if life == nil {
		return true
	}
	gone := life.withdrawn.to
	if gone.IsZero() {
		return false
	}
	return x.from.After(l.due(gone, x.from).Add(l.rules.refresh)) || x.from.After(gone.Add(l.rules.staleness+l.rules.slack))
}

// due is when a change should have reached a Gate that fetches at that moment:
// counted from the change or, if the issuer was in trouble after it, from the
// end of that.
func (l *ledger) due(changed, until time.Time) time.Time {
	for i, a := range l.attempts {
		if !a.failed || a.to.Before(changed) || a.from.After(until) {
			continue
		}
		if i+1 < len(l.attempts) {
			changed = l.attempts[i+1].to
		} else {
			changed = until
		}
	}
	return changed.Add(l.rules.timeout + l.rules.slack)
}
