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

func at(seconds float64) time.Time { return epoch.Add(time.Duration(seconds * float64(time.Second))) }

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

// What happens to a policy, one step after another.
func (p *policy) begins(now float64) *policy              { p.begin(at(now)); return p }
func (p *policy) fails(now float64) *policy               { p.fail(at(now), 0, 0); return p }
func (p *policy) gets(r fetchResult) *policy              { p.succeed(r); return p }
func (p *policy) asked(l lookup) *policy                  { p.decide(l); return p }
func (p *policy) misses(kid kidHash, now float64) *policy { return p.asked(misses(p, kid, now)) }

// brought is a set of these kids that changed nothing.
func brought(due float64, kids ...kidHash) fetchResult {
	r := fetchResult{due: at(due), kids: kidSet{}}
	for _, kid := range kids {
		r.kids.add(kid)
	}
	return r
}

func changed(r fetchResult, removed ...kidHash) fetchResult {
	r.changed, r.removed = true, removed
	return r
}

// misses looks a kid up that the snapshot has not.
func misses(p *policy, kid kidHash, now float64) lookup {
	return lookup{now: at(now), kid: kid, named: kid != 0, usable: true, arrived: p.started}
}

// loaded has fetched kid A at 0, and is due at 900.
func loaded() *policy { return newPolicy().begins(0).gets(brought(900, kidA)) }

// cooling has fetched B in vain at 10: until 40 unknown kids start no fetch.
func cooling() *policy { return loaded().misses(kidB, 10).begins(10).gets(brought(910, kidA)) }

// refunded has fetched for B and C at 10, and found B.
func refunded() *policy {
	return loaded().misses(kidB, 10).misses(kidC, 10).begins(10).gets(changed(brought(910, kidA, kidB)))
}

// withdrawn has lost A to B at 900.
func withdrawn() *policy { return loaded().begins(900).gets(changed(brought(1800, kidB), kidA)) }

// failing has failed at 902, and tries again at 903.
func failing() *policy { return loaded().begins(900).fails(902) }

// How a lookup of TestPolicyOutcomes differs from misses.
type how uint8

const (
	known  how = 1 << iota // the snapshot has the kid
	stale                  // and is not usable
	waited                 // the caller has waited for a fetch
	early                  // the caller came before the latest fetch
)

func TestPolicyOutcomes(t *testing.T) {
	const running = -1
	type row struct {
		p       *policy
		kid     kidHash
		now     float64
		how     how
		want    outcome
		next    float64 // when the next fetch begins, or running
		pending bool    // the kid is one that the next fetch is for
	}
	refetched := func() *policy { return loaded().begins(900).gets(brought(1800, kidA)) }
	each(t, map[string]row{
		"a known kid is settled":                                            {loaded(), kidA, 5, known, settled, 900, false},
		"no kid is settled once there are keys":                             {loaded(), 0, 5, 0, settled, 900, false},
		"before the first fetch one begins at once":                         {newPolicy(), kidB, 0, stale, wait, 0, true},
		"before the first load callers join the flight":                     {newPolicy().begins(0), kidB, 1, stale, wait, running, false},
		"after a failed first fetch nobody waits for the next attempt":      {newPolicy().begins(0).fails(1), kidB, 1.5, stale, unavailable, 2, false},
		"but joins it once it is in flight":                                 {newPolicy().begins(0).fails(1).begins(2), kidB, 2.5, stale, wait, running, false},
		"a caller that waited for a failed first fetch has its answer":      {newPolicy().begins(0).fails(1), kidB, 1, stale | waited, unavailable, 2, false},
		"a caller that waited for a fetch without keys waits for no other":  {newPolicy(), kidA, 1, stale | waited, unavailable, 0, false},
		"keys too stale to trust are fetched at once":                       {loaded(), kidA, 600, known | stale, wait, 1, true}, // the past: at once
		"an unknown kid begins a fetch":                                     {loaded(), kidB, 5, 0, wait, 1, true},
		"an unknown kid waits out the second after the last start":          {loaded(), kidB, 0.2, 0, wait, 1, true},
		"an unknown kid joins the flight":                                   {loaded().begins(900), kidB, 901, 0, wait, running, false},
		"and begins another if that one had begun before it came":           {refetched(), kidB, 902, waited, wait, 901, true},
		"but not if it began afterwards":                                    {refetched(), kidB, 902, early | waited, settled, 1800, false},
		"in the cooldown an unknown kid is refused, and fetched at its end": {cooling(), kidC, 20, 0, settled, 40, true},
		"in the cooldown the kid that began it is refused too, and fetched": {cooling(), kidB, 20, 0, settled, 40, true},
		"in the cooldown nobody joins a scheduled fetch":                    {cooling().begins(20), kidC, 21, 0, settled, running, true},
		"after the cooldown an unknown kid begins a fetch":                  {cooling(), kidC, 40, 0, wait, 40, true},
		"a kid that was not found is refused although another was found":    {refunded(), kidC, 20, 0, settled, 910, false},
		"but not for longer than a cooldown":                                {refunded(), kidC, 40, 0, wait, 11, true},
		"and not once keys have changed":                                    {refunded().begins(15).gets(changed(brought(915, kidA, kidB, 9))), kidC, 20, 0, wait, 16, true},
		"a withdrawn kid is refused without a fetch":                        {withdrawn(), kidA, 5000, 0, settled, 1800, false},
		"a withdrawn kid that came back and went is still withdrawn": {
			withdrawn().begins(1800).gets(changed(brought(2700, kidA, kidB))).begins(2700).gets(changed(brought(3600, kidB), kidA)),
			kidA, 3000, 0, settled, 3600, false,
		},
		"an unknown kid after a failure cannot be judged, and is asked for next": {failing(), kidB, 902.5, 0, unavailable, 903, true},
		"an unknown kid joins the attempt after a failure":                       {failing().begins(903), kidB, 904, 0, wait, running, true},
		"although it began earlier than due":                                     {failing().begins(902.6), kidB, 902.7, 0, wait, running, true},
		"an unknown kid waits for an attempt that is due":                        {failing(), kidB, 903, 0, wait, 903, true},
		"a caller that waited for a failed fetch has its answer":                 {failing(), kidB, 902, waited, unavailable, 903, true},
		"a withdrawn kid after a failure is not asked for":                       {withdrawn().begins(1800).fails(1802), kidA, 1804, 0, unavailable, 1803, false},
		"a cooldown does not outlast a failure":                                  {cooling().begins(20).fails(21), kidC, 21.5, 0, unavailable, 22, true},
	}, func(t *testing.T, row row) {
		l := misses(row.p, row.kid, row.now)
		l.found, l.usable, l.waited = row.how&known != 0, row.how&stale == 0, row.how&waited != 0
		if row.how&early != 0 {
			l.arrived--
		}
		assert.Equal(t, row.want, row.p.decide(l))
		if row.next != running {
			assert.Equal(t, later(at(row.next), epoch), later(row.p.next(), epoch), "next fetch")
		}
		assert.Equal(t, row.pending, row.p.pendingKids.has(l.kid), "pending")
	})
}

func TestPolicyForcesFetchesThatACallerNeeds(t *testing.T) {
	type row struct {
		p    *policy
		want bool
	}
	each(t, map[string]row{
		"by schedule":        {loaded(), false},
		"the very first":     {newPolicy(), false},
		"for an unknown kid": {loaded().misses(kidB, 5), true},
		"the very first, for nobody in particular": {newPolicy().asked(lookup{}), false},
		"the very first, for a kid":                {newPolicy().asked(lookup{kid: kidB, named: true}), true},
		"without keys that can be trusted":         {loaded().asked(lookup{now: at(5)}), true},
		"at the end of a cooldown":                 {cooling().misses(kidC, 20), true},
		"of a cooldown without kid":                {cooling(), false},
		"again after a failed one":                 {loaded().misses(kidB, 5).begins(5).fails(6), true},
		"for a kid that came during a failed one":  {loaded().begins(900).fails(901).misses(kidB, 901), true},
	}, func(t *testing.T, row row) {
		assert.Equal(t, row.want, row.p.begin(at(5000)))
		assert.False(t, row.p.urgent, "once")
		assert.Empty(t, row.p.pendingKids, "once")
	})
}

func TestPolicyCooldown(t *testing.T) {
	type row struct {
		p     *policy
		until time.Time
	}
	each(t, map[string]row{
		"a scheduled fetch starts none":                         {loaded(), time.Time{}},
		"a fruitless one does, by its start":                    {cooling(), at(40)},
		"one that finds any kid does not":                       {refunded(), time.Time{}},
		"a failed one does not":                                 {loaded().misses(kidB, 10).begins(10).fails(11), time.Time{}},
		"a fruitless attempt after a failure does":              {loaded().misses(kidB, 10).begins(10).fails(11).begins(12).gets(brought(912, kidA)), at(42)},
		"a fruitless one at its end starts the next":            {cooling().misses(kidC, 20).begins(40).gets(brought(940, kidA)), at(70)},
		"a scheduled fetch leaves it":                           {cooling().begins(20).gets(brought(920, kidA)), at(40)},
		"finding a kid that came during it ends it":             {cooling().misses(kidC, 20).begins(21).gets(changed(brought(921, kidA, kidC))), time.Time{}},
		"finding a kid that came during the very fetch ends it": {cooling().begins(20).misses(kidC, 21).gets(changed(brought(921, kidA, kidC))), time.Time{}},
	}, func(t *testing.T, row row) {
		assert.Equal(t, row.until, row.p.coolUntil)
	})
}

func TestPolicyForgetsPendingKidsThatCame(t *testing.T) {
	t.Parallel()
	p := cooling().begins(20).misses(kidC, 21).gets(changed(brought(921, kidA, kidC)))
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
			p.begins(0).fails(0)
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
	assert.Equal(t, time.Second, loaded().begins(10).retryAfter(at(11)), "an answer is on its way, not a quarter of an hour off")
}

func TestSuccessEndsTheBackoff(t *testing.T) {
	t.Parallel()
	p := failing().begins(903).fails(903).begins(905).gets(brought(1800, kidA))
	assert.Equal(t, at(1800), p.next())
	assert.Equal(t, at(1801), p.begins(1800).fails(1800).next(), "it begins again at a second")
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
			o := p.decide(l)
			require.False(t, o == unavailable && p.failures == 0, "unavailable without a failure")
			require.False(t, o == settled && p.failures > 0, "settled after a failure")
			if o == wait && !p.inFlight {
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

func TestAPendingKidDoesNotDelayAScheduledFetch(t *testing.T) {
	t.Parallel()
	p := cooling() // until 40, due at 910
	p.due = at(20)
	assert.Equal(t, at(20), p.misses(kidC, 15).next(), "the fetch by schedule comes first, and brings the kid")
}
