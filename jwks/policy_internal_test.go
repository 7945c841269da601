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

func unused() *policy {
	p := newPolicy(limits{
		spacing: time.Second, cooldown: 30 * time.Second, longest: 2 * time.Minute, idle: time.Hour, backoff: time.Second, most: time.Minute,
	})
	return &p
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
	r.changed, r.fresh, r.removed = true, true, removed
	return r
}

// misses looks a kid up that the snapshot has not.
func misses(p *policy, kid kidHash, now float64) lookup {
	return lookup{now: at(now), kid: kid, usable: true, arrived: p.started}
}

// loaded has fetched kid A at 0, and is due at 900.
func loaded() *policy { return unused().begins(0).gets(brought(900, kidA)) }

// spent has fetched for B at 10 and for four others until 14, all in vain: until
// 40 unknown kids start no fetch.
func spent() *policy {
	p := loaded().misses(kidB, 10).begins(10).gets(brought(910, kidA))
	for i := range burst - 1 {
		now := float64(11 + i)
		p.misses(kidHash(100+i), now).begins(now).gets(brought(now+900, kidA))
	}
	return p
}

// replaced has fetched for the withdrawn kid A at 1000, in vain.
func replaced() *policy {
	return withdrawn().misses(kidA, 1000).begins(1000).gets(brought(1900, kidB))
}

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
	known   how = 1 << iota // the snapshot has the kid
	stale                   // and is not usable
	waited                  // the caller has waited for a fetch
	early                   // the caller came before the latest fetch
	crowded                 // too many others wait
	anyKey                  // any key will do
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
	missed := func() *policy { return loaded().misses(kidB, 10).begins(10).gets(brought(910, kidA)) }
	lastUnit := func() *policy { // for B, in flight since 14
		p := loaded()
		for i := range burst - 1 {
			now := float64(10 + i)
			p.misses(kidHash(100+i), now).begins(now).gets(brought(now+900, kidA))
		}
		return p.misses(kidB, 14).begins(14)
	}
	each(t, map[string]row{
		"a known kid is settled":                                                 {loaded(), kidA, 5, known, settled, 900, false},
		"any key is settled once there are keys":                                 {loaded(), nameless, 5, anyKey, settled, 900, false},
		"before the first fetch one begins at once":                              {unused(), kidB, 0, stale, wait, 0, true},
		"for any key, too, which is not asked for":                               {unused(), nameless, 0, stale | anyKey, wait, 0, false},
		"before the first load callers join the flight":                          {unused().begins(0), kidB, 1, stale, wait, running, false},
		"but not a crowd":                                                        {unused().begins(0), kidB, 1, stale | crowded, unavailable, running, false},
		"after a failed first fetch nobody waits for the next attempt":           {unused().begins(0).fails(1), kidB, 1.5, stale, unavailable, 2, false},
		"but joins it once it is in flight":                                      {unused().begins(0).fails(1).begins(2), kidB, 2.5, stale, wait, running, false},
		"a caller that waited for a failed first fetch has its answer":           {unused().begins(0).fails(1), kidB, 1, stale | waited, unavailable, 2, false},
		"a caller that waited for a fetch without keys waits for no other":       {unused(), kidA, 1, stale | waited, unavailable, 0, false},
		"keys too stale to trust are fetched at once":                            {loaded(), kidA, 600, known | stale, wait, 1, true}, // the past: at once
		"an unknown kid begins a fetch":                                          {loaded(), kidB, 5, 0, wait, 1, true},
		"so does a token without kid that no key fits":                           {loaded(), nameless, 5, 0, wait, 1, true},
		"in a crowd it does not wait for it":                                     {loaded(), kidB, 5, crowded, settled, 1, true},
		"an unknown kid waits out the second after the last start":               {loaded(), kidB, 0.2, 0, wait, 1, true},
		"an unknown kid joins the flight, which may bring it":                    {loaded().begins(900), kidB, 901, 0, wait, running, true},
		"and begins another if that one had begun before it came":                {refetched(), kidB, 902, waited, wait, 901, true},
		"but not if it began afterwards":                                         {refetched(), kidB, 902, early | waited, settled, 1800, false},
		"an unknown kid joins the flight that is for it":                         {loaded().misses(kidB, 5).begins(5), kidB, 6, 0, wait, running, false},
		"even if that took the last of the budget":                               {lastUnit(), kidB, 14.5, 0, wait, running, false},
		"which another kid does not":                                             {lastUnit(), kidC, 14.5, 0, settled, running, true},
		"a kid of a fetch in vain is refused at once, whatever the budget":       {missed(), kidB, 12, 0, settled, 910, false},
		"while another one is not":                                               {missed(), kidC, 12, 0, wait, 11, true},
		"without budget an unknown kid is refused, and fetched at the next":      {spent(), kidC, 20, 0, settled, 40, true},
		"and so is a token without kid":                                          {spent(), nameless, 20, 0, settled, 40, true},
		"without budget nobody joins a scheduled fetch":                          {spent().begins(920), kidC, 20, 0, settled, running, true},
		"when there is a unit again an unknown kid begins a fetch":               {spent(), kidC, 40, 0, wait, 15, true}, // the past: at once
		"a kid that was not found is refused although another was found":         {refunded(), kidC, 20, 0, settled, 910, false},
		"but not for longer than a cooldown":                                     {refunded(), kidC, 40, 0, wait, 11, true},
		"and not once keys have changed":                                         {refunded().begins(15).gets(changed(brought(915, kidA, kidB, 9))), kidC, 20, 0, wait, 16, true},
		"a withdrawn kid begins a fetch as any other":                            {withdrawn(), kidA, 1000, 0, wait, 901, true},
		"and is refused without one after that, for a cooldown":                  {replaced(), kidA, 1029, 0, settled, 1900, false},
		"but not for longer":                                                     {replaced(), kidA, 1030, 0, wait, 1001, true},
		"and not once keys have changed ":                                        {replaced().begins(1010).gets(changed(brought(1910, kidB, kidC))), kidA, 1020, 0, wait, 1011, true},
		"an unknown kid after a failure cannot be judged, and is asked for next": {failing(), kidB, 902.5, 0, unavailable, 903, true},
		"an unknown kid joins the attempt after a failure":                       {failing().begins(903), kidB, 904, 0, wait, running, true},
		"but not in a crowd":                                                     {failing().begins(903), kidB, 904, crowded, unavailable, running, true},
		"although it began earlier than due":                                     {failing().begins(902.6), kidB, 902.7, 0, wait, running, true},
		"an unknown kid waits for an attempt that is due":                        {failing(), kidB, 903, 0, wait, 903, true},
		"a caller that waited for a failed fetch has its answer":                 {failing(), kidB, 902, waited, unavailable, 903, true},
		"a remembered kid after a failure is not asked for":                      {replaced().begins(1010).fails(1012), kidA, 1013, 0, unavailable, 1013, false},
		"an empty budget does not outlast a failure":                             {spent().begins(920).fails(921), kidC, 921.5, 0, unavailable, 922, true},
	}, func(t *testing.T, row row) {
		l := misses(row.p, row.kid, row.now)
		l.found, l.usable, l.waited = row.how&known != 0, row.how&stale == 0, row.how&waited != 0
		l.crowded, l.any = row.how&crowded != 0, row.how&anyKey != 0
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
		"the very first":     {unused(), false},
		"for an unknown kid": {loaded().misses(kidB, 5), true},
		"the very first, for nobody in particular": {unused().asked(lookup{any: true}), false},
		"the very first, for a kid":                {unused().asked(lookup{kid: kidB}), true},
		"without keys that can be trusted":         {loaded().asked(lookup{now: at(5), any: true}), true},
		"when there is a unit again":               {spent().misses(kidC, 20), true},
		"and no kid to use it for":                 {spent(), false},
		"for a token without kid":                  {loaded().misses(nameless, 5), true},
		"again after a failed one":                 {loaded().misses(kidB, 5).begins(5).fails(6), true},
		"for a kid that came during a failed one":  {loaded().begins(900).fails(901).misses(kidB, 901), true},
	}, func(t *testing.T, row row) {
		assert.Equal(t, row.want, row.p.begin(at(5000)))
		assert.False(t, row.p.urgent, "once")
		assert.Empty(t, row.p.pendingKids, "once")
	})
}

func TestPolicySpendsItsBudgetOnUnknownKidsAlone(t *testing.T) {
	type row struct {
		p    *policy
		left int // at 20
	}
	scheduled := func(p *policy, kid kidHash) *policy { return p.misses(kid, 20).begins(915).gets(brought(1800, kidA)) }
	each(t, map[string]row{
		"a scheduled fetch takes none":                                 {loaded(), 5},
		"a fruitless one for a kid does":                               {loaded().misses(kidB, 10).begins(10).gets(brought(910, kidA)), 4},
		"one for many kids takes one":                                  {loaded().misses(kidB, 10).misses(kidC, 10).begins(10).gets(brought(910, kidA)), 4},
		"one for a token without kid takes one":                        {loaded().misses(nameless, 10).begins(10).gets(brought(910, kidA)), 4},
		"which a new key gives back":                                   {loaded().misses(nameless, 10).begins(10).gets(changed(brought(910, kidA, kidB))), 5},
		"one that finds any kid is refunded":                           {refunded(), 5},
		"a failed one is not":                                          {loaded().misses(kidB, 10).begins(10).fails(11), 4},
		"the attempt after it takes no other":                          {loaded().misses(kidB, 10).begins(10).fails(11).begins(12).gets(brought(912, kidA)), 4},
		"and is refunded if it finds the kid":                          {loaded().misses(kidB, 10).begins(10).fails(11).begins(12).gets(changed(brought(912, kidA, kidB))), 5},
		"the attempt after a scheduled one that failed is free":        {failing().misses(kidB, 902.5).begins(903).gets(brought(1800, kidA)), 5},
		"a fetch that is due serves kids for nothing":                  {scheduled(loaded(), kidB), 5},
		"even if there is nothing left":                                {scheduled(spent(), kidC), 0},
		"a fetch because keys are stale is free":                       {loaded().asked(lookup{now: at(10), kid: kidB}).begins(10).gets(brought(910, kidA)), 5},
		"five in vain and it is empty":                                 {spent(), 0},
		"a kid that came during the fetch is found: refunded":          {loaded().misses(kidB, 10).begins(10).misses(kidC, 11).gets(changed(brought(910, kidA, kidC))), 5},
		"a scheduled fetch that finds a kid has nothing to give back":  {spent().misses(kidC, 19).begins(915).gets(changed(brought(1800, kidA, kidC))), 0},
		"nor has the fetch after one that was refunded and took none ": {refunded().begins(910).gets(changed(brought(1800, kidA, kidB, kidC))), 5},
	}, func(t *testing.T, row row) {
		assert.Equal(t, row.left, row.p.budget.left(at(20)))
	})
}

func TestPolicyForgetsPendingKidsThatCame(t *testing.T) {
	t.Parallel()
	p := spent().begins(920).misses(kidC, 21).gets(changed(brought(1821, kidA, kidC)))
	assert.Empty(t, p.pendingKids)
	assert.Equal(t, at(1821), p.next(), "nobody is left to fetch for")
}

// Who comes while a fetch for the same kid is in flight causes no second one.
func TestPolicyAsksOnceForAKid(t *testing.T) {
	t.Parallel()
	p := loaded().misses(kidB, 10).begins(10).misses(kidB, 11).gets(brought(910, kidA))
	assert.Empty(t, p.pendingKids)
	p = failing().misses(kidB, 902.5).begins(903).misses(kidB, 904).gets(brought(1803, kidA))
	assert.Empty(t, p.pendingKids, "although it was asked for again while the attempt ran")
}

func TestPolicyRemembersAWithdrawnKidForLongerEachTime(t *testing.T) {
	t.Parallel()
	p, now := withdrawn(), 1000.0
	for _, pause := range []float64{30, 60, 120, 120, 120} { // to longest
		require.Equal(t, wait, p.decide(misses(p, kidA, now)), "at %v", now)
		p.begins(now).gets(brought(now+900, kidB))
		require.Equal(t, settled, p.decide(misses(p, kidA, now+pause-0.1)), "%v", pause)
		now += pause
	}

	require.Equal(t, wait, p.decide(misses(p, kidA, now)))
	p.begins(now).gets(changed(brought(now+900, kidA, kidB)))
	now += 900
	p.begins(now).gets(changed(brought(now+900, kidB), kidA))
	now++
	p.misses(kidA, now).begins(now).gets(brought(now+900, kidB))
	assert.Equal(t, settled, p.decide(misses(p, kidA, now+29.9)))
	assert.Equal(t, wait, p.decide(misses(p, kidA, now+30)), "it came back and went again: from the beginning")
}

func TestPolicyForgetsAWithdrawnKidThatNoTokenNames(t *testing.T) {
	t.Parallel()
	p := replaced().misses(kidA, 1040).begins(1040).gets(brought(1940, kidB)) // for a minute now
	p.misses(kidA, 1050)
	assert.Equal(t, wait, p.decide(misses(p, kidA, 1050+3600)))
	assert.Nil(t, p.withdrawnKids.get(kidA))
	p.begins(1050 + 3600).gets(brought(6000, kidB))
	assert.Equal(t, settled, p.decide(misses(p, kidA, 1050+3600+29.9)))
	assert.Equal(t, wait, p.decide(misses(p, kidA, 1050+3600+30)), "as one never seen")

	p = replaced().misses(kidA, 1040).begins(1040).gets(brought(1940, kidB))
	p.misses(kidA, 1050).misses(kidA, 1050+3599)
	assert.NotNil(t, p.withdrawnKids.get(kidA), "a token names it")
}

func TestPolicyNeverRemembersThatThereIsNoKid(t *testing.T) {
	t.Parallel()
	p := loaded().misses(nameless, 10).begins(10).gets(brought(910, kidA))
	assert.Empty(t, p.notFoundKids.entries)
	assert.Empty(t, p.withdrawnKids.entries)
	assert.Equal(t, wait, p.decide(misses(p, nameless, 12)))
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
		p := unused()
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
	p := unused()
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
		p, now, starts, paid := unused(), 0.0, []time.Time{}, []float64{}
		for range 1500 {
			now += r.Float64() * 2
			if !p.inFlight && !at(now).Before(p.next()) {
				if at(now).Before(p.due) && !p.urgent {
					paid = append(paid, now)
				}
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
		for i := range paid {
			for j := i + burst; j < len(paid); j++ { // no kid is ever found
				most := burst + int((paid[j]-paid[i])/p.cooldown.Seconds())
				require.LessOrEqual(t, j-i+1, most, "fetches for unknown kids in %v s", paid[j]-paid[i])
			}
		}
	}
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
	p := spent() // until 40
	p.due = at(20)
	assert.Equal(t, at(20), p.misses(kidC, 15).next(), "the fetch by schedule comes first, and brings the kid")
}
