package directory

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// flight is a call of Find for one name, which all who ask for it share.
type flight[V comparable] struct {
	era     *era[V]       // that it was begun in
	done    chan struct{} // it has ended
	timeout <-chan struct{}
	waiting int // callers; guarded by the Directory

	value V // once it has ended
	err   error
}

// errForgotten ends a call that counts no more: who waits for it asks again.
var errForgotten = errors.New("directory: forgotten")

// wait waits for the end of the call, no longer than it may take: a function that
// ignores its context harms nobody but those who ask for its name.
func (f *flight[V]) wait(ctx context.Context) (v V, err error) {
	select {
	case <-f.done:
		return f.value, f.err
	default:
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-f.timeout:
	case <-ctx.Done():
		return v, fmt.Errorf("directory: gave up waiting: %w", ctx.Err())
	}
	select { // both may have come
	case <-f.done:
		return f.value, f.err
	default:
		return v, &UnavailableError{RetryAfter: time.Second, Err: ErrTimeout}
	}
}

// start begins a call. old is the value that the name has, nil for none. Its
// caller holds the lock.
func (d *Directory[V]) start(name string, old *entry[V]) *flight[V] {
	own := d.era
	ctx, cancel := context.WithTimeout(d.life(), own.Timeout)
	f := &flight[V]{era: own, done: make(chan struct{}), timeout: ctx.Done()}
	own.flights[name] = f
	if old == nil {
		own.running++
	}
	d.calls.Go(func() {
		defer cancel()
		found, err := &entry[V]{lease: newLease(d.base, func() { d.renew(name) })}, errNoReturn
		defer func() {
			if d.life().Err() == nil { // else it was Close that ended it
				own.count(outcome(err))
			}
			for _, e := range d.finish(name, f, old, found, err) {
				d.letGo(e.entry, e.inUse)
			}
			close(f.done)
		}()
		found.value, err = own.call(ctx, name, old, found.lease)
	})
	return f
}

// errNoReturn is of a function that ends its goroutine.
var errNoReturn = errors.New("the function did not return")

// outcome is what to count a call as that ended so.
func outcome(err error) Outcome {
	switch {
	case err == nil:
		return Found
	case errors.Is(err, ErrUnknown):
		return Unknown
	}
	return Failed
}

// renew asks for a value once more, while it is used.
func (d *Directory[V]) renew(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.entries[name]; e != nil && !d.closed && d.era.flights[name] == nil {
		d.start(name, e)
	}
}

// call calls the owner's function. Calls for values that are there wait for their
// turn, so that there is no storm of them; those for other names have a budget.
func (a *era[V]) call(ctx context.Context, name string, old *entry[V], lease *Lease) (v V, err error) {
	var had V
	if old != nil {
		had = old.value
		select {
		case a.renewal <- struct{}{}:
			defer func() { <-a.renewal }()
		case <-ctx.Done():
			return v, failure(ctx.Err(), a.Timeout)
		}
	}
	defer func() {
		if p := recover(); p != nil { // strangers choose what it is called with
			err = fmt.Errorf("the function panicked: %.200v", p)
		}
	}()
	v, err = a.Find(ctx, name, had, lease)
	switch {
	case err == nil:
	case a.IsUnknown(err):
		err = ErrUnknown
	default:
		err = failure(err, a.Timeout)
	}
	return v, err
}

// leaving is a value that is given out no more.
type leaving[V comparable] struct {
	entry *entry[V]
	inUse bool
}

// finish ends a call: it keeps what the call brought, and returns what goes for it.
func (d *Directory[V]) finish(name string, f *flight[V], old, found *entry[V], err error) (gone []leaving[V]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old == nil {
		f.era.running--
	}
	isNew := err == nil && (old == nil || found.value != old.value)
	now := d.era
	if d.closed || now.flights[name] != f { // those of another era are not among them
		f.err = errForgotten
		if isNew {
			gone = append(gone, leaving[V]{found, false})
		}
		return gone
	}
	delete(now.flights, name)
	switch {
	case isNew:
		f.value = found.value
		gone = d.put(name, old, found)
	case err == nil && d.entries[name] != old: // it was let go meanwhile
		f.err = errForgotten
	case err == nil:
		f.value = old.value
		old.lease.extend(now.GoodFor)
	case errors.Is(err, ErrUnknown):
		now.memory.put(name, &remembered{unknown: true}, time.Now(), now.UnknownFor)
		f.err = ErrUnknown
		gone = append(gone, leaving[V]{d.remove(name), true})
	default:
		why := &remembered{err: err}
		now.memory.put(name, why, time.Now(), now.FailedFor)
		f.err = why.refusal(now.FailedFor)
		if old != nil {
			old.lease.later(now.FailedFor)
		}
	}
	return gone
}

// put keeps a new value. A call that brought one was none in vain, unless another
// had to go for it. Its caller holds the lock.
func (d *Directory[V]) put(name string, old, found *entry[V]) (gone []leaving[V]) {
	found.lease.extend(d.era.GoodFor)
	d.era.memory.forget(name)
	if e := d.remove(name); e != nil {
		found.lease.inherit(e.lease)
		gone = append(gone, leaving[V]{e, true})
	} else if e := d.makeRoom(); e != nil {
		gone = append(gone, leaving[V]{e, true})
	} else if old == nil {
		d.era.budget.refund()
	}
	d.entries[name] = found
	if len(d.entries) == 1 {
		d.sweepSoon()
	}
	return gone
}
