package directory

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// flight is a call of Find for one name, which all who ask for it share.
type flight[V comparable] struct {
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
	ctx, cancel := context.WithTimeout(d.life(), d.cfg.Timeout)
	f := &flight[V]{done: make(chan struct{}), timeout: ctx.Done()}
	d.flights[name] = f
	cfg := d.cfg
	d.calls.Go(func() {
		defer cancel()
		lease := newLease(d.base, func() { d.renew(name) })
		v, err := d.call(ctx, &cfg, name, old, lease)
		for _, e := range d.finish(name, f, old, &entry[V]{v, lease}, err) {
			d.letGo(e.entry, e.superseded)
		}
		close(f.done)
	})
	return f
}

// renew asks for a value once more, while it is used.
func (d *Directory[V]) renew(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.entries[name]; e != nil && !d.closed && d.flights[name] == nil {
		d.start(name, e)
	}
}

// call calls the owner's function. Calls for values that are there wait for their
// turn, so that there is no storm of them; those for other names have a budget.
func (d *Directory[V]) call(ctx context.Context, cfg *Config[V], name string, old *entry[V], lease *Lease) (v V, err error) {
	var had V
	if old != nil {
		had = old.value
		select {
		case d.renewal <- struct{}{}:
			defer func() { <-d.renewal }()
		case <-ctx.Done():
			return v, failure(ctx.Err(), cfg.Timeout)
		}
	}
	defer func() {
		if p := recover(); p != nil { // strangers choose what it is called with
			err = fmt.Errorf("the function panicked: %.200v", p)
		}
	}()
	if v, err = cfg.Find(ctx, name, had, lease); err != nil && !cfg.IsUnknown(err) {
		err = failure(err, cfg.Timeout)
	}
	return v, err
}

// leaving is a value that is given out no more.
type leaving[V comparable] struct {
	entry      *entry[V]
	superseded bool
}

// finish ends a call: it keeps what the call brought, and returns what goes for it.
func (d *Directory[V]) finish(name string, f *flight[V], old, found *entry[V], err error) (gone []leaving[V]) {
	d.mu.Lock()
	defer d.mu.Unlock()
	isNew := err == nil && (old == nil || found.value != old.value)
	if d.closed || d.flights[name] != f {
		f.err = errForgotten
		if isNew {
			gone = append(gone, leaving[V]{found, false})
		}
		return gone
	}
	delete(d.flights, name)
	now := time.Now()
	switch {
	case isNew:
		f.value = found.value
		gone = d.put(name, old, found)
	case err == nil && d.entries[name] != old: // it was let go meanwhile
		f.err = errForgotten
	case err == nil:
		f.value = old.value
		old.lease.extend(d.cfg.GoodFor)
	case d.cfg.IsUnknown(err):
		d.memory.put(name, &remembered{unknown: true}, now, d.cfg.UnknownFor)
		f.err = ErrUnknown
		gone = append(gone, leaving[V]{d.remove(name), false})
	default:
		why := &remembered{err: err}
		d.memory.put(name, why, now, d.cfg.FailedFor)
		f.err = why.refusal(d.cfg.FailedFor)
		if old != nil {
			old.lease.later(d.cfg.FailedFor)
		}
	}
	return gone
}

// put keeps a new value. A call that brought one was none in vain, unless another
// had to go for it. Its caller holds the lock.
func (d *Directory[V]) put(name string, old, found *entry[V]) (gone []leaving[V]) {
	found.lease.extend(d.cfg.GoodFor)
	d.memory.forget(name)
	if e := d.remove(name); e != nil {
		gone = append(gone, leaving[V]{e, true})
	} else if e := d.makeRoom(); e != nil {
		gone = append(gone, leaving[V]{e, false})
	} else if old == nil {
		d.budget.refund()
	}
	d.entries[name] = found
	if len(d.entries) == 1 {
		d.sweepSoon()
	}
	return gone
}
