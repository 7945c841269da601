package directory

import (
	"math"
	"sync/atomic"
	"time"
)

// Lease says whether a value may be used. It is safe for concurrent use.
type Lease struct {
	base  time.Time
	until atomic.Int64 // since base
	soon  atomic.Int64 // from then on a use asks for the value again, meanwhile
	used  atomic.Int64
	inUse atomic.Bool // it was of use at least once
	gone  atomic.Bool
	renew func()
}

// coarse is how exactly it is known when a value was last used: most uses write
// nothing that others read.
const coarse = time.Second

func newLease(base time.Time, renew func()) *Lease {
	l := &Lease{base: base, renew: renew}
	l.used.Store(int64(time.Since(base)))
	return l
}

// Use reports whether the value may be used now, and that it is of use: what its
// name stands for was confirmed, for instance by a signature.
func (l *Lease) Use() bool { return l.good(true) }

// holds reports whether the value may be used now, and does nothing else: the
// Directory asks while it holds its lock, which asking again takes.
func (l *Lease) holds() bool { return !l.gone.Load() && int64(time.Since(l.base)) < l.until.Load() }

func (l *Lease) good(ofUse bool) bool {
	now := int64(time.Since(l.base))
	if l.gone.Load() || now >= l.until.Load() {
		return false
	}
	if ofUse {
		if now-l.used.Load() >= int64(coarse) {
			l.used.Store(now)
		}
		if !l.inUse.Load() {
			l.inUse.Store(true)
		}
	}
	if soon := l.soon.Load(); now >= soon && l.soon.CompareAndSwap(soon, math.MaxInt64) {
		l.renew()
	}
	return true
}

// extend makes the value good for so long from now on. In the last quarter a use
// asks for it again, so that no caller has to wait.
func (l *Lease) extend(d time.Duration) {
	now := int64(time.Since(l.base))
	l.until.Store(now + int64(d))
	l.soon.Store(now + int64(d)*3/4)
}

// later puts off asking again.
func (l *Lease) later(d time.Duration) { l.soon.Store(int64(time.Since(l.base) + d)) }

// inherit takes over how another value of the same name was used: a change of a value
// is no use of it, and none the less.
func (l *Lease) inherit(other *Lease) {
	l.used.Store(other.used.Load())
	l.inUse.Store(other.inUse.Load())
}

// expire has the value asked for before its next use.
func (l *Lease) expire() { l.until.Store(math.MinInt64) }

func (l *Lease) idle() time.Duration { return time.Since(l.base) - time.Duration(l.used.Load()) }

// before reports whether a value is missed less than that of another lease.
func (l *Lease) before(other *Lease) bool {
	if a, b := l.inUse.Load(), other.inUse.Load(); a != b {
		return b
	}
	return l.used.Load() < other.used.Load()
}
