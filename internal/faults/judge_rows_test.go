package faults_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/sallyport-go/sallyport/reason"
)

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
		{span: span{at(-1), at(1)}},
		{span: span{at(10), at(10)}},
		{span: span{at(21), at(22)}},
		{span: span{at(32), at(32)}, forced: true},
		{span: span{at(40), at(41)}, forced: true},
		{span: span{at(51), at(53)}, failed: true},
		{span: span{at(55), at(57)}, failed: true},
		{span: span{at(60), at(62)}},
	}
	l.unknown = []time.Time{at(31)}
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
		"a new key in the cooldown of a stranger":          {from: 33, to: 33.1, kid: "c", answer: reason.UnknownKey},
		"a new key after that cooldown":                    {from: 38, to: 38.1, kid: "c", answer: reason.UnknownKey, wrong: "refused a good token"},
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
		return l.judge(exchange{
			span: span{at, at}, status: 200,
			credential: credential{genuine: true, kid: "a", expires: at.Add(time.Hour)},
		}).wrong
	}
	assert.Empty(t, pass(12))
	assert.Equal(t, "accepted a withdrawn key for too long", pass(14))
}
