package faults_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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

type exchange struct {
	span
	credential
	status  int // 0: none, because of failure
	reason  reason.Code
	phase   int
	failure error
}

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
		may = !l.certain(x.kid, x.span) && (l.withdrawnBefore(x.kid, x.to) || l.spent(x))
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

// active are the states that may have been in force within the span. One is from when it was served, at the earliest,
// until the next was applied, at the latest.
func (l *ledger) active(at span) []keyState {
	var out []keyState
	for i, s := range l.states {
		replaced := i+1 < len(l.states) && l.states[i+1].applied.Before(at.from)
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
		if i+1 < len(active) && active[i+1].applied.Before(end) {
			end = active[i+1].applied
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
	fresh := func(s keyState) bool { return at.from.Before(s.applied.Add(l.rules.staleness)) }
	return len(active) > 0 && !slices.ContainsFunc(active, fresh)
}

// failing: the last fetch had failed, or one failed meanwhile.
func (l *ledger) failing(at span) bool {
	for i, a := range l.attempts {
		if !a.failed {
			continue
		}
		trouble, rest := span{from: a.from}, l.attempts[i+1:] // until a fetch works
		if n := slices.IndexFunc(rest, func(later attempt) bool { return !later.failed }); n >= 0 {
			trouble.to = rest[n].to
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

// spent: strangers had used up the budget for unknown keys, and the key of x
// was published less than a cooldown ago.
func (l *ledger) spent(x exchange) bool {
	life := l.keys[x.kid]
	if life == nil || x.from.After(l.due(life.published.to, x.from).Add(l.rules.cooldown+l.rules.spacing)) {
		return false
	}
	for i, a := range l.attempts {
		empty := span{a.from, a.from.Add(time.Duration((1 - a.left) * float64(l.rules.cooldown)))}
		if i+1 < len(l.attempts) && l.attempts[i+1].from.Before(empty.to) {
			empty.to = l.attempts[i+1].from
		}
		if a.left < 1 && empty.meets(x.span) {
			return true
		}
	}
	return false
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

// due is when a change should have reached a Gate that fetches at that moment: counted from the change or, if the
// issuer was in trouble after it, from the end of that.
func (l *ledger) due(changed, until time.Time) time.Time {
	for i, a := range l.attempts {
		if !a.failed || a.to.Before(changed) || a.from.After(until) {
			continue
		}
		changed = until
		if i+1 < len(l.attempts) {
			changed = l.attempts[i+1].to
		}
	}
	return changed.Add(l.rules.timeout + l.rules.slack)
}

// storyOfAMinute is what the judge is tested with, second by second:
//
//	 0  the set of a and b is served, and in force at 1
//	20  b is withdrawn; a fetch at 21 tells so at 22
//	30  c is published
//	40  a fetch for a stranger begins; it ends, with c, at 41
//	50  the issuer is down: fetches fail from 51 to 53 and from 55 to 57
//	60  it is well again: a fetch from 60, served at 61, ends at 62
func storyOfAMinute() *ledger {
	at := func(s int) time.Time { return dawn.Add(time.Duration(s) * time.Second) }
	l := newLedger(rules{
		refresh: 20 * time.Second, staleness: 12 * time.Second, cooldown: 5 * time.Second,
		timeout: time.Second, spacing: time.Second, slack: time.Second,
	})
	l.keys["a"] = &keyLife{published: span{at(-2), at(-2)}}
	l.keys["b"] = &keyLife{published: span{at(-2), at(-2)}, withdrawn: span{at(20), at(20)}}
	l.keys["c"] = &keyLife{published: span{at(30), at(30)}}
	l.states = []keyState{
		{at(0), at(1), []string{"a", "b"}},
		{at(10), at(10), []string{"a", "b"}},
		{at(21), at(22), []string{"a"}},
		{at(32), at(32), []string{"a"}}, // a lie of the story: a fetch that missed c
		{at(41), at(41), []string{"a", "c"}},
		{at(61), at(62), []string{"a", "c"}},
	}
	l.attempts = []attempt{
		{span: span{at(-1), at(1)}, left: burst},
		{span: span{at(10), at(10)}, left: burst},
		{span: span{at(21), at(22)}, left: burst},
		{span: span{at(32), at(32)}, forced: true}, // the last of the budget
		{span: span{at(40), at(41)}, forced: true, left: 1.6},
		{span: span{at(51), at(53)}, failed: true, left: 3.8},
		{span: span{at(55), at(57)}, failed: true, left: 4.6},
		{span: span{at(60), at(62)}, left: burst},
	}
	return l
}

var dawn = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func TestTheJudge(t *testing.T) {
	t.Parallel()
	const passed, never = reason.Code(""), 1000.0
	for name, row := range map[string]struct {
		from, to         float64
		kid              string
		expires, revoked float64
		forged           bool
		answer           reason.Code
		wrong            string // a part of what is said; "" if the answer is right
	}{
		"a good token passes":                              {from: 2, to: 3, kid: "a", answer: passed},
		"a forgery passes":                                 {from: 2, to: 3, kid: "a", forged: true, answer: passed, wrong: "a forgery"},
		"a forgery is refused":                             {from: 2, to: 3, kid: "a", forged: true, answer: reason.BadSignature},
		"a forgery is refused while there are no keys":     {from: 2, to: 3, kid: "a", forged: true, answer: reason.KeysUnavailable},
		"a forgery gets a 403":                             {from: 2, to: 3, kid: "a", forged: true, answer: reason.Denied, wrong: "403"},
		"a good token is called forged":                    {from: 2, to: 3, kid: "a", answer: reason.BadSignature, wrong: "refused a good token"},
		"it expires on the way and passes":                 {from: 2, to: 3, kid: "a", expires: 2.5, answer: passed},
		"it expires on the way and is refused":             {from: 2, to: 3, kid: "a", expires: 2.5, answer: reason.Expired},
		"it has expired and passes":                        {from: 2, to: 3, kid: "a", expires: 2, answer: passed, wrong: "expired"},
		"it has not expired and is refused":                {from: 2, to: 3, kid: "a", expires: 3.1, answer: reason.Expired, wrong: "refused a good token"},
		"it is revoked on the way and passes":              {from: 2, to: 3, kid: "a", revoked: 2.5, answer: passed},
		"it is revoked on the way and is refused":          {from: 2, to: 3, kid: "a", revoked: 2.5, answer: reason.Revoked},
		"it was revoked and passes":                        {from: 2, to: 3, kid: "a", revoked: 1.9, answer: passed, wrong: "revoked"},
		"it is revoked later and was refused":              {from: 2, to: 3, kid: "a", revoked: 3.1, answer: reason.Revoked, wrong: "refused a good token"},
		"its key is in force and called unknown":           {from: 2, to: 3, kid: "a", answer: reason.UnknownKey, wrong: "refused a good token"},
		"its key is in force and cannot be had":            {from: 2, to: 3, kid: "a", answer: reason.KeysUnavailable, wrong: "refused a good token"},
		"its key was withdrawn, before any fetch":          {from: 20.5, to: 20.6, kid: "b", answer: passed},
		"its key is being replaced and passes":             {from: 21.5, to: 21.6, kid: "b", answer: passed},
		"its key is being replaced and is refused":         {from: 21.5, to: 21.6, kid: "b", answer: reason.UnknownKey},
		"its key is gone and passes":                       {from: 22.5, to: 22.6, kid: "b", answer: passed, wrong: "not in force"},
		"its key is gone and refused":                      {from: 22.5, to: 22.6, kid: "b", answer: reason.UnknownKey},
		"its key was withdrawn, but refused too early":     {from: 19.0, to: 19.5, kid: "b", answer: reason.UnknownKey, wrong: "refused a good token"},
		"a new key before any fetch is called unknown":     {from: 30.5, to: 30.6, kid: "c", answer: reason.UnknownKey, wrong: "refused a good token"},
		"a new key when strangers have spent the budget":   {from: 33, to: 33.1, kid: "c", answer: reason.UnknownKey},
		"a new key after the next refill":                  {from: 38, to: 38.1, kid: "c", answer: reason.UnknownKey, wrong: "refused a good token"},
		"a new key passes before a fetch brought it":       {from: 38, to: 38.1, kid: "c", answer: passed, wrong: "not in force"},
		"a new key passes once it may have been fetched":   {from: 38, to: 41.1, kid: "c", answer: passed},
		"a known key in an outage":                         {from: 51.5, to: 51.6, kid: "a", answer: passed},
		"a known key in an outage is not to be had":        {from: 51.5, to: 51.6, kid: "a", answer: reason.KeysUnavailable, wrong: "refused a good token"},
		"an unknown key in an outage is not to be had":     {from: 54, to: 54.1, kid: "d", answer: reason.KeysUnavailable},
		"an unknown key in good times is not to be had":    {from: 45, to: 45.1, kid: "d", answer: reason.KeysUnavailable, wrong: "refused a good token"},
		"a known key when it is too stale":                 {from: 54, to: 54.1, kid: "a", answer: passed, wrong: "too stale"},
		"a known key when it is too stale is refused":      {from: 54, to: 54.1, kid: "a", answer: reason.KeysUnavailable},
		"a known key becomes too stale on the way":         {from: 52.9, to: 53.1, kid: "a", answer: passed},
		"a known key is well again":                        {from: 62.1, to: 62.2, kid: "a", answer: passed},
		"a known key is well again and is not to be had":   {from: 62.1, to: 62.2, kid: "a", answer: reason.KeysUnavailable, wrong: "refused a good token"},
		"a known key is perhaps well again and is refused": {from: 61.5, to: 61.6, kid: "a", answer: reason.KeysUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := func(s float64) time.Time { return dawn.Add(time.Duration(s * float64(time.Second))) }
			if row.expires == 0 {
				row.expires = never
			}
			x := exchange{
				span: span{at(row.from), at(row.to)}, reason: row.answer, status: statusOf(row.answer),
				credential: credential{genuine: !row.forged, kid: row.kid, expires: at(row.expires), revoked: new(atomic.Pointer[span])},
			}
			if row.revoked != 0 {
				x.revoked.Store(&span{at(row.revoked), at(row.revoked)})
			}
			v := storyOfAMinute().judge(x)
			if row.wrong == "" {
				assert.Empty(t, v.wrong)
				return
			}
			assert.Contains(t, v.wrong, row.wrong)
			assert.Equal(t, row.answer == passed, v.accepted)
		})
	}
}

func statusOf(code reason.Code) int {
	if status, ok := map[reason.Code]int{"": 200, reason.KeysUnavailable: 503, reason.Denied: 403}[code]; ok {
		return status
	}
	return 401
}

func TestTheJudgeMissesNoKeyThatOutstaysItsWithdrawal(t *testing.T) {
	t.Parallel()
	l := storyOfAMinute()
	l.keys["a"].withdrawn = span{dawn, dawn} // and every fetch of the story still brought it
	pass := func(s int) string {
		at := dawn.Add(time.Duration(s) * time.Second)
		return l.judge(exchange{span: span{at, at}, status: 200, credential: credential{genuine: true, kid: "a", expires: at.Add(time.Hour)}}).wrong
	}
	assert.Empty(t, pass(12))
	assert.Equal(t, "accepted a withdrawn key for too long", pass(14))
}
