// Package directory finds values by names that strangers bring, such as the
// issuers of tokens: an owner's function knows which names mean something, and
// what it costs to ask it is bounded, whatever names are brought.
package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Limits bound a [Directory]. All of them are positive.
type Limits struct {
	MaxEntries int           // values that are kept at a time
	MaxIdle    time.Duration // a value that nobody used for so long is let go
	GoodFor    time.Duration // a value is asked for again after that, before it is used once more
	UnknownFor time.Duration // how long it is remembered that a name means nothing
	FailedFor  time.Duration // how long it is remembered that a call failed
	Timeout    time.Duration // of a call
	Burst      int           // calls for names not met before that may bring nothing, one after another; also, calls at a time
	Every      time.Duration // one such call more
}

// Config configures a [Directory]. The functions are safe for concurrent use.
type Config[V comparable] struct {
	Limits

	// Find returns the value of a name. old is the one that it had, zero if there
	// is none: returned again it stays, with the lease that it has. A new one gets
	// the lease. An error says nothing about the name, but for IsUnknown.
	Find func(ctx context.Context, name string, old V, lease *Lease) (V, error)
	// IsUnknown reports that an error means: the name means nothing.
	IsUnknown func(error) bool
	// Close ends a value that is given out no more. inUse is whether it was given
	// out, so that calls with it may be under way.
	Close func(v V, inUse bool)
	// Count is told how each call ended, and of each that was refused. nil counts
	// nothing.
	Count func(Outcome)
}

// Outcome is what came of a call, or of the wish to make one.
type Outcome int

// The outcomes.
const (
	Found   Outcome = iota // there is a value
	Unknown                // the name means nothing
	Failed                 // it could not be found out
	Refused                // no call was made, or none more is waited for: there are too many
)

// ErrUnknown reports a name that means nothing.
var ErrUnknown = errors.New("directory: the name is not known")

// UnavailableError reports that it could not be found out what a name means.
type UnavailableError struct {
	RetryAfter time.Duration // at least a second
	Err        error
}

// Error returns why.
func (e *UnavailableError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Why no call is made, or none is waited for.
var (
	ErrBusy    = errors.New("too many calls for names not met before brought nothing, or are under way: the budget is spent")
	ErrCrowded = errors.New("too many callers wait already")
	ErrTimeout = errors.New("no answer in time")
	ErrClosed  = errors.New("closed")
)

// maxWaiting bounds the callers that wait, each of which holds a request, for one
// name, and of all names together.
const (
	maxWaitingForOne = 1000
	maxWaiting       = 10_000
)

// Directory is made by [New] and safe for concurrent use. Close it when done.
type Directory[V comparable] struct {
	base  time.Time // of what leases hold
	life  func() context.Context
	end   context.CancelFunc
	calls sync.WaitGroup

	mu      sync.RWMutex // guards what follows; never held during a call
	era     *era[V]
	entries map[string]*entry[V]
	waiting int
	sweeper *time.Timer // nil: there is nothing to sweep
	closed  bool
}

// era is what belongs to one configuration: the next one begins with nothing of it,
// not even with its calls that hang.
type era[V comparable] struct {
	Config[V]

	flights map[string]*flight[V]
	memory  memory
	budget  budget
	running int           // calls for names that have no value
	renewal chan struct{} // slots of calls for those that have one
}

type entry[V comparable] struct {
	value V
	lease *Lease
}

// New returns an empty Directory.
func New[V comparable](cfg Config[V]) *Directory[V] {
	life, end := context.WithCancel(context.Background()) //nolint:gosec // G118: Close calls it. Calls are not tied to any caller's context
	return &Directory[V]{
		base:    time.Now(),
		life:    func() context.Context { return life },
		end:     end,
		era:     newEra(cfg),
		entries: make(map[string]*entry[V]),
	}
}

func newEra[V comparable](cfg Config[V]) *era[V] {
	return &era[V]{
		Config:  cfg,
		flights: make(map[string]*flight[V]),
		memory:  newMemory(),
		budget:  budget{burst: cfg.Burst, every: cfg.Every},
		renewal: make(chan struct{}, cfg.Burst),
	}
}

// admit reports whether a call for a name that has no value may be made, and if not
// when the next one may.
func (a *era[V]) admit(now time.Time) (wait time.Duration, ok bool) {
	if a.running < a.Burst && a.budget.take(now) {
		return 0, true
	}
	return atLeastASecond(a.budget.next(now)), false
}

func (a *era[V]) count(o Outcome) {
	if a.Count != nil {
		a.Count(o)
	}
}

// Find returns the value of a name, asking for it if need be: callers that come at
// once share one call, and each waits by its own context. The error is
// [ErrUnknown], an [*UnavailableError], or wraps that of ctx.
func (d *Directory[V]) Find(ctx context.Context, name string) (V, error) {
	if v, ok := d.Known(name); ok {
		return v, nil
	}
	for {
		v, f, err := d.join(name)
		if f == nil {
			d.countRefusal(err)
			return v, err
		}
		v, err = f.wait(ctx)
		d.mu.Lock()
		d.waiting--
		f.waiting--
		if d.closed && err != nil {
			err = &UnavailableError{RetryAfter: time.Second, Err: ErrClosed}
		}
		d.mu.Unlock()
		if !errors.Is(err, errForgotten) {
			return v, err
		}
	}
}

// countRefusal counts a call that is not made, or that this caller cannot wait for.
func (d *Directory[V]) countRefusal(err error) {
	if !errors.Is(err, ErrBusy) && !errors.Is(err, ErrCrowded) {
		return
	}
	d.mu.RLock()
	now := d.era
	d.mu.RUnlock()
	now.count(Refused)
}

// Known returns a value that may be used now, without asking for one: it is quicker
// than Find.
func (d *Directory[V]) Known(name string) (v V, ok bool) {
	d.mu.RLock()
	e := d.entries[name]
	d.mu.RUnlock()
	if e == nil || !e.lease.good(false) {
		return v, false
	}
	return e.value, true
}

// join returns what is known of a name, or the call to wait for.
func (d *Directory[V]) join(name string) (v V, f *flight[V], err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	e := d.entries[name]
	switch {
	case d.closed:
		return v, nil, &UnavailableError{RetryAfter: time.Second, Err: ErrClosed}
	case e != nil && e.lease.holds():
		return e.value, nil, nil
	}
	f = d.era.flights[name]
	if f == nil {
		if known, until := d.era.memory.of(name, now); known != nil {
			return v, nil, known.refusal(until.Sub(now))
		}
		if e == nil {
			if wait, ok := d.era.admit(now); !ok {
				return v, nil, &UnavailableError{RetryAfter: wait, Err: ErrBusy}
			}
		}
		f = d.start(strings.Clone(name), e)
	}
	if d.waiting >= maxWaiting || f.waiting >= maxWaitingForOne {
		return v, nil, &UnavailableError{RetryAfter: time.Second, Err: ErrCrowded}
	}
	d.waiting++
	f.waiting++
	return v, f, nil
}

// Peek returns the value that a name has, without asking for one.
func (d *Directory[V]) Peek(name string) (v V, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if e := d.entries[name]; e != nil {
		return e.value, true
	}
	return v, false
}

// Len returns how many values there are.
func (d *Directory[V]) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return len(d.entries)
}

// Forget lets go of what is known of a name, also that it means nothing. A call
// under way counts no more: it may have been answered before.
func (d *Directory[V]) Forget(name string) {
	d.mu.Lock()
	delete(d.era.flights, name)
	d.era.memory.forget(name)
	e := d.remove(name)
	d.mu.Unlock()
	d.letGo(e, true)
}

// Reconfigure has another configuration answer from now on. Values that are there
// are asked for once more before they are used; nothing else is remembered, and
// calls under way count no more.
func (d *Directory[V]) Reconfigure(cfg Config[V]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.era = newEra(cfg)
	for _, e := range d.entries {
		e.lease.expire()
	}
	d.sweepSoon()
}

// End has no value be of use any more, and no call be made. It waits for nothing:
// Close does, and is called after it.
func (d *Directory[V]) End() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for _, e := range d.entries {
		e.lease.gone.Store(true)
	}
	if d.sweeper != nil {
		d.sweeper.Stop()
	}
	d.end()
}

// Close ends the calls, and all values, and waits for that.
func (d *Directory[V]) Close() {
	d.End()
	d.mu.Lock()
	all := d.entries
	d.entries = make(map[string]*entry[V])
	d.mu.Unlock()
	for _, e := range all {
		d.letGo(e, false)
	}
	d.calls.Wait()
}

// remove takes a value out. Its caller holds the lock, and lets go of it then.
func (d *Directory[V]) remove(name string) *entry[V] {
	e := d.entries[name]
	if e != nil {
		e.lease.gone.Store(true)
		delete(d.entries, name)
	}
	return e
}

func (d *Directory[V]) letGo(e *entry[V], inUse bool) {
	if e != nil {
		d.closer()(e.value, inUse)
	}
}

func (d *Directory[V]) closer() func(V, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.era.Close
}

// sweepSoon sets the timer that looks for what is idle. Its caller holds the lock.
func (d *Directory[V]) sweepSoon() {
	if d.closed || len(d.entries) == 0 {
		return
	}
	wait := min(max(d.era.MaxIdle/8, time.Second), time.Minute)
	if d.sweeper == nil {
		d.sweeper = time.AfterFunc(wait, d.sweep)
		return
	}
	d.sweeper.Reset(wait)
}

// sweep lets go of values that nobody used for long.
func (d *Directory[V]) sweep() {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	d.calls.Add(1)
	defer d.calls.Done()
	var idle []*entry[V]
	for name, e := range d.entries {
		if e.lease.idle() >= d.era.MaxIdle {
			idle = append(idle, d.remove(name))
		}
	}
	d.sweepSoon()
	d.mu.Unlock()
	for _, e := range idle {
		d.letGo(e, true)
	}
}

// makeRoom lets go of the value that is missed least, if there are as many as may
// be: one that never was of use, else the one that was not used for longest. Its
// caller holds the lock.
func (d *Directory[V]) makeRoom() *entry[V] {
	if len(d.entries) < d.era.MaxEntries {
		return nil
	}
	var least string
	var of *Lease
	for name, e := range d.entries {
		if of == nil || e.lease.before(of) {
			least, of = name, e.lease
		}
	}
	return d.remove(least)
}

func atLeastASecond(wait time.Duration) time.Duration { return max(time.Second, wait) }

// failure is why a call brought nothing.
func failure(err error, timeout time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w (%v): %w", ErrTimeout, timeout, err)
	}
	return err
}
