package jwks

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// epoch is when the tables begin; at is so many seconds later.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

const (
	kidA kidHash = iota + 1
	kidB
	kidC
)

// each runs test for every row, in parallel.
func each[R any](t *testing.T, rows map[string]R, test func(t *testing.T, row R)) {
	t.Helper()
	t.Parallel()
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, row)
		})
	}
}

func newPolicy() *policy {
	return &policy{limits: limits{spacing: time.Second, cooldown: 30 * time.Second, backoff: time.Second, most: time.Minute}}
}

// loaded has fetched kid A at 0, and is due at 900.
func loaded() *policy {
	p := newPolicy()
	p.begin(at(0))
	p.succeed(brought(900, kidA))
	return p
}

// brought is a set of these kids that changed nothing.
func brought(due float64, kids ...kidHash) fetchResult {
	h := fetchResult{due: at(due), kids: kidSet{}}
	for _, kid := range kids {
		h.kids[kid] = struct{}{}
	}
	return h
}

func changed(h fetchResult, removed ...kidHash) fetchResult {
	h.changed, h.removed = true, removed
	return h
}

// misses asks for a kid that the snapshot has not.
func misses(p *policy, kid kidHash, now float64) lookup {
	return lookup{now: at(now), kid: kid, named: true, usable: true, arrived: p.started}
}

func TestPolicyVerdicts(t *testing.T) {
	type row struct {
		given  func() *policy
		ask    func(p *policy) lookup
		want   outcome
		next   float64 // when the next fetch begins; -1: not asked
		wanted bool    // the kid is on the next fetch's list
	}
	each(t, map[string]row{
		"a known kid is settled": {
			given: loaded,
			ask:   func(p *policy) lookup { l := misses(p, kidA, 5); l.found = true; return l },
			want:  settled, next: 900,
		},
		"no kid is settled once there are keys": {
			given: loaded,
			ask:   func(p *policy) lookup { return lookup{now: at(5), usable: true, arrived: p.started} },
			want:  settled, next: 900,
		},
		"before the first fetch one begins at once": {
			given: newPolicy,
			ask:   func(p *policy) lookup { l := misses(p, kidB, 0); l.usable = false; return l },
			want:  wait, next: 0, wanted: true,
		},
		"before the first load callers join the flight": {
			given: func() *policy { p := newPolicy(); p.begin(at(0)); return p },
			ask:   func(p *policy) lookup { l := misses(p, kidB, 1); l.usable = false; return l },
			want:  wait, next: -1,
		},
		"after a failed first fetch nobody waits for the next attempt": {
			given: func() *policy { p := newPolicy(); p.begin(at(0)); p.fail(at(1), 0, 0); return p },
			ask:   func(p *policy) lookup { l := misses(p, kidB, 1.5); l.usable = false; return l },
			want:  unavailable, next: 2,
		},
		"but joins it once it is in flight": {
			given: func() *policy {
				p := newPolicy()
				p.begin(at(0))
				p.fail(at(1), 0, 0)
				p.begin(at(2))
				return p
			},
			ask:  func(p *policy) lookup { l := misses(p, kidB, 2.5); l.usable = false; return l },
			want: wait, next: -1,
		},
		"whoever waited for a failed first fetch has his answer": {
			given: func() *policy { p := newPolicy(); p.begin(at(0)); p.fail(at(1), 0, 0); return p },
			ask:   func(p *policy) lookup { l := misses(p, kidB, 1); l.usable, l.waited = false, true; return l },
			want:  unavailable, next: 2,
		},
		"keys too stale to trust are fetched at once": {
			given: loaded,
			ask:   func(p *policy) lookup { l := misses(p, kidA, 600); l.found, l.usable = true, false; return l },
			want:  wait, next: 1, wanted: true, // the past: at once
		},
		"an unknown kid begins a fetch": {
			given: loaded,
			ask:   func(p *policy) lookup { return misses(p, kidB, 5) },
			want:  wait, next: 1, wanted: true,
		},
		"an unknown kid waits out the second after the last start": {
			given: loaded,
			ask:   func(p *policy) lookup { return misses(p, kidB, 0.2) },
			want:  wait, next: 1, wanted: true,
		},
		"an unknown kid joins the flight": {
			given: func() *policy { p := loaded(); p.begin(at(900)); return p },
			ask:   func(p *policy) lookup { return misses(p, kidB, 901) },
			want:  wait, next: -1,
		},
		"and begins another if that one had begun before it came": {
			given: func() *policy { p := loaded(); p.begin(at(900)); p.succeed(brought(1800, kidA)); return p },
			ask:   func(p *policy) lookup { l := misses(p, kidB, 902); l.waited = true; return l },
			want:  wait, next: 901, wanted: true,
		},
		"but not if it began afterwards": {
			given: func() *policy { p := loaded(); p.begin(at(900)); p.succeed(brought(1800, kidA)); return p },
			ask:   func(p *policy) lookup { l := misses(p, kidB, 902); l.arrived, l.waited = 1, true; return l },
			want:  settled, next: 1800,
		},
		"in the cooldown an unknown kid is refused, and fetched at its end": {
			given: cooling,
			ask:   func(p *policy) lookup { return misses(p, kidC, 20) },
			want:  settled, next: 40, wanted: true,
		},
		"in the cooldown the kid that began it is refused too, and fetched at its end": {
			given: cooling,
			ask:   func(p *policy) lookup { return misses(p, kidB, 20) },
			want:  settled, next: 40, wanted: true,
		},
		"in the cooldown nobody joins a scheduled fetch": {
			given: func() *policy { p := cooling(); p.begin(at(20)); return p },
			ask:   func(p *policy) lookup { return misses(p, kidC, 21) },
			want:  settled, next: -1, wanted: true,
		},
		"after the cooldown an unknown kid begins a fetch": {
			given: cooling,
			ask:   func(p *policy) lookup { return misses(p, kidC, 40) },
			want:  wait, next: 40, wanted: true,
		},
		"a missing kid is refused although another's find refunded the cooldown": {
			given: refunded,
			ask:   func(p *policy) lookup { return misses(p, kidC, 20) },
			want:  settled, next: 910,
		},
		"but not for longer than a cooldown": {
			given: refunded,
			ask:   func(p *policy) lookup { return misses(p, kidC, 40) },
			want:  wait, next: 11, wanted: true,
		},
		"and not once keys have changed": {
			given: func() *policy {
				p := refunded()
				p.begin(at(15))
				p.succeed(changed(brought(915, kidA, kidB, 9)))
				return p
			},
			ask:  func(p *policy) lookup { return misses(p, kidC, 20) },
			want: wait, next: 16, wanted: true,
		},
		"a withdrawn kid is refused without a fetch": {
			given: withdrawn,
			ask:   func(p *policy) lookup { return misses(p, kidA, 5000) },
			want:  settled, next: 1800,
		},
		"a withdrawn kid that came back and went is still withdrawn": {
			given: func() *policy {
				p := withdrawn()
				p.begin(at(1800))
				p.succeed(changed(brought(2700, kidA, kidB)))
				p.begin(at(2700))
				p.succeed(changed(brought(3600, kidB), kidA))
				return p
			},
			ask:  func(p *policy) lookup { return misses(p, kidA, 3000) },
			want: settled, next: 3600,
		},
		"an unknown kid after a failure cannot be judged, and is asked for next": {
			given: failing,
			ask:   func(p *policy) lookup { return misses(p, kidB, 902.5) },
			want:  unavailable, next: 903, wanted: true,
		},
		"an unknown kid joins the attempt after a failure": {
			given: func() *policy { p := failing(); p.begin(at(903)); return p },
			ask:   func(p *policy) lookup { return misses(p, kidB, 904) },
			want:  wait, next: -1, wanted: true,
		},
		"an unknown kid waits for an attempt that is due": {
			given: failing,
			ask:   func(p *policy) lookup { return misses(p, kidB, 903) },
			want:  wait, next: 903, wanted: true,
		},
		"whoever waited for a failed fetch has his answer": {
			given: failing,
			ask:   func(p *policy) lookup { l := misses(p, kidB, 902); l.waited = true; return l },
			want:  unavailable, next: 903, wanted: true,
		},
		"a withdrawn kid after a failure is not asked for": {
			given: func() *policy { p := withdrawn(); p.begin(at(1800)); p.fail(at(1802), 0, 0); return p },
			ask:   func(p *policy) lookup { return misses(p, kidA, 1804) },
			want:  unavailable, next: 1803,
		},
		"a cooldown does not outlast a failure": {
			given: func() *policy { p := cooling(); p.begin(at(20)); p.fail(at(21), 0, 0); return p },
			ask:   func(p *policy) lookup { return misses(p, kidC, 21.5) },
			want:  unavailable, next: 22, wanted: true,
		},
	}, func(t *testing.T, row row) {
		p := row.given()
		l := row.ask(p)
		assert.Equal(t, row.want, p.decide(l))
		if row.next >= 0 {
			assert.Equal(t, later(at(row.next), epoch), later(p.next(), epoch), "next fetch")
		}
		assert.Equal(t, row.wanted, p.pendingKids.has(l.kid), "wanted")
	})
}

// cooling has fetched in vain for B at 10: until 40 nothing is fetched for
// unknown kids.
func cooling() *policy {
	p := loaded()
	p.decide(misses(p, kidB, 10))
	p.begin(at(10))
	p.succeed(brought(910, kidA))
	return p
}

// refunded has fetched for B and C at 10, and found B.
func refunded() *policy {
	p := loaded()
	p.decide(misses(p, kidB, 10))
	p.decide(misses(p, kidC, 10))
	p.begin(at(10))
	p.succeed(changed(brought(910, kidA, kidB)))
	return p
}

// withdrawn has lost A to B at 900.
func withdrawn() *policy {
	p := loaded()
	p.begin(at(900))
	p.succeed(changed(brought(1800, kidB), kidA))
	return p
}

// failing has failed at 902, and tries again at 903.
func failing() *policy {
	p := loaded()
	p.begin(at(900))
	p.fail(at(902), 0, 0)
	return p
}

func TestPolicyForcesFetchesThatAreForSomebody(t *testing.T) {
	type row struct {
		given func() *policy
		want  bool
	}
	each(t, map[string]row{
		"by schedule":        {loaded, false},
		"the very first":     {newPolicy, false},
		"for an unknown kid": {func() *policy { p := loaded(); p.decide(misses(p, kidB, 5)); return p }, true},
		"the very first, for nobody in particular": {func() *policy { p := newPolicy(); p.decide(lookup{}); return p }, false},
		"the very first, for a kid": {func() *policy {
			p := newPolicy()
			p.decide(lookup{kid: kidB, named: true})
			return p
		}, true},
		"without keys that can be trusted": {func() *policy { p := loaded(); p.decide(lookup{now: at(5)}); return p }, true},
		"at the end of a cooldown":         {func() *policy { p := cooling(); p.decide(misses(p, kidC, 20)); return p }, true},
		"of a cooldown without kid":        {cooling, false},
		"again after a failed one": {func() *policy {
			p := loaded()
			p.decide(misses(p, kidB, 5))
			p.begin(at(5))
			p.fail(at(6), 0, 0)
			return p
		}, true},
		"for a kid that came during a failed one": {func() *policy {
			p := loaded()
			p.begin(at(900))
			p.fail(at(901), 0, 0)
			p.decide(misses(p, kidB, 901))
			return p
		}, true},
	}, func(t *testing.T, row row) {
		p := row.given()
		assert.Equal(t, row.want, p.begin(at(5000)))
		assert.False(t, p.urgent, "once")
		assert.Empty(t, p.pendingKids, "once")
	})
}

func TestPolicyCooldown(t *testing.T) {
	type row struct {
		given func() *policy
		until time.Time
	}
	each(t, map[string]row{
		"a scheduled fetch starts none":      {loaded, time.Time{}},
		"a fruitless one does, by its start": {cooling, at(40)},
		"one that finds any kid does not":    {refunded, time.Time{}},
		"a failed one does not": {func() *policy {
			p := loaded()
			p.decide(misses(p, kidB, 10))
			p.begin(at(10))
			p.fail(at(11), 0, 0)
			return p
		}, time.Time{}},
		"a fruitless attempt after a failure does": {func() *policy {
			p := loaded()
			p.decide(misses(p, kidB, 10))
			p.begin(at(10))
			p.fail(at(11), 0, 0)
			p.begin(at(12))
			p.succeed(brought(912, kidA))
			return p
		}, at(42)},
		"a fruitless one at its end starts the next": {func() *policy {
			p := cooling()
			p.decide(misses(p, kidC, 20))
			p.begin(at(40))
			p.succeed(brought(940, kidA))
			return p
		}, at(70)},
		"a scheduled fetch leaves it": {func() *policy {
			p := cooling()
			p.begin(at(20))
			p.succeed(brought(920, kidA))
			return p
		}, at(40)},
		"finding a kid that came during it ends it": {func() *policy {
			p := cooling()
			p.decide(misses(p, kidC, 20))
			p.begin(at(21))
			p.succeed(changed(brought(921, kidA, kidC)))
			return p
		}, time.Time{}},
		"finding a kid that came during the very fetch ends it": {func() *policy {
			p := cooling()
			p.begin(at(20))
			p.decide(misses(p, kidC, 21))
			p.succeed(changed(brought(921, kidA, kidC)))
			return p
		}, time.Time{}},
	}, func(t *testing.T, row row) {
		assert.Equal(t, row.until, row.given().coolUntil)
	})
}

func TestPolicyForgetsWantsThatAreMet(t *testing.T) {
	t.Parallel()
	p := cooling()
	p.begin(at(20))
	p.decide(misses(p, kidC, 21))
	p.succeed(changed(brought(921, kidA, kidC)))
	assert.Empty(t, p.pendingKids)
	assert.Equal(t, at(921), p.next(), "nobody is left to fetch for")
}

func TestPolicyPauses(t *testing.T) {
	type row struct {
		failures int
		delay    time.Duration
		jitter   float64
		want     time.Duration
	}
	each(t, map[string]row{
		"first":                           {1, 0, 0, time.Second},
		"second":                          {2, 0, 0, 2 * time.Second},
		"sixth":                           {6, 0, 0, 32 * time.Second},
		"seventh is cut":                  {7, 0, 0, time.Minute},
		"thousandth":                      {1000, 0, 0, time.Minute},
		"jitter takes up to a tenth":      {7, 0, 1, 54 * time.Second},
		"but leaves the first its second": {1, 0, 1, time.Second},
		"the server may ask for more":     {1, 10 * time.Second, 0, 10 * time.Second},
		"but not for less":                {4, time.Second, 0, 8 * time.Second},
		"and for no more than the cap":    {1, time.Hour, 0, time.Minute},
	}, func(t *testing.T, row row) {
		p := newPolicy()
		for range row.failures - 1 {
			p.begin(at(0))
			p.fail(at(0), 0, 0)
		}
		p.begin(at(100))
		p.fail(at(101), row.delay, row.jitter)
		assert.Equal(t, at(101).Add(row.want), p.next())
	})
}

func TestPolicyRetryAfter(t *testing.T) {
	t.Parallel()
	p := newPolicy()
	p.begin(at(0))
	p.fail(at(1), 20*time.Second, 0)
	assert.Equal(t, 15*time.Second, p.retryAfter(at(6)))
	assert.Equal(t, time.Second, p.retryAfter(at(20.9)), "at least a second")
	p.begin(at(21))
	assert.Equal(t, time.Second, p.retryAfter(at(22)), "one is in flight")
}

func TestSuccessEndsTheBackoff(t *testing.T) {
	t.Parallel()
	p := failing()
	p.begin(at(903))
	p.fail(at(903), 0, 0)
	p.begin(at(905))
	p.succeed(brought(1800, kidA))
	assert.Equal(t, at(1800), p.next())
	p.begin(at(1800))
	p.fail(at(1800), 0, 0)
	assert.Equal(t, at(1801), p.next(), "it begins again at a second")
}

// Whatever callers, answers and outages come: fetches keep their distance, the
// memories stay bounded, and nobody who waited is left without an answer.
func TestPolicyHoldsItsPromisesUnderRandomEvents(t *testing.T) {
	t.Parallel()
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 1))
		p, now, starts := newPolicy(), 0.0, []time.Time{}
		for range 1500 {
			now += r.Float64() * 2
			if !p.inFlight && !at(now).Before(p.next()) {
				scheduled := !at(now).Before(p.due) || p.urgent
				require.True(t, scheduled || !at(now).Before(p.coolUntil), "an unscheduled fetch inside of a cooldown")
				p.begin(at(now))
				starts = append(starts, at(now))
			}
			kid := kidHash(r.IntN(5000) + 10)
			l := misses(p, kid, now)
			l.usable = p.succeeded > 0
			v := p.decide(l)
			require.False(t, v == unavailable && p.failures == 0, "unavailable without a failure")
			require.False(t, v == settled && p.failures > 0, "settled after a failure")
			if v == wait && !p.inFlight {
				require.False(t, p.next().After(at(now+1)), "waits for more than the spacing")
			}
			if p.inFlight && r.IntN(3) == 0 {
				if r.IntN(4) == 0 {
					p.fail(at(now), 0, r.Float64())
				} else {
					p.succeed(brought(now+60+r.Float64()*900, kidA))
				}
			}
			require.LessOrEqual(t, len(p.pendingKids), memorySize)
			require.LessOrEqual(t, len(p.notFoundKids.entries), memorySize)
		}
		for i := 1; i < len(starts); i++ {
			require.GreaterOrEqual(t, starts[i].Sub(starts[i-1]), time.Second)
		}
	}
}

func TestMemoryHoldsUntilItsTime(t *testing.T) {
	t.Parallel()
	var m memory
	assert.False(t, m.has(1, at(0)))
	m.remember(1, at(30))
	m.remember(2, time.Time{})
	assert.True(t, m.has(1, at(29)))
	assert.False(t, m.has(1, at(30)))
	assert.True(t, m.has(2, at(1e9)), "until it is pushed out")
	m.remember(1, at(60))
	assert.True(t, m.has(1, at(30)), "again, for longer")
	m.forget(1)
	assert.False(t, m.has(1, at(29)))
	m.clear()
	assert.False(t, m.has(2, at(0)))
}

func TestMemoryIsBoundedAndDropsTheOldest(t *testing.T) {
	t.Parallel()
	var m memory
	for kid := range kidHash(3 * memorySize) {
		m.remember(kid, time.Time{})
		assert.LessOrEqual(t, len(m.entries), memorySize)
	}
	assert.False(t, m.has(2*memorySize-1, at(0)))
	assert.True(t, m.has(2*memorySize, at(0)))
	assert.True(t, m.has(3*memorySize-1, at(0)))
}

func TestMemoryOfAKidThatCameBackOutlivesItsOldSlot(t *testing.T) {
	t.Parallel()
	var m memory
	m.remember(1, time.Time{})
	m.forget(1)
	for kid := range kidHash(memorySize - 2) {
		m.remember(kid+10, time.Time{})
	}
	m.remember(1, time.Time{}) // in the last slot; the first is stale
	m.remember(5000, time.Time{})
	assert.True(t, m.has(1, at(0)))
	m.clear()
	for kid := range kidHash(memorySize) {
		m.remember(kid, time.Time{})
	}
	assert.Len(t, m.entries, memorySize)
}

func TestKidSetIsBounded(t *testing.T) {
	t.Parallel()
	var s kidSet
	for kid := range kidHash(2 * memorySize) {
		s.add(kid)
	}
	assert.Len(t, s, memorySize)
	assert.True(t, s.has(0))
	assert.False(t, s.has(2*memorySize-1))
}

func TestInterval(t *testing.T) {
	usual := schedule{usual: 15 * time.Minute, least: time.Minute, most: 24 * time.Hour, staleness: 48 * time.Hour}
	type row struct {
		bounds   schedule
		lifetime time.Duration
		stated   bool
		jitter   float64
		want     time.Duration
	}
	each(t, map[string]row{
		"the usual":                     {usual, 0, false, 0, 15 * time.Minute},
		"ahead of it by up to a tenth":  {usual, 0, false, 1, 810 * time.Second},
		"the server's word":             {usual, time.Hour, true, 0, time.Hour},
		"not less than the lower bound": {usual, 0, true, 0, time.Minute},
		"where the spread goes upwards": {usual, 0, true, 1, 66 * time.Second},
		"just above it too":             {usual, 62 * time.Second, true, 1, 64200 * time.Millisecond},
		"not more than the upper bound": {usual, longest, true, 0, 24 * time.Hour},
		"half the staleness at most":    {schedule{usual.usual, usual.least, usual.most, time.Hour}, longest, true, 0, 30 * time.Minute},
		"even below the lower bound":    {schedule{usual.usual, usual.least, usual.most, time.Minute}, 0, false, 0, 30 * time.Second},
		"bounds that meet":              {schedule{time.Second, time.Second, time.Second, time.Hour}, time.Hour, true, 1, time.Second},
	}, func(t *testing.T, row row) {
		assert.Equal(t, row.want, row.bounds.interval(row.lifetime, row.stated, row.jitter))
	})
}

func TestPolicyWhileAFetchIsInFlight(t *testing.T) {
	t.Parallel()
	p := failing() // tries again at 903
	assert.Equal(t, unavailable, p.decide(misses(p, kidB, 902.5)), "nothing is under way")
	p.begin(at(902.6)) // earlier than due, because somebody asked for it
	assert.Equal(t, wait, p.decide(misses(p, kidB, 902.7)), "what is in flight may bring the key")

	p = loaded() // due at 900
	p.begin(at(10))
	assert.Equal(t, time.Second, p.retryAfter(at(11)), "the answer is on its way, not a quarter of an hour off")

	p = newPolicy()
	l := lookup{now: at(1), kid: kidA, named: true, waited: true}
	assert.Equal(t, unavailable, p.decide(l), "who has waited for a fetch that brought nothing does not wait for another")
}

func TestAKidThatIsWantedDoesNotPutAScheduledFetchOff(t *testing.T) {
	t.Parallel()
	p := cooling() // until 40, due at 910
	p.due = at(20)
	p.decide(misses(p, kidC, 15))
	assert.Equal(t, at(20), p.next(), "the fetch by schedule comes first, and brings what is wanted")
}
