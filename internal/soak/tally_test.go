package soak_test

import (
	"fmt"
	"math"
	"runtime/metrics"
	"time"
)

// phase is what happens for a while.
type phase struct {
	name   string
	weight int // how long it is, compared with the others
	run    func(d *director, until time.Time)
}

// line is a row of the report: what came of one phase, over all its turns.
type line struct {
	phase                           string
	lasted                          time.Duration
	asked                           int
	passed, refused, unavailable    int // 200, 4xx, 503
	wronglyAccepted, wronglyRefused int
	all, known                      latencies // known: callers whose key was in force
	late                            latencies // timers of this process
}

func (l *line) add(x exchange, v verdict) {
	l.asked++
	switch x.status {
	case 200:
		l.passed++
	case 503:
		l.unavailable++
	default:
		l.refused++
	}
	switch {
	case v.wrong == "":
	case v.accepted:
		l.wronglyAccepted++
	default:
		l.wronglyRefused++
	}
	took := x.to.Sub(x.from)
	l.all.add(took)
	if v.known {
		l.known.add(took)
	}
}

// latencies is a histogram whose buckets are a tenth wide.
type latencies struct {
	counts [256]uint64
	total  uint64
	most   time.Duration
}

func (h *latencies) add(d time.Duration) {
	i := int(10 * math.Log2(max(1, float64(d)/float64(10*time.Microsecond))))
	h.counts[min(i, len(h.counts)-1)]++
	h.total++
	h.most = max(h.most, d)
}

// quantile is the upper edge of the bucket that holds it.
func (h *latencies) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(math.Ceil(q * float64(h.total)))
	var sum uint64
	for i, n := range &h.counts {
		if sum += n; sum >= rank {
			edge := float64(10*time.Microsecond) * math.Pow(2, float64(i+1)/10)
			return min(time.Duration(edge), h.most)
		}
	}
	return h.most
}

// sample is how the process did at one moment.
type sample struct {
	at         time.Duration
	phase      int    // counted through all cycles
	heap       uint64 // bytes that the last collection found alive
	goroutines uint64
}

func (s *sample) read() {
	values := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(values)
	s.heap, s.goroutines = values[0].Value.Uint64(), values[1].Value.Uint64()
}

// complaint is a wrong answer, told.
func complaint(x exchange, v verdict, begun time.Time) string {
	return fmt.Sprintf("%v after the start, in phase %d, after %v: %s (kid %s, %v to expiry)",
		x.from.Sub(begun).Round(time.Millisecond), x.phase, x.to.Sub(x.from).Round(time.Microsecond), v.wrong, x.kid,
		x.expires.Sub(x.from).Round(time.Millisecond))
}
